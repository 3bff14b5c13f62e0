//! The built `egret` and what it says of itself: help texts, and descriptions as JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::workspace;

/// No command has more levels of subcommands than this.
const MAX_LEVELS: usize = 4;

/// The built binary.
#[derive(Debug)]
pub struct Binary {
    path: PathBuf,
}

/// What `--help` prints for one command.
#[derive(Debug, PartialEq, Eq)]
pub struct Help {
    /// The command's words, `egret` first.
    pub words: Vec<String>,
    /// What it prints.
    pub text: String,
}

impl Binary {
    /// Builds it in the development profile, together with the tests: built alone, some crates at the bottom of
    /// the tree have fewer features, and everything above them would be compiled once more.
    ///
    /// # Errors
    /// If it does not build.
    pub fn build(root: &Path) -> Result<Self, String> {
        let output = Command::new(workspace::cargo())
            .args(["build", "--quiet", "--workspace", "--bins", "--tests"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot run cargo build: {error}"))?;
        if !output.status.success() {
            return Err("`egret` does not build".to_owned());
        }
        let path = executable(&String::from_utf8_lossy(&output.stdout)).ok_or("cargo names no executable")?;
        Ok(Self { path: PathBuf::from(path) })
    }

    /// The help of the binary and of every command below it, in the order in which they are listed.
    ///
    /// # Errors
    /// If a command does not answer.
    pub fn help(&self) -> Result<Vec<Help>, String> {
        let mut helps = Vec::new();
        // A stack, so that a command's own subcommands come right after it.
        let mut waiting = vec![vec!["egret".to_owned()]];
        while let Some(words) = waiting.pop() {
            let mut arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            arguments.push("--help");
            let text = without_trailing_blanks(&self.run(&arguments)?);
            if words.len() < MAX_LEVELS {
                for name in subcommands(&text).iter().rev() {
                    let mut longer = words.clone();
                    longer.push((*name).to_owned());
                    waiting.push(longer);
                }
            }
            helps.push(Help { words, text });
        }
        Ok(helps)
    }

    /// What `egret KIND show NAME` says of each thing that `egret KIND list` lists, in that order.
    ///
    /// # Errors
    /// If an answer is not JSON or lacks a name.
    pub fn describe(&self, kind: &str) -> Result<Vec<Value>, String> {
        let listed = objects(&self.run(&[kind, "list", "--output", "json"])?)
            .map_err(|error| format!("`egret {kind} list --output json`: {error}"))?;
        let mut described = Vec::new();
        for value in listed {
            let name = value.get("name").and_then(Value::as_str);
            let name =
                name.ok_or_else(|| format!("`egret {kind} list --output json`: an object without `name`"))?;
            let shown = objects(&self.run(&[kind, "show", name, "--output", "json"])?)
                .map_err(|error| format!("`egret {kind} show {name} --output json`: {error}"))?;
            described.extend(shown.into_iter().next());
        }
        Ok(described)
    }

    /// Runs it away from any terminal, configuration and setting of this machine.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::null()).env("COLUMNS", "100").env("NO_COLOR", "1");
        command.current_dir(std::env::temp_dir());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("EGRET_") {
                command.env_remove(name);
            }
        }
        let shown = format!("`egret {}`", arguments.join(" "));
        let output = command.output().map_err(|error| format!("cannot run {shown}: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "{shown} ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("{shown} did not print UTF-8"))
    }
}

/// The executable that cargo's messages name for the program `egret` itself, not for its tests.
fn executable(messages: &str) -> Option<String> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "egret" && message["profile"]["test"] == false)
        .filter_map(|message| Some(message.get("executable")?.as_str()?.to_owned()))
        .next_back()
}

/// The names under `Commands:` in a help text, `help` itself left out.
fn subcommands(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| line.trim_end() != "Commands:")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter_map(|line| {
            // Names stand two deep; what is deeper goes on with a description.
            let line = line.strip_prefix("  ")?;
            let name = line.split([' ', ',']).next()?;
            (!name.is_empty() && name != "help").then_some(name)
        })
        .collect()
}

