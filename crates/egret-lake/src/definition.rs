//! `lake { … }`: where the lake is.

use std::path::{Path, PathBuf};

use egret_config::{BlockReader, Decode, Located};

/// The folder of a lake that no configuration names.
const DEFAULT_FOLDER: &str = "egret-lake";

/// `lake { path = "…" }`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LakeDefinition {
    /// Its folder, relative to the configuration file.
    pub path: Option<Located<String>>,
}

impl Decode for LakeDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let path = reader.optional("path");
        Some(Self { path })
    }
}

impl LakeDefinition {
    /// The folder: what is written, relative to the file that says it, with `~` for `home`; else `egret-lake` in
    /// the working folder.
    pub fn folder(&self, home: Option<&Path>) -> PathBuf {
        let Some(path) = &self.path else { return PathBuf::from(DEFAULT_FOLDER) };
        if let (Some(below_home), Some(home)) = (path.value.strip_prefix("~/"), home) {
            return home.join(below_home);
        }
        path.location.file.folder().join(&path.value)
    }
}

#[cfg(test)]
mod tests {
    use egret_config::{BlockKind, Configuration, Diagnostics, Environment, decode_block};

    use super::*;

    fn folder(text: &str) -> PathBuf {
        let mut diagnostics = Diagnostics::new();
        let kinds = [BlockKind::new("lake", &[])];
        let configuration = Configuration::parse(
            "/etc/egret/egret.hcl",
            text,
            &kinds,
            &Environment::default(),
            &mut diagnostics,
        );
        let block = configuration.blocks_of("lake").next().unwrap();
        let definition: LakeDefinition = decode_block(block, &mut diagnostics).unwrap();
        definition.folder(Some(Path::new("/home/kim")))
    }

    #[test]
    fn relative_to_the_file_that_says_it() {
        assert_eq!(folder("lake {}"), Path::new("egret-lake"));
        assert_eq!(folder("lake { path = \"lake\" }"), Path::new("/etc/egret/lake"));
        assert_eq!(folder("lake { path = \"/var/lake\" }"), Path::new("/var/lake"));
        assert_eq!(folder("lake { path = \"~/lake\" }"), Path::new("/home/kim/lake"));
    }
}
