//! `exec`: a command of the user's, with the alert on its standard input. No shell, and a time limit.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use egret_config::AttributeDocumentation;
use egret_http::said;
use egret_model::{AlertAction, Secret};
use egret_process::{COMMAND, CommandLine, ENVIRONMENT};

use crate::delivery::{Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputType;

/// So much of what the command says is kept.
const MAX_SAID_BYTES: usize = 4 << 10;

/// So much of what it complains of is shown to people.
const MAX_SHOWN: usize = 300;

/// `EX_DATAERR` of sysexits.h: the command will never take this alert.
const REFUSED: i32 = 65;

/// The output type `exec`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "exec",
    description: "Runs a command with the alert on its standard input, without a shell.",
    attributes: &[&[
        COMMAND,
        ENVIRONMENT,
        AttributeDocumentation::optional("concurrency", "a number", "So many run at once. Default: 1."),
    ]],
    example: r#"output "exec" "isolate" {
  command     = ["/usr/local/bin/isolate-host", "--from-alert"]
  environment = { EDR_TOKEN = env("EDR_TOKEN") }
  concurrency = 1
}
"#,
    arrives: "The JSON that a webhook would get on standard input, or what a template's `body` says. Exit code 0 is \
        taken, 65 is refused for good, and everything else is tried again, as is a command that does not end within \
        `timeout`: it is killed then, with the processes that it started. What it leaves running when it ends by \
        itself is not waited for. The first line that the command prints is kept, and given to the commands for the same \
        alert that follow as `EGRET_REFERENCE`; `EGRET_DELIVERY_ID` tells repetitions.",
    permissions: "To run the program. It gets no environment but PATH and what the block gives it.",
    decode: |reader, context| {
        let command = CommandLine::decode(reader, &context.environment, context.timeout);
        let concurrency = reader.optional_or("concurrency", 1_usize);
        Some(Arc::new(Exec { command: command?, concurrency: concurrency?.max(1) }))
    },
};

#[derive(Debug)]
struct Exec {
    command: CommandLine,
    concurrency: usize,
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
        let mut command = self.command.clone();
        let known = letter.delivery.reference.as_ref().map(|reference| ("EGRET_REFERENCE", reference));
        let own = [Some(("EGRET_DELIVERY_ID", &letter.delivery.delivery_id)), known].into_iter().flatten();
        // What the block says has the last word.
        command.environment.splice(0..0, own.map(|(name, value)| (name.to_owned(), Secret::new(value))));
        let input = Bytes::from(letter.payload());
        let run = command.run(Some(input), MAX_SAID_BYTES).await;
        let run = run.map_err(|error| SendError::retry(error.to_string()))?;
        let status = run.ended.status;
        if status.success() {
            let output = String::from_utf8_lossy(&run.output);
            let reference = output.lines().next().map(str::trim).filter(|line| !line.is_empty());
            return Ok(Receipt { reference: reference.map(str::to_owned) });
        }
        let complaint = said(run.ended.complaint.lines().next().unwrap_or_default(), MAX_SHOWN);
        let complaint = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
        let message = format!("{} ended with {status}{complaint}", command.program.display());
        Err(if status.code() == Some(REFUSED) {
            SendError::refused(message)
        } else {
            SendError::retry(message)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{delivery, letter, mistakes_of, output_of};

    fn output(script: &str) -> Exec {
        let command = CommandLine {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("TOKEN".into(), Secret::new("hunter2"))],
            folder: std::env::temp_dir(),
            timeout: Duration::from_millis(500),
        };
        Exec { command, concurrency: 1 }
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
    async fn one_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let outcome = run(&format!("(sleep 2; touch {}) & sleep 20", mark.display())).await;
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

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_hold_the_delivery_up() {
        let receipt = run("sleep 20 & echo ticket-2").await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some("ticket-2"));
    }

    #[tokio::test]
    async fn a_block_says_what_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "#!/bin/sh\necho \"$1 $TOKEN\"\n").unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let more = "environment = { TOKEN = \"hunter2\" }\n concurrency = 0";
        let block = |command: &str| format!("output \"exec\" \"a\" {{\n command = {command}\n {more}\n}}");
        let output = output_of(&block(&format!("[\"{}\", \"--now\"]", program.display()))).output;
        assert_eq!(output.concurrency(), 1);
        assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
        let answers = output.send(&[letter(AlertAction::Raise, Escape::Json)]).await;
        assert_eq!(answers, [Ok(Receipt { reference: Some("--now hunter2".into()) })]);
        for nothing in ["[]", "[\"\"]"] {
            let mistakes = mistakes_of(&block(nothing));
            assert!(mistakes.contains("`command` names no program"), "{mistakes}");
        }
    }
}
