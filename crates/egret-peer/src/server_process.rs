//! A server of the system's as a plain process in a temporary folder. It ends with the process that started it, however
//! that ends.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some servers refuse to be root: the first of these that there is takes root's place.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Waits until its standard input is closed: with the process that started it at the latest. Then the server is ended and
/// its folder removed.
const KEEPER: &str = r#"
folder=$1; signal=$2; shift 2
( sh -c 'echo $$ > "$0/pid"; exec "$@"' "$folder" "$@"; echo "$?" > "$folder/ended" ) > "$folder/log" 2>&1 < /dev/null &
read -r _
kill "-$signal" "$(cat "$folder/pid")"
wait
rm -rf "$folder"
"#;

/// A folder that belongs to the user that servers run as.
#[derive(Debug)]
pub(crate) struct ServerFolder {
    path: PathBuf,
    user: Option<User>,
}

#[derive(Debug)]
struct User {
    id: u32,
    group: u32,
}

/// A server that runs. It ends with this value.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    path: PathBuf,
    keeper: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.keeper.wait();
    }
}

impl ServerFolder {
    pub(crate) fn new(prefix: &str) -> io::Result<Self> {
        let user = if fs::metadata("/proc/self")?.uid() == 0 { Some(find_user()?) } else { None };
        let folder = Self { path: tempfile::Builder::new().prefix(prefix).tempdir()?.keep(), user };
        folder.give(&folder.path)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a file into it that only the server's user may read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, content)?;
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        self.give(&path)?;
        Ok(path)
    }

    /// A command of the server's user, in the folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut words = self.words(program);
        let mut command = Command::new(words.remove(0));
        command.args(words).current_dir(&self.path);
        command
    }

    /// Runs `program` to its end, with `input` on its standard input.
    ///
    /// # Errors
    /// If it cannot be run, or fails; with what it says.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str], input: &str) -> io::Result<()> {
        let input = self.write("input", input)?;
        let output = self
            .command(program)
            .args(arguments)
            .stdin(fs::File::open(input)?)
            .stdout(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(io::Error::other(format!("{} ended with {}: {said}", program.display(), output.status)))
    }

    /// Starts a server that `signal` ends, and waits until `is_ready`.
    ///
    /// # Errors
    /// If it does not start; with the end of its log.
    pub(crate) fn start(
        self,
        program: &Path,
        arguments: &[&str],
        signal: &str,
        is_ready: impl Fn() -> bool,
    ) -> io::Result<ServerProcess> {
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&self.path)
            .arg(signal)
            .args(self.words(program))
            .args(arguments)
            .current_dir(&self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = keeper.stdin.take();
        let process = ServerProcess { path: self.path, keeper, stdin };
        let deadline = Instant::now() + PATIENCE;
        while !is_ready() {
            if process.path.join("ended").exists() || Instant::now() > deadline {
                let log = fs::read_to_string(process.path.join("log")).unwrap_or_default();
                let end = log.lines().rev().take(5).collect::<Vec<_>>().into_iter().rev();
                let end = end.collect::<Vec<_>>().join("\n");
                return Err(io::Error::other(format!("{} did not start: {end}", program.display())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    fn words(&self, program: &Path) -> Vec<String> {
        let program = program.display().to_string();
        let Some(User { id, group }) = &self.user else { return vec![program] };
        let ids = [format!("--reuid={id}"), format!("--regid={group}")];
        [
            vec!["setpriv".to_owned()],
            ids.to_vec(),
            vec!["--clear-groups".to_owned(), "--".to_owned(), program],
        ]
        .concat()
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        match &self.user {
            Some(User { id, group }) => chown(path, Some(*id), Some(*group)),
            None => Ok(()),
        }
    }
}

/// Starts a server, and if that fails another one: between choosing a port and its taking it, it could be somebody else's.
pub(crate) fn start_again<T>(start: impl Fn() -> io::Result<T>) -> io::Result<T> {
    start().or_else(|_| start()).or_else(|_| start())
}

/// A port that nobody has now: some servers cannot be asked for any free one. See [`start_again`].
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn find_user() -> io::Result<User> {
    let text = fs::read_to_string("/etc/passwd")?;
    let entry = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
        Some(User { id: fields.next()??, group: fields.next()?? })
    };
    let user = USERS.iter().find_map(|name| entry(name));
    user.ok_or_else(|| io::Error::other("there is no user `nobody` for servers to run as"))
}
