//! Against answers as Slack documents them.

use egret_peer::{Answer, HttpPeer};
use serde_json::{Value as Json, json};

use super::GENERATOR_TYPE;
use crate::generator::GenerateError;
use crate::generators::documented::check_documented;
use crate::testing::{mistakes, taken_of};

const TOKEN: &str = "xoxb-s3cr3t";

async fn run(peer: &HttpPeer, attributes: &str) -> Result<(Vec<String>, Vec<String>), GenerateError> {
    let url = peer.url("/api");
    let block =
        format!("generator \"slack\" \"x\" {{\n token = \"{TOKEN}\"\n url = \"{url}\"\n {attributes}\n}}");
    let (listed, documents) = taken_of(&block).await?;
    let failed =
        documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message)).collect();
    Ok((listed, failed))
}

fn ok(body: &Json) -> Answer {
    Answer::json(200, body)
}

fn members(names: &[&str], cursor: &str) -> Answer {
    let member = |name: &&str| {
        json!({
            "id": format!("U{name}"), "team_id": "T1", "name": name, "deleted": false, "color": "9f69e7", "real_name": name,
            "tz": "Europe/Berlin", "tz_label": "CET", "tz_offset": 3600, "updated": 1_704_067_200, "who_can_share_contact_card": "EVERYONE",
            "profile": {"email": format!("{name}@example.org"), "real_name": name, "status_text": "lunch", "avatar_hash": "x"},
            "is_admin": true, "is_owner": false, "is_primary_owner": false, "is_restricted": false, "is_ultra_restricted": false,
            "is_bot": false, "is_app_user": false, "is_email_confirmed": true, "has_2fa": false,
        })
    };
    let members: Vec<Json> = names.iter().map(member).collect();
    ok(&json!({"ok": true, "members": members, "cache_ts": 1, "response_metadata": {"next_cursor": cursor}}))
}

fn channels() -> Answer {
    ok(&json!({"ok": true, "channels": [
        {"id": "C1", "name": "general", "is_channel": true, "created": 1_449_252_889, "creator": "Uada", "is_archived": false,
         "is_general": true, "is_private": false, "is_shared": true, "is_ext_shared": true, "is_org_shared": false,
         "is_pending_ext_shared": false, "shared_team_ids": ["T2", "T1"], "topic": {"value": "hi"}, "num_members": 23,
         "updated": 1_678_229_664_302_u64, "unlinked": 0, "name_normalized": "general", "parent_conversation": null},
    ], "response_metadata": {"next_cursor": ""}}))
}

#[tokio::test]
async fn a_workspace_is_described() {
    let peer = HttpPeer::start().await.unwrap();
    let groups = json!({"ok": true, "usergroups": [
        {"id": "S1", "team_id": "T1", "is_usergroup": true, "name": "Admins", "handle": "admins", "is_external": false,
         "date_create": 1, "date_update": 2, "date_delete": 3, "auto_type": "admin", "created_by": "Uada", "updated_by": "Ubob",
         "deleted_by": null, "prefs": {"channels": []}, "users": ["Uada"], "user_count": "1"},
    ]});
    let log = |page: u32, logs: Json| {
        ok(&json!({"ok": true, "logs": logs, "paging": {"count": 3, "total": 6, "page": page, "pages": 2}}))
    };
    let first = json!([
        {"app_id": "A1", "app_type": "Deploy", "user_id": "Uada", "user_name": "ada", "date": "1392163202", "change_type": "expanded",
         "scope": "chat:write,channels:read"},
        {"service_id": 7, "service_type": "Airbrake", "user_id": "Uada", "user_name": "ada", "channel": "C1", "date": "1392163201",
         "change_type": "disabled", "reason": "user", "scope": "incoming-webhook"},
        {"app_id": "A2", "app_type": "Gone", "user_id": "Uada", "user_name": "ada", "date": "1392163203", "change_type": "removed"},
    ]);
    let second = json!([
        {"app_id": "A1", "app_type": "Deploy", "user_id": "Ubob", "user_name": "bob", "date": "1392163200", "change_type": "added",
         "scope": "chat:write"},
        {"app_id": "A2", "app_type": "Gone", "user_id": "Uada", "user_name": "ada", "date": "1392163100", "change_type": "added"},
    ]);
    peer.script([
        // Eve moved while the page was turned.
        members(&["ada", "eve"], "dXNlcjpVMEc5V0ZYTlo="),
        members(&["eve", "bob"], ""),
        channels(),
        ok(&groups),
        log(1, first),
        log(2, second),
    ]);
    let attributes = "kinds = [\"user\", \"channel\", \"usergroup\", \"integration\"]\n team_id = \"T1\"";
    let (listed, failed) = run(&peer, attributes).await.unwrap();
    assert_eq!(failed, [""; 0]);
    check_documented(&GENERATOR_TYPE, &listed);
    assert_eq!(
        listed,
        [
            r#"channel/C1 {"created":1449252889,"creator":"Uada","id":"C1","is_archived":false,"is_ext_shared":true,"is_general":true,"is_org_shared":false,"is_pending_ext_shared":false,"is_private":false,"is_shared":true,"kind":"channel","name":"general","shared_team_ids":["T1","T2"]}"#,
            r#"integration/7 {"change_type":"disabled","channel":"C1","date":"2014-02-12T00:00:01Z","id":"7","is_enabled":false,"kind":"integration","name":"Airbrake","reason":"user","scopes":["incoming-webhook"],"service_id":"7","user_id":"Uada","user_name":"ada"}"#,
            r#"integration/A1 {"app_id":"A1","change_type":"expanded","date":"2014-02-12T00:00:02Z","id":"A1","is_enabled":true,"kind":"integration","name":"Deploy","scopes":["channels:read","chat:write"],"user_id":"Uada","user_name":"ada"}"#,
            r#"user/Uada {"deleted":false,"email":"ada@example.org","has_2fa":false,"id":"Uada","is_admin":true,"is_app_user":false,"is_bot":false,"is_email_confirmed":true,"is_owner":false,"is_primary_owner":false,"is_restricted":false,"is_ultra_restricted":false,"kind":"user","name":"ada","real_name":"ada","team_id":"T1"}"#,
            r#"user/Ubob {"deleted":false,"email":"bob@example.org","has_2fa":false,"id":"Ubob","is_admin":true,"is_app_user":false,"is_bot":false,"is_email_confirmed":true,"is_owner":false,"is_primary_owner":false,"is_restricted":false,"is_ultra_restricted":false,"kind":"user","name":"bob","real_name":"bob","team_id":"T1"}"#,
            r#"user/Ueve {"deleted":false,"email":"eve@example.org","has_2fa":false,"id":"Ueve","is_admin":true,"is_app_user":false,"is_bot":false,"is_email_confirmed":true,"is_owner":false,"is_primary_owner":false,"is_restricted":false,"is_ultra_restricted":false,"kind":"user","name":"eve","real_name":"eve","team_id":"T1"}"#,
            r#"usergroup/S1 {"auto_type":"admin","created_by":"Uada","handle":"admins","id":"S1","is_disabled":true,"is_external":false,"kind":"usergroup","name":"Admins","team_id":"T1","users":["Uada"]}"#,
        ]
    );
    let asked: Vec<String> = peer.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(
        asked,
        [
            "/api/users.list?limit=500&team_id=T1",
            "/api/users.list?limit=500&cursor=dXNlcjpVMEc5V0ZYTlo%3D&team_id=T1",
            "/api/conversations.list?limit=500&types=public_channel%2Cprivate_channel&team_id=T1",
            "/api/usergroups.list?include_users=true&include_disabled=true&team_id=T1",
            "/api/team.integrationLogs?count=1000&page=1&team_id=T1",
            "/api/team.integrationLogs?count=1000&page=2&team_id=T1",
        ]
    );
    assert!(
        peer.requests().iter().all(|request| request.header("authorization") == format!("Bearer {TOKEN}"))
    );
}

