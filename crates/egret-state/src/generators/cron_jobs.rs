//! `cron_jobs`: what cron, anacron and at run by themselves.

mod at_job;
mod crontab;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, Accounts, FileType, Tally};
use crate::registry::GeneratorType;

use crontab::{Form, Job};

/// The generator type `cron_jobs`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "cron_jobs",
    description: "What cron, anacron and at run by themselves: when, as whom, and which command.",
    channel: "host.cron_jobs",
    key: &["file", "user", "schedule", "command"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[host::ROOT]],
    example: r#"generator "cron_jobs" "cron" {
  every = "5m"
  root  = "/"
}
"#,
    documents: "One document a job: `kind` (`crontab`, `script` in a folder such as `/etc/cron.daily`, `anacron`, `at`), `file`, \
        `user`, `schedule`, `command`; the `shell` and the `path` that its file sets for it, and the names of other variables \
        (`environment`), whose values may be secrets; of scripts and at jobs the `sha256` of the text, and whether a script is \
        `executable`, as others are not run. In commands values that look like secrets are `***`.\n\n\
        ```json\n{\"kind\": \"crontab\", \"file\": \"/etc/cron.d/backup\", \"user\": \"root\", \"schedule\": \"30 2 * * *\", \
        \"command\": \"/usr/local/bin/backup\", \"shell\": \"/bin/sh\", \"path\": null, \"environment\": [\"MAILTO\"], \
        \"sha256\": null, \"executable\": null}\n```\n\n\
        They are read from `/etc/crontab`, `/etc/cron.d`, the crontabs of users below `/var/spool/cron`, `/etc/cron.hourly` \
        and its like, `/etc/anacrontab`, and the spool of at. The timers of systemd are units: see `systemd_units`.",
    permissions: "To read the crontabs of users and the spool of at, Egret must be root. A file or folder that cannot be read is \
        told as a part that failed; what was known of it stays.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        Some(Arc::new(CronJobs { root: root? }))
    },
};

/// A crontab with as many bytes is none.
const MAX_CRONTAB_BYTES: u64 = 8 << 20;
/// A script may be a program.
const MAX_SCRIPT_BYTES: u64 = 64 << 20;

const SYSTEM: &str = "/etc/crontab";
const SYSTEM_FOLDER: &str = "/etc/cron.d";
const ANACRON: &str = "/etc/anacrontab";
/// Where each user's crontab is called like the user.
const USERS: [&str; 3] = ["/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron"];
const SCRIPTS: [(&str, &str); 4] = [
    ("/etc/cron.hourly", "@hourly"),
    ("/etc/cron.daily", "@daily"),
    ("/etc/cron.weekly", "@weekly"),
    ("/etc/cron.monthly", "@monthly"),
];
const AT: [&str; 3] = ["/var/spool/cron/atjobs", "/var/spool/at", "/var/spool/atjobs"];

#[derive(Debug)]
struct CronJobs {
    root: PathBuf,
}

#[async_trait]
impl Generator for CronJobs {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let mut run =
            Run { root: &self.root, accounts: Accounts::read(&self.root)?, odd: Tally::default(), documents };
        run.crontab(Path::new(SYSTEM), Form::System)?;
        for (path, _) in run.files_of(SYSTEM_FOLDER) {
            run.crontab(&path, Form::System)?;
        }
        run.crontab(Path::new(ANACRON), Form::Anacron)?;
        for folder in USERS {
            for (path, name) in run.files_of(folder) {
                run.crontab(&path, Form::OfUser(name))?;
            }
        }
        for (folder, schedule) in SCRIPTS {
            for (path, _) in run.files_of(folder) {
                run.script(&path, schedule)?;
            }
        }
        for folder in AT {
            for (path, name) in run.files_of(folder) {
                run.at_job(&path, &name)?;
            }
        }
        let note = run.odd.tell("lines of another form");
        note.into_iter().for_each(|note| documents.note(note));
        Ok(())
    }
}

/// What is gathered in a run. Each file is a part.
struct Run<'r> {
    root: &'r Path,
    accounts: Accounts,
    odd: Tally,
    documents: &'r mut Documents,
}

