//! The tables, and how a store of an older version becomes one of the newest.

/// What makes each version of the schema from the one before. A version that was released is never changed.
pub(crate) const VERSIONS: &[&[&str]] = &[&[
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
]];
