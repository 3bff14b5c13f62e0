//! Tests of `config show`: what is shown, and that no secret is.

use egret_model::Secret;

use crate::{BlockKind, BlockReader, Configuration, Decode, Diagnostics, Environment, decode_block, show};

const KINDS: [BlockKind; 2] =
    [BlockKind::new("output", &["name"]), BlockKind::new("connection", &["kind", "name"])];

/// A block whose `pin` nobody would take for a secret by its name.
struct Output;

impl Decode for Output {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        reader.label(0);
        reader.optional::<Secret>("pin");
        reader.optional::<Vec<Secret>>("pins");
        reader.attributes();
        reader.any_blocks();
        Some(Self)
    }
}

fn shown(text: &str) -> String {
    let environment = Environment::new([("KEY", "hunter2"), ("HOST", "example.org")]);
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse("a.hcl", text, &KINDS, &environment, &mut diagnostics);
    for block in configuration.blocks_of("output") {
        decode_block::<Output>(block, &mut diagnostics);
    }
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    show(&configuration)
}

const EXAMPLE: &str = r#"
locals {
  names = ["a", "b"]
}

output "hook" {
  url      = "https://${env("HOST")}/${local.names[1]}"
  retries  = 1 + 2
  pin      = "1234"
  pins     = ["5678", env("KEY")]
  key      = upper(env("KEY"))
  default  = env("NOT_SET", "hunter2")
  format   = format.regex.mine
  names    = local.names
  enabled  = true
  nothing  = null
  pattern  = `\d "x" ${y}`
  headers  = { Authorization = "Bearer hunter2", Accept = "text", "X-Key" = env("KEY") }
  empty    = {}
  layout   = "%{DATA}.gz"

  header "x" {
  }
}

connection "unknown" "x" {
  secret_key = "hunter2"
  password   = env("KEY")
  region     = "eu-west-1"
}
"#;

const SHOWN: &str = r#"output "hook" {
  url     = "https://${env("HOST")}/${local.names[1]}"
  retries = 3
  pin     = "…"
  pins    = ["…", env("KEY")]
  key     = upper(env("KEY"))
  default = "…"
  format  = format.regex.mine
  names   = ["a", "b"]
  enabled = true
  nothing = null
  pattern = "\\d \"x\" $${y}"
  headers = {
    "Authorization" = "…"
    "Accept" = "text"
    "X-Key" = env("KEY")
  }
  empty   = {}
  layout  = "%%{DATA}.gz"

  header "x" {}
}

connection "unknown" "x" {
  secret_key = "…"
  password   = env("KEY")
  region     = "eu-west-1"
}
"#;

#[test]
fn values_are_shown_and_secrets_are_not() {
    let text = shown(EXAMPLE);
    assert_eq!(text, SHOWN);
    assert!(!text.to_lowercase().contains("hunter2"));
}

#[test]
fn what_is_shown_can_be_read_again_and_shows_the_same() {
    let again = shown(&format!("locals {{\n  names = [\"a\", \"b\"]\n}}\n{SHOWN}"));
    assert_eq!(again, SHOWN);
}
