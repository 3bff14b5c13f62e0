//! The block `state`: where states are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_config::{
    BlockKind, BlockReader, Configuration, Decode, Diagnostic, Diagnostics, Located, decode_block,
};
use egret_model::{Secret, suggest};

use crate::store::{
    FolderStateStore, PostgresStateStore, SqliteStateStore, StateStore, StateStoreError, is_schema_name,
};

/// `state { store = "…" }` at the top of a file.
pub const STATE_BLOCK: BlockKind = BlockKind::new("state", &[]);

/// The store beside the lake, where nothing else is said.
const DEFAULT_FILE: &str = "state.sqlite";

/// The schema of PostgreSQL, where nothing else is said.
const DEFAULT_SCHEMA: &str = "egret_state";

/// What a store's URL begins with.
const SCHEMES: [&str; 4] = ["sqlite", "folder", "postgres", "postgresql"];

const HINT: &str = "write a file such as \"states.sqlite\", a folder such as \"folder:/srv/states\", or \
                    \"postgres://user:password@host/database\"";

/// Where states are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateSettings {
    store: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Place {
    /// A file in the lake's folder.
    #[default]
    BesideLake,
    /// A file.
    Sqlite(PathBuf),
    /// A folder.
    Folder(PathBuf),
    /// A schema of a database.
    Postgres { url: Secret, schema: String },
}

impl Decode for StateSettings {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let store = reader.optional_or("store", None::<Located<Secret>>);
        let schema = reader.optional_or("schema", None::<Located<String>>);
        let schema = schema?;
        let store = match store? {
            Some(url) => read_place(&url, reader.diagnostics())?,
            None => Place::BesideLake,
        };
        Some(Self { store: with_schema(store, schema, reader.diagnostics())? })
    }
}

impl StateSettings {
    /// Reads the block, if there is one. What is wrong goes to `diagnostics`.
    pub fn read(configuration: &Configuration, diagnostics: &mut Diagnostics) -> Self {
        let block = configuration.blocks_of(STATE_BLOCK.name).next();
        block.and_then(|block| decode_block(block, diagnostics)).unwrap_or_default()
    }

    /// Whether something may be kept there already; nothing is made or asked for that.
    pub fn is_there(&self, lake_folder: &Path, working_folder: &Path) -> bool {
        match &self.store {
            Place::BesideLake => lake_folder.join(DEFAULT_FILE).exists(),
            Place::Sqlite(path) | Place::Folder(path) => working_folder.join(path).exists(),
            Place::Postgres { .. } => true,
        }
    }

    /// Opens the store. Its file is in `lake_folder` unless the configuration says otherwise; what that says is relative to
    /// its own file, which is relative to `working_folder`.
    ///
    /// # Errors
    /// If the store cannot be used, or is of a newer version. Nothing in an error is secret.
    pub async fn open(
        &self,
        lake_folder: &Path,
        working_folder: &Path,
    ) -> Result<Arc<dyn StateStore>, StateStoreError> {
        Ok(match &self.store {
            Place::BesideLake => Arc::new(SqliteStateStore::open(&lake_folder.join(DEFAULT_FILE)).await?),
            Place::Sqlite(path) => Arc::new(SqliteStateStore::open(&working_folder.join(path)).await?),
            Place::Folder(path) => Arc::new(FolderStateStore::open(&working_folder.join(path)).await?),
            Place::Postgres { url, schema } => Arc::new(PostgresStateStore::open(url, schema).await?),
        })
    }
}

