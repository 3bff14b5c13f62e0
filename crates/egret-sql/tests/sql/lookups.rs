//! `lookup`: in expressions, whose entries come after they are compiled, and in queries.

use std::sync::Arc;

use arrow::array::AsArray;
use egret_model::{ExpressionCompiler, LookupEntries, Lookups};
use egret_sql::{Session, SessionOptions, SqlCompiler};

use crate::events::{clock, rows, schema};

fn entries(entries: &[(&str, &str)]) -> LookupEntries {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn lookups() -> Arc<Lookups> {
    let configured = entries(&[("ConsoleLogin", "a login"), ("443", "https")]);
    Arc::new(Lookups::new([("known".to_owned(), configured), ("others".to_owned(), LookupEntries::new())]))
}

fn compiler(lookups: &Arc<Lookups>) -> SqlCompiler {
    SqlCompiler::with_lookups(clock(), Arc::clone(lookups))
}

/// The value for each row of the event table.
fn values(lookups: &Arc<Lookups>, sql: &str) -> Vec<Option<String>> {
    let values = compiler(lookups).compile(sql, &schema()).unwrap().evaluate(&rows()).unwrap();
    values.as_string_view().iter().map(|value| value.map(str::to_owned)).collect()
}

#[test]
fn an_expression_gives_values_and_nulls() {
    let lookups = lookups();
    lookups.remember("known", entries(&[("GetObject", "read"), ("ConsoleLogin", "not told")]));
    let given = values(&lookups, "lookup('known', event_name)");
    let expected = (0..rows().num_rows()).map(|row| {
        let names = rows().column_by_name("event_name").unwrap().clone();
        let names = arrow::compute::cast(&names, &arrow::datatypes::DataType::Utf8).unwrap();
        let names = names.as_string::<i32>();
        let name = arrow::array::Array::is_valid(names, row).then(|| names.value(row).to_owned());
        match name.as_deref() {
            Some("ConsoleLogin") => Some("a login".to_owned()),
            Some("GetObject") => Some("read".to_owned()),
            _ => None,
        }
    });
    assert_eq!(given, expected.collect::<Vec<_>>());
    assert!(given.iter().any(Option::is_some) && given.iter().any(Option::is_none), "{given:?}");
    // A number is a key too, and null is none.
    assert!(values(&lookups, "lookup('known', port)").contains(&Some("https".to_owned())));
    assert_eq!(values(&lookups, "lookup('known', null)"), [const { None }; 5]);
}

/// Entries are read after the configuration is compiled, and again while a process goes on.
#[test]
fn what_is_remembered_later_is_seen() {
    let lookups = lookups();
    for sql in [
        "lookup('known', 'eve')",
        "lookup('known', 'e' || 've')",
        "coalesce(lookup('known', 'eve'), lookup('others', 'eve'))",
        "case when now() > '2000-01-01' then lookup('known', 'eve') end",
    ] {
        let expression = compiler(&lookups).compile(sql, &schema()).unwrap();
        let first = |expected: Option<&str>| {
            let values = expression.evaluate(&rows()).unwrap();
            assert_eq!(
                (values.len(), values.as_string_view().iter().next().unwrap()),
                (5, expected),
                "{sql}"
            );
        };
        first(None);
        lookups.remember("known", entries(&[("eve", "new")]));
        first(Some("new"));
        lookups.remember("known", LookupEntries::new());
        first(None);
    }
}

#[test]
fn conditions_ask() {
    let lookups = lookups();
    let sql = "lookup('known', event_name) is not null or lookup('others', event_name) = 'x'";
    let expression = compiler(&lookups).compile(sql, &schema()).unwrap();
    let before = expression.matches(&rows()).unwrap().true_count();
    lookups.remember("others", entries(&[("GetObject", "x")]));
    let after = expression.matches(&rows()).unwrap().true_count();
    assert!(before > 0 && after > before, "{before} {after}");
}

#[test]
fn mistakes_are_told_when_it_is_compiled() {
    for (sql, message, place, hint) in [
        ("lookup('knwon', event_name)", "there is no lookup `knwon`", Some(7), "did you mean `known`?"),
        ("lookup('x', 'y') is null", "there is no lookup `x`", Some(7), "the lookups are known, others"),
        ("lookup(event_name, 'x')", "is the name of a lookup, as a text", Some(0), "write it out"),
        ("lookup(null, 'x')", "is the name of a lookup, as a text", Some(0), "write it out"),
        ("lookup('known', tags)", "takes a text as its key, not VARCHAR[]", Some(0), "cast it"),
    ] {
        let error = compiler(&lookups()).compile(sql, &schema()).unwrap_err();
        assert!(error.message.contains(message), "{sql}: {error:?}");
        assert_eq!(error.span.map(|span| span.start), place, "{sql}");
        assert!(error.hint.clone().unwrap().contains(hint), "{sql}: {:?}", error.hint);
    }
    let none = SqlCompiler::new(clock()).compile("lookup('known', event_name)", &schema()).unwrap_err();
    assert!(none.hint.unwrap().contains("lookup \"known\" { … }"));
}

#[tokio::test]
async fn queries_ask_the_same() {
    let lookups = lookups();
    let options = SessionOptions {
        memory_bytes: 64 << 20,
        threads: 2,
        spill_dir: None,
        clock: clock(),
        lookups: Arc::clone(&lookups),
    };
    let session = Session::new(options).unwrap();
    session.register_batches("event", schema(), vec![rows()]).unwrap();
    lookups.remember("known", entries(&[("eve", "new")]));
    let sql = "select lookup('known', event_name) as what, lookup('known', 'eve') as eve, count(*) as n from event \
               where lookup('known', event_name) is not null group by 1, 2";
    let batches = session.query(sql).await.unwrap().collect().await.unwrap();
    let texts: Vec<_> = batches
        .iter()
        .flat_map(|batch| {
            let text =
                |column: usize| arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8);
            let (what, eve) = (text(0).unwrap(), text(1).unwrap());
            (0..batch.num_rows())
                .map(|row| {
                    [
                        what.as_string::<i32>().value(row).to_owned(),
                        eve.as_string::<i32>().value(row).to_owned(),
                    ]
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(texts, [["a login".to_owned(), "new".to_owned()]]);
    let error = session.query("select lookup('knwon', event_name) from event").await.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean `known`?"));
}