impl Run<'_> {
    /// The files in a folder, with their names. Hidden ones are none of cron's.
    fn files_of(&mut self, folder: &str) -> Vec<(PathBuf, String)> {
        match host::list_optional(self.root, folder) {
            Ok(entries) => {
                let files = entries.into_iter().filter(|(name, kind)| {
                    matches!(kind, FileType::RegularFile | FileType::Symlink) && !name.starts_with('.')
                });
                files.map(|(name, _)| (Path::new(folder).join(&name), name)).collect()
            }
            Err(error) => {
                self.documents.fail(folder, error);
                Vec::new()
            }
        }
    }

    /// A file's bytes; `None` if it is not there or cannot be read, which is noted.
    fn read(&mut self, path: &Path, max: u64) -> Option<Vec<u8>> {
        let part = host::shown_path(path);
        match host::read_bytes(self.root, path, max) {
            Ok(bytes) => {
                self.documents.begin_part(part);
                bytes
            }
            Err(error) => {
                self.documents.fail(part, error);
                None
            }
        }
    }

    fn crontab(&mut self, path: &Path, form: Form) -> Result<(), GenerateError> {
        // Through a link in a spool a user could have other files read; cron does not follow them either.
        if matches!(form, Form::OfUser(_)) && self.is_link(path) {
            return Ok(());
        }
        let Some(bytes) = self.read(path, MAX_CRONTAB_BYTES) else { return Ok(()) };
        let file = host::shown_path(path);
        let kind = if matches!(form, Form::Anacron) { "anacron" } else { "crontab" };
        let crontab = crontab::read(&String::from_utf8_lossy(&bytes), &form);
        for job in crontab.jobs {
            self.push(kind, &file, &job, None, None)?;
        }
        for line in crontab.odd {
            self.odd.add(format!("{file}:{line}"));
        }
        Ok(())
    }

    fn script(&mut self, path: &Path, schedule: &str) -> Result<(), GenerateError> {
        let Some(bytes) = self.read(path, MAX_SCRIPT_BYTES) else { return Ok(()) };
        let file = host::shown_path(path);
        let mode = host::open_file(self.root, path).and_then(|file| file.metadata());
        let is_executable = mode.ok().map(|metadata| {
            use std::os::unix::fs::PermissionsExt as _;
            metadata.permissions().mode() & 0o111 != 0
        });
        let job = Job {
            user: "root".to_owned(),
            schedule: schedule.to_owned(),
            command: file.clone(),
            ..Job::default()
        };
        self.push("script", &file, &job, Some(host::sha256_of(&bytes)), is_executable)
    }

    fn at_job(&mut self, path: &Path, name: &str) -> Result<(), GenerateError> {
        let Some(schedule) = at_job::schedule(name).filter(|_| !self.is_link(path)) else { return Ok(()) };
        let Some(bytes) = self.read(path, MAX_CRONTAB_BYTES) else { return Ok(()) };
        let (uid, command) = at_job::read(&String::from_utf8_lossy(&bytes));
        let user = uid.map_or_else(|| "unknown".to_owned(), |uid| self.accounts.user_or_number(uid));
        let job = Job { user, schedule, command, ..Job::default() };
        self.push("at", &host::shown_path(path), &job, Some(host::sha256_of(&bytes)), None)
    }

    fn is_link(&self, path: &Path) -> bool {
        host::facts(self.root, path).is_ok_and(|facts| facts.kind == FileType::Symlink)
    }

    fn push(
        &mut self,
        kind: &str,
        file: &str,
        job: &Job,
        sha256: Option<String>,
        executable: Option<bool>,
    ) -> Result<(), GenerateError> {
        let document: Json = json!({
            "kind": kind,
            "file": file,
            "user": job.user,
            "schedule": job.schedule,
            "command": host::without_secrets(&job.command),
            "shell": job.shell,
            "path": job.path,
            "environment": job.environment,
            "sha256": sha256,
            "executable": executable,
        });
        self.documents.push(document)
    }
}

#[cfg(test)]
mod tests;
