//! Mistakes in SQL are shown at their own place in the file.

use egret_detect::Detector;

use super::{compiler, load};

#[test]
fn a_mistake_is_marked_inside_the_sql() {
    let text = r#"
detection "typo" {
  table = "aws_cloudtrail_log"
  where = <<-EOT
    event_name = 'ConsoleLogin'
    and user_idenity.type = 'Root'
  EOT
}

detection "not_boolean" {
  table = "aws_cloudtrail_log"
  where = "upper(event_name)"
}

detection "message" {
  table   = "aws_cloudtrail_log"
  where   = "event_name = 'x'"
  message = "{user_identity.arm} called {event_nam}"
}
"#;
    let (tables, definitions) = load(text);
    let schema = tables.get("aws_cloudtrail_log").unwrap().schema();
    let mistakes = Detector::compile(&definitions, &schema, "aws.cloudtrail", &compiler()).unwrap_err();
    insta::assert_snapshot!(mistakes.render(false));
}
