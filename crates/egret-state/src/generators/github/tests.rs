//! Against answers as GitHub documents them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::GENERATOR_TYPE;
use crate::generator::GenerateError;
use crate::generators::documented::check_documented;
use crate::generators::peer::{Asked, Peer, Reply};
use crate::testing::{mistakes, taken_of};

const TOKEN: &str = "ghp_s3cr3t";

#[derive(Debug)]
struct Run {
    listed: Vec<String>,
    failed: Vec<String>,
}

async fn survey(peer: &Peer, attributes: &str) -> Result<Run, GenerateError> {
    let block = format!(
        "generator \"github\" \"x\" {{\n organisation = \"example\"\n token = \"{TOKEN}\"\n url = \"{}/api/v3\"\n {attributes}\n}}",
        peer.url()
    );
    let (listed, documents) = taken_of(&block).await?;
    let failed = documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message));
    let mut failed: Vec<String> = failed.collect();
    failed.sort();
    let run = Run { listed, failed };
    assert!(!format!("{run:?}").contains(TOKEN), "{run:?}");
    Ok(run)
}

fn paths(run: &Run) -> Vec<&str> {
    run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect()
}

#[track_caller]
fn found(run: &Run, path: &str) -> Json {
    let line = run.listed.iter().find(|line| line.starts_with(&format!("{path} {{")));
    let line = line.unwrap_or_else(|| panic!("there is no {path}: {:#?}", run.listed));
    serde_json::from_str(&line[path.len()..]).unwrap()
}

fn person(login: &str) -> Json {
    json!({
        "login": login, "id": login.len(), "node_id": "MDQ6VXNlcjE=", "avatar_url": "https://github.com/images/x.gif", "gravatar_id": "",
        "url": format!("https://api.github.com/users/{login}"), "type": "User", "site_admin": false, "user_view_type": "public",
    })
}

fn repository(name: &str) -> Json {
    json!({
        "id": name.bytes().map(u32::from).sum::<u32>(), "node_id": "x", "name": name, "full_name": format!("example/{name}"), "owner": person("example"),
        "private": true, "html_url": "https://github.com/example/x", "description": null, "fork": false, "url": "https://api.github.com/x",
        "forks_count": 9, "stargazers_count": 80, "size": 108, "default_branch": "release/1.0", "open_issues_count": 0,
        "is_template": false, "topics": ["api"], "archived": false, "disabled": false, "visibility": "private",
        "pushed_at": "2011-01-26T19:06:43Z", "created_at": "2011-01-26T19:01:12Z", "updated_at": "2011-01-26T19:14:43Z",
        "permissions": {"admin": false, "push": true, "pull": true},
        "security_and_analysis": {"secret_scanning": {"status": "enabled"}},
    })
}

fn hook() -> Json {
    json!({
        "id": 12, "url": "https://api.github.com/x", "ping_url": "https://api.github.com/x/pings", "name": "web", "type": "Repository",
        "events": ["push", "pull_request"], "active": true,
        "config": {"url": "https://ada:pw@hooks.slack.com/services/T01/B01/abcdEFGH1234abcdEFGH1234?key=1", "content_type": "json",
                   "insecure_ssl": "0", "secret": "********"},
        "updated_at": "2011-09-06T20:39:23Z", "created_at": "2011-09-06T17:26:27Z", "last_response": {"code": 200},
    })
}

fn protection() -> Json {
    json!({
        "url": "https://api.github.com/x",
        "required_status_checks": {"url": "u", "strict": true, "contexts": ["ci"], "contexts_url": "u", "checks": [{"context": "ci", "app_id": 1}]},
        "enforce_admins": {"url": "u", "enabled": true},
        "required_pull_request_reviews": {"url": "u", "dismissal_restrictions": {"url": "u", "users_url": "u", "teams_url": "u",
            "users": [person("octocat")], "teams": [{"id": 1, "slug": "justice-league"}], "apps": []},
            "dismiss_stale_reviews": true, "require_code_owner_reviews": true, "required_approving_review_count": 2,
            "require_last_push_approval": true},
        "restrictions": {"url": "u", "users": [person("octocat")], "teams": [], "apps": [{"id": 1, "slug": "octoapp"}]},
        "required_linear_history": {"enabled": true}, "allow_force_pushes": {"enabled": true}, "allow_deletions": {"enabled": false},
    })
}