/// Reads a URL or a path.
fn read_place(url: &Located<Secret>, diagnostics: &mut Diagnostics) -> Option<Place> {
    let text = url.value.expose();
    let folder = url.location.file.folder();
    let (scheme, rest) = match text.split_once(':') {
        // One letter is a drive.
        Some((scheme, rest)) if scheme.len() > 1 && scheme.chars().all(is_of_scheme) => (scheme, rest),
        _ if Path::new(text).extension().is_some_and(|ending| ending == "sqlite") => ("sqlite", text),
        _ => {
            // What is written there may be a URL without its scheme, with a password: it is not repeated.
            let mistake = Diagnostic::error("this does not say what states are kept in").at(&url.location);
            diagnostics.push(mistake.hint(HINT));
            return None;
        }
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match scheme {
        "postgres" | "postgresql" => {
            return Some(Place::Postgres { url: url.value.clone(), schema: DEFAULT_SCHEMA.to_owned() });
        }
        "sqlite" | "folder" if path.is_empty() => {
            let mistake = Diagnostic::error(format!("`{scheme}:` needs a path")).at(&url.location);
            diagnostics.push(mistake.hint(HINT));
        }
        "sqlite" | "folder" if path.starts_with("~/") => {
            let mistake = Diagnostic::error("`~` does not stand for anything here").at(&url.location);
            diagnostics.push(mistake.hint(format!("write \"{scheme}:${{env(\"HOME\")}}/…\"")));
        }
        "sqlite" => return Some(Place::Sqlite(folder.join(path))),
        "folder" => return Some(Place::Folder(folder.join(path))),
        other => {
            let hint = suggest::nearest(other, SCHEMES)
                .map_or_else(|| HINT.to_owned(), |scheme| format!("did you mean `{scheme}:`?"));
            let mistake = Diagnostic::error(format!("states cannot be kept in `{other}:`")).at(&url.location);
            diagnostics.push(mistake.hint(hint));
        }
    }
    None
}

fn with_schema(
    store: Place,
    schema: Option<Located<String>>,
    diagnostics: &mut Diagnostics,
) -> Option<Place> {
    let Some(schema) = schema else { return Some(store) };
    let Place::Postgres { url, .. } = store else {
        let mistake = Diagnostic::error("`schema` is for PostgreSQL").at(&schema.location);
        diagnostics.push(mistake.hint("remove it, or let `store` be postgres://user:password@host/database"));
        return None;
    };
    if is_schema_name(&schema.value) {
        return Some(Place::Postgres { url, schema: schema.value });
    }
    let mistake = Diagnostic::error(format!("`{}` cannot be the name of a schema", schema.value));
    diagnostics.push(mistake.at(&schema.location).hint("use small letters, digits and `_`, a letter first"));
    None
}

fn is_of_scheme(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use egret_config::Environment;

    use super::*;

    fn read(text: &str) -> (StateSettings, String) {
        let mut diagnostics = Diagnostics::new();
        let environment = Environment::default();
        let configuration =
            Configuration::parse("etc/egret.hcl", text, &[STATE_BLOCK], &environment, &mut diagnostics);
        let settings = StateSettings::read(&configuration, &mut diagnostics);
        (settings, diagnostics.render(false))
    }

    fn place(text: &str) -> Place {
        let (settings, mistakes) = read(text);
        assert_eq!(mistakes, "", "{text}");
        settings.store
    }

    #[test]
    fn a_place_is_a_path_or_a_url() {
        let sqlite = |path: &str| Place::Sqlite(PathBuf::from(path));
        for (text, expected) in [
            ("", Place::BesideLake),
            ("state {}", Place::BesideLake),
            ("state { store = \"a.sqlite\" }", sqlite("etc/a.sqlite")),
            ("state { store = \"/srv/a.sqlite\" }", sqlite("/srv/a.sqlite")),
            ("state { store = \"sqlite:a.db\" }", sqlite("etc/a.db")),
            ("state { store = \"sqlite:///srv/a.db\" }", sqlite("/srv/a.db")),
            ("state { store = \"folder:/mnt/states\" }", Place::Folder(PathBuf::from("/mnt/states"))),
            ("state { store = \"folder:states\" }", Place::Folder(PathBuf::from("etc/states"))),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
        let schema = |text: &str| match place(text) {
            Place::Postgres { schema, .. } => schema,
            other => panic!("{other:?}"),
        };
        assert_eq!(schema("state { store = \"postgres://u:p@h/d\" }"), "egret_state");
        assert_eq!(schema("state {\n store = \"postgresql://u:p@h/d\"\n schema = \"mine\"\n}"), "mine");
    }

    #[test]
    fn mistakes_are_told_at_their_place() {
        let texts = [
            "state { store = \"postgre://ada:hunter2@db/x\" }",
            "state { store = \"ada:hunter2@db/x\" }",
            "state { store = \"s3://bucket/x\" }",
            "state { store = \"/srv/states\" }",
            "state { store = \"folder:\" }",
            "state { store = \"sqlite:~/a.sqlite\" }",
            "state {\n  store = \"a.sqlite\"\n  schema = \"x\"\n}",
            "state {\n  store = \"postgres://h/d\"\n  schema = \"X; drop\"\n}",
            "state { path = \"a.sqlite\" }",
        ];
        let told: Vec<String> = texts.iter().map(|text| read(text).1).collect();
        assert!(told.iter().all(|told| !told.contains("hunter2")), "{told:?}");
        insta::assert_snapshot!(told.join("\n"));
    }

    #[tokio::test]
    async fn it_opens_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let (lake, working) = (folder.path().join("lake"), folder.path().join("here"));
        for (text, made) in [
            ("", "lake/state.sqlite"),
            ("state { store = \"a.sqlite\" }", "here/etc/a.sqlite"),
            ("state { store = \"folder:states\" }", "here/etc/states/version"),
        ] {
            let settings = read(text).0;
            assert!(!settings.is_there(&lake, &working), "{made}");
            settings.open(&lake, &working).await.unwrap();
            assert!(settings.is_there(&lake, &working), "{made}");
            assert!(folder.path().join(made).exists(), "{made}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_in_no_error() {
        let folder = tempfile::tempdir().unwrap();
        for url in [
            // Nobody is there.
            "postgres://ada:hunter2@127.0.0.1:1/x",
            "postgres://127.0.0.1:1/x?user=ada&password=hunter2",
            // No URL: the password has what must be escaped.
            "postgres://ada:hunter2/@127.0.0.1:1/x",
            "postgres://ada@127.0.0.1:hunter2/x",
            "postgres://127.0.0.1:1/x?sslmode=hunter2",
        ] {
            let (settings, mistakes) = read(&format!("state {{ store = \"{url}\" }}"));
            assert_eq!(mistakes, "");
            assert!(settings.is_there(folder.path(), folder.path()), "nobody can tell");
            let error = settings.open(folder.path(), folder.path()).await.unwrap_err();
            let shown = format!("{settings:?} {error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
