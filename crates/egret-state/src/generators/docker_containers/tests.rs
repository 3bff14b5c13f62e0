//! A real daemon, Podman's, and one that answers as Docker's API is documented, or badly.

use std::path::Path;

use egret_peer::{Authority, HttpPeer, PodmanPeer};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::generators::peer::{Asked, Peer, Reply};
use crate::testing::{mistakes, taken_of};

fn block(attributes: &str) -> String {
    format!("generator \"docker_containers\" \"d\" {{\n {attributes}\n}}")
}

fn at(socket: &Path) -> String {
    block(&format!("socket = \"{}\"", socket.display()))
}

/// The documents by their names, and what failed.
async fn run(block: &str) -> (BTreeMap<String, Json>, Vec<String>) {
    let (listed, taken) = taken_of(block).await.unwrap();
    let read = |line: &String| {
        let (name, text) = line.split_once(' ').unwrap();
        (name.to_owned(), serde_json::from_str(text).unwrap())
    };
    let failed = taken.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message));
    (listed.iter().map(read).collect(), failed.collect())
}

#[tokio::test]
async fn containers_of_a_real_daemon_are_described() {
    let podman = PodmanPeer::start().unwrap();
    let create = |arguments: &[&str]| {
        let end = [PodmanPeer::IMAGE, "/bin/thing", "--token", "hunter2", "x"];
        podman.run(&[&["create"], arguments, &end].concat()).unwrap().trim().to_owned()
    };
    let (nothing, _) = run(&at(&podman.socket())).await;
    assert!(nothing.is_empty(), "{nothing:?}");
    let socket = format!("{}:/run/docker.sock:ro", podman.socket().display());
    let open = create(&[
        "--name",
        "open",
        "--privileged",
        "--pid",
        "host",
        "--ipc",
        "host",
        "--network",
        "host",
        "--volume",
        &socket,
        "--volume",
        "/etc:/host",
        "--env",
        "PASSWORD=hunter2",
        "--restart",
        "on-failure:3",
        "--label",
        "team=web",
    ]);
    create(&[
        "--name",
        "shut",
        "--cap-add",
        "NET_ADMIN",
        "--cap-drop",
        "CHOWN",
        "--network",
        "bridge",
        "--volume",
        "data:/data",
        "--publish",
        "127.0.0.1:8080:80",
        "--publish",
        "91:91/udp",
        "--user",
        "1000:1000",
        "--read-only",
        "--security-opt",
        "no-new-privileges",
    ]);
    let (found, failed) = run(&at(&podman.socket())).await;
    assert_eq!((found.len(), failed), (2, Vec::new()));
    let (open_found, shut) = (&found["open"], &found["shut"]);
    assert_eq!((&open_found["id"], &open_found["image"]), (&json!(open), &json!(PodmanPeer::IMAGE)));
    let digest = open_found["image_digests"][0].as_str().unwrap();
    assert!(digest.starts_with("localhost/egret/test@sha256:"), "{digest}");
    assert_eq!((&open_found["privileged"], &shut["privileged"]), (&json!(true), &json!(false)));
    // Podman's own `inspect` says `shareable` of the host's `ipc`, too.
    let namespaces = &open_found["namespaces"];
    assert_eq!((&namespaces["pid"], &namespaces["network"]), (&json!("host"), &json!("host")));
    assert_ne!(shut["namespaces"]["pid"], "host");
    assert_eq!(
        open_found["mounts"],
        json!([
            {"type": "bind", "source": "/etc", "destination": "/host", "writable": true, "daemon_socket": false},
            {"type": "bind", "source": podman.socket(), "destination": "/run/docker.sock", "writable": false, "daemon_socket": true},
        ])
    );
    assert!(open_found["environment"].as_array().unwrap().contains(&json!("PASSWORD")));
    assert_eq!(
        (&open_found["state"], &open_found["command"]),
        (&json!("created"), &json!("/bin/thing --token *** x"))
    );
    assert_eq!(
        (&open_found["restart_policy"], &open_found["labels"]),
        (&json!("on-failure:3"), &json!({"team": "web"}))
    );
    assert_eq!(
        (&shut["capabilities_added"], &shut["user"], &shut["read_only"]),
        (&json!(["NET_ADMIN"]), &json!("1000:1000"), &json!(true))
    );
    assert!(shut["capabilities_dropped"].as_array().unwrap().contains(&json!("CHOWN")), "{shut}");
    assert!(shut["security_options"].to_string().contains("no-new-privileges"), "{shut}");
    assert_eq!(
        shut["mounts"],
        json!([{"type": "volume", "source": "data", "destination": "/data", "writable": true, "daemon_socket": false}])
    );
    assert_eq!(
        shut["ports"],
        json!([
            {"port": "91/udp", "address": "0.0.0.0", "host_port": 91},
            {"port": "80/tcp", "address": "127.0.0.1", "host_port": 8080},
        ])
    );
    assert!(!format!("{found:?}").contains("hunter2"));
    // The same again is the same, and what goes is gone.
    assert_eq!(run(&at(&podman.socket())).await.0, found);
    podman.run(&["rm", "open"]).unwrap();
    assert_eq!(run(&at(&podman.socket())).await.0.into_keys().collect::<Vec<_>>(), ["shut"]);
    // It was never started.
    let running = format!("socket = \"{}\"\n stopped = false", podman.socket().display());
    assert!(run(&block(&running)).await.0.is_empty());
}

