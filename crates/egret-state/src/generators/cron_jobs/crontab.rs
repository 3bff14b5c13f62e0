//! The lines of crontabs: of the system, of a user, of anacron.

/// Which columns lines have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Five of time, a user, a command.
    System,
    /// Five of time and a command, for this user.
    OfUser(String),
    /// Days, minutes of delay, a name, a command.
    Anacron,
}

/// Something that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Job {
    pub user: String,
    pub schedule: String,
    pub command: String,
    pub shell: Option<String>,
    pub path: Option<String>,
    /// Names of other variables.
    pub environment: Vec<String>,
}

/// What a crontab has.
#[derive(Debug, Default)]
pub(super) struct Crontab {
    pub jobs: Vec<Job>,
    /// Numbers of lines of another form.
    pub odd: Vec<usize>,
}

/// Reads a crontab. Variables are for the lines below them.
pub(super) fn read(text: &str, form: &Form) -> Crontab {
    let mut crontab = Crontab::default();
    let mut variables = Job::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(line) {
            match name.as_str() {
                "SHELL" => variables.shell = Some(value),
                "PATH" => variables.path = Some(value),
                _ if variables.environment.contains(&name) => {}
                _ => variables.environment.push(name),
            }
            continue;
        }
        let job = match form {
            Form::Anacron => anacron_job(line),
            _ => job(line, form),
        };
        match job {
            Some((user, schedule, command)) => {
                crontab.jobs.push(Job { user, schedule, command, ..variables.clone() });
            }
            None => crontab.odd.push(index + 1),
        }
    }
    crontab
}

/// `NAME = value`, either of them quoted.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = unquoted(name.trim());
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    (is_name && starts_well).then(|| (name.to_owned(), unquoted(value.trim()).to_owned()))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// User, schedule and command of a line.
fn job(line: &str, form: &Form) -> Option<(String, String, String)> {
    // A hyphen before it keeps it out of the log.
    let mut rest = line.strip_prefix('-').unwrap_or(line);
    let fields = if rest.starts_with('@') { 1 } else { 5 };
    let mut schedule = Vec::new();
    for _ in 0..fields {
        schedule.push(next_word(&mut rest)?);
    }
    if fields == 5 && !schedule.iter().all(|field| is_time(field)) {
        return None;
    }
    // `@every_minute` is one word, `@every 5m` of others is two.
    if schedule == ["@every"] {
        schedule.push(next_word(&mut rest)?);
    }
    let user = match form {
        Form::OfUser(user) => user.clone(),
        _ => next_word(&mut rest)?.to_owned(),
    };
    let command = rest.trim();
    (!command.is_empty()).then(|| (user, schedule.join(" "), command.to_owned()))
}

/// Of anacron: after so many days, so many minutes after the start.
fn anacron_job(line: &str) -> Option<(String, String, String)> {
    let mut rest = line;
    let (period, delay, _name) = (next_word(&mut rest)?, next_word(&mut rest)?, next_word(&mut rest)?);
    if !period.starts_with('@') && period.parse::<u32>().is_err() || delay.parse::<u32>().is_err() {
        return None;
    }
    let period = if period.starts_with('@') { period.to_owned() } else { format!("every {period} days") };
    let command = rest.trim();
    (!command.is_empty())
        .then(|| ("root".to_owned(), format!("{period} after {delay} minutes"), command.to_owned()))
}

fn next_word<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    *rest = after;
    (!word.is_empty()).then_some(word)
}

/// A field of time: numbers, names, ranges, steps, lists, and what some crons have beside.
fn is_time(field: &str) -> bool {
    field.chars().all(|letter| letter.is_ascii_alphanumeric() || "*,-/?~#".contains(letter))
        && field.starts_with(|letter: char| letter.is_ascii_alphanumeric() || "*?~".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(text: &str, form: &Form) -> Vec<(String, String, String)> {
        let crontab = read(text, form);
        crontab.jobs.into_iter().map(|job| (job.user, job.schedule, job.command)).collect()
    }

    fn job_of(user: &str, schedule: &str, command: &str) -> (String, String, String) {
        (user.to_owned(), schedule.to_owned(), command.to_owned())
    }

    #[test]
    fn lines_of_the_system_name_a_user() {
        let text = "*/5  *\t* * mon-fri  root   run  --a=b\n@reboot ada /bin/x\n-0 0 1 1 * root quiet\n@every 5m root y\n";
        assert_eq!(
            jobs(text, &Form::System),
            [
                job_of("root", "*/5 * * * mon-fri", "run  --a=b"),
                job_of("ada", "@reboot", "/bin/x"),
                job_of("root", "0 0 1 1 *", "quiet"),
                job_of("root", "@every 5m", "y"),
            ]
        );
        for odd in ["1 2 3", "a=b", "every day at noon x", "* * * * * root", "@reboot root"] {
            assert_eq!(jobs(odd, &Form::System), [], "{odd}");
        }
    }

    #[test]
    fn lines_of_a_user_name_none() {
        let form = Form::OfUser("ada".to_owned());
        let text = "# DO NOT EDIT\nMAILTO=\"\"\n0 0 * * * a\n SHELL = '/bin/zsh'\nPATH=/x\nMAILTO=b\n1 0 * * * X=1 b\n";
        let crontab = read(text, &form);
        assert_eq!(crontab.odd, [0; 0]);
        assert_eq!((crontab.jobs[0].shell.as_deref(), crontab.jobs[0].path.as_deref()), (None, None));
        assert_eq!(crontab.jobs[1].shell.as_deref(), Some("/bin/zsh"));
        assert_eq!(crontab.jobs[1].path.as_deref(), Some("/x"));
        assert_eq!(
            (crontab.jobs[1].environment.as_slice(), crontab.jobs[1].command.as_str()),
            (["MAILTO".to_owned()].as_slice(), "X=1 b")
        );
    }

    #[test]
    fn lines_of_anacron_have_days_and_minutes() {
        let text =
            "RANDOM_DELAY=45\n1\t5 cron.daily  run-parts /etc/cron.daily\n@monthly 45 x y\nx 1 a b\n1 2 3\n";
        assert_eq!(
            jobs(text, &Form::Anacron),
            [
                job_of("root", "every 1 days after 5 minutes", "run-parts /etc/cron.daily"),
                job_of("root", "@monthly after 45 minutes", "y"),
            ]
        );
        assert_eq!(read(text, &Form::Anacron).odd, [4, 5]);
    }
}
