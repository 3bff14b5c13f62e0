//! What a user wrote as a path: a file, a folder, a glob, or `-`; and what to leave out.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// What a path in the configuration or on the command line means.
#[derive(Debug, Clone)]
pub(crate) enum PathPattern {
    /// `-`
    StandardInput,
    /// Anything in the file system.
    Path(WrittenPath),
}

/// A path as written, absolute.
#[derive(Debug, Clone)]
pub(crate) struct WrittenPath {
    /// Absolute; a glob still has its wildcards.
    pub absolute: PathBuf,
    /// How to take it if no file has exactly this name.
    pub glob: Option<PathGlob>,
}

/// A glob, split into the folder it starts in and what is below.
#[derive(Debug, Clone)]
pub(crate) struct PathGlob {
    /// The longest part without wildcards.
    pub folder: PathBuf,
    below: GlobMatcher,
    /// The segments of folders before a `**`, to enter only folders that can lead to a match.
    segments: Vec<GlobMatcher>,
    /// Whether `segments` is all there is, so that deeper folders cannot match.
    bounded: bool,
    /// Segments that name hidden entries.
    hidden: Vec<GlobMatcher>,
}

/// Why a path, glob or layout cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {message}{}", hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct InvalidPath {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl PathPattern {
    /// Reads `text`; relative to `folder`, `~` is `home`.
    pub(crate) fn new(text: &str, folder: &Path, home: Option<&Path>) -> Result<Self, InvalidPath> {
        match text {
            "-" => return Ok(Self::StandardInput),
            "" => {
                return Err(invalid(
                    text,
                    "is no path",
                    Some("name a file or folder; `.` is the folder itself"),
                ));
            }
            _ => {}
        }
        let absolute = absolute(text, folder, home)?;
        let literal = literal_components(text, &absolute, folder, home);
        let glob =
            PathGlob::new(&absolute, literal).map_err(|error| invalid(text, &not_a_glob(&error), None))?;
        Ok(Self::Path(WrittenPath { absolute, glob }))
    }
}

impl PathGlob {
    /// The glob in `absolute`, if there is a wildcard behind its first `literal` components.
    fn new(absolute: &Path, literal: usize) -> Result<Option<Self>, globset::Error> {
        let mut folder = PathBuf::new();
        let mut below: Vec<String> = Vec::new();
        for (index, component) in absolute.components().enumerate() {
            let text = component.as_os_str().to_string_lossy();
            if below.is_empty() && (index < literal || !text.contains(['*', '?', '[', '{', '\\'])) {
                folder.push(component);
            } else {
                below.push(text.into_owned());
            }
        }
        if below.is_empty() {
            return Ok(None);
        }
        let whole = matcher(&below.join("/"))?;
        // A brace may hold a slash; then the segments mean nothing by themselves.
        let braces = below.iter().any(|segment| segment.contains('{'));
        let fixed = if braces {
            0
        } else {
            below.iter().position(|segment| segment.contains("**")).unwrap_or(below.len())
        };
        let segments = below[..fixed].iter().map(|segment| matcher(segment)).collect::<Result<_, _>>()?;
        let dotted = below.iter().filter(|segment| segment.starts_with('.'));
        let hidden = dotted.map(|segment| matcher(segment)).collect::<Result<_, _>>()?;
        Ok(Some(Self { folder, below: whole, segments, bounded: fixed == below.len(), hidden }))
    }

    /// Whether the entry at this path below the folder is meant.
    pub(crate) fn matches(&self, relative: &str) -> bool {
        self.below.is_match(relative)
    }

    /// Whether something below the folder at this path, `depth` segments long, can be meant.
    pub(crate) fn may_contain(&self, relative: &str, depth: usize) -> bool {
        if self.bounded && depth >= self.segments.len() {
            return false;
        }
        relative.split('/').zip(&self.segments).all(|(name, segment)| segment.is_match(name))
    }

    /// Whether a hidden entry is named.
    pub(crate) fn names_hidden(&self, name: &str) -> bool {
        self.hidden.iter().any(|segment| segment.is_match(name))
    }
}

/// Globs of what to leave out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusion {
    /// Those without a slash: of a file's or folder's name.
    names: Vec<GlobMatcher>,
    /// Those with one: of the whole path.
    paths: Vec<GlobMatcher>,
}

impl Exclusion {
    /// Adds a glob; one with a slash is relative to `folder`.
    pub(crate) fn add(&mut self, text: &str, folder: &Path, home: Option<&Path>) -> Result<(), InvalidPath> {
        let wrong = |error: globset::Error| invalid(text, &not_a_glob(&error), None);
        let name = text.trim_end_matches('/');
        if !name.contains('/') {
            self.names.push(matcher(name).map_err(wrong)?);
            return Ok(());
        }
        let absolute = absolute(text, folder, home)?;
        let literal = literal_components(text, &absolute, folder, home);
        let mut glob = PathBuf::new();
        for (index, component) in absolute.components().enumerate() {
            let text = component.as_os_str().to_string_lossy();
            glob.push(if index < literal { globset::escape(&text) } else { text.into_owned() });
        }
        self.paths.push(matcher(&glob.to_string_lossy()).map_err(wrong)?);
        Ok(())
    }

    /// Whether a file or folder is left out.
    pub(crate) fn excludes(&self, path: &Path, name: &str) -> bool {
        self.names.iter().any(|glob| glob.is_match(name)) || self.paths.iter().any(|glob| glob.is_match(path))
    }
}

