//! What of a container counts.

use std::path::Path;

use egret_http::CallError;
use serde_json::{Map, Value as Json, json};

use crate::host::{sha256_of, without_secrets};

/// Sockets of daemons: who may write to one is root on the host.
const SOCKETS: [&str; 3] = ["/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"];

/// How files are called that are such sockets, wherever they are.
const SOCKET_NAMES: [&str; 3] = ["docker.sock", "podman.sock", "containerd.sock"];

/// The document of a container. `digests` are those of its image; the daemon that is asked has its own `socket`.
///
/// # Errors
/// If what the daemon says is of no container.
pub(super) fn describe(said: &Json, digests: &Json, socket: Option<&Path>) -> Result<Json, CallError> {
    let (config, host) = (&said["Config"], &said["HostConfig"]);
    let (Some(id), Some(name), true, true) =
        (said["Id"].as_str(), said["Name"].as_str(), config.is_object(), host.is_object())
    else {
        return Err(CallError::refused("the daemon describes something that is no container"));
    };
    Ok(json!({
        "name": name.strip_prefix('/').unwrap_or(name),
        "id": id,
        "image": text(&config["Image"]),
        "image_id": text(&said["Image"]),
        "image_digests": digests,
        "command": command(said),
        "state": text(&said["State"]["Status"]),
        "created": text(&said["Created"]),
        "user": text(&config["User"]),
        "privileged": is_set(&host["Privileged"]),
        "capabilities_added": capabilities(&host["CapAdd"]),
        "capabilities_dropped": capabilities(&host["CapDrop"]),
        "security_options": texts(&host["SecurityOpt"]).map(security_option).collect::<Vec<_>>(),
        "read_only": is_set(&host["ReadonlyRootfs"]),
        "namespaces": {
            "cgroup": text(&host["CgroupnsMode"]),
            "ipc": text(&host["IpcMode"]),
            "network": text(&host["NetworkMode"]),
            "pid": text(&host["PidMode"]),
            "user": text(&host["UsernsMode"]),
            "uts": text(&host["UTSMode"]),
        },
        "devices": items(&host["Devices"]).map(device).collect::<Vec<_>>(),
        "mounts": items(&said["Mounts"]).map(|mount| describe_mount(mount, socket)).collect::<Vec<_>>(),
        "networks": names(&said["NetworkSettings"]["Networks"]),
        "ports": ports(&host["PortBindings"]),
        "publish_all_ports": is_set(&host["PublishAllPorts"]),
        "environment": environment(&config["Env"]),
        "restart_policy": restart_policy(&host["RestartPolicy"]),
        "labels": config["Labels"].as_object().cloned().unwrap_or_default(),
    }))
}

fn text(said: &Json) -> &str {
    said.as_str().unwrap_or_default()
}

fn is_set(said: &Json) -> bool {
    said.as_bool().unwrap_or_default()
}

/// The items of a list. Daemons write null for an empty one.
fn items(said: &Json) -> impl Iterator<Item = &Json> {
    said.as_array().into_iter().flatten()
}

fn texts(said: &Json) -> impl Iterator<Item = &str> {
    items(said).filter_map(Json::as_str)
}

fn names(said: &Json) -> Vec<&String> {
    said.as_object().into_iter().flat_map(Map::keys).collect()
}

fn command(said: &Json) -> String {
    let words: Vec<&str> = said["Path"].as_str().into_iter().chain(texts(&said["Args"])).collect();
    without_secrets(words.join(" ").trim())
}

/// As the kernel calls them, without `CAP_`.
fn capabilities(said: &Json) -> Vec<String> {
    let named = texts(said).map(|name| name.to_ascii_uppercase());
    named.map(|name| name.strip_prefix("CAP_").unwrap_or(&name).to_owned()).collect()
}

/// A profile of seccomp comes whole: which one it is says enough.
fn security_option(option: &str) -> String {
    match option.strip_prefix("seccomp=") {
        Some(profile) if profile.trim_start().starts_with('{') => {
            format!("seccomp=sha256:{}", sha256_of(profile.as_bytes()))
        }
        _ => option.to_owned(),
    }
}

fn device(said: &Json) -> String {
    let [host, container, access] =
        ["PathOnHost", "PathInContainer", "CgroupPermissions"].map(|name| text(&said[name]));
    format!("{host}:{container}:{access}")
}

fn describe_mount(said: &Json, socket: Option<&Path>) -> Json {
    let is_volume = said["Type"] == "volume";
    let source = if is_volume { text(&said["Name"]) } else { text(&said["Source"]) };
    json!({
        "type": text(&said["Type"]),
        "source": source,
        "destination": text(&said["Destination"]),
        "writable": is_set(&said["RW"]),
        "daemon_socket": said["Type"] == "bind" && has_socket(Path::new(source), socket),
    })
}

/// Whether there is the socket of a daemon: it itself, or in a folder.
fn has_socket(source: &Path, own: Option<&Path>) -> bool {
    if !source.is_absolute() {
        return false;
    }
    let source = in_run(source);
    let known = SOCKETS.iter().map(Path::new).chain(own);
    known.map(in_run).any(|socket| socket.starts_with(&source))
        || SOCKET_NAMES.iter().any(|name| source.ends_with(name))
}

/// `/var/run` is a link to `/run`.
fn in_run(path: &Path) -> std::path::PathBuf {
    path.strip_prefix("/var/run").map_or_else(|_| path.to_owned(), |rest| Path::new("/run").join(rest))
}

/// What is published: one object for each port of the host.
fn ports(said: &Json) -> Vec<Json> {
    let mut ports = Vec::new();
    for (port, bindings) in said.as_object().into_iter().flatten() {
        for binding in items(bindings) {
            let address = Some(text(&binding["HostIp"])).filter(|address| !address.is_empty());
            // One that the daemon chooses is another with each start.
            let host_port = text(&binding["HostPort"]).parse::<u16>().ok().filter(|port| *port > 0);
            ports.push(json!({
                "port": port, "address": address.unwrap_or("0.0.0.0"), "host_port": host_port,
            }));
        }
    }
    ports
}

/// The names of variables; their values may be secrets.
fn environment(said: &Json) -> Vec<&str> {
    let mut names: Vec<&str> =
        texts(said).map(|variable| variable.split_once('=').map_or(variable, |(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// As it is written on the command line.
fn restart_policy(said: &Json) -> String {
    match (text(&said["Name"]), said["MaximumRetryCount"].as_u64().unwrap_or(0)) {
        ("", _) => "no".to_owned(),
        ("on-failure", count) if count > 0 => format!("on-failure:{count}"),
        (name, _) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_daemons_are_found() {
        let own = Path::new("/srv/docker/own.sock");
        for (source, expected) in [
            ("/var/run/docker.sock", true),
            ("/run/docker.sock", true),
            ("/var/run", true),
            ("/run/", true),
            ("/", true),
            ("/run/podman", true),
            ("/run/user/1000/podman/podman.sock", true),
            ("/srv/docker", true),
            ("/srv/docker/own.sock", true),
            ("/srv/docker/own.sock.d", false),
            ("/var/run/docker", false),
            ("/var/lib/docker.sock.bak", false),
            ("/etc", false),
            ("", false),
        ] {
            assert_eq!(has_socket(Path::new(source), Some(own)), expected, "{source}");
        }
    }
}
