//! A daemon of containers: Debian's Podman, which has its store in a temporary folder and speaks Docker's API at a socket
//! there. Containers are made and not started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Debian's place for it.
const PROGRAM: &str = "/usr/bin/podman";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command until its standard input is closed: with the process that started it at the latest.
const KEEPER: &str = r#""$@" < /dev/null & read -r _; kill "$!"; wait"#;

/// A daemon of its own. It ends with this value.
#[derive(Debug)]
pub struct PodmanPeer {
    folder: TempDir,
    keeper: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for PodmanPeer {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.keeper.wait();
    }
}

impl PodmanPeer {
    /// The image that it has, with one file.
    pub const IMAGE: &str = "localhost/egret/test:1";

    /// One with an image. It blocks until it runs, a second.
    ///
    /// # Errors
    /// If Podman is missing or does not start.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("egret-podman-").tempdir()?;
        let path = folder.path();
        std::fs::write(path.join("hello"), "hello\n")?;
        run(Command::new("tar").current_dir(path).args(["-cf", "image.tar", "hello"]))?;
        run(podman(path).arg("import").arg(path.join("image.tar")).arg(Self::IMAGE))?;
        let service = podman(path);
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "sh"])
            .arg(service.get_program())
            .args(service.get_args())
            .args(["system", "service", "--time", "0"])
            .arg(format!("unix://{}", socket_in(path).display()))
            .envs(service.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = keeper.stdin.take();
        let peer = Self { folder, keeper, stdin };
        let deadline = Instant::now() + PATIENCE;
        while !peer.socket().exists() {
            if Instant::now() > deadline {
                return Err(io::Error::other("podman does not open its socket"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        socket_in(self.folder.path())
    }

    /// Runs a command of Podman, such as `create`; what it prints.
    ///
    /// # Errors
    /// If it fails; with what it complains of.
    pub fn run(&self, arguments: &[&str]) -> io::Result<String> {
        run(podman(self.folder.path()).args(arguments))
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("podman.sock")
}

/// Podman with everything it has in this folder, whatever is configured on this machine.
fn podman(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (option, name) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        command.arg(option).arg(folder.join(name));
    }
    command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
    command.env("CONTAINERS_CONF", "/dev/null");
    command
}

fn run(command: &mut Command) -> io::Result<String> {
    let missing = |error| io::Error::other(format!("cannot run {PROGRAM} or tar: {error}; run `make setup`"));
    let output = command.stdin(Stdio::null()).output().map_err(missing)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("podman ended with {}: {}", output.status, said.trim())))
}