/// What Docker says of a container.
fn container(id: &str) -> Json {
    json!({
        "Id": id, "Created": "2024-01-01T10:00:00.196751745Z", "Path": "/bin/web", "Args": ["--port", "80"],
        "State": {"Status": "running", "Running": true, "Pid": 4711, "StartedAt": "2024-01-01T10:00:01Z", "Health": {"Status": "healthy"}},
        "Image": "sha256:3cc0", "Name": format!("/{id}-name"), "RestartCount": 2, "LogPath": "/var/lib/docker/x.log",
        "HostConfig": {
            "NetworkMode": "bridge", "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": ""}, {"HostIp": "::1", "HostPort": "8080"}], "90/tcp": null},
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}, "CapAdd": ["CAP_SYS_ADMIN"], "CapDrop": null,
            "CgroupnsMode": "private", "IpcMode": "private", "PidMode": "container:4f2b", "Privileged": false, "PublishAllPorts": true,
            "ReadonlyRootfs": false, "SecurityOpt": ["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "apparmor=unconfined"],
            "UTSMode": "", "UsernsMode": "",
            "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}],
        },
        "Mounts": [
            {"Type": "bind", "Source": "/var/run", "Destination": "/host-run", "Mode": "", "RW": true, "Propagation": "rprivate"},
            {"Type": "tmpfs", "Source": "", "Destination": "/tmp", "Mode": "", "RW": true, "Propagation": ""},
        ],
        "Config": {"User": "", "Env": ["PATH=/bin", "A=hunter2", "ODD"], "Image": "example/web:1.4", "Labels": null},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "49153"}]}, "Networks": {"web": {"IPAddress": "172.18.0.2"}}},
    })
}

/// A daemon with containers of these ids.
fn docker(ids: &'static [&'static str], asked: &Asked) -> Reply {
    let steps: Vec<&str> = asked.path.trim_start_matches('/').split(['/', '?']).collect();
    match steps[..] {
        ["version"] => {
            Reply::json(200, &json!({"Version": "29.0.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44"}))
        }
        ["v1.44", "containers", "json", "all=1"] => {
            let item = |id: &&str| json!({"Id": id, "Names": [format!("/other/{id}"), format!("/{id}-name")], "Status": "Up 3 hours"});
            Reply::json(200, &ids.iter().map(item).collect())
        }
        ["v1.44", "containers", id, "json"] if ids.contains(&id) => Reply::json(200, &container(id)),
        ["v1.44", "images", "sha256:3cc0", "json"] => {
            Reply::json(200, &json!({"Id": "sha256:3cc0", "RepoDigests": ["example/web@sha256:f522"]}))
        }
        _ => Reply::json(404, &json!({"message": format!("page not found: {}", asked.path)})),
    }
}

struct Socket(TempDir);

impl Socket {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("docker.sock")
    }
}

