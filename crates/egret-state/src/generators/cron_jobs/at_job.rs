//! Jobs of at: scripts whose names say when they run.

use egret_model::Timestamp;

/// When the job of this name runs, as `a0000101a2b3c4` says: a queue, a number, and minutes. `None` if it is no job.
pub(super) fn schedule(name: &str) -> Option<String> {
    let queue = name.chars().next().filter(char::is_ascii_alphabetic)?;
    if name.len() != 14 || !name[queue.len_utf8()..].bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let minutes = i64::from_str_radix(&name[6..], 16).ok()?;
    Some(Timestamp::from_seconds(minutes.checked_mul(60)?).to_string())
}

/// The number of the user, and what the user wanted to be run: what follows the environment that at saved.
pub(super) fn read(text: &str) -> (Option<u32>, String) {
    let head = text.lines().find_map(|line| line.strip_prefix("# atrun "));
    let uid = head.and_then(|head| {
        let value = head.split_ascii_whitespace().find_map(|word| word.strip_prefix("uid="))?;
        value.parse().ok()
    });
    // at goes to the folder, and ends if that is gone: the brace is the end of what it wrote.
    let mut lines: Vec<&str> = text.lines().skip_while(|line| line.trim() != "}").skip(1).collect();
    // A shell other than the usual gets it as a text with a delimiter.
    if let Some((_, delimiter)) = lines.first().and_then(|line| line.split_once("<< '"))
        && let Some(delimiter) = delimiter.trim_end().strip_suffix('\'')
    {
        lines.remove(0);
        lines.retain(|line| *line != delimiter);
    }
    (uid, lines.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when() {
        // 0x01bf0a40 minutes.
        assert_eq!(schedule("a0000101bf0a40").as_deref(), Some("2025-09-14T06:56:00Z"));
        for name in [".SEQ", "a00001", "10000101bf0a40", "a00001 1bf0a40", "=0000101bf0a40", "é000101bf0a40"]
        {
            assert_eq!(schedule(name), None, "{name}");
        }
    }

    #[test]
    fn the_command_follows_what_at_wrote() {
        let text = "#!/bin/sh\n# atrun uid=1000 gid=1000\n# mail ada 0\numask 22\nTOKEN=hunter2; export TOKEN\n\
                    cd /home/ada || {\n\t echo 'Execution directory inaccessible' >&2\n\t exit 1\n}\n";
        assert_eq!(read(&format!("{text}/bin/x\n/bin/y\n")), (Some(1000), "/bin/x\n/bin/y".to_owned()));
        let delimited =
            format!("{text}${{SHELL:-/bin/sh}} << 'marcinDELIMITER1a2b'\n/bin/x\nmarcinDELIMITER1a2b\n");
        assert_eq!(read(&delimited), (Some(1000), "/bin/x".to_owned()));
        assert_eq!(read("nonsense"), (None, String::new()));
    }
}
