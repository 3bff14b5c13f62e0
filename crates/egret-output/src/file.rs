//! `file`: a line of JSON for each thing that happens to an alert; a file that is full makes room for the next.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, ByteSize};
use egret_model::AlertAction;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Mutex;

use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::registry::OutputType;

/// A file makes room for the next at this size.
const ROTATE_BYTES: ByteSize = ByteSize(64 << 20);

/// So many files that made room are kept.
const KEEP: u32 = 5;

/// The output type `file`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "file",
    description: "Appends a line of JSON to a file for each thing that happens to an alert.",
    attributes: &[
        AttributeDocumentation::required(
            "path",
            "a string",
            "The file; made with its folders if it is not there.",
        ),
        AttributeDocumentation::optional(
            "rotate_bytes",
            "a size",
            "At this size the file becomes `PATH.1`, and the ones before it move up by one. Default: 64MiB.",
        ),
        AttributeDocumentation::optional(
            "keep",
            "a number",
            "So many files that made room are kept. Default: 5.",
        ),
    ],
    example: r#"output "file" "all" {
  path         = "alerts.jsonl"
  rotate_bytes = "64MiB"
  keep         = 5
}
"#,
    arrives: "`{\"delivery_id\", \"action\", \"by\", \"remark\", \"alert\": {…}}`, one object a line, on the disk before the \
        delivery counts as done. A line that a crash left half written is removed when the next one is written, and \
        written again.",
    permissions: "To write the file and its folder.",
    decode: |reader, context| {
        let path = reader.required::<String>("path");
        let rotate_bytes = reader.optional_or("rotate_bytes", ROTATE_BYTES);
        let keep = reader.optional_or("keep", KEEP);
        Some(Arc::new(LinesFile {
            path: context.folder().join(path?),
            rotate_bytes: rotate_bytes?.0,
            keep: keep?,
            // One writer: what is appended in between would be cut off with a half line.
            writing: Mutex::new(()),
        }))
    },
};

#[derive(Debug)]
struct LinesFile {
    path: PathBuf,
    rotate_bytes: u64,
    keep: u32,
    writing: Mutex<()>,
}

#[async_trait]
impl Output for LinesFile {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn batch_size(&self) -> usize {
        1000
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let mut lines = String::new();
        for letter in letters {
            // A template may write several lines; here each line is one letter.
            lines.push_str(&letter.payload().replace('\n', " "));
            lines.push('\n');
        }
        let answer =
            self.append(&lines).await.map(|()| Receipt::default()).map_err(|error| {
                SendError::retry(format!("cannot write to {}: {error}", self.path.display()))
            });
        vec![answer; letters.len()]
    }
}

impl LinesFile {
    async fn append(&self, lines: &str) -> io::Result<()> {
        let _writing = self.writing.lock().await;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).await?;
        }
        let mut file = self.open().await?;
        let end = whole_lines(&mut file).await?;
        if end > 0 && end.saturating_add(lines.len() as u64) > self.rotate_bytes {
            drop(file);
            self.rotate().await?;
            file = self.open().await?;
        }
        file.seek(SeekFrom::End(0)).await?;
        file.write_all(lines.as_bytes()).await?;
        file.flush().await?;
        file.sync_data().await
    }

    async fn open(&self) -> io::Result<File> {
        File::options().read(true).write(true).create(true).truncate(false).open(&self.path).await
    }

    async fn rotate(&self) -> io::Result<()> {
        if self.keep == 0 {
            return fs::remove_file(&self.path).await;
        }
        for number in (1..self.keep).rev() {
            let from = numbered(&self.path, number);
            if fs::try_exists(&from).await? {
                fs::rename(from, numbered(&self.path, number + 1)).await?;
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1)).await
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Cuts a half line off the end, which a crash left, and gives the size of the rest.
async fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 << 10;
    let size = file.metadata().await?.len();
    let mut start = size;
    while start > 0 {
        let from = start.saturating_sub(STEP);
        let mut piece = vec![0; usize::try_from(start - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from)).await?;
        file.read_exact(&mut piece).await?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            let end = from + at as u64 + 1;
            if end < size {
                file.set_len(end).await?;
            }
            return Ok(end);
        }
        start = from;
    }
    file.set_len(0).await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::letter;

    fn output(path: &Path, rotate_bytes: u64) -> LinesFile {
        LinesFile { path: path.to_owned(), rotate_bytes, keep: 2, writing: Mutex::new(()) }
    }

    #[tokio::test]
    async fn lines_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/alerts.jsonl");
        let letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Close, Escape::Json)];
        assert!(output(&path, 1 << 20).send(&letters).await.iter().all(Result::is_ok));
        // As after a crash in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"delivery_id\":\"01");
        std::fs::write(&path, text).unwrap();
        assert!(output(&path, 1 << 20).send(&letters[..1]).await.iter().all(Result::is_ok));
        let text = std::fs::read_to_string(&path).unwrap();
        let actions: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["action"].to_string())
            .collect();
        assert_eq!(actions, ["\"raise\"", "\"close\"", "\"raise\""]);
    }

    #[tokio::test]
    async fn a_full_file_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let output = output(&path, 10);
        for _ in 0..4 {
            assert!(output.send(&[letter(AlertAction::Raise, Escape::Json)]).await[0].is_ok());
        }
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["alerts.jsonl", "alerts.jsonl.1", "alerts.jsonl.2"]);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let answer = output(folder.path(), 10).send(&[letter(AlertAction::Raise, Escape::Json)]).await;
        assert!(
            matches!(&answer[0], Err(SendError::Retry { message, .. }) if message.contains("cannot write to"))
        );
    }
}