#[tokio::test]
async fn answers_of_docker_are_described() {
    let socket = Socket::new();
    let peer = Peer::start_at(&socket.path(), |asked| docker(&["a1", "b2"], asked));
    let (found, failed) = run(&at(&socket.path())).await;
    assert_eq!((found.len(), failed), (2, Vec::new()));
    let expected = json!({
        "name": "a1-name", "id": "a1", "image": "example/web:1.4", "image_id": "sha256:3cc0",
        "image_digests": ["example/web@sha256:f522"], "command": "/bin/web --port 80", "state": "running",
        "created": "2024-01-01T10:00:00.196751745Z", "user": "", "privileged": false, "capabilities_added": ["SYS_ADMIN"],
        "capabilities_dropped": [], "read_only": false,
        "security_options": ["apparmor=unconfined", format!("seccomp=sha256:{}", crate::host::sha256_of(b"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"))],
        "namespaces": {"cgroup": "private", "ipc": "private", "network": "bridge", "pid": "container:4f2b", "user": "", "uts": ""},
        "devices": ["/dev/fuse:/dev/fuse:rwm"],
        "mounts": [
            {"type": "tmpfs", "source": "", "destination": "/tmp", "writable": true, "daemon_socket": false},
            {"type": "bind", "source": "/var/run", "destination": "/host-run", "writable": true, "daemon_socket": true},
        ],
        "networks": ["web"],
        "ports": [{"port": "80/tcp", "address": "0.0.0.0", "host_port": null}, {"port": "80/tcp", "address": "::1", "host_port": 8080}],
        "publish_all_ports": true, "environment": ["A", "ODD", "PATH"], "restart_policy": "unless-stopped", "labels": {},
    });
    assert_eq!(found["a1-name"], expected);
    // The image of both is asked for once.
    assert_eq!(peer.asked().iter().filter(|asked| asked.path.contains("/images/")).count(), 1);
}

