//! Reading findings ahead: while some become alerts, the next ones are decoded.

use std::collections::VecDeque;

use egret_lake::{AddedFile, AddedRows, LakeError};
use egret_model::Finding;
use tokio::task::JoinHandle;

use crate::error::AlertError;

/// Findings that are read at a time. One may carry an event of 256 KiB.
const READ_ROWS: usize = 256;

/// Findings that are merged in one change of the store: so many, or so many bytes of events. An alert is read and
/// written once in a change, however many of its findings are new.
const BATCH_FINDINGS: usize = 8_192;
const BATCH_BYTES: usize = 16 << 20;

/// The findings of files, one after the other.
struct Rows {
    files: VecDeque<AddedFile>,
    open: Option<AddedRows>,
}

/// The findings of files, of which the next ones are being read.
pub(super) struct Reading {
    task: JoinHandle<(Rows, Result<Vec<Finding>, LakeError>)>,
}

impl Reading {
    /// Begins with the first.
    pub(super) fn begin(files: Vec<AddedFile>) -> Self {
        Self::go_on(Rows { files: files.into(), open: None })
    }

    /// Decoding computes, so it is not for the threads that wait.
    fn go_on(mut rows: Rows) -> Self {
        let task = tokio::task::spawn_blocking(move || {
            let batch = rows.next_batch();
            (rows, batch)
        });
        Self { task }
    }

    /// The findings of the next change of the store; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Finding>, AlertError> {
        let (rows, batch) = (&mut self.task).await?;
        *self = Self::go_on(rows);
        Ok(batch?)
    }
}

impl Rows {
    fn next_batch(&mut self) -> Result<Vec<Finding>, LakeError> {
        let (mut findings, mut bytes) = (Vec::new(), 0);
        while findings.len() < BATCH_FINDINGS && bytes < BATCH_BYTES {
            let Some(rows) = &mut self.open else {
                let Some(file) = self.files.pop_front() else { break };
                self.open = Some(file.open(READ_ROWS)?);
                continue;
            };
            let Some(batch) = rows.next().transpose()? else {
                self.open = None;
                continue;
            };
            let more = Finding::from_rows(&batch);
            bytes += more.iter().map(|finding| finding.event.len()).sum::<usize>();
            findings.extend(more);
        }
        Ok(findings)
    }
}
