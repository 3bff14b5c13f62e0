//! `cargo xtask deps`: who may know whom. The tables here are the architecture; changing one is a decision.

use std::process::Command;

use serde_json::Value;

use crate::Report;
use crate::workspace;

/// Our crates from the bottom up, each with those of ours that it may name. Only lower ones can stand here.
const ALLOWED: &[(&str, &[&str])] = &[
    ("egret-model", &[]),
    ("egret-config", &["egret-model"]),
    ("egret-format", &["egret-config", "egret-model"]),
    ("egret-table", &["egret-config", "egret-format", "egret-model"]),
    ("egret-source", &["egret-config", "egret-model"]),
    ("egret-store", &["egret-model"]),
    ("egret-sql", &["egret-model"]),
    ("egret-lake", &["egret-config", "egret-model", "egret-sql"]),
    ("egret-match", &["egret-model"]),
    ("egret-detect", &["egret-config", "egret-format", "egret-match", "egret-model", "egret-table"]),
    ("egret-process", &["egret-config", "egret-model"]),
    ("egret-http", &["egret-config", "egret-model"]),
    ("egret-output", &["egret-config", "egret-http", "egret-model", "egret-process"]),
    ("egret-state", &["egret-config", "egret-http", "egret-model", "egret-process"]),
    (
        "egret-alert",
        &["egret-config", "egret-detect", "egret-lake", "egret-model", "egret-output", "egret-store"],
    ),
    (
        "egret-pipeline",
        &[
            "egret-config",
            "egret-detect",
            "egret-format",
            "egret-lake",
            "egret-model",
            "egret-source",
            "egret-sql",
            "egret-table",
        ],
    ),
    ("egret-peer", &[]),
    ("egret-testkit", &["egret-lake", "egret-match", "egret-model"]),
    (
        "egret-fuzz",
        &["egret-config", "egret-detect", "egret-format", "egret-match", "egret-model", "egret-state"],
    ),
    (
        "egret",
        &[
            "egret-alert",
            "egret-config",
            "egret-detect",
            "egret-format",
            "egret-lake",
            "egret-model",
            "egret-output",
            "egret-pipeline",
            "egret-source",
            "egret-sql",
            "egret-state",
            "egret-store",
            "egret-table",
        ],
    ),
    ("xtask", &[]),
];

/// What a crate's tests may name beyond that and beyond the fences.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    // Detections are tested with the compiler that evaluates them in earnest.
    // And those on changes with the comparison of states that makes them.
    ("egret-detect", &["egret-sql", "egret-state"]),
    ("egret-alert", &["egret-sql"]),
    // The tests of the command write compressed logs.
    ("egret", &["flate2"]),
];

/// Only for tests: a development dependency of any crate, a real one of none.
const DEVELOPMENT_ONLY: [&str; 2] = ["egret-peer", "egret-testkit"];

/// Crates from outside that stay behind a fence, with the crates of ours inside it. A name that ends in `*`
/// stands for all that begin so; of several that fit, the first counts.
const FENCES: &[(&str, &[&str])] = &[
    ("datafusion-ducklake", &["egret-lake"]),
    ("datafusion-functions-json", &["egret-sql"]),
    ("datafusion*", &["egret-lake", "egret-sql"]),
    ("sqlparser", &["egret-sql"]),
    ("parquet", &["egret-lake"]),
    // The lake's catalog is SQL, so the lake speaks to it.
    // States are kept in databases, and the generator `sql` reads any.
    ("sqlx*", &["egret-lake", "egret-state", "egret-store"]),
    ("lettre", &["egret-output"]),
    ("rdkafka*", &["egret-output"]),
    ("reqsign*", &["egret-http"]),
    ("reqwest", &["egret-http"]),
    ("minijinja", &["egret-output"]),
    // The verifier that looks at certificates which nobody trusts lives in that one generator.
    ("x509-parser", &["egret-state"]),
    ("rustix", &["egret-process", "egret-state"]),
    // Services that answer in XML are asked for states only.
    ("quick-xml", &["egret-state"]),
    ("hcl*", &["egret-config"]),
    ("hickory*", &["egret-state"]),
    ("annotate-snippets", &["egret-config"]),
    ("flate2", &["egret-source"]),
    ("zstd", &["egret-source"]),
    ("clap*", &["egret"]),
    ("indicatif", &["egret"]),
    ("mimalloc", &["egret"]),
    ("tracing-subscriber", &["egret"]),
];

/// One line of a crate's `Cargo.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    from: String,
    to: String,
    development: bool,
}

/// Checks the workspace's dependencies against the tables.
///
/// # Errors
/// If `cargo metadata` does not run or says something unexpected.
pub fn run() -> Result<Report, String> {
    let output = Command::new(workspace::cargo())
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(workspace::root())
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let (crates, edges) = read_metadata(&metadata).ok_or("cargo metadata has an unknown shape")?;
    let mut errors = unlisted_crates(&crates);
    errors.extend(edges.iter().filter_map(refuse));
    let summary = format!("deps: {} crates, {} dependencies, all allowed", crates.len(), edges.len());
    Ok(Report { errors, warnings: Vec::new(), summary })
}

fn read_metadata(metadata: &Value) -> Option<(Vec<String>, Vec<Edge>)> {
    let mut crates = Vec::new();
    let mut edges = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let from = package.get("name")?.as_str()?.to_owned();
        for dependency in package.get("dependencies")?.as_array()? {
            let to = dependency.get("name")?.as_str()?.to_owned();
            let development = dependency.get("kind")?.as_str() == Some("dev");
            edges.push(Edge { from: from.clone(), to, development });
        }
        crates.push(from);
    }
    Some((crates, edges))
}

