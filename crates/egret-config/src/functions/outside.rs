//! Functions that see the world: environment variables, files, paths.

use std::path::{Component, Path, PathBuf};

use super::{Call, Function, Mistake, Outcome, string};
use crate::load::read_text;
use crate::value::ValueKind;

pub(super) const FUNCTIONS: [Function; 7] = [
    Function::new("env(name, default?)", "the environment variable `name`", env).outside(),
    Function::new("file(path)", "the text of a file; relative paths start at this file's folder", file)
        .outside(),
    Function::new("fileexists(path)", "whether there is such a file", |call| {
        Ok(ValueKind::Bool(path_argument(call)?.is_file()))
    }),
    Function::new("basename(path)", "the last part of `path`", |call| {
        let path = call.text(0)?;
        let name = Path::new(&*path).file_name().unwrap_or_default();
        Ok(string(name.to_string_lossy()))
    }),
    Function::new("dirname(path)", "`path` without its last part", |call| {
        let path = call.text(0)?;
        let parent = Path::new(&*path).parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(string(parent.unwrap_or(Path::new(".")).to_string_lossy()))
    }),
    Function::new("pathexpand(path)", "`path` with `~` at its start as the home folder", |call| {
        Ok(string(expand_home(call)?.to_string_lossy()))
    }),
    Function::new(
        "abspath(path)",
        "`path` from the root on; relative ones start at the working folder",
        abspath,
    ),
];

fn env(call: &Call<'_>) -> Outcome {
    let name = call.text(0)?;
    if let Some(value) = call.environment.variables.get(&*name) {
        return Ok(string(value));
    }
    match call.arguments.get(1) {
        Some(default) => Ok(default.kind.clone()),
        None => Err(Mistake::new(format!("the environment variable `{name}` is not set"))
            .at(0)
            .hint(format!("set it, or give a default: env(\"{name}\", \"…\")"))),
    }
}

fn file(call: &Call<'_>) -> Outcome {
    let path = path_argument(call)?;
    let message = |error| Mistake::new(format!("cannot read {}: {error}", path.display())).at(0);
    read_text(&path).map(string).map_err(message)
}

/// The path of a file, from the folder of the configuration file on.
fn path_argument(call: &Call<'_>) -> Result<PathBuf, Mistake> {
    Ok(call.location.file.folder().join(expand_home(call)?))
}

fn expand_home(call: &Call<'_>) -> Result<PathBuf, Mistake> {
    let path = call.text(0)?;
    let Some(rest) = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return Ok(PathBuf::from(&*path));
    };
    let Some(home) = &call.environment.home else {
        return Err(Mistake::new("the home folder is not known").at(0).hint("set the variable HOME"));
    };
    let rest = rest.trim_start_matches('/');
    Ok(if rest.is_empty() { home.clone() } else { home.join(rest) })
}

fn abspath(call: &Call<'_>) -> Outcome {
    let path = call.text(0)?;
    let mut absolute = PathBuf::new();
    for part in call.environment.working_folder.join(&*path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                absolute.pop();
            }
            other => absolute.push(other),
        }
    }
    Ok(string(absolute.to_string_lossy()))
}
