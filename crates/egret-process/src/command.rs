//! What a block says of a command.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Environment, Located};
use egret_model::Secret;
use tokio::process::Command;

use crate::running::{Ended, ProcessError, Running};

/// An attribute of everything that runs a command; see [`CommandLine::decode`].
pub const COMMAND: AttributeDocumentation =
    AttributeDocumentation::required("command", "a list of strings", "The program and its arguments.");
/// See [`COMMAND`].
pub const ENVIRONMENT: AttributeDocumentation = AttributeDocumentation::optional(
    "environment",
    "a map of strings",
    "Its environment, beside PATH; the values are secrets.",
);

/// A command of the user's, and how it is run.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// The program: a path, or a name that is looked for in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, Secret)>,
    /// Where it runs.
    pub folder: PathBuf,
    /// How long it may run.
    pub timeout: Duration,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub ended: Ended,
    /// The beginning of its standard output.
    pub output: Vec<u8>,
    /// Whether there was more of it.
    pub is_cut: bool,
}

impl CommandLine {
    /// Reads `command` and `environment`; `None` after a mistake, which was reported. The command runs in the working
    /// folder, and gets PATH from the environment.
    pub fn decode(reader: &mut BlockReader<'_>, world: &Environment, timeout: Duration) -> Option<Self> {
        let command = reader.required::<Located<Vec<String>>>("command");
        let own = reader.optional_or("environment", Vec::<(Located<String>, Secret)>::new());
        let command = command?;
        let Some((program, arguments)) =
            command.value.split_first().filter(|(program, _)| !program.is_empty())
        else {
            let mistake = Diagnostic::error("`command` names no program").at(&command.location);
            reader
                .diagnostics()
                .push(mistake.hint("write the program and its arguments: [\"/bin/program\", \"argument\"]"));
            return None;
        };
        let path = world.variables.get("PATH").map(|path| ("PATH".to_owned(), Secret::new(path)));
        let own = own?.into_iter().map(|(name, value)| (name.value, value));
        let folder = world.working_folder.clone();
        // A path starts where all relative paths start.
        let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
        let environment = path.into_iter().chain(own).collect();
        Some(Self { program, arguments: arguments.to_vec(), environment, folder, timeout })
    }

    /// Runs it to its end, and keeps at most `max_bytes` of what it writes to its standard output; it may write more.
    ///
    /// # Errors
    /// If it cannot be run, or its time is over.
    pub async fn run(&self, input: Option<Bytes>, max_bytes: usize) -> Result<Said, ProcessError> {
        let mut running = self.start(input)?;
        let (mut output, mut is_cut) = (Vec::new(), false);
        while let Some(piece) = running.read().await? {
            let room = max_bytes - output.len();
            is_cut |= piece.len() > room;
            output.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(Said { ended: running.end().await?, output, is_cut })
    }

    /// Starts it with `input` on its standard input, or with none. Its time begins.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn start(&self, input: Option<Bytes>) -> Result<Running, ProcessError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value.expose())))
            .process_group(0)
            .kill_on_drop(true)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = self.program.display().to_string();
        match command.spawn() {
            Ok(child) => Ok(Running::new(program, child, input, self.timeout)),
            Err(error) => Err(ProcessError::Start { program, error }),
        }
    }
}