/// Crates without a line in the table, and lines without a crate.
fn unlisted_crates(crates: &[String]) -> Vec<String> {
    let missing = crates
        .iter()
        .filter(|name| allowed_for(name).is_none())
        .map(|name| format!("crate `{name}` has no line in the table of allowed edges, xtask/src/edges.rs"));
    let gone = ALLOWED
        .iter()
        .filter(|(name, _)| !crates.iter().any(|existing| existing == name))
        .map(|(name, _)| format!("the table of allowed edges names `{name}`, which does not exist"));
    missing.chain(gone).collect()
}

/// Why an edge is not allowed; `None` if it is.
fn refuse(edge: &Edge) -> Option<String> {
    let Edge { from, to, development } = edge;
    let in_tests = ALLOWED_IN_TESTS.iter().any(|(name, more)| name == from && more.contains(&to.as_str()));
    if *development && in_tests {
        return None;
    }
    if is_ours(to) {
        if DEVELOPMENT_ONLY.contains(&to.as_str()) {
            return (!development)
                .then(|| format!("`{from}` depends on `{to}`, which is for [dev-dependencies] only"));
        }
        let allowed = allowed_for(from).unwrap_or_default();
        let names = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
        return (!allowed.contains(&to.as_str())).then(|| {
            format!("`{from}` depends on `{to}`; it may know {names}. Hand in a trait of egret-model instead")
        });
    }
    let (_, inside) = FENCES.iter().find(|(pattern, _)| fence_holds(pattern, to))?;
    (!inside.contains(&from.as_str()))
        .then(|| format!("`{from}` depends on `{to}`, which stays inside {}", inside.join(", ")))
}

fn allowed_for(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(listed, _)| *listed == name).map(|(_, allowed)| *allowed)
}

fn is_ours(name: &str) -> bool {
    name == "egret" || name == "xtask" || name.starts_with("egret-")
}

fn fence_holds(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name == prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-')),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edge(from: &str, to: &str, development: bool) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), development }
    }

    #[test]
    fn the_table_points_downwards_only() {
        for (index, (name, allowed)) in ALLOWED.iter().enumerate() {
            for lower in *allowed {
                let at = ALLOWED.iter().position(|(listed, _)| listed == lower);
                assert!(at.is_some_and(|at| at < index), "{name} may name {lower}, which is not below it");
            }
        }
    }

    #[test]
    fn allowed_edges_pass() {
        for allowed in [
            edge("egret-lake", "egret-sql", false),
            edge("egret-lake", "sqlx", false),
            edge("egret-detect", "egret-sql", true),
            edge("egret", "flate2", true),
            edge("egret-sql", "datafusion", false),
            edge("egret-source", "egret-testkit", true),
            edge("egret-model", "arrow", false),
            edge("egret", "clap_complete", false),
        ] {
            assert_eq!(refuse(&allowed), None, "{allowed:?}");
        }
    }

    #[test]
    fn other_edges_are_refused_with_the_way_out() {
        for (refused, expected) in [
            (edge("egret-source", "egret-format", false), "it may know egret-config, egret-model"),
            (edge("egret-model", "egret-config", false), "it may know none of ours"),
            (edge("egret-detect", "egret-sql", false), "Hand in a trait of egret-model"),
            (edge("egret-lake", "egret-testkit", false), "[dev-dependencies] only"),
            (edge("egret", "flate2", false), "stays inside egret-source"),
            (edge("egret-detect", "datafusion-expr", false), "stays inside egret-lake, egret-sql"),
            (edge("egret-sql", "datafusion-ducklake", false), "stays inside egret-lake"),
            (edge("egret", "sqlx-sqlite", true), "stays inside egret-lake, egret-state, egret-store"),
            (edge("egret-table", "hcl-edit", false), "stays inside egret-config"),
        ] {
            let message = refuse(&refused).unwrap();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_fence_with_a_star_stops_at_a_hyphen() {
        assert!(fence_holds("datafusion*", "datafusion"));
        assert!(fence_holds("datafusion*", "datafusion-expr"));
        assert!(!fence_holds("datafusion*", "datafusionish"));
        assert!(!fence_holds("zstd", "zstd-sys"));
    }

    #[test]
    fn a_crate_needs_a_line_and_a_line_needs_a_crate() {
        let mut crates: Vec<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(unlisted_crates(&crates), Vec::<String>::new());
        crates.retain(|name| name != "egret-sql");
        crates.push("egret-new".to_owned());
        let errors = unlisted_crates(&crates);
        assert!(errors[0].contains("`egret-new` has no line"), "{errors:?}");
        assert!(errors[1].contains("`egret-sql`, which does not exist"), "{errors:?}");
    }

    #[test]
    fn reads_what_cargo_says() {
        let metadata = json!({"packages": [{"name": "egret-table", "dependencies": [
            {"name": "egret-model", "kind": null}, {"name": "insta", "kind": "dev"},
        ]}]});
        let (crates, edges) = read_metadata(&metadata).unwrap();
        assert_eq!(crates, ["egret-table"]);
        assert_eq!(edges, [edge("egret-table", "egret-model", false), edge("egret-table", "insta", true)]);
        assert_eq!(read_metadata(&json!({"packages": [{}]})), None);
    }
}