/// How many components of `absolute` are the folder that `text` is relative to: whatever its name, it is no glob.
fn literal_components(text: &str, absolute: &Path, folder: &Path, home: Option<&Path>) -> usize {
    let base = match text {
        _ if text.starts_with('/') => None,
        _ if text == "~" || text.starts_with("~/") => home,
        _ => Some(folder),
    };
    let Some(base) = base else { return 0 };
    absolute.components().zip(base.components()).take_while(|(own, base)| own == base).count()
}

/// `text` as an absolute path.
fn absolute(text: &str, folder: &Path, home: Option<&Path>) -> Result<PathBuf, InvalidPath> {
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = home.ok_or_else(|| {
                invalid(
                    text,
                    "starts in the home folder, and it is not known where that is",
                    Some("set HOME, or write the path in full"),
                )
            })?;
            home.join(rest.trim_start_matches('/'))
        }
        _ => folder.join(text),
    };
    // Takes away `.`, doubled and trailing slashes; `..` only the file system can resolve.
    Ok(path.components().filter(|component| *component != Component::CurDir).collect())
}

fn matcher(text: &str) -> Result<GlobMatcher, globset::Error> {
    let mut glob = GlobBuilder::new(text);
    let glob = glob.literal_separator(true).backslash_escape(true).empty_alternates(true).build();
    glob.map(|glob| glob.compile_matcher())
}

fn not_a_glob(error: &globset::Error) -> String {
    format!("is not a valid glob: {}", error.kind())
}

fn invalid(text: &str, message: &str, hint: Option<&str>) -> InvalidPath {
    InvalidPath { text: text.to_owned(), message: message.to_owned(), hint: hint.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> WrittenPath {
        match PathPattern::new(text, Path::new("/conf"), Some(Path::new("/home/u"))).unwrap() {
            PathPattern::Path(path) => path,
            PathPattern::StandardInput => panic!("{text} is not standard input"),
        }
    }

    #[test]
    fn the_folder_of_a_relative_path_is_no_glob() {
        let folder = Path::new("/conf/br[1]{a}*");
        let Ok(PathPattern::Path(path)) = PathPattern::new("logs/*.jsonl", folder, None) else {
            panic!("a path");
        };
        let glob = path.glob.unwrap();
        assert_eq!(glob.folder, folder.join("logs"));
        assert!(glob.matches("a.jsonl") && !glob.matches("a.gz"));
        let mut exclusion = Exclusion::default();
        exclusion.add("logs/*.gz", folder, None).unwrap();
        assert!(exclusion.excludes(&folder.join("logs/a.gz"), "a.gz"));
        assert!(!exclusion.excludes(Path::new("/conf/br1a/logs/a.gz"), "a.gz"));
    }

    #[test]
    fn paths_are_relative_to_the_folder_and_tilde_is_home() {
        for (text, expected) in [
            ("logs/a.log", "/conf/logs/a.log"),
            ("./logs//", "/conf/logs"),
            ("/var/log", "/var/log"),
            ("~", "/home/u"),
            ("~/x", "/home/u/x"),
            ("~x", "/conf/~x"),
            ("../x", "/conf/../x"),
        ] {
            assert_eq!(parse(text).absolute, Path::new(expected), "{text}");
        }
        let error = PathPattern::new("~/x", Path::new("/"), None).unwrap_err();
        assert!(error.to_string().contains("set HOME"), "{error}");
        assert!(matches!(PathPattern::new("-", Path::new("/"), None), Ok(PathPattern::StandardInput)));
    }

    #[test]
    fn globs_match_below_their_folder() {
        for (text, folder, path, expected) in [
            ("/l/*.log", "/l", "a.log", true),
            ("/l/*.log", "/l", "b/a.log", false),
            ("/l/**/*.log", "/l", "a.log", true),
            ("/l/**/*.log", "/l", "b/c/a.log", true),
            ("/l/*/x/{a,b}.log", "/l", "q/x/b.log", true),
            ("/l/[ab].log", "/l", "c.log", false),
            ("/l/a*/b.log*", "/l", "ax/b.log.1", true),
        ] {
            let glob = parse(text).glob.unwrap();
            assert_eq!(glob.folder, Path::new(folder));
            assert_eq!(glob.matches(path), expected, "{text} {path}");
        }
        assert!(parse("/l/a.log").glob.is_none());
        let error = PathPattern::new("/l/[a", Path::new("/"), None).unwrap_err();
        assert!(error.to_string().contains("not a valid glob"), "{error}");
    }

    #[test]
    fn only_folders_that_can_lead_to_a_match_are_entered() {
        for (text, folder, depth, expected) in [
            ("/h/*/logs/*.log", "u", 1, true),
            ("/h/*/logs/*.log", "u/logs", 2, true),
            ("/h/*/logs/*.log", "u/mail", 2, false),
            ("/h/*/logs/*.log", "u/logs/x", 3, false),
            ("/h/a*/**/*.log", "b", 1, false),
            ("/h/a*/**/*.log", "ab/c/d", 3, true),
        ] {
            assert_eq!(parse(text).glob.unwrap().may_contain(folder, depth), expected, "{text} {folder}");
        }
    }

    #[test]
    fn exclusions_are_of_names_or_of_paths() {
        let mut exclusion = Exclusion::default();
        for text in ["*.bak", "old/", "logs/tmp/**"] {
            exclusion.add(text, Path::new("/conf"), None).unwrap();
        }
        for (path, name, expected) in [
            ("/x/a.bak", "a.bak", true),
            ("/x/old", "old", true),
            ("/conf/logs/tmp/a.log", "a.log", true),
            ("/conf/logs/a.log", "a.log", false),
        ] {
            assert_eq!(exclusion.excludes(Path::new(path), name), expected, "{path}");
        }
    }
}