#[tokio::test]
async fn the_version_is_agreed_upon() {
    for (said, expected) in [
        (json!({"ApiVersion": "1.41", "MinAPIVersion": "1.24"}), Ok("/v1.41/containers/json?all=1")),
        (json!({"ApiVersion": "1.51", "MinAPIVersion": "1.24"}), Ok("/v1.41/containers/json?all=1")),
        (json!({"ApiVersion": "1.9"}), Ok("/v1.9/containers/json?all=1")),
        (json!({"ApiVersion": "2.0", "MinAPIVersion": "2.0"}), Ok("/v2.0/containers/json?all=1")),
        (json!({"ApiVersion": "new"}), Err("does not say which version of the API it speaks")),
        (json!([]), Err("does not say which version of the API it speaks")),
    ] {
        let socket = Socket::new();
        let version = said.clone();
        let peer = Peer::start_at(&socket.path(), move |asked| match asked.path.as_str() {
            "/version" => Reply::json(200, &version),
            _ => Reply::text(200, "[]"),
        });
        match (taken_of(&at(&socket.path())).await, expected) {
            (Ok((listed, _)), Ok(path)) => {
                assert_eq!((listed.len(), peer.asked()[1].path.as_str()), (0, path), "{said}");
            }
            (Err(error), Err(expected)) => assert!(error.to_string().ends_with(expected), "{error}"),
            other => panic!("{said}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_container_that_goes_is_gone_and_one_that_fails_fails_alone() {
    let socket = Socket::new();
    let _peer = Peer::start_at(&socket.path(), |asked| match asked.path.as_str() {
        "/v1.44/containers/gone/json" => Reply::json(404, &json!({"message": "No such container: gone"})),
        "/v1.44/containers/bad/json" => Reply::json(500, &json!({"message": "driver \"overlay2\"\nfailed"})),
        "/v1.44/containers/odd/json" => Reply::json(200, &json!({"Id": "odd", "Name": "/odd"})),
        "/v1.44/containers/garbage/json" => Reply::text(200, "<html>"),
        "/v1.44/containers/cut/json" => {
            Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Id\"".to_owned())
        }
        "/v1.44/containers/lost/json" => {
            let mut container = container("lost");
            container["Image"] = json!("sha256:lost");
            Reply::json(200, &container)
        }
        _ => docker(&["gone", "good", "bad", "odd", "garbage", "cut", "lost"], asked),
    });
    let (found, failed) = run(&at(&socket.path())).await;
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), ["good-name", "lost-name"]);
    // Its image was removed.
    assert_eq!(found["lost-name"]["image_digests"], json!([]));
    let place = socket.path().display().to_string();
    let expected = [
        format!(
            "bad-name: {place}: /v1.44/containers/bad/json answered 500 Internal Server Error: driver \"overlay2\"\\nfailed"
        ),
        "odd-name: the daemon describes something that is no container".to_owned(),
        format!(
            "garbage-name: {place}: /v1.44/containers/garbage/json was answered with something that is no JSON: "
        ),
        format!("cut-name: cannot reach {place}: "),
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:#?}");
    for (failed, expected) in failed.iter().zip(&expected) {
        assert!(failed.starts_with(expected), "{failed} is not {expected}");
    }
}

#[tokio::test]
async fn without_a_list_there_is_no_state() {
    for (reply, is_passing, expected) in [
        (
            Reply::json(500, &json!({"message": "busy"})),
            true,
            "/v1.44/containers/json answered 500 Internal Server Error: busy",
        ),
        (Reply::json(403, &json!({"message": "by policy"})), false, "answered 403 Forbidden: by policy"),
        (Reply::json(404, &json!({"message": "page not found"})), false, "gave no list of containers"),
        (Reply::text(200, "{}"), false, "gave no list of containers"),
        (Reply::text(200, "[{\"Names\": []}]"), false, "gave no list of containers"),
        (Reply::text(200, "[{"), false, "something that is no JSON"),
        (Reply::Raw(String::new()), true, "cannot reach"),
        (Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n".to_owned()), true, "cannot reach"),
        (Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[".to_owned()), true, "cannot reach"),
    ] {
        let socket = Socket::new();
        let _peer = Peer::start_at(&socket.path(), move |asked| match asked.path.as_str() {
            "/version" => docker(&[], asked),
            _ => reply.clone(),
        });
        let error = taken_of(&at(&socket.path())).await.unwrap_err();
        assert_eq!(matches!(error, GenerateError::Retry { .. }), is_passing, "{error}");
        assert!(error.to_string().contains(expected), "{error} is not {expected}");
    }
}

#[tokio::test]
async fn a_socket_that_cannot_be_opened_says_why() {
    let socket = Socket::new();
    let place = socket.path().display().to_string();
    let said = async || taken_of(&at(&socket.path())).await.unwrap_err().to_string();
    let expected =
        format!("there is no {place}: does the daemon run? if its socket is elsewhere, name it as `socket`");
    assert_eq!(said().await, expected);
    drop(std::os::unix::net::UnixListener::bind(socket.path()).unwrap());
    assert_eq!(said().await, format!("nobody listens at {place}: does the daemon run?"));
    std::fs::remove_file(socket.path()).unwrap();
    let long = socket.0.path().join("x".repeat(200));
    let error = taken_of(&at(&long)).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot open {}: ", long.display())), "{error}");
}

/// Root may open everything, so this thread becomes somebody else.
#[test]
fn a_socket_that_may_not_be_opened_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let socket = Socket::new();
    let _listener = std::os::unix::net::UnixListener::bind(socket.path()).unwrap();
    std::fs::set_permissions(socket.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    let block = at(&socket.path());
    let asking = std::thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(taken_of(&block)).unwrap_err()
    });
    let error = asking.join().unwrap();
    let expected = format!("may not open {}: Permission denied", socket.path().display());
    assert!(matches!(error, GenerateError::Refused { .. }), "{error}");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_daemon_on_the_network_is_asked_with_a_certificate() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, true).await.unwrap();
    let version = json!({"ApiVersion": "1.41", "MinAPIVersion": "1.12"});
    let answers = || [egret_peer::Answer::json(200, &version), egret_peer::Answer::json(200, &json!([]))];
    peer.script(answers());
    let client = authority.identity("egret").unwrap();
    let attributes = format!(
        "url = \"{}\"\n ca_file = \"{}\"\n client_certificate = \"{}\"\n client_key = \"{}\"",
        peer.url("/below"),
        authority.ca_file().display(),
        client.certificate.display(),
        client.key.display()
    );
    assert!(run(&block(&attributes)).await.0.is_empty());
    let paths: Vec<String> = peer.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/below/version", "/below/v1.41/containers/json?all=1"]);
    let told = mistakes(&block("socket = \"/s\"\n url = \"https://h\""));
    assert!(told.contains("it is not clear where the daemon is"), "{told}");
}