#[tokio::test]
async fn limits_are_waited_out() {
    let peer = HttpPeer::start().await.unwrap();
    let limited = Answer::status(429).with_header("retry-after", "0");
    let busy = ok(&json!({"ok": false, "error": "internal_error"}));
    peer.script([limited.clone(), limited, members(&["ada"], ""), busy, channels()]);
    let (listed, failed) = run(&peer, "").await.unwrap();
    assert_eq!((listed.len(), failed.len(), peer.requests().len()), (2, 0, 5));
}

#[tokio::test]
async fn a_scope_that_is_missing_fails_its_part_only() {
    let peer = HttpPeer::start().await.unwrap();
    let missing = json!({"ok": false, "error": "missing_scope", "needed": "groups:read", "provided": "users:read,channels:read"});
    peer.script([members(&["ada"], ""), ok(&missing)]);
    let (listed, failed) = run(&peer, "").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        failed,
        [
            "channel: conversations.list needs the scope groups:read; the token has users:read,channels:read: add it to the \
             app and install it again"
        ]
    );
}

#[tokio::test]
async fn without_a_good_token_there_is_no_state() {
    for (answer, expected) in [
        (
            ok(&json!({"ok": false, "error": "token_revoked"})),
            "Slack does not take the token: token_revoked; ",
        ),
        (ok(&json!({"ok": false, "error": "invalid_auth"})), "Slack does not take the token: invalid_auth; "),
        (ok(&json!({"ok": false, "error": "not_allowed_token_type"})), "users.list is not for this token: "),
        (
            ok(&json!({"ok": false, "error": "team_access_not_granted"})),
            "users.list does not know which workspace: ",
        ),
        (ok(&json!({"ok": false, "error": "odd\nerror"})), "users.list failed: odd\\nerror"),
        (ok(&json!({})), "users.list was not answered by Slack"),
        (Answer::status(404), "users.list answered 404 Not Found"),
    ] {
        let peer = HttpPeer::start().await.unwrap();
        peer.always(answer);
        let error = run(&peer, "").await.unwrap_err();
        assert!(matches!(error, GenerateError::Refused { .. }), "{error}");
        assert!(error.to_string().starts_with(expected) && !error.to_string().contains(TOKEN), "{error}");
        assert_eq!(peer.requests().len(), 2);
    }
}

#[test]
fn mistakes_are_told() {
    for (attributes, expected) in [
        ("", "needs the attribute `token`"),
        ("token = \"x\"\n kinds = [\"people\"]", "the kinds are user, channel, usergroup, integration"),
        ("token = \"x\"\n url = \"slack\"", "expected a string with a URL"),
    ] {
        let text = mistakes(&format!("generator \"slack\" \"x\" {{\n {attributes}\n}}"));
        assert!(text.contains(expected), "{attributes}: {text}");
    }
}
