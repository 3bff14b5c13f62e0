//! The settings in a unit file.

use serde_json::{Map, Value as Json};

use crate::host;

/// A larger one is none: systemd refuses it too.
pub(super) const MAX_BYTES: u64 = 4 << 20;

/// A unit file's settings, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct UnitFile {
    settings: Vec<(String, String, String)>,
}

impl UnitFile {
    pub(super) fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut section = String::new();
        for line in logical(text) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
            } else if let Some((name, value)) = line.split_once('=') {
                let setting = (section.clone(), name.trim_end().to_owned(), value.trim_start().to_owned());
                file.settings.push(setting);
            }
        }
        file
    }

    /// The values of a setting, also the empty ones, which take back those before.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.settings.iter().filter(|(_, own, _)| own == name);
        of_name.map(|(_, _, value)| value.as_str()).collect()
    }

    /// The last value of a setting, which counts where one can.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().copied()
    }

    /// Settings that run something.
    pub(super) fn commands(&self) -> Map<String, Json> {
        let mut commands: Map<String, Json> = Map::new();
        for (_, name, value) in self.settings.iter().filter(|(_, name, _)| name.starts_with("Exec")) {
            // In sections that are no services it can be something else, such as the options of a binary format.
            let lines = commands.entry(name.as_str()).or_insert_with(|| Json::Array(Vec::new()));
            if let Json::Array(lines) = lines {
                lines.push(host::without_secrets(value).into());
            }
        }
        commands
    }

    /// Names of variables that are set or passed on.
    pub(super) fn environment_names(&self) -> Vec<String> {
        let assigned = self.all("Environment").into_iter().flat_map(words);
        let names = assigned.filter_map(|word| Some(word.split_once('=')?.0.to_owned()));
        let mut names: Vec<String> =
            names.chain(self.all("PassEnvironment").into_iter().flat_map(words)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What makes a timer, a socket or a path start something.
    pub(super) fn triggers(&self) -> Vec<String> {
        self.of_sections(&["Timer", "Socket", "Path"], |name| {
            name.starts_with("On")
                || name.starts_with("Listen")
                || name.starts_with("Path")
                || matches!(name, "Unit" | "Service" | "DirectoryNotEmpty" | "Accept" | "Persistent")
        })
    }

    /// What enabling it would do.
    pub(super) fn install(&self) -> Vec<String> {
        self.of_sections(&["Install"], |_| true)
    }

    fn of_sections(&self, sections: &[&str], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let settings = self.settings.iter();
        let wanted =
            settings.filter(|(section, name, _)| sections.contains(&section.as_str()) && is_wanted(name));
        wanted.map(|(_, name, value)| format!("{name}={value}")).collect()
    }
}

/// Lines with what they continue on, without comments.
fn logical(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_continued = false;
    for line in text.lines() {
        let trimmed = line.trim();
        // Comments may stand between the pieces of a line too.
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        let (piece, goes_on) = match trimmed.strip_suffix('\\') {
            Some(piece) => (piece.trim_end(), true),
            None => (trimmed, false),
        };
        match lines.last_mut().filter(|_| is_continued) {
            Some(last) => {
                last.push(' ');
                last.push_str(piece);
            }
            None if piece.is_empty() && !goes_on => {}
            None => lines.push(piece.to_owned()),
        }
        is_continued = goes_on;
    }
    lines
}

/// Words, of which those with spaces are quoted.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            '"' | '\'' if quote == Some(letter) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            letter if letter.is_whitespace() && quote.is_none() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole() {
        let file = UnitFile::parse(
            "; old\n[Unit]\nDescription = One\nDescription=Two\n[Service]\nExecStart=\nExecStart=/bin/a \\\n# why\n  -x \\\n\n\
             ExecStart=-/bin/b --token=abc\nEnvironment=A=1 \"B=two words\" 'C=\"x' D\nPassEnvironment=E A\nnonsense\n\
             [Timer]\nOnCalendar=*-*-* 3:00\nAccuracySec=1s\n[Install]\nWantedBy=x.target\n",
        );
        assert_eq!(file.last("Description"), Some("Two"));
        assert_eq!(
            Json::Object(file.commands()).to_string(),
            r#"{"ExecStart":["","/bin/a -x ","-/bin/b --token=***"]}"#
        );
        assert_eq!(file.environment_names(), ["A", "B", "C", "E"]);
        assert_eq!(file.triggers(), ["OnCalendar=*-*-* 3:00"]);
        assert_eq!(file.install(), ["WantedBy=x.target"]);
        assert_eq!(UnitFile::parse("x\n[y"), UnitFile::default());
    }
}
