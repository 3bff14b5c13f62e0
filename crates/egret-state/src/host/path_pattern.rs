//! Which files a user means: a file, a folder with all below it, or a glob; and what to leave out.

use std::path::{Path, PathBuf};

use egret_config::{BlockReader, Diagnostic, Located};
use globset::{GlobBuilder, GlobMatcher};

const WILDCARDS: [char; 5] = ['*', '?', '[', '{', '\\'];

/// A path of the host, perhaps with wildcards.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern {
    /// The longest part without wildcards: where to begin.
    pub base: PathBuf,
    glob: Option<Glob>,
}

#[derive(Debug, Clone)]
struct Glob {
    /// Of the path below the base.
    whole: GlobMatcher,
    /// The segments before one that can mean several folders, so that only folders are entered that can lead to a match.
    segments: Vec<GlobMatcher>,
    /// Whether there are no others.
    is_all: bool,
}

impl PathPattern {
    /// Reads an absolute path.
    ///
    /// # Errors
    /// If it is none, or no glob.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("it does not begin with `/`".to_owned());
        }
        let mut base = PathBuf::from("/");
        let mut below: Vec<&str> = Vec::new();
        for segment in text.split('/').filter(|segment| !matches!(*segment, "" | ".")) {
            if segment == ".." {
                return Err("it has `..` in it".to_owned());
            }
            if below.is_empty() && !segment.contains(WILDCARDS) {
                base.push(segment);
            } else {
                below.push(segment);
            }
        }
        if below.is_empty() {
            return Ok(Self { base, glob: None });
        }
        // A brace may hold a slash; then segments mean nothing by themselves.
        let is_plain = !below.iter().any(|segment| segment.contains('{'));
        let open = below.iter().position(|segment| segment.contains("**")).unwrap_or(below.len());
        let segments = if is_plain { &below[..open] } else { &[] };
        let glob = Glob {
            whole: matcher(&below.join("/"))?,
            segments: segments.iter().map(|segment| matcher(segment)).collect::<Result<_, _>>()?,
            is_all: is_plain && open == below.len(),
        };
        Ok(Self { base, glob: Some(glob) })
    }

    /// Whether it has no wildcards.
    pub(crate) fn is_plain(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether the entry at this path below the base is meant: it matches, or a folder above it does.
    pub(crate) fn means(&self, below: &Path) -> bool {
        match &self.glob {
            None => true,
            Some(_) => below.ancestors().any(|path| !is_empty(path) && self.is_meant(path)),
        }
    }

    /// Whether the entry at this path below the base is what the pattern names, and not something in that.
    pub(crate) fn is_meant(&self, below: &Path) -> bool {
        match &self.glob {
            None => is_empty(below),
            Some(glob) => glob.whole.is_match(below),
        }
    }

    /// Whether the folder at this path below the base, or something in it, can be meant.
    pub(crate) fn may_be_in(&self, below: &Path) -> bool {
        let Some(glob) = &self.glob else { return true };
        if self.means(below) {
            return true;
        }
        let names: Vec<_> = below.iter().collect();
        if glob.is_all && names.len() >= glob.segments.len() {
            return false;
        }
        names.iter().zip(&glob.segments).all(|(name, segment)| segment.is_match(name))
    }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// What to leave out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusion {
    /// Globs without a slash: of a name.
    names: Vec<GlobMatcher>,
    /// Those with one: of the whole path.
    paths: Vec<GlobMatcher>,
}

impl Exclusion {
    /// Reads `exclude`; `None` after a mistake, which was reported.
    pub(crate) fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let texts = reader.optional_or("exclude", Vec::<Located<String>>::new())?;
        let mut exclusion = Some(Self::default());
        for text in texts {
            let trimmed = text.value.trim_end_matches('/');
            match matcher(trimmed) {
                Ok(glob) => exclusion.iter_mut().for_each(|exclusion| exclusion.add(trimmed, glob.clone())),
                Err(wrong) => {
                    let mistake = Diagnostic::error(format!("`{}` is no glob: {wrong}", text.value));
                    reader.diagnostics().push(mistake.at(&text.location));
                    exclusion = None;
                }
            }
        }
        exclusion
    }

    /// Whether a file or folder is left out, with all that is in it.
    pub(crate) fn excludes(&self, path: &Path) -> bool {
        let is_named = path.file_name().is_some_and(|name| self.names.iter().any(|glob| glob.is_match(name)));
        is_named || self.paths.iter().any(|glob| glob.is_match(path))
    }

    fn add(&mut self, text: &str, glob: GlobMatcher) {
        let to = if text.contains('/') { &mut self.paths } else { &mut self.names };
        to.push(glob);
    }
}

/// Reads `paths`; `None` after a mistake, which was reported.
pub(crate) fn decode_paths(
    reader: &mut BlockReader<'_>,
    texts: &[Located<String>],
) -> Option<Vec<PathPattern>> {
    let mut patterns = Some(Vec::new());
    for text in texts {
        match PathPattern::parse(&text.value) {
            Ok(pattern) => patterns.iter_mut().for_each(|patterns| patterns.push(pattern.clone())),
            Err(wrong) => {
                let mistake = Diagnostic::error(format!("`{}` is no path of a host: {wrong}", text.value));
                let hint = "write it from the host's `/` on, such as \"/etc\" or \"/home/*/.ssh\"";
                reader.diagnostics().push(mistake.at(&text.location).hint(hint));
                patterns = None;
            }
        }
    }
    patterns
}

fn matcher(text: &str) -> Result<GlobMatcher, String> {
    let mut glob = GlobBuilder::new(text);
    let glob = glob.literal_separator(true).backslash_escape(true).empty_alternates(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_is_below_them() {
        for (pattern, base, below, means) in [
            ("/etc", "/etc", "ssh/sshd_config", true),
            ("/etc/*.conf", "/etc", "a.conf", true),
            ("/etc/*.conf", "/etc", "d/a.conf", false),
            ("/etc/**/*.conf", "/etc", "d/e/a.conf", true),
            ("/home/*/.ssh", "/home", "ada/.ssh/config", true),
            ("/home/*/.ssh", "/home", "ada/x/.ssh", false),
            ("/o/{a,b/c}", "/o", "b/c/d", true),
        ] {
            let pattern = PathPattern::parse(pattern).unwrap();
            assert_eq!(pattern.base, Path::new(base));
            assert_eq!(pattern.means(Path::new(below)), means, "{pattern:?} {below}");
        }
        for wrong in ["etc", "/etc/../x", "/etc/[a"] {
            assert!(PathPattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_folders_that_can_lead_to_a_match_are_entered() {
        for (pattern, below, expected) in [
            ("/home/*/.ssh/*.pub", "ada", true),
            ("/home/*/.ssh/*.pub", "ada/.ssh", true),
            ("/home/*/.ssh/*.pub", "ada/mail", false),
            ("/home/*/.ssh", "ada/.ssh/deep/er", true),
            ("/home/a*/**/x", "bob", false),
            ("/home/a*/**/x", "ada/b/c", true),
            ("/home/{a/b,c}", "a", true),
            ("/home", "x/y", true),
        ] {
            let read = PathPattern::parse(pattern).unwrap();
            assert_eq!(read.may_be_in(Path::new(below)), expected, "{pattern} {below}");
        }
    }
}