/// The objects in an answer: an array of them, one a line, or just one.
fn objects(answer: &str) -> Result<Vec<Value>, String> {
    let mut objects = Vec::new();
    for value in serde_json::Deserializer::from_str(answer).into_iter::<Value>() {
        match value.map_err(|error| format!("is not JSON: {error}"))? {
            Value::Array(values) => objects.extend(values),
            value => objects.push(value),
        }
    }
    if objects.is_empty() {
        return Err("printed nothing".to_owned());
    }
    Ok(objects)
}

fn without_trailing_blanks(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_the_names_of_subcommands() {
        let help = "\
Collects logs.

Usage: egret [OPTIONS] <COMMAND>

Commands:
  collect     Collects what is new from the partitions'
              sources
  table       Tables

  lake, l     Maintenance
  help        Print this message

Options:
  -h, --help  Print help
";
        assert_eq!(subcommands(help), ["collect", "table", "lake"]);
        assert_eq!(subcommands("Usage: egret init\n"), Vec::<&str>::new());
    }

    #[test]
    fn takes_arrays_lines_and_single_objects() {
        let expected = vec![json!({"name": "a"}), json!({"name": "b"})];
        assert_eq!(objects(r#"[{"name":"a"},{"name":"b"}]"#).unwrap(), expected);
        assert_eq!(objects("{\"name\":\"a\"}\n{\"name\":\"b\"}\n").unwrap(), expected);
        assert!(objects("").unwrap_err().contains("printed nothing"));
        assert!(objects("name").unwrap_err().contains("is not JSON"));
    }

    #[cfg(unix)]
    #[test]
    fn asks_every_command_and_every_thing() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("egret");
        let script = r#"#!/bin/sh
case "$*" in
  "--help") printf 'Top\n\nCommands:\n  table  Tables\n  init   Starts\n' ;;
  "table --help") printf 'Tables\n\nCommands:\n  list  Lists\n' ;;
  "table list --help") printf 'Lists  \n\n' ;;
  "init --help") printf 'Starts\n' ;;
  "table list --output json") printf '[{"name":"b"},{"name":"a"}]' ;;
  "table show "*) printf '{"name":"%s","description":"x"}' "$3" ;;
  *) echo "unknown: $*" >&2; exit 2 ;;
esac
"#;
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let binary = Binary { path };

        let helps = binary.help().unwrap();
        let words: Vec<String> = helps.iter().map(|help| help.words.join(" ")).collect();
        assert_eq!(words, ["egret", "egret table", "egret table list", "egret init"]);
        assert_eq!(helps[2].text, "Lists\n");
        let described = binary.describe("table").unwrap();
        assert_eq!(described[1], json!({"name": "a", "description": "x"}));
        let error = binary.describe("source").unwrap_err();
        assert!(error.contains("`egret source list --output json` ended with"), "{error}");
        assert!(error.contains("unknown: source list"), "{error}");
    }

    #[test]
    fn finds_the_executable() {
        let message = |name: &str, test: bool, executable: Value| {
            json!({"target": {"name": name}, "profile": {"test": test}, "executable": executable}).to_string()
                + "\n"
        };
        let messages = message("egret", false, Value::Null)
            + &message("egret", false, json!("/t/egret"))
            + &message("egret", true, json!("/t/deps/egret-1"))
            + &message("xtask", false, json!("/t/xtask"))
            + "{\"reason\":\"build-finished\"}\n";
        assert_eq!(executable(&messages).as_deref(), Some("/t/egret"));
        assert_eq!(executable("{}\n"), None);
    }

    #[test]
    fn blanks_at_the_end_go() {
        assert_eq!(without_trailing_blanks("a  \n\nb\n\n"), "a\n\nb\n");
    }
}
