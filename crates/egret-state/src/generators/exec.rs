//! `exec`: what a command of the user's says there is. So a generator can be written in any language.

mod output;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::said;
use egret_process::{COMMAND, CommandLine, ENVIRONMENT, Ended, ProcessError};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::hidden::Hidden;
use crate::generators::selection::{SELECT, Selection};
use crate::registry::GeneratorType;

use output::{Format, Output};

/// `EX_TEMPFAIL` of sysexits.h: it may go well in a moment.
const TEMPORARY: i32 = 75;

/// So much of what a command complains of is shown to people.
const MAX_SHOWN: usize = 300;

/// The generator type `exec`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "exec",
    description: "What a command of your own prints: a generator in any language.",
    channel: "custom.exec",
    key: &[],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        COMMAND,
        ENVIRONMENT,
        AttributeDocumentation::optional(
            "format",
            "a string",
            "What it prints: \"json\" is JSON lines, JSON values one after the other, or a JSON list; with \"lines\" each \
             line that is not empty is a document. Default: \"json\".",
        ),
        SELECT,
    ]],
    example: r#"generator "exec" "badges" {
  command     = ["./list-badges", "--all"]
  environment = { BADGE_TOKEN = env("BADGE_TOKEN") }
  format      = "json"
  select      = "$.badges[*]"
  key         = ["badge_id"]
}
"#,
    documents: "What the command prints, as JSON lines:\n\n```json\n{\"badge_id\": 7, \"holder\": \"ada\", \"doors\": \
        [\"lab\"]}\n```\n\nIt has to print the whole state each time: what is not printed is gone. The order does not \
        matter. A line with nothing but `egret` in it is not a document but tells of the run:\n\n\
        | line | meaning |\n| --- | --- |\n\
        | `{\"egret\": {\"part\": \"eu\"}}` | what follows is of the part `eu` |\n\
        | `{\"egret\": {\"fail\": \"eu\", \"why\": \"…\"}}` | the part `eu` could not be looked at: its objects stay as \
        they were. An empty name stands for all |\n\
        | `{\"egret\": {\"note\": \"…\"}}` | something worth knowing about the run |\n\n\
        Exit code 0 is a state. 75 is a failure that may pass: the run is tried again. Any other is a failure, told with \
        the first line of what the command wrote to its standard error. A line that is no JSON is told as a failure of \
        its part. A document may have 16 MiB.",
    permissions: "To run the program. It runs without a shell, in the folder of the configuration file, with no \
        environment but PATH and what the block gives it, for as long as the `timeout` of a run: then it is killed, with \
        the processes that it started.",
    decode: |reader, context| {
        let command = CommandLine::decode(reader, &context.service.environment, context.run_timeout);
        let format = reader.optional_or("format", None::<Located<String>>);
        let select = Selection::decode(reader);
        let format = format.and_then(|format| read_format(format, reader));
        let command = command?;
        let given = command.environment.iter().filter(|(name, _)| name != "PATH").map(|(_, value)| value);
        let hidden = Hidden::new(given);
        Some(Arc::new(Exec { command, format: format?, select: select?, hidden }))
    },
};

fn read_format(format: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Format> {
    let Some(format) = format else { return Some(Format::Json) };
    match format.value.as_str() {
        "json" => Some(Format::Json),
        "lines" => Some(Format::Lines),
        other => {
            let mistake = Diagnostic::error(format!("there is no format `{other}`")).at(&format.location);
            reader.diagnostics().push(mistake.hint("the formats are \"json\" and \"lines\""));
            None
        }
    }
}

#[derive(Debug)]
struct Exec {
    command: CommandLine,
    format: Format,
    select: Selection,
    /// What the command must not say of itself.
    hidden: Hidden,
}

#[async_trait]
impl Generator for Exec {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let failed = |error: ProcessError| match error {
            ProcessError::Start { .. } => GenerateError::refused(error.to_string()),
            _ => GenerateError::retry(error.to_string()),
        };
        let mut output = Output::new(self.format, &self.select, &self.hidden, documents);
        let mut running = self.command.start(None).map_err(failed)?;
        while let Some(piece) = running.read().await.map_err(failed)? {
            output.take(&piece)?;
        }
        self.judge(&running.end().await.map_err(failed)?)?;
        output.finish()
    }
}

impl Exec {
    fn judge(&self, ended: &Ended) -> Result<(), GenerateError> {
        if ended.status.success() {
            return Ok(());
        }
        let complaint = ended.complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let complaint = said(&self.hidden.hide(complaint), MAX_SHOWN);
        let complaint = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
        let message = format!("{} ended with {}{complaint}", self.command.program.display(), ended.status);
        Err(match ended.status.code() {
            // None is one that was killed, which may be for want of memory.
            Some(TEMPORARY) | None => GenerateError::retry(message),
            Some(_) => GenerateError::refused(message),
        })
    }
}

#[cfg(test)]
mod tests;
