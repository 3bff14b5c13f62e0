//! The order in which files are read: by the day they are about. A commit then touches few days, and its data files
//! are few and large, which is cheaper to write, to keep and to read than many small ones.

use std::sync::LazyLock;

use chrono::NaiveDate;
use egret_model::{Object, Timestamp};
use regex::Regex;

/// A day in a path: `2024/05/01`, `2024-05-01`, `20240501`, `year=2024/month=05/day=01`.
static DAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let between = r"(?:[-_./]|/\w+=)?";
    let day = format!(r"(?:^|[^0-9])((?:19|20)\d\d){between}([01]\d){between}([0-3]\d)(?:[^0-9]|$)");
    Regex::new(&day).ok()
});

/// Sorts by the day in the path, else by the day of the last modification. Within a day the order stays.
pub(crate) fn sort_by_day(objects: &mut [Object]) {
    objects.sort_by_cached_key(|object| {
        day_in(&object.location).or_else(|| object.modified.and_then(Timestamp::date))
    });
}

/// The last day that a path names: the folders above may tell of a backup or an export.
fn day_in(path: &str) -> Option<NaiveDate> {
    let mut found = None;
    let mut at = 0;
    while let Some(captures) = DAY.as_ref()?.captures_at(path, at) {
        let number = |group: usize| captures.get(group)?.as_str().parse::<u32>().ok();
        let year = i32::try_from(number(1)?).ok()?;
        found = NaiveDate::from_ymd_opt(year, number(2)?, number(3)?).or(found);
        // The separator behind a day may be the one before the next.
        at = captures.get(3)?.end();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_found_in_paths() {
        for (path, day) in [
            ("/l/AWSLogs/1/CloudTrail/eu/2024/02/03/1_CloudTrail_eu_20240203T1200Z_ab.json.gz", "2024-02-03"),
            ("/l/access.log-20240501.gz", "2024-05-01"),
            ("/l/access-2024-05-01.log", "2024-05-01"),
            ("/l/year=2024/month=05/day=01/part.parquet", "2024-05-01"),
            ("/l/tp_date=2024-05-01/a", "2024-05-01"),
            ("/backup/2023-01-01/logs/2024/05/01/a.gz", "2024-05-01"),
            ("20240501", "2024-05-01"),
        ] {
            assert_eq!(day_in(path).map(|day| day.to_string()).as_deref(), Some(day), "{path}");
        }
        for path in
            ["/l/access.log.1", "/l/1714557600.log", "/l/2024-13-01", "/l/2024-02-30", "/l/220240501", ""]
        {
            assert_eq!(day_in(path), None, "{path}");
        }
    }

    #[test]
    fn days_come_in_order_and_files_of_a_day_stay_as_listed() {
        let object = |location: &str, modified: Option<&str>| Object {
            name: location.to_owned(),
            location: location.to_owned(),
            offset: 0,
            size: None,
            modified: modified.and_then(Timestamp::parse),
            state: String::new(),
            complete: true,
        };
        let mut objects = vec![
            object("b/2024/05/02/z", None),
            object("b/2024/05/01/b", None),
            object("app.log", Some("2024-05-02T10:00:00Z")),
            object("a/2024/05/01/a", Some("2024-06-01T10:00:00Z")),
            object("app.log.1", Some("2024-04-30T23:00:00Z")),
        ];
        sort_by_day(&mut objects);
        let order: Vec<&str> = objects.iter().map(|object| object.location.as_str()).collect();
        assert_eq!(order, ["app.log.1", "b/2024/05/01/b", "a/2024/05/01/a", "b/2024/05/02/z", "app.log"]);
    }
}
