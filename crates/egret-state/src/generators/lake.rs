//! `lake`: the rows of a query over the lake, as a state.

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator, QueryLake};
use crate::registry::GeneratorType;

/// The generator type `lake`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "lake",
    description: "The rows of a query over the lake: what logs say there is.",
    channel: "custom.lake",
    key: &[],
    ignore: &[],
    ordered: &[],
    attributes: &[&[AttributeDocumentation::required(
        "query",
        "a string",
        "The query, in the same SQL as everywhere.",
    )]],
    example: r#"generator "lake" "root_logins" {
  query = <<-SQL
    SELECT recipient_account_id AS account, source_ip_address AS address
    FROM aws_cloudtrail_log
    WHERE event_name = 'ConsoleLogin' AND user_identity.type = 'Root'
      AND tp_timestamp > now() - INTERVAL 30 DAY
    GROUP BY ALL
  SQL
  every = "1d"
  key   = ["account", "address"]
}
"#,
    documents: "One document a row, with its columns by name:\n\n\
        ```json\n{\"account\": \"123456789012\", \"address\": \"198.51.100.7\"}\n```\n\n\
        Equal rows are one document, so ask for what there is rather than for events: with `DISTINCT` or `GROUP BY`, and \
        without counts and times, which change all the time. What is first seen in a log then is a change.",
    permissions: "To read the lake, which Egret does anyway.",
    decode: |reader, context| {
        let query = reader.required::<String>("query");
        Some(Arc::new(Lake { query: query?, lake: context.lake.clone() }))
    },
};

#[derive(Debug)]
struct Lake {
    query: String,
    lake: Option<Arc<dyn QueryLake>>,
}

#[async_trait]
impl Generator for Lake {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let Some(lake) = &self.lake else {
            return Err(GenerateError::refused(
                "there is no lake to ask: run it where the configuration has one, with a `lake` block",
            ));
        };
        let mut kept = Ok(());
        let mut row = |row| {
            if kept.is_ok() {
                kept = documents.push(row);
            }
        };
        // A query that is wrong does not get better, but a lake that is busy does, and both are told in words only.
        lake.query(&self.query, &mut row).await.map_err(GenerateError::retry)?;
        kept
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::generator::GeneratorContext;
    use crate::testing::{context, definition, documents_of, listed, mistakes};

    const BLOCK: &str = "generator \"lake\" \"l\" {\n query = \"SELECT 1\"\n key = [\"a\"]\n}";

    #[derive(Debug)]
    struct Rows(Vec<Json>, Result<(), String>);

    #[async_trait]
    impl QueryLake for Rows {
        async fn query(&self, sql: &str, row: &mut (dyn FnMut(Json) + Send)) -> Result<(), String> {
            assert_eq!(sql, "SELECT 1");
            self.0.iter().cloned().for_each(row);
            self.1.clone()
        }
    }

    async fn run(rows: Rows) -> Result<Vec<String>, GenerateError> {
        let context = GeneratorContext { lake: Some(Arc::new(rows)), ..context(&std::env::temp_dir()) };
        let definition = definition(BLOCK, &context);
        let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
        definition.generator.generate(&mut documents).await?;
        Ok(listed(&mut documents))
    }

    #[tokio::test]
    async fn rows_are_documents() {
        let rows = vec![json!({"a": 2, "b": [1]}), json!({"a": 1}), json!({"a": 1})];
        assert_eq!(run(Rows(rows, Ok(()))).await.unwrap(), [r#"1 {"a":1}"#, r#"2 {"a":2,"b":[1]}"#]);
        assert_eq!(run(Rows(Vec::new(), Ok(()))).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_lake_that_fails_gives_no_state() {
        let error =
            run(Rows(vec![json!({"a": 1})], Err("there is no table `t`".to_owned()))).await.unwrap_err();
        assert_eq!(error, GenerateError::retry("there is no table `t`"));
        let monster = json!({"a": "x".repeat(17 << 20)});
        let error = run(Rows(vec![monster, json!({"a": 1})], Ok(()))).await.unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    }

    #[tokio::test]
    async fn without_a_lake_it_says_so() {
        let error = documents_of(BLOCK).await.unwrap_err();
        assert!(error.to_string().starts_with("there is no lake to ask"), "{error}");
        assert!(mistakes("generator \"lake\" \"l\" { }").contains("needs the attribute `query`"));
    }
}
