//! What a block says, and its mistakes.

use super::*;
use crate::testing::{context, definition, mistakes};

#[test]
fn what_a_block_says_goes_before_what_its_type_says() {
    let context = context(&std::env::temp_dir());
    let plain = definition(r#"generator "kernel_modules" "m" {}"#, &context);
    assert_eq!(
        (plain.address().as_str(), plain.channel.as_str()),
        ("kernel_modules.m", "host.kernel_modules")
    );
    assert_eq!(
        (plain.key.as_slice(), plain.every, plain.jitter),
        (&["name".to_owned()][..], EVERY, EVERY / 10)
    );
    let block = r#"generator "kernel_modules" "m" {
      channel    = "web.modules"
      every      = "5m"
      jitter     = "0s"
      key        = ["name", "size"]
      ignore     = ["$.size"]
      ordered    = ["$.used_by"]
      identity   = { "$.users" = "pid" }
      max_shrink = 1
      first_run  = "changes"
      timeout    = "1m"
      retries    = 0
      keep       = "365d"
    }"#;
    let own = definition(block, &context);
    assert_eq!((own.channel.as_str(), own.every, own.jitter), ("web.modules", EVERY / 12, Duration::ZERO));
    assert_eq!((own.max_shrink, own.first_run, own.retries), (1.0, FirstRun::Changes, 0));
    assert_eq!((own.shape.ignore.len(), own.shape.ordered.len(), own.shape.identity.len()), (1, 1, 1));
}

#[test]
fn mistakes_are_told_at_their_place() {
    let text = mistakes(
        r#"generator "kernel_module" "a" {}
generator "kernel_modules" "b/c" {}
generator "kernel_modules" "d" {
  ignore     = ["$.["]
  max_shrink = 2
  first_run  = "all"
  evry       = "5m"
}
generator "kernel_modules" "e" {}
generator "kernel_modules" "e" {}
"#,
    );
    insta::assert_snapshot!(text);
}
