//! What a block says of accounts and regions, and its mistakes.

use crate::testing::mistakes;

#[test]
fn mistakes_are_told_at_their_place() {
    for (attributes, expected) in [
        ("accounts = []", "`accounts` names no account"),
        ("accounts = [\"arn:aws:iam::1:role/x\"]", "this is no ARN of a role"),
        ("accounts = [\"arn:aws:iam::123456789012:user/x\"]", "this is no ARN of a role"),
        ("accounts = [\"own\", \"own\"]", "this account is named twice"),
        (
            "accounts = [\"arn:aws:iam::123456789012:role/x\", \"arn:aws:iam::123456789012:role/y\"]",
            "this account is named twice",
        ),
        ("accounts = [{ external_id = \"x\" }]", "an account needs a `role_arn`"),
        ("accounts = [{ role = \"x\" }]", "an account has no `role`"),
        ("accounts = [1]", "expected a string with the ARN of a role"),
        ("region = \"evil.example.org/\"", "`evil.example.org/` is no region"),
        ("kinds = []", "`kinds` names nothing to look at"),
        ("kinds = [\"users\"]", "did you mean \"user\"?"),
        ("external_id = \"x\"", "an `external_id` goes with a `role_arn`"),
    ] {
        let text = mistakes(&format!("generator \"aws_iam\" \"x\" {{\n {attributes}\n}}"));
        assert!(text.contains(expected), "{attributes}: {text}");
    }
}
