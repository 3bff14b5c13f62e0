//! `docker_containers`: the containers of a Docker or Podman daemon, and what they may do to their host.

mod daemon;
mod described;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use egret_http::{CallError, HTTP_ATTRIBUTES};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value as Json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::parts::{Part, Parts};
use crate::registry::GeneratorType;

use daemon::{Daemon, Session};

/// So much is asked at once. The daemon has other work.
const CONCURRENCY: usize = 4;

/// The generator type `docker_containers`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "docker_containers",
    description: "The containers of a Docker or Podman daemon: images, rights, mounts, ports.",
    channel: "host.docker_containers",
    key: &["name"],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::optional(
                "socket",
                "a string",
                "The daemon's socket. Default: /var/run/docker.sock; Podman's is /run/podman/podman.sock.",
            ),
            AttributeDocumentation::optional(
                "url",
                "a string",
                "In place of a socket: where the daemon is on the network, such as \"https://host:2376\". The attributes for \
                 HTTP are for this.",
            ),
            AttributeDocumentation::optional(
                "stopped",
                "true or false",
                "Whether containers that do not run count too. Default: true.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "docker_containers" "host" {
  every   = "5m"
  socket  = "/var/run/docker.sock"
  stopped = true
  # url = "https://host.example.org:2376"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    documents: DOCUMENTS,
    permissions: "To open the daemon's socket: as root, or in the group that it belongs to (`docker`). Who may do so may do everything \
        on that host; Egret only reads: `GET` of `/version`, `/containers/json`, `/containers/ID/json` and `/images/ID/json`, \
        and a proxy between the two may refuse everything else. In a container, mount the socket. Over the network the daemon \
        wants a client certificate. For Podman, enable `podman.socket`.",
    decode: |reader, context| {
        let daemon = Daemon::decode(reader, &context.service);
        let stopped = reader.optional_or("stopped", true);
        Some(Arc::new(DockerContainers { daemon: daemon?, stopped: stopped? }))
    },
};

const DOCUMENTS: &str = r#"One document a container:

```json
{"name": "web", "id": "7ad8a6fb9ede3a027c70bbb0bc8c231e4f63cf50bf058af9ada6a8a522493da4", "image": "example/web:1.4",
 "image_id": "sha256:3cc05c8aa496705f7c30142df17691823ecbece535dba448dbb0490f874a1c5c",
 "image_digests": ["example/web@sha256:f522ccbf6ae8dabfca46b06c4edca6111308af7a4f84f47c475ffc80ebfc8933"],
 "command": "/bin/web --port 80", "state": "running", "created": "2024-01-01T10:00:00.196751745Z", "user": "1000:1000",
 "privileged": false, "capabilities_added": ["NET_ADMIN"], "capabilities_dropped": ["ALL"],
 "security_options": ["no-new-privileges"], "read_only": false,
 "namespaces": {"cgroup": "private", "ipc": "private", "network": "bridge", "pid": "host", "user": "", "uts": ""},
 "devices": ["/dev/fuse:/dev/fuse:rwm"],
 "mounts": [{"type": "bind", "source": "/var/run/docker.sock", "destination": "/var/run/docker.sock", "writable": true, "daemon_socket": true},
   {"type": "volume", "source": "data", "destination": "/data", "writable": true, "daemon_socket": false}],
 "networks": ["bridge"], "ports": [{"port": "80/tcp", "address": "127.0.0.1", "host_port": 8080}], "publish_all_ports": false,
 "environment": ["DATABASE_PASSWORD", "PATH"], "restart_policy": "on-failure:3", "labels": {"com.example.team": "web"}}
```

A container that is made anew with the same name is the same object with another `id`. `user` is empty for root. `namespaces` are
as the daemon says them: `host` is the host's, `container:ID` another container's, and nothing is the daemon's default, which is one
of its own (for `user` the host's); Podman says `shareable` also of an `ipc` that is the host's. `daemon_socket` is true where the socket of Docker, Podman or containerd is mounted, or a folder
that it is in: who has it is root on the host. `source` of a volume is its name. `ports` are those that were asked for;
`0.0.0.0` is all addresses, and `host_port` is null if the daemon chooses one. `image_digests` are those of the registries that the
image came from or went to.

Of variables there are the names alone. In `command` options that are called like a secret have `***` as their value. A profile of
seccomp that is given in full is shown as its SHA-256. Left out is what changes by itself: process numbers, health, times of
start, exit codes, addresses in networks.

Each container is a part, by its name. One that goes while it is looked at is gone."#;

#[derive(Debug)]
struct DockerContainers {
    daemon: Daemon,
    stopped: bool,
}

#[async_trait]
impl Generator for DockerContainers {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let session = self.daemon.begin().await?;
        let listed = session.containers(self.stopped).await?;
        let looks = listed.into_iter().map(|(id, name)| {
            let session = &session;
            async move { (name, session.container(&id).await) }
        });
        let found: Vec<_> = stream::iter(looks).buffered(CONCURRENCY).collect().await;
        let digests = digests(&session, &found).await;
        let mut parts = Parts::new(documents);
        for (name, said) in found {
            let described = match said {
                Ok(None) => continue,
                Ok(Some(said)) => self.describe(&said, &digests),
                Err(error) => Err(error),
            };
            parts.take(Part::new(name, described.map(|document| vec![document])))?;
        }
        parts.finish()
    }
}

/// A container by its name; it may have gone.
type Found = (String, Result<Option<Json>, CallError>);

/// The digests of images, by their ids.
type Digests = BTreeMap<String, Result<Json, CallError>>;

/// The digests of the images of containers. One that was removed has none.
async fn digests(session: &Session<'_>, found: &[Found]) -> Digests {
    let said = found.iter().filter_map(|(_, said)| said.as_ref().ok()?.as_ref());
    let mut images: Vec<String> = said.filter_map(|said| said["Image"].as_str()).map(str::to_owned).collect();
    images.sort_unstable();
    images.dedup();
    let looks = images.into_iter().map(|image| async move {
        let said = session.image(&image).await;
        let digests = said.map(|said| {
            let digests = said.and_then(|mut said| said.get_mut("RepoDigests").map(Json::take));
            digests.filter(Json::is_array).unwrap_or_else(|| Json::Array(Vec::new()))
        });
        (image, digests)
    });
    stream::iter(looks).buffered(CONCURRENCY).collect().await
}

impl DockerContainers {
    fn describe(&self, said: &Json, digests: &Digests) -> Result<Json, CallError> {
        let none = Json::Array(Vec::new());
        let of_image = match said["Image"].as_str().and_then(|image| digests.get(image)) {
            Some(Ok(digests)) => digests,
            Some(Err(error)) => return Err(error.clone()),
            None => &none,
        };
        described::describe(said, of_image, self.daemon.socket.as_deref())
    }
}

#[cfg(test)]
mod tests;
