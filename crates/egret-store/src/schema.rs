//! The tables, and how a store of an older version becomes one of the newest.

/// What makes each version of the schema from the one before. A version that was released is never changed.
pub(crate) const VERSIONS: &[&[&str]] = &[FIRST, SMALLER, LOOKUPS];

const FIRST: &[&str] = &[
    // How far something was read: the newest snapshot of the lake that is done with.
    "CREATE TABLE position (name TEXT PRIMARY KEY, snapshot INTEGER NOT NULL) WITHOUT ROWID",
    // What became of each finding. Its id is here once, however often it is read.
    "CREATE TABLE finding (finding_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, about TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX finding_about ON finding (about)",
    "CREATE TABLE alert (alert_id TEXT PRIMARY KEY, merge_key TEXT NOT NULL, detection_id TEXT NOT NULL, \
     status TEXT NOT NULL, severity INTEGER NOT NULL, channel TEXT NOT NULL, time_first INTEGER NOT NULL, \
     time_last INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL, routes TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX alert_key ON alert (merge_key, time_last)",
    "CREATE INDEX alert_updated ON alert (updated_at)",
    // An alert as it was, for deliveries of it that are still to be made.
    "CREATE TABLE alert_revision (alert_id TEXT NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (alert_id, revision)) WITHOUT ROWID",
    "CREATE TABLE delivery (sequence INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL UNIQUE, alert_id TEXT NOT NULL, \
     revision INTEGER NOT NULL, output TEXT NOT NULL, route TEXT, action TEXT NOT NULL, by_whom TEXT, remark TEXT, \
     state TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL, created_at INTEGER NOT NULL, \
     tried_at INTEGER, finished_at INTEGER, error TEXT)",
    "CREATE INDEX delivery_due ON delivery (output, due_at, sequence) WHERE state = 'pending'",
    "CREATE INDEX delivery_order ON delivery (alert_id, output, sequence)",
    "CREATE INDEX delivery_state ON delivery (state, output, sequence)",
    // What services call what was made of an alert there.
    "CREATE TABLE reference (alert_id TEXT NOT NULL, output TEXT NOT NULL, reference TEXT NOT NULL, \
     PRIMARY KEY (alert_id, output)) WITHOUT ROWID",
    "CREATE TABLE audit (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, by_whom TEXT NOT NULL, \
     subject TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL)",
    "CREATE INDEX audit_subject ON audit (subject)",
    "CREATE TABLE stage (detection_id TEXT NOT NULL, version TEXT NOT NULL, stage TEXT NOT NULL, \
     since INTEGER NOT NULL, until INTEGER NOT NULL, findings INTEGER NOT NULL, \
     PRIMARY KEY (detection_id, version)) WITHOUT ROWID",
    "CREATE TABLE suppression (name TEXT PRIMARY KEY, findings INTEGER NOT NULL, last_at INTEGER NOT NULL) WITHOUT ROWID",
];