/// What stands behind the API's path.
fn answer(path: &str, field: impl Fn(&str) -> Option<String>) -> Json {
    let rules = json!([
        {"type": "deletion", "ruleset_source_type": "Repository", "ruleset_source": "example/hello", "ruleset_id": 42},
        {"type": "pull_request", "ruleset_source_type": "Organization", "ruleset_source": "example", "ruleset_id": 73,
         "parameters": {"required_approving_review_count": 1}},
    ]);
    let ruleset = |id: u32, kind: &str| {
        json!({
            "id": id, "name": "default", "target": "branch", "source_type": kind, "source": "example", "enforcement": "active",
            "bypass_actors": [{"actor_id": 5, "actor_type": "Team", "bypass_mode": "always"}],
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}, "node_id": "x", "_links": {"self": {"href": "u"}},
            "rules": [{"type": "deletion"}], "created_at": "2023-07-15T08:43:03Z", "updated_at": "2023-08-23T16:29:47Z",
            "current_user_can_bypass": "never",
        })
    };
    match path {
        "/orgs/example" => {
            json!({"login": "example", "id": 1, "url": "u", "two_factor_requirement_enabled": true, "public_repos": 2,
            "default_repository_permission": "read", "updated_at": "2014-03-03T18:58:10Z", "description": null})
        }
        "/orgs/example/members" => match (field("role").as_deref(), field("filter").as_deref()) {
            (Some("admin"), _) => json!([person("octocat")]),
            (Some("member"), _) => json!([person("bob")]),
            (None, Some("2fa_disabled")) => json!([person("bob")]),
            other => panic!("{other:?}"),
        },
        "/orgs/example/outside_collaborators" if field("filter").is_some() => json!([]),
        "/orgs/example/outside_collaborators" => json!([person("hubot")]),
        "/orgs/example/teams" => {
            json!([{"id": 1, "node_id": "x", "url": "u", "name": "Justice League", "slug": "justice-league",
            "description": "A great team.", "privacy": "closed", "notification_setting": "notifications_enabled", "permission": "pull",
            "members_url": "u", "parent": {"id": 2, "slug": "heroes"}}])
        }
        "/orgs/example/teams/justice-league/members" if field("role").as_deref() == Some("maintainer") => {
            json!([person("octocat")])
        }
        "/orgs/example/teams/justice-league/members" => json!([person("bob")]),
        "/orgs/example/teams/justice-league/repos" => json!([repository("hello")]),
        "/orgs/example/repos" => json!([repository("hello"), repository("second")]),
        "/orgs/example/hooks" => json!([]),
        "/orgs/example/rulesets" => json!([{"id": 73}]),
        "/orgs/example/rulesets/73" => ruleset(73, "Organization"),
        "/orgs/example/installations" => {
            json!({"total_count": 1, "installations": [{"id": 25, "app_id": 2, "app_slug": "octoapp",
            "target_type": "Organization", "repository_selection": "selected", "permissions": {"contents": "read"}, "events": ["push"],
            "created_at": "2017-05-16T08:47:09Z", "updated_at": "2017-05-16T08:47:09Z", "suspended_at": null, "suspended_by": null}]})
        }
        "/repos/example/hello/keys" => {
            json!([{"id": 1, "key": "ssh-rsa AAA", "url": "u", "title": "deploy", "verified": true,
            "created_at": "2014-12-10T15:53:42Z", "read_only": true, "added_by": "octocat", "last_used": "2022-01-10T15:53:42Z", "enabled": true}])
        }
        "/repos/example/hello/hooks" => json!([hook()]),
        "/repos/example/hello/branches/release%2F1.0/protection" => protection(),
        "/repos/example/hello/rules/branches/release%2F1.0" => rules,
        "/repos/example/hello/rulesets/42" => ruleset(42, "Repository"),
        path if path.starts_with("/repos/example/second/") => json!([]),
        path => panic!("{path}"),
    }
}

