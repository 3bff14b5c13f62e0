//! `stdout`: alerts on the standard output of the process, to read along or to pipe on.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, Diagnostic, Located};
use egret_model::AlertAction;

use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::registry::{OutputContext, OutputType};

/// The output type `stdout`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "stdout",
    description: "Prints alerts on standard output.",
    attributes: &[&[AttributeDocumentation::optional(
        "format",
        "a string",
        "`text` (the default), a line for people, or `json`, a line for programs.",
    )]],
    example: r#"output "stdout" "console" {
  format = "text"
}
"#,
    arrives: "A line for each thing that happens to an alert: time, severity, title and message, or the JSON that a \
        webhook would get. Control characters from logs are written as escapes, so that no log line can move the cursor.",
    permissions: "None.",
    decode: |reader, context| {
        let format = reader.optional_or("format", None::<Located<String>>)?;
        let as_json = match format.as_ref().map(|format| format.value.as_str()) {
            None | Some("text") => false,
            Some("json") => true,
            Some(other) => {
                let mistake = Diagnostic::error(format!("`{other}` is no format of lines"));
                let location = format.as_ref().map_or(reader.location(), |format| &format.location).clone();
                reader.diagnostics().push(mistake.at(&location).hint("the formats are text and json"));
                return None;
            }
        };
        Some(Arc::new(Stdout { as_json, context: context.clone() }))
    },
};

#[derive(Debug)]
struct Stdout {
    as_json: bool,
    context: OutputContext,
}

#[async_trait]
impl Output for Stdout {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        if self.as_json { Escape::Json } else { Escape::Line }
    }

    fn batch_size(&self) -> usize {
        256
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let mut lines = String::new();
        for letter in letters {
            lines.push_str(&if self.as_json { letter.payload() } else { text_line(letter) });
            lines.push('\n');
        }
        let mut stdout = self.context.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let written = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
        let answer = written
            .map(|()| Receipt::default())
            .map_err(|error| SendError::retry(format!("cannot write to standard output: {error}")));
        vec![answer; letters.len()]
    }
}

fn text_line(letter: &Letter) -> String {
    let (message, alert) = (&letter.message, &letter.delivery.alert);
    if let Some(body) = &message.body {
        return body.clone();
    }
    let (title, text) = (message.title.written(Escape::Line), message.text.written(Escape::Line));
    let text = match text.strip_prefix(&title) {
        // A message that says the same as the title, and perhaps of how many findings it is the first.
        Some(rest) if rest.is_empty() || rest.starts_with(" (and ") => rest.to_owned(),
        _ if text.is_empty() => text,
        _ => format!(": {text}"),
    };
    format!("{} {:<13} {title}{text} [{}]", alert.time_first, alert.severity, alert.alert_id)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::testing::letter;

    #[test]
    fn nothing_is_said_twice() {
        let mut letter = letter(AlertAction::Raise, Escape::Line);
        for (text, expected) in [
            ("", "Root login ["),
            ("Root login", "Root login ["),
            ("Root login (and 2 more findings)", "Root login (and 2 more findings) ["),
            ("Root logins", "Root login: Root logins ["),
        ] {
            letter.message.text = crate::message::Text::Plain(text.into());
            assert!(text_line(&letter).contains(&format!(" {expected}")), "{}", text_line(&letter));
        }
    }

    #[tokio::test]
    async fn a_log_line_cannot_move_the_cursor() {
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let context = OutputContext { stdout: written.clone(), ..OutputContext::for_tests() };
        let output = Stdout { as_json: false, context };
        let mut letter = letter(AlertAction::Raise, output.escape());
        letter.message.text = crate::message::Text::Plain("a\u{1b}[2Jb\nc".into());
        assert!(output.send(&[letter]).await.iter().all(Result::is_ok));
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "2023-11-14T22:13:20Z high          Root login: a\\u{1b}[2Jb\\nc [0123456789abcdef0123456789abcdef]\n"
        );
    }
}