/// What is in several places is a number, ids are bytes, and an index is there for each question that is asked. What is
/// new goes to the end of most of them: a page that has it is written once, not once in each change.
const SMALLER: &[&str] = &[
    "ALTER TABLE alert RENAME TO alert_1",
    "ALTER TABLE finding RENAME TO finding_1",
    "ALTER TABLE alert_revision RENAME TO alert_revision_1",
    "ALTER TABLE delivery RENAME TO delivery_1",
    "ALTER TABLE reference RENAME TO reference_1",
    "ALTER TABLE audit RENAME TO audit_1",
    // A body is JSON: text in the older version, bytes in this one.
    "CREATE TABLE alert (number INTEGER PRIMARY KEY, alert_id BLOB NOT NULL UNIQUE, merge_key BLOB NOT NULL, \
     detection_id TEXT NOT NULL, status TEXT NOT NULL, severity INTEGER NOT NULL, channel TEXT NOT NULL, \
     time_first INTEGER NOT NULL, time_last INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL, \
     routes TEXT NOT NULL, body BLOB NOT NULL)",
    "INSERT INTO alert SELECT rowid, coalesce(unhex(alert_id), alert_id), coalesce(unhex(merge_key), merge_key), \
     detection_id, status, severity, channel, time_first, time_last, updated_at, revision, routes, body \
     FROM alert_1 ORDER BY rowid",
    // An alert has findings, the others an outcome: what took them, and the day after which nobody needs them.
    "CREATE TABLE finding (finding_id BLOB PRIMARY KEY, alert INTEGER, outcome TEXT, about TEXT, day INTEGER) WITHOUT ROWID",
    // When those were read is not known: as if it was now.
    "INSERT INTO finding SELECT coalesce(unhex(f.finding_id), f.finding_id), a.number, \
     CASE WHEN a.number IS NULL THEN f.outcome END, CASE WHEN a.number IS NULL THEN f.about END, \
     CASE WHEN a.number IS NULL THEN unixepoch() / 86400 END FROM finding_1 f \
     LEFT JOIN alert a ON f.outcome = 'alert' AND a.alert_id = coalesce(unhex(f.about), f.about) ORDER BY f.finding_id",
    "CREATE TABLE alert_revision (alert INTEGER NOT NULL, revision INTEGER NOT NULL, body BLOB NOT NULL, \
     PRIMARY KEY (alert, revision)) WITHOUT ROWID",
    "INSERT INTO alert_revision SELECT a.number, v.revision, v.body FROM alert_revision_1 v \
     JOIN alert a ON a.alert_id = coalesce(unhex(v.alert_id), v.alert_id)",
    "CREATE TABLE delivery (sequence INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT NULL, revision INTEGER NOT NULL, \
     output TEXT NOT NULL, route TEXT, action TEXT NOT NULL, by_whom TEXT, remark TEXT, state TEXT NOT NULL, \
     attempts INTEGER NOT NULL, due_at INTEGER NOT NULL, created_at INTEGER NOT NULL, tried_at INTEGER, \
     finished_at INTEGER, error TEXT)",
    "INSERT INTO delivery SELECT d.sequence, a.number, d.revision, d.output, d.route, d.action, d.by_whom, d.remark, \
     d.state, d.attempts, d.due_at, d.created_at, d.tried_at, d.finished_at, d.error FROM delivery_1 d \
     JOIN alert a ON a.alert_id = coalesce(unhex(d.alert_id), d.alert_id) ORDER BY d.sequence",
    "CREATE TABLE reference (alert INTEGER NOT NULL, output TEXT NOT NULL, reference TEXT NOT NULL, \
     PRIMARY KEY (alert, output)) WITHOUT ROWID",
    "INSERT INTO reference SELECT a.number, r.output, r.reference FROM reference_1 r \
     JOIN alert a ON a.alert_id = coalesce(unhex(r.alert_id), r.alert_id)",
    // What is said of an alert has its number; all else has a subject.
    "CREATE TABLE audit (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, by_whom TEXT NOT NULL, alert INTEGER, \
     subject TEXT, action TEXT NOT NULL, detail TEXT NOT NULL)",
    "INSERT INTO audit SELECT u.sequence, u.at, u.by_whom, a.number, CASE WHEN a.number IS NULL THEN u.subject END, \
     u.action, u.detail FROM audit_1 u LEFT JOIN alert a ON u.subject LIKE 'alert:%' \
     AND a.alert_id = coalesce(unhex(substr(u.subject, 7)), substr(u.subject, 7)) ORDER BY u.sequence",
    "DROP TABLE alert_1",
    "DROP TABLE finding_1",
    "DROP TABLE alert_revision_1",
    "DROP TABLE delivery_1",
    "DROP TABLE reference_1",
    "DROP TABLE audit_1",
    "CREATE INDEX alert_key ON alert (merge_key, time_last)",
    "CREATE INDEX alert_updated ON alert (updated_at)",
    "CREATE INDEX alert_done ON alert (updated_at) WHERE status IN ('closed', 'gathering')",
    "CREATE INDEX finding_alert ON finding (alert) WHERE alert IS NOT NULL",
    "CREATE INDEX finding_day ON finding (day) WHERE alert IS NULL",
    // Of one alert an output is told of each revision once, the lower one first.
    "CREATE UNIQUE INDEX delivery_order ON delivery (alert, output, revision)",
    "CREATE INDEX delivery_due ON delivery (output, due_at, sequence) WHERE state = 'pending'",
    "CREATE INDEX delivery_dead ON delivery (output, sequence) WHERE state = 'dead'",
    "CREATE INDEX audit_alert ON audit (alert) WHERE alert IS NOT NULL",
    "CREATE INDEX audit_subject ON audit (subject) WHERE alert IS NULL",
    "CREATE INDEX audit_at ON audit (at) WHERE alert IS NULL",
    // What an output asked for, to be left alone until then, and when all of its rate is there again.
    "CREATE TABLE pace (output TEXT PRIMARY KEY, held_until INTEGER, free_at INTEGER) WITHOUT ROWID",
];

/// What detections remember.
const LOOKUPS: &[&str] = &[
    "CREATE TABLE lookup (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, \
     PRIMARY KEY (name, key)) WITHOUT ROWID",
    "CREATE INDEX lookup_at ON lookup (name, at)",
];

#[cfg(test)]
mod tests;
