//! Decoding: each type from each way of writing it, and a configuration as tailpipe users have it.

use std::collections::BTreeMap;
use std::time::Duration;

use egret_config::{
    BlockKind, BlockReader, ByteSize, Configuration, Decode, Diagnostics, Environment, FromValue, Located,
    Reference, Value, decode_block,
};
use egret_model::{Secret, Severity};

const KINDS: [BlockKind; 5] = [
    BlockKind::new("test", &[]),
    BlockKind::new("connection", &["type", "name"]),
    BlockKind::new("partition", &["table", "name"]),
    BlockKind::new("table", &["name"]),
    BlockKind::new("format", &["type", "name"]),
];

fn parse(name: &str, text: &str) -> Configuration {
    let environment = Environment::new([("TOKEN", "hunter2"), ("SOON", "soon")]);
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse(name, text, &KINDS, &environment, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    configuration
}

fn read<T: FromValue>(expression: &str) -> Result<T, String> {
    let configuration = parse("egret.hcl", &format!("test {{\n  it = {expression}\n}}\n"));
    let mut diagnostics = Diagnostics::new();
    let mut reader = BlockReader::new(&configuration.blocks[0], &mut diagnostics);
    let value = reader.required("it");
    reader.finish();
    assert_eq!(value.is_none(), diagnostics.has_errors());
    value.ok_or_else(|| diagnostics.render(false))
}

#[test]
fn each_type_reads_what_is_written_for_it() {
    assert_eq!(read("true"), Ok(true));
    assert_eq!(read("-5"), Ok(-5_i64));
    assert_eq!(read("9223372036854775807"), Ok(i64::MAX));
    assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(read("4 / 2"), Ok(2_u64));
    assert_eq!(read("3"), Ok(3.0_f64));
    assert_eq!(read("0.1"), Ok(0.1_f64));
    assert_eq!(read("\"a\""), Ok("a".to_owned()));
    assert_eq!(read("\"hunter2\""), Ok(Secret::new("hunter2")));
    assert_eq!(read("\"HIGH\""), Ok(Severity::High));
    assert_eq!(read("\"15m\""), Ok(Duration::from_secs(900)));
    assert_eq!(read("\"384MiB\""), Ok(ByteSize(384 << 20)));
    assert_eq!(read("4096"), Ok(ByteSize(4096)));
    assert_eq!(read("[\"a\", \"b\"]"), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(read("[null, 1]"), Ok(vec![None, Some(1_u64)]));
    let map = BTreeMap::from([("a".to_owned(), 2_u64), ("b".to_owned(), 1)]);
    assert_eq!(read("{ b = 1, a = 2 }"), Ok(map));
    let pairs: Vec<(Located<String>, u64)> = read("{ b = 1, a = 2 }").unwrap();
    assert_eq!(pairs[0].0.value, "b");
    let located: Located<String> = read("\"a\"").unwrap();
    assert_eq!((located.value.as_str(), located.location.to_string().as_str()), ("a", "egret.hcl:2:8"));
    let reference: Reference = read("format.regex.mine").unwrap();
    assert_eq!(
        (reference.to_string(), reference.location.text()),
        ("format.regex.mine".into(), "format.regex.mine")
    );
    assert_eq!(read::<Value>("[1]").unwrap().describe(), "a list");
}

#[test]
fn sizes_have_units() {
    for (text, bytes) in [
        ("0", 0),
        ("10b", 10),
        ("1K", 1024),
        ("1kb", 1000),
        ("1.5 GiB", 3 << 29),
        ("2TB", 2_000_000_000_000),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
    }
    for text in ["", "MiB", "1.2.3k", "-1", "5 parsecs", "99999999999999TiB", "1e9", "18446744073709551616"] {
        assert!(ByteSize::parse(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_outside_of_the_range_are_refused() {
    assert!(read::<i64>("9223372036854775808").is_err());
    assert!(read::<u64>("-1").is_err());
    assert!(read::<u64>("1.5").is_err());
    assert!(read::<u16>("65536").is_err());
    assert!(read::<u64>("\"5\"").unwrap_err().contains("without quotes"));
}

#[test]
fn mistakes_do_not_tell_values_from_outside() {
    for rendered in [
        read::<Duration>("env(\"TOKEN\")").unwrap_err(),
        read::<u64>("env(\"TOKEN\")").unwrap_err(),
        read::<Vec<String>>("env(\"TOKEN\")").unwrap_err(),
        read::<Severity>("lower(env(\"TOKEN\"))").unwrap_err(),
    ] {
        assert!(!rendered.contains("hunter2"), "{rendered}");
        assert!(rendered.contains("egret.hcl:2:8"), "{rendered}");
    }
}

#[test]
fn an_attribute_with_a_mistake_is_not_missing_as_well() {
    let mut diagnostics = Diagnostics::new();
    let text = "test {\n  it = uper(\"x\")\n}\n";
    let configuration =
        Configuration::parse("egret.hcl", text, &KINDS, &Environment::default(), &mut diagnostics);
    let mut reader = BlockReader::new(&configuration.blocks[0], &mut diagnostics);
    assert_eq!(reader.required::<String>("it"), None);
    assert_eq!(reader.optional_or("it", 5_u64), None);
    assert_eq!(reader.optional_or("absent", 5_u64), Some(5));
    reader.finish();
    assert_eq!(diagnostics.into_vec().len(), 1);
}

#[test]
fn diagnostics_are_sorted_and_each_is_shown_once() {
    let text = "test {\n  a = 1\n  b = 2\n}\n";
    let configuration = parse("egret.hcl", text);
    let attributes = &configuration.blocks[0].attributes;
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(&attributes[1].expression, "second");
    diagnostics.warning(&attributes[0].expression, "first");
    diagnostics.error(&attributes[1].expression, "second");
    let messages: Vec<String> = diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
    assert_eq!(messages, ["first", "second"]);
}

/// A configuration in the forms that tailpipe documents; it must load unchanged.
const TAILPIPE: &str = r#"
connection "aws" "prod" {
  profile = "SSO-Admin-605...13981"
}

partition "aws_cloudtrail_log" "prod" {
  filter   = "not (user_identity.type = 'AWSService' and event_name like 'Describe%')"
  tp_index = "recipient_account_id"

  source "aws_s3_bucket" {
    connection  = connection.aws.prod
    bucket      = "aws-cloudtrail-logs-bucket"
    file_layout = `AWSLogs/(%{DATA:org_id}/)?%{NUMBER:account_id}/CloudTrail/%{DATA}.json.gz`
  }
}

partition "nginx_access_log" "dev" {
  source "file" {
    format      = format.nginx_access_log.custom
    paths       = ["/var/log/nginx/dev/", "/var/log/nginx/dev2"]
    file_layout = "%{DATA}.log"
    patterns = {
      "MYDATE" : `%{YEAR}-%{MONTHNUM}`
    }
  }
}

format "nginx_access_log" "custom" {
  layout = `$remote_addr - $remote_user [$time_local] "$request" $status "$http_user_agent"`
}

format "regex" "app" {
  description = "My app"
  layout      = `^(?P<time>\d{4}-\d\d-\d\d) \[(?P<level>\w+)\] (?P<message>.*)$`
}

format "delimited" "csv" {
  delimiter = "\t"
  header    = false
}

table "my_log" {
  format     = format.jsonl.default
  map_fields = ["*"]
  null_if    = "-"

  column "tp_timestamp" {
    type      = "timestamp"
    transform = "strptime(time, '%Y-%m-%d %H:%M:%S')"
  }

  column "event_date" {
    transform = <<-EOQ
      case
        when kind = `x` then '${upper("a")}'
      end
    EOQ
  }
}
"#;

#[derive(Debug)]
struct Column {
    name: String,
    transform: Option<Located<String>>,
}

impl Decode for Column {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.label(0);
        reader.optional::<String>("type");
        let transform = reader.optional("transform");
        Some(Self { name: name?, transform })
    }
}

#[test]
fn a_tailpipe_configuration_loads_unchanged() {
    let configuration = parse("aws.tpc", TAILPIPE);
    assert_eq!(configuration.blocks.len(), 7);
    let partitions: Vec<_> = configuration.blocks_of("partition").collect();
    let source = partitions[0].blocks_of("source").next().unwrap();
    let text = |block: &egret_config::Block, name: &str| {
        block.attribute(name).unwrap().value.as_ref().unwrap().as_str().map(str::to_owned)
    };
    let layout = "AWSLogs/(%{DATA:org_id}/)?%{NUMBER:account_id}/CloudTrail/%{DATA}.json.gz";
    assert_eq!(text(source, "file_layout").as_deref(), Some(layout));
    let file = partitions[1].blocks_of("source").next().unwrap();
    assert_eq!(text(file, "file_layout").as_deref(), Some("%{DATA}.log"));
    let regex = configuration.blocks_of("format").nth(1).unwrap();
    assert_eq!(regex.path(), "format.regex.app");
    assert!(text(regex, "layout").unwrap().starts_with(r"^(?P<time>\d{4}"));

    let mut diagnostics = Diagnostics::new();
    let table = configuration.blocks_of("table").next().unwrap();
    let mut reader = BlockReader::new(table, &mut diagnostics);
    let columns: Vec<Column> = reader.decode_blocks("column");
    let format: Reference = reader.required("format").unwrap();
    assert_eq!(format.path, ["format", "jsonl", "default"]);
    assert_eq!(columns[1].name, "event_date");
    let transform = columns[1].transform.as_ref().unwrap();
    assert_eq!(transform.value, "case\n  when kind = `x` then 'A'\nend\n");
    let strptime = columns[0].transform.as_ref().unwrap();
    assert_eq!(strptime.inside(0..8).text(), "strptime");
    assert!(!diagnostics.has_errors());
}

/// A mistake on the same line does not show what is secret there; where it comes from may be seen.
#[test]
fn a_mistake_shows_no_secret() {
    struct Hook;
    impl Decode for Hook {
        fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
            let headers = reader.required::<Vec<(Located<String>, Secret)>>("headers");
            let token = reader.required::<Secret>("token");
            headers.and(token).map(|_| Self)
        }
    }
    let text = "hook {\n headers = { A = \"Bearer hunter2\", B = \"swordfish\" }\n token = \"correct horse\"\n mroe = 1\n}";
    let mut diagnostics = Diagnostics::new();
    let kinds = [BlockKind::new("hook", &[])];
    let configuration =
        Configuration::parse("egret.hcl", text, &kinds, &Environment::default(), &mut diagnostics);
    let block = configuration.blocks_of("hook").next().unwrap();
    assert!(decode_block::<Hook>(block, &mut diagnostics).is_some());
    for attribute in &block.attributes {
        let mistake = egret_config::Diagnostic::error("look here").at(&attribute.name.location);
        diagnostics.push(mistake);
    }
    let shown = diagnostics.render(false);
    for secret in ["hunter2", "Bearer", "swordfish", "correct", "horse"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("headers = { A = \"**************\""), "{shown}");
}