fn recorded(asked: &Asked) -> Reply {
    let path = asked.path.split('?').next().unwrap().strip_prefix("/api/v3").unwrap();
    if path == "/repos/example/second/branches/release%2F1.0/protection" {
        return Reply::json(
            404,
            &json!({"message": "Branch not protected", "documentation_url": "u", "status": "404"}),
        );
    }
    Reply::json(200, &answer(path, |name| asked.field(name)))
}

#[tokio::test]
async fn an_organisation_is_described() {
    let peer = Peer::start(None, recorded).await;
    let run = survey(&peer, "").await.unwrap();
    assert_eq!(run.failed, [""; 0]);
    check_documented(&GENERATOR_TYPE, &run.listed);
    assert_eq!(
        paths(&run),
        [
            "app/25",
            "member/bob",
            "member/octocat",
            "organisation",
            "outside_collaborator/hubot",
            "repository/hello",
            "repository/hello/branch_protection",
            "repository/hello/branch_rules",
            "repository/hello/deploy_key/1",
            "repository/hello/ruleset/42",
            "repository/hello/webhook/12",
            "repository/second",
            "ruleset/73",
            "team/justice-league",
        ]
    );
    assert_eq!(
        found(&run, "member/bob"),
        json!({"id": 3, "kind": "member", "login": "bob", "organisation": "example", "path": "member/bob", "role": "member",
               "site_admin": false, "two_factor_disabled": true, "type": "User"})
    );
    let octocat = found(&run, "member/octocat");
    assert_eq!((&octocat["role"], &octocat["two_factor_disabled"]), (&json!("admin"), &json!(false)));
    let team = found(&run, "team/justice-league");
    assert_eq!(
        team["members"],
        json!([{"login": "bob", "role": "member"}, {"login": "octocat", "role": "maintainer"}])
    );
    assert_eq!(team["repositories"], json!([{"full_name": "example/hello", "role_name": "write"}]));
    assert_eq!(team["parent"], "heroes");
    let webhook = found(&run, "repository/hello/webhook/12");
    assert_eq!(
        webhook,
        json!({"active": true, "content_type": "json", "created_at": "2011-09-06T17:26:27Z", "events": ["pull_request", "push"],
               "has_secret": true, "id": 12, "insecure_ssl": "0", "kind": "webhook", "name": "web", "organisation": "example",
               "path": "repository/hello/webhook/12", "repository": "hello", "type": "Repository",
               "url": "https://hooks.slack.com/services/T01/B01/…"})
    );
    let protection = found(&run, "repository/hello/branch_protection");
    assert_eq!(protection["branch"], "release/1.0");
    assert_eq!(
        protection["required_pull_request_reviews"]["dismissal_restrictions"],
        json!({"apps": [], "teams": ["justice-league"], "users": ["octocat"]})
    );
    assert_eq!(protection["restrictions"], json!({"apps": ["octoapp"], "teams": [], "users": ["octocat"]}));
    assert_eq!(protection["allow_force_pushes"], json!({"enabled": true}));
    let rules = found(&run, "repository/hello/branch_rules");
    assert_eq!(rules["rules"].as_array().unwrap().len(), 2);
    assert_eq!(found(&run, "ruleset/73")["bypass_actors"][0]["bypass_mode"], "always");
    let text = run.listed.join("\n");
    for volatile in [
        "pushed_at",
        "updated_at",
        "last_used",
        "last_response",
        "stargazers",
        "_url",
        "node_id",
        "********",
        "pw@",
    ] {
        assert!(!text.contains(volatile), "{volatile}");
    }
    for asked in peer.asked() {
        assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(asked.header("x-github-api-version"), "2022-11-28");
        assert_eq!(asked.header("accept"), "application/vnd.github+json");
    }
    assert_eq!(survey(&peer, "").await.unwrap().listed, run.listed);
}

