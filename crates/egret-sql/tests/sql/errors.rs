//! What a mistake says: the message, the place in the SQL, the hint.

use egret_model::{CompileError, ExpressionCompiler};
use egret_sql::{Session, SqlError};

use crate::events::{compiler, schema, session};

/// The mistake as people see it: the SQL with the place marked, and the words.
fn shown(sql: &str, message: &str, span: Option<std::ops::Range<usize>>, hint: Option<&str>) -> String {
    let marked = match span {
        Some(span) => format!("{}⟦{}⟧{}", &sql[..span.start], &sql[span.clone()], &sql[span.end..]),
        None => sql.to_owned(),
    };
    format!("{marked}\n  error: {message}\n  hint:  {}\n", hint.unwrap_or("-"))
}

#[test]
fn mistakes_in_expressions() {
    let mistakes = [
        "event_nam = 'x'",
        "'é日本' = evnt_name",
        "quux = 1",
        "user_identity.typ = 'x'",
        "user_identity.session_context.nothing = 1",
        "tags.name = 'x'",
        "bytes.x = 1",
        "uper(event_name) = 'X'",
        "frobnicate(1)",
        "count(*) > 3",
        "row_number() over () = 1",
        "bytes > (select 1)",
        "event_name in (select 'x')",
        "event_name = ",
        "event_name = 'x' 'y'",
        "event_name = 'x",
        "(bytes > 1",
        "bytes = 'abc'",
        "event_name::frob",
        "ip_in_network(source_ip, '10.0.0.0/99')",
        "ip_in_network(bytes, '10.0.0.0/8')",
        "ip_in_network(source_ip)",
        "strftime(event_time, '%Q')",
        "regexp_matches(event_name, '(')",
        "user_identity->>'arn' = 'x'",
        "request->>'$.a[' = 'x'",
        "upper(bytes)",
        "event_name + 1",
        "random() > 0.5",
        "event_time > 'yesterday'",
        "bytes > 9223372036854775807 + 1",
        "",
        "select 1",
    ];
    let mut report = String::new();
    for sql in mistakes {
        match compiler().compile(sql, &schema()) {
            Ok(expression) => report.push_str(&format!("{sql}\n  gives {}\n", expression.data_type())),
            Err(CompileError { message, span, hint }) => {
                report.push_str(&shown(sql, &message, span, hint.as_deref()));
            }
        }
    }
    insta::assert_snapshot!(report);
}

async fn error_of(session: &Session, sql: &str) -> Option<SqlError> {
    match session.query(sql).await {
        Err(error) => Some(error),
        Ok(result) => result.collect().await.err(),
    }
}

#[tokio::test]
async fn mistakes_in_queries() {
    let mistakes = [
        "selct 1",
        "select evnt_name from event",
        "select event_name\nfrom event\nwhere 'é' = usr_agent",
        "select e.evnt_name from event e",
        "select * from evnt",
        "select * from nothing_like_it",
        "select user_identity.ar from event",
        "select cuont(*) from event",
        "select event_name from event e, event f",
        "select event_name, count(*) from event",
        "select * from event where",
        "select 1; select 2",
        "insert into event values (1)",
        "create table t (a int)",
        "drop table event",
        "copy event to 'x.csv'",
        "set memory_limit = '1GB'",
        "update event set bytes = 1",
        "explain insert into event values (1)",
        "select event_name::int from event",
        "select * from read_csv('secret.csv')",
        "-- nothing",
    ];
    let session = session();
    let mut report = String::new();
    for sql in mistakes {
        match error_of(&session, sql).await {
            None => report.push_str(&format!("{sql}\n  runs\n")),
            Some(error) => report.push_str(&shown(sql, &error.message, error.span, error.hint.as_deref())),
        }
    }
    insta::assert_snapshot!(report);
}

#[tokio::test]
async fn a_place_is_told_by_line_and_column() {
    let sql = "select event_name\nfrom event\nwhere 'é' = usr_agent";
    let error = error_of(&session(), sql).await.unwrap();
    assert_eq!(error.line_and_column(sql), Some((3, 13)));
}
