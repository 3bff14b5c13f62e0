//! The roles that a block names: who to be in which account.

use egret_config::{Diagnostic, Diagnostics, FromValue, Located, Value, ValueKind};
use egret_http::CallError;
use egret_model::Secret;

/// The word for the account of the credentials themselves.
const OWN: &str = "own";

/// Who to be in an account.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// The credentials themselves.
    Own,
    /// A role that they assume.
    Assumed { account: String, role_arn: String, external_id: Option<Secret> },
}

impl Role {
    /// Why nobody could sign in with it.
    pub(super) fn explain(&self, error: CallError) -> CallError {
        let Self::Assumed { role_arn, .. } = self else { return error };
        let explained = |message: String| format!("nobody is signed in as {role_arn}: {message}");
        match error {
            CallError::Retry { message, after } => CallError::Retry { message: explained(message), after },
            CallError::Refused { message } => CallError::Refused { message: explained(message) },
        }
    }
}

impl FromValue for Role {
    const EXPECTED: &'static str =
        "a string with the ARN of a role, `{ role_arn = \"…\", external_id = \"…\" }`, or \"own\"";
    const SECRET: bool = true;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let assumed = |role_arn: &str, external_id: Option<Secret>, diagnostics: &mut Diagnostics| {
            let Some(account) = account_of(role_arn) else {
                let mistake = Diagnostic::error("this is no ARN of a role").at(&value.location);
                diagnostics.push(mistake.hint("write it like \"arn:aws:iam::123456789012:role/egret\""));
                return None;
            };
            Some(Self::Assumed { account: account.to_owned(), role_arn: role_arn.to_owned(), external_id })
        };
        match &value.kind {
            ValueKind::String(text) if text == OWN => Some(Self::Own),
            ValueKind::String(text) => assumed(text, None, diagnostics),
            ValueKind::Map(entries) => {
                let (mut role_arn, mut external_id) = (None, None);
                for (name, entry) in entries {
                    match name.value.as_str() {
                        "role_arn" => role_arn = Some(String::from_value(entry, diagnostics)?),
                        "external_id" => external_id = Some(Secret::from_value(entry, diagnostics)?),
                        other => {
                            let mistake = Diagnostic::error(format!("an account has no `{other}`"));
                            diagnostics
                                .push(mistake.at(&name.location).hint("it has `role_arn` and `external_id`"));
                            return None;
                        }
                    }
                }
                let Some(role_arn) = role_arn else {
                    diagnostics.push(Diagnostic::error("an account needs a `role_arn`").at(&value.location));
                    return None;
                };
                assumed(&role_arn, external_id, diagnostics)
            }
            _ => {
                diagnostics.push(value.wrong_type(Self::EXPECTED));
                None
            }
        }
    }
}

/// The account of a role's ARN.
fn account_of(role_arn: &str) -> Option<&str> {
    let fields: Vec<&str> = role_arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, role] = fields[..] else { return None };
    let is_number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && role.starts_with("role/")).then_some(account)
}

/// Reads all roles; without any, the own account. Two of one account are a mistake.
pub(super) fn read_roles(
    named: Option<Located<Vec<Located<Role>>>>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Role>> {
    let Some(named) = named else { return Some(vec![Role::Own]) };
    if named.value.is_empty() {
        diagnostics.push(Diagnostic::error("`accounts` names no account").at(&named.location));
        return None;
    }
    let mut roles: Vec<Role> = Vec::new();
    for role in named.value {
        let is_same = |other: &Role| match (other, &role.value) {
            (Role::Own, Role::Own) => true,
            (Role::Assumed { account, .. }, Role::Assumed { account: same, .. }) => account == same,
            _ => false,
        };
        if roles.iter().any(is_same) {
            let mistake = Diagnostic::error("this account is named twice").at(&role.location);
            diagnostics.push(mistake.hint("name one role of each account"));
            return None;
        }
        roles.push(role.value);
    }
    Some(roles)
}
