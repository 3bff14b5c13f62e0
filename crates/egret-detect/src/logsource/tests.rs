//! Which tables have the rows that a log source names.

use egret_config::{Configuration, Diagnostics};

use super::*;

fn source(product: Option<&str>, category: Option<&str>, service: Option<&str>) -> LogSource {
    let own = |name: Option<&str>| name.map(str::to_owned);
    LogSource {
        product: own(product),
        category: own(category),
        service: own(service),
        ..LogSource::default()
    }
}

fn tables(sources: &LogSources, source: &LogSource) -> Vec<String> {
    sources.lower(source, &Condition::Always(true)).into_keys().collect()
}

fn built_in() -> LogSources {
    let mut diagnostics = Diagnostics::new();
    let sources = LogSources::new(&Configuration::default(), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    sources
}

#[test]
fn a_category_and_a_service_must_be_the_same() {
    let sources = built_in();
    let windows = |category, service| tables(&sources, &source(Some("windows"), category, service));
    assert_eq!(windows(Some("process_creation"), None), ["windows_event_log"]);
    assert_eq!(windows(None, Some("security")), ["windows_event_log"]);
    assert_eq!(windows(None, None), ["windows_event_log"]);
    assert!(windows(Some("no_such_category"), None).is_empty());
    assert!(windows(Some("process_creation"), Some("security")).is_empty());
    assert_eq!(tables(&sources, &source(Some("Windows"), None, Some("system"))), ["windows_event_log"]);
    assert_eq!(
        tables(&sources, &source(None, Some("webserver"), None)),
        ["apache_access_log", "nginx_access_log"]
    );
    assert_eq!(tables(&sources, &source(Some("linux"), None, None)), ["linux_auth_log", "syslog"]);
    assert!(tables(&sources, &source(None, None, None)).is_empty());
}

#[test]
fn a_configuration_adds_its_own() {
    let text = r#"
logsource "proxy" {
  table = "squid_log"

  category "proxy" {
    where  = { kind = ["access", 7] }
    fields = { c-uri = "url" }
  }
}
"#;
    let mut diagnostics = Diagnostics::new();
    let file = [("egret.hcl", text)];
    let configuration =
        Configuration::parse_all(file, &[LOGSOURCE], &Environment::default(), &mut diagnostics);
    let sources = LogSources::new(&configuration, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let test = Condition::field("c-uri", Test::Exists);
    let lowered = sources.lower(&source(None, Some("proxy"), None), &test);
    let shown = crate::sigma::ShownCondition(&lowered["squid_log"]).to_string();
    assert_eq!(shown, "(kind = 'access' or kind = '7') and url exists");
}
