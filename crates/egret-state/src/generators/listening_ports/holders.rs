//! Which programs hold sockets: what their processes have open.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::generator::GenerateError;
use crate::host::{self, Accounts, Folder};

/// A longer command line is cut.
const MAX_COMMAND_LINE_BYTES: u64 = 1 << 20;

/// What the kernel adds to the path of a program whose file is gone.
const DELETED: &[u8] = b" (deleted)";

/// A program that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    exe: Option<String>,
    command_line: String,
    user: String,
    is_deleted: bool,
}

impl Program {
    fn document(&self) -> Json {
        json!({
            "exe": self.exe,
            "command_line": self.command_line,
            "user": self.user,
            "deleted": self.is_deleted,
        })
    }

    /// The program of a process; `None` if that has ended.
    fn read(root: &Path, process: &Path, accounts: &Accounts) -> Option<Self> {
        let (exe, is_deleted) = match host::read_link(root, &process.join("exe")) {
            Ok(exe) => {
                let bytes = exe.as_os_str().as_bytes();
                let path = bytes.strip_suffix(DELETED);
                (Some(host::shown(path.unwrap_or(bytes))), path.is_some())
            }
            Err(_) => (None, false),
        };
        let read =
            |name: &str| host::read_bytes(root, &process.join(name), MAX_COMMAND_LINE_BYTES).ok().flatten();
        let command_line = host::command_line(&read("cmdline")?);
        let status = String::from_utf8_lossy(&read("status")?).into_owned();
        // Uid: real, effective, saved, file system.
        let uid =
            status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?;
        let user = accounts.user_or_number(uid.parse().ok()?);
        Some(Self { exe, command_line, user, is_deleted })
    }
}

/// What is known of holders so far.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// By the inode of a socket.
    pub programs: HashMap<u64, BTreeSet<Program>>,
    /// Processes that do not show what they have open.
    pub hidden: usize,
}

impl Holders {
    /// The programs that hold a port, which several sockets may have; `None` if that cannot be told.
    pub(super) fn of(&self, sockets: &BTreeSet<u64>) -> Option<Vec<Json>> {
        let held: Vec<_> = sockets.iter().filter_map(|socket| self.programs.get(socket)).collect();
        if held.is_empty() && self.hidden > 0 {
            return None;
        }
        let programs: BTreeSet<&Program> = held.into_iter().flatten().collect();
        Some(programs.into_iter().map(Program::document).collect())
    }

    /// Looks for the holders of these sockets.
    pub(super) fn find(
        &mut self,
        root: &Path,
        sockets: &HashSet<u64>,
        accounts: &Accounts,
    ) -> Result<(), GenerateError> {
        self.hidden = 0;
        for (name, _) in host::list_optional(root, "/proc")? {
            if !name.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let process = PathBuf::from("/proc").join(name);
            let held = match held_by(root, &process, sockets) {
                Ok(held) => held,
                Err(error) if host::is_gone(&error) => continue,
                Err(_) => {
                    self.hidden += 1;
                    continue;
                }
            };
            if held.is_empty() {
                continue;
            }
            let Some(program) = Program::read(root, &process, accounts) else { continue };
            for socket in held {
                self.programs.entry(socket).or_default().insert(program.clone());
            }
        }
        Ok(())
    }
}

/// Which of these sockets a process has open.
fn held_by(root: &Path, process: &Path, sockets: &HashSet<u64>) -> io::Result<HashSet<u64>> {
    let folder = Folder::open(root, &process.join("fd"))?;
    let mut held = HashSet::new();
    for (name, _) in folder.entries()? {
        match folder.read_link(&name) {
            Ok(target) => held.extend(socket_of(target.as_os_str()).filter(|inode| sockets.contains(inode))),
            // Closed meanwhile.
            Err(error) if host::is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

/// The inode in `socket:[20473]`.
fn socket_of(target: &OsStr) -> Option<u64> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
