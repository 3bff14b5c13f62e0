//! `exec`: a command of the user's, with the alert on its standard input. No shell, and a time limit.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, Diagnostic, Located};
use egret_http::{ServiceContext, shorten};
use egret_model::{AlertAction, Secret};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::delivery::{Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputType;

/// So much of what the command says is read.
const MAX_SAID_BYTES: u64 = 4 << 10;

/// `EX_DATAERR` of sysexits.h: the command will never take this alert.
const REFUSED: i32 = 65;

/// The output type `exec`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "exec",
    description: "Runs a command with the alert on its standard input, without a shell.",
    attributes: &[
        AttributeDocumentation::required("command", "a list of strings", "The program and its arguments."),
        AttributeDocumentation::optional(
            "environment",
            "a map of strings",
            "Its environment, beside PATH; the values are secrets.",
        ),
        AttributeDocumentation::optional("concurrency", "a number", "So many run at once. Default: 1."),
    ],
    example: r#"output "exec" "isolate" {
  command     = ["/usr/local/bin/isolate-host", "--from-alert"]
  environment = { EDR_TOKEN = env("EDR_TOKEN") }
  concurrency = 1
}
"#,
    arrives: "The JSON that a webhook would get on standard input, or what a template's `body` says. Exit code 0 is \
        taken, 65 is refused for good, and everything else is tried again, as is a command that does not end within \
        `timeout`: it is killed then. The first line that the command prints is kept, and given to the commands for \
        the same alert that follow as `EGRET_REFERENCE`; `EGRET_DELIVERY_ID` tells repetitions.",
    permissions: "To run the program. It gets no environment but PATH and what the block gives it.",
    decode: |reader, context| {
        let command = reader.required::<Located<Vec<String>>>("command");
        let environment = reader.optional_or("environment", Vec::<(Located<String>, Secret)>::new());
        let concurrency = reader.optional_or("concurrency", 1_usize);
        let command = command?;
        let Some((program, arguments)) = command.value.split_first() else {
            let mistake = Diagnostic::error("`command` names no program").at(&command.location);
            reader
                .diagnostics()
                .push(mistake.hint("write the program and its arguments: [\"/bin/program\", \"argument\"]"));
            return None;
        };
        // A bare name is looked for in PATH; a path starts where all relative paths start.
        let program =
            if program.contains('/') { context.folder().join(program) } else { PathBuf::from(program) };
        Some(Arc::new(Exec {
            program,
            arguments: arguments.to_vec(),
            environment: environment?.into_iter().map(|(name, value)| (name.value, value)).collect(),
            concurrency: concurrency?.max(1),
            context: context.service.clone(),
        }))
    },
};

#[derive(Debug)]
struct Exec {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, Secret)>,
    concurrency: usize,
    context: ServiceContext,
}

#[async_trait]
impl Output for Exec {
    fn actions(&self) -> &'static [AlertAction] {
        &[AlertAction::Raise]
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.run(letter)).await
    }
}

impl Exec {
    async fn run(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let shown = self.program.display();
        let mut child = self
            .command(letter)
            .spawn()
            .map_err(|error| SendError::retry(format!("cannot run {shown}: {error}")))?;
        let work = converse(&mut child, letter.payload());
        let Ok(outcome) = tokio::time::timeout(self.context.timeout, work).await else {
            // Dropping the child kills it.
            return Err(SendError::retry(format!("{shown} did not end within {:?}", self.context.timeout)));
        };
        let (status, said, complaint) =
            outcome.map_err(|error| SendError::retry(format!("cannot talk to {shown}: {error}")))?;
        if status.success() {
            let reference = said.lines().next().map(str::trim).filter(|line| !line.is_empty());
            return Ok(Receipt { reference: reference.map(str::to_owned) });
        }
        let complaint = shorten(Escape::Line.apply(complaint.lines().next().unwrap_or_default()).trim(), 300);
        let complaint = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
        let message = format!("{shown} ended with {status}{complaint}");
        Err(if status.code() == Some(REFUSED) {
            SendError::refused(message)
        } else {
            SendError::retry(message)
        })
    }

    fn command(&self, letter: &Letter) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.context.folder()).env_clear().kill_on_drop(true);
        if let Some(path) = self.context.environment.variables.get("PATH") {
            command.env("PATH", path);
        }
        command.env("EGRET_DELIVERY_ID", &letter.delivery.delivery_id);
        if let Some(reference) = &letter.delivery.reference {
            command.env("EGRET_REFERENCE", reference);
        }
        for (name, value) in &self.environment {
            command.env(name, value.expose());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Gives the command its input and takes what it says, at the same time: neither side waits for the other.
async fn converse(
    child: &mut Child,
    input: String,
) -> std::io::Result<(std::process::ExitStatus, String, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command need not read its input: a closed pipe is no error.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), said, complaint) = tokio::join!(write, read(stdout), read(stderr));
    Ok((child.wait().await?, said?, complaint?))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut pipe) = pipe else { return Ok(String::new()) };
    let mut said = Vec::new();
    (&mut pipe).take(MAX_SAID_BYTES).read_to_end(&mut said).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::registry::OutputContext;
    use crate::testing::{delivery, letter};

    fn output(script: &str) -> Exec {
        Exec {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("TOKEN".into(), Secret::new("hunter2"))],
            concurrency: 1,
            context: ServiceContext {
                timeout: Duration::from_millis(500),
                ..OutputContext::for_tests().service
            },
        }
    }

    async fn run(script: &str) -> Result<Receipt, SendError> {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.delivery.reference = Some("ticket-1".into());
        output(script).run(&letter).await
    }

    #[tokio::test]
    async fn the_command_gets_the_alert_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen.json");
        let script = format!("cat > {}; echo \"$EGRET_REFERENCE $EGRET_DELIVERY_ID $TOKEN\"", seen.display());
        let receipt = run(&script).await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some("ticket-1 fedcba9876543210fedcba9876543210 hunter2"));
        let seen: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(seen).unwrap()).unwrap();
        assert_eq!(seen, delivery(AlertAction::Raise).to_json());
    }

    #[tokio::test]
    async fn exit_codes_say_what_to_do() {
        assert_eq!(run("exit 0").await, Ok(Receipt::default()));
        let refused = run("echo nonsense >&2; exit 65").await.unwrap_err();
        assert_eq!(refused, SendError::refused("/bin/sh ended with exit status: 65: nonsense"));
        assert!(matches!(run("exit 1").await, Err(SendError::Retry { .. })));
    }

    #[tokio::test]
    async fn one_that_hangs_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let outcome = run(&format!("sleep 2; touch {}", mark.display())).await;
        assert!(
            matches!(outcome, Err(SendError::Retry { message, .. }) if message.contains("did not end within"))
        );
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(!mark.exists());
    }

    #[tokio::test]
    async fn one_that_talks_much_and_reads_nothing_is_no_trouble() {
        assert!(run("yes | head -c 1000000; exit 0").await.is_ok());
    }
}
