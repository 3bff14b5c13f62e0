//! `file`: a line of JSON for each thing that happens to an alert; a file that is full makes room for the next.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, ByteSize};
use egret_model::AlertAction;
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
    attributes: &[&[
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
    ]],
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
            // One writer: what is appended in between would be cut off with a half line. Other processes are kept out by a
            // lock of the file.
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
            self.append(lines).await.map(|()| Receipt::default()).map_err(|error| {
                SendError::retry(format!("cannot write to {}: {error}", self.path.display()))
            });
        vec![answer; letters.len()]
    }
}

impl LinesFile {
    /// On a thread that may wait: for the disk, and for whoever else writes to the same file.
    async fn append(&self, lines: String) -> io::Result<()> {
        let _writing = self.writing.lock().await;
        let (path, rotate_bytes, keep) = (self.path.clone(), self.rotate_bytes, self.keep);
        let append = move || append(&path, &lines, rotate_bytes, keep);
        tokio::task::spawn_blocking(append).await.map_err(io::Error::other)?
    }
}

fn append(path: &Path, lines: &str, rotate_bytes: u64, keep: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = open_locked(path)?;
    let end = whole_lines(&mut file)?;
    if end > 0 && end.saturating_add(lines.len() as u64) > rotate_bytes {
        rotate(path, keep)?;
        file = open_locked(path)?;
    }
    file.seek(SeekFrom::End(0))?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// The file, which nobody else writes to until it is closed: another process may deliver to the same one.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        // While we waited it may have made room for the next.
        let here = fs::metadata(path).is_ok_and(|there| {
            file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
        });
        if here {
            return Ok(file);
        }
    }
}

fn rotate(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        return fs::remove_file(path);
    }
    for number in (1..keep).rev() {
        let from = numbered(path, number);
        if fs::exists(&from)? {
            fs::rename(from, numbered(path, number + 1))?;
        }
    }
    fs::rename(path, numbered(path, 1))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Cuts a half line off the end, which a crash left, and gives the size of the rest.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 << 10;
    let size = file.metadata()?.len();
    let mut start = size;
    while start > 0 {
        let from = start.saturating_sub(STEP);
        let mut piece = vec![0; usize::try_from(start - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            let end = from + at as u64 + 1;
            if end < size {
                file.set_len(end)?;
            }
            return Ok(end);
        }
        start = from;
    }
    file.set_len(0)?;
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
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"delivery_id\":\"01");
        fs::write(&path, text).unwrap();
        assert!(output(&path, 1 << 20).send(&letters[..1]).await.iter().all(Result::is_ok));
        let text = fs::read_to_string(&path).unwrap();
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
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["alerts.jsonl", "alerts.jsonl.1", "alerts.jsonl.2"]);
    }

    /// Two outputs, or two processes, may have the same file.
    #[tokio::test(flavor = "multi_thread")]
    async fn two_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let (one, other) = (output(&path, 40_000), output(&path, 40_000));
        let letters = [letter(AlertAction::Raise, Escape::Json)];
        let write = async |output: &LinesFile| {
            for _ in 0..20 {
                assert!(output.send(&letters).await[0].is_ok());
            }
        };
        tokio::join!(write(&one), write(&other));
        let text = |number: u32| {
            let path = if number == 0 { path.clone() } else { numbered(&path, number) };
            fs::read_to_string(path).unwrap_or_default()
        };
        let lines: Vec<String> =
            (0..3).flat_map(|number| text(number).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert_eq!(lines.len(), 40);
        assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
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