#[tokio::test]
async fn kinds_are_chosen() {
    let peer = Peer::start(None, recorded).await;
    let run = survey(&peer, "kinds = [\"member\", \"deploy_key\"]\n two_factor = false").await.unwrap();
    assert_eq!(paths(&run), ["member/bob", "member/octocat", "repository/hello/deploy_key/1"]);
    assert!(found(&run, "member/bob").get("two_factor_disabled").is_none());
    assert_eq!(peer.asked().len(), 5);
}

#[tokio::test]
async fn pages_are_followed_but_not_to_other_places() {
    let peer = Peer::start(None, |asked: &Asked| {
        let host = asked.header("host");
        let next =
            |path: &str| format!("<http://{host}/api/v3/last>; rel=\"last\", <http://{path}>; rel=\"next\"");
        let reply = |names: &[&str]| Reply::json(200, &names.iter().map(|name| repository(name)).collect());
        match asked.field("page").as_deref() {
            None if asked.path.contains("/hooks") => {
                Reply::json(200, &json!([])).with_header("link", next("evil.example.org/x"))
            }
            None => {
                assert_eq!(asked.field("per_page").as_deref(), Some("100"));
                reply(&["a", "b"]).with_header(
                    "link",
                    next(&format!("{host}/api/v3/organizations/1/repos?type=all&page=2")),
                )
            }
            // One more was made since, so that one comes twice.
            Some("2") => {
                let mut changed = repository("b");
                changed["archived"] = true.into();
                Reply::json(200, &json!([changed, repository("c")]))
                    .with_header("link", format!("<http://{host}/api/v3/x>; rel=\"prev\""))
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    let run = survey(&peer, "kinds = [\"repository\"]").await.unwrap();
    assert_eq!(paths(&run), ["repository/a", "repository/b", "repository/c"]);
    assert_eq!(found(&run, "repository/b")["archived"], true);
    let error = survey(&peer, "kinds = [\"webhook\"]").await.unwrap_err().to_string();
    assert_eq!(error, "the next page of /api/v3/orgs/example/hooks would be at another place");
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}),
    )
}

#[tokio::test]
async fn a_part_that_fails_leaves_the_others() {
    let peer = Peer::start(None, |asked| match asked.path.split('?').next().unwrap() {
        "/api/v3/repos/example/second/keys" => {
            refused(404, "Not Found").with_header("x-accepted-github-permissions", "administration=read")
        }
        "/api/v3/repos/example/second/hooks" => refused(403, "Must have admin rights to Repository.")
            .with_header("x-accepted-oauth-scopes", "admin:repo_hook, read:repo_hook")
            .with_header("x-oauth-scopes", "read:org"),
        "/api/v3/repos/example/second/rules/branches/release%2F1.0" => {
            refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
        }
        "/api/v3/orgs/example/teams/justice-league/repos" => {
            refused(502, "Server Error").with_header("retry-after", "0")
        }
        "/api/v3/orgs/example/members" if asked.field("filter").is_some() => {
            refused(422, "Only owners can use this filter.")
        }
        _ => recorded(asked),
    })
    .await;
    let run = survey(&peer, "").await.unwrap();
    assert_eq!(
        run.failed,
        [
            "member: only an owner's token is told who has no second factor, unless `two_factor = false`: \
             /api/v3/orgs/example/members answered 422 Unprocessable Entity: Only owners can use this filter.",
            "repository/second/deploy_key: /api/v3/repos/example/second/keys is not there, or the token may not see it: Not Found; \
             it needs the permission administration=read",
            "repository/second/webhook: /api/v3/repos/example/second/hooks may not be read: Must have admin rights to Repository.; it \
             needs one of the scopes admin:repo_hook, read:repo_hook, and the token has read:org",
            "team/justice-league: /api/v3/orgs/example/teams/justice-league/repos answered 502 Bad Gateway: Server Error",
        ]
        .map(|line| line.to_owned())
    );
    assert!(
        paths(&run).contains(&"repository/hello/deploy_key/1") && paths(&run).contains(&"repository/second")
    );
    assert!(!run.listed.iter().any(|line| line.starts_with("member/") || line.starts_with("team/")));
}

#[tokio::test]
async fn limits_are_waited_out_if_they_are_short() {
    let asked_so_far = AtomicU32::new(0);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let peer = Peer::start(None, move |asked| {
        let exhausted = |reset: u64| {
            refused(403, "API rate limit exceeded for user ID 1.")
                .with_header("x-ratelimit-remaining", "0")
                .with_header("x-ratelimit-reset", reset.to_string())
        };
        match asked_so_far.fetch_add(1, Ordering::Relaxed) {
            0 => refused(403, "You have exceeded a secondary rate limit.").with_header("retry-after", "0"),
            1 => refused(429, "slow down").with_header("retry-after", "0"),
            2 => exhausted(now().saturating_sub(5)),
            3 => exhausted(now()),
            _ => recorded(asked),
        }
    })
    .await;
    let run = survey(&peer, "kinds = [\"organisation\"]").await.unwrap();
    assert_eq!((run.listed.len(), run.failed.len(), peer.asked().len()), (1, 0, 5));
}

#[tokio::test]
async fn a_limit_that_is_long_ends_the_run_with_what_there_is() {
    let peer = Peer::start(None, |asked| match asked.path.starts_with("/api/v3/repos/") {
        true => refused(403, "API rate limit exceeded for user ID 1.")
            .with_header("x-ratelimit-remaining", "0")
            .with_header("x-ratelimit-reset", "4102444800"),
        false => recorded(asked),
    })
    .await;
    let run = survey(&peer, "kinds = [\"repository\", \"deploy_key\", \"webhook\"]\n concurrency = 1")
        .await
        .unwrap();
    assert_eq!(paths(&run), ["repository/hello", "repository/second"]);
    assert_eq!(run.failed.len(), 4);
    let why = "the token may make no more requests until 2100-01-01T00:00:01Z: run it less often, or with fewer `kinds`";
    assert!(run.failed.iter().all(|failed| failed.ends_with(why)), "{:?}", run.failed);
    let of_repositories = peer.asked().iter().filter(|asked| asked.path.contains("/repos/example/")).count();
    assert_eq!(of_repositories, 1, "nobody asks again");
}

#[tokio::test]
async fn a_revoked_token_gives_no_state() {
    let peer = Peer::start(None, |_| refused(401, "Bad credentials")).await;
    let error = survey(&peer, "").await.unwrap_err();
    let text = "GitHub does not take the token: Bad credentials; set `token` to a new one";
    assert_eq!(error, GenerateError::refused(text));
    assert_eq!(peer.asked().len(), 1, "nobody asks again");
    // Nor does one that sees nothing of it.
    let peer = Peer::start(None, |_| refused(404, "Not Found")).await;
    assert!(survey(&peer, "").await.is_err());
}

#[test]
fn mistakes_are_told() {
    for (attributes, expected) in [
        ("token = \"x\"", "needs the attribute `organisation`"),
        ("organisation = \"example\"", "needs the attribute `token`"),
        ("organisation = \"https://github.com/example\"\n token = \"x\"", "is no organisation of GitHub"),
        (
            "organisation = \"example\"\n token = \"x\"\n kinds = [\"repositorys\"]",
            "did you mean \"repository\"?",
        ),
    ] {
        let text = mistakes(&format!("generator \"github\" \"x\" {{\n {attributes}\n}}"));
        assert!(text.contains(expected), "{attributes}: {text}");
    }
}
