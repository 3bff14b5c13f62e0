//! `listening_ports`: which ports take connections or datagrams, and which programs hold them.

mod holders;
mod sockets;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, Accounts, Tally};
use crate::registry::GeneratorType;
use crate::shape::Shape;

use holders::Holders;
use sockets::{Protocol, Socket};

/// The generator type `listening_ports`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "listening_ports",
    description: "The TCP and UDP ports that are open on the host, with the programs that hold them.",
    channel: "host.listening_ports",
    key: &["protocol", "address", "port"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::optional(
            "programs",
            "true or false",
            "Whether to find the programs that hold the ports. Default: true.",
        ),
        AttributeDocumentation::optional(
            "ephemeral_udp",
            "true or false",
            "Whether to tell also UDP ports that the kernel hands out by itself, which every program has for a moment that \
             asks a name server something. Default: false.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "listening_ports" "ports" {
  every         = "1m"
  root          = "/"
  programs      = true
  ephemeral_udp = false
}
"#,
    documents: "One document a port: `protocol` (`tcp`, `udp`, `udplite`), `address` (`0.0.0.0` and `::` are all), `port`, and \
        `programs` that hold it, each with `exe`, `command_line`, `user` (the effective one), and `deleted` if the program's \
        file is not there any more. A port with an empty list is held by the kernel; with `null` it cannot be told who holds it. \
        Process numbers are not in it.\n\n\
        ```json\n{\"address\": \"0.0.0.0\", \"port\": 22, \"programs\": [{\"command_line\": \"/usr/sbin/sshd -D\", \
        \"deleted\": false, \"exe\": \"/usr/sbin/sshd\", \"user\": \"root\"}], \"protocol\": \"tcp\"}\n```\n\n\
        A TCP port is told when it listens, a UDP port when it takes datagrams from anybody. Titles that programs write over \
        their command line change all the time; of `sshd: 0 of 10 startups` only `sshd` is kept. Options and variables that \
        are called like a secret have `***` as their value. Ports of containers with a network of their own are not the \
        host's.",
    permissions: "Everybody may read the ports, in `/proc/net`. To find the programs of other users Egret must be root, or \
        have `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH`; without, `programs` of their ports is `null`, and a note says so. With \
        another `root` the ports are those of process 1 there: mount the host's \
        `/proc` below it.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let programs = reader.optional_or("programs", true);
        let ephemeral_udp = reader.optional_or("ephemeral_udp", false);
        Some(Arc::new(ListeningPorts { root: root?, programs: programs?, ephemeral_udp: ephemeral_udp? }))
    },
};

/// Linux hands these out unless it is told otherwise.
const EPHEMERAL: RangeInclusive<u16> = 32768..=60999;

#[derive(Debug)]
struct ListeningPorts {
    root: PathBuf,
    programs: bool,
    ephemeral_udp: bool,
}

#[async_trait]
impl Generator for ListeningPorts {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let accounts = Accounts::read(&self.root)?;
        let mut sockets = self.sockets(documents)?;
        let holders = if self.programs { Some(self.holders_of(&mut sockets, &accounts)?) } else { None };
        let mut ports: BTreeMap<(Protocol, IpAddr, u16), BTreeSet<u64>> = BTreeMap::new();
        for socket in sockets {
            ports.entry((socket.protocol, socket.address, socket.port)).or_default().insert(socket.inode);
        }
        let mut unknown = Tally::default();
        for ((protocol, address, port), sockets) in ports {
            let mut document =
                json!({"protocol": protocol.name(), "address": address.to_string(), "port": port});
            if let Some(holders) = &holders {
                let programs = holders.of(&sockets);
                if programs.is_none() {
                    unknown.add(format!("{} {port}", protocol.name()));
                }
                document["programs"] = json!(programs);
            }
            documents.push(document)?;
        }
        let note = unknown
            .tell("ports whose programs are hidden, as not all processes show Egret what they have open");
        note.into_iter().for_each(|note| documents.note(note));
        Ok(())
    }
}

impl ListeningPorts {
    /// All that are open now.
    fn sockets(&self, documents: &mut Documents) -> Result<Vec<Socket>, GenerateError> {
        let ephemeral = if self.ephemeral_udp { None } else { Some(self.ephemeral_range()) };
        let mut sockets = Vec::new();
        let mut is_any_there = false;
        for (table, protocol) in sockets::TABLES {
            let Some(text) = self.table(table)? else { continue };
            is_any_there = true;
            for line in text.lines().skip(1) {
                match Socket::parse(line, protocol) {
                    Ok(Some(socket)) => sockets.push(socket),
                    Ok(None) => {}
                    Err(()) => {
                        documents.note(format!("/proc/net/{table} has a line of another form: {line}"))
                    }
                }
            }
        }
        if !is_any_there {
            return Err(GenerateError::refused("there is no /proc/net/tcp: is /proc mounted?"));
        }
        sockets.retain(|socket| match &ephemeral {
            Some(range) => socket.protocol == Protocol::Tcp || !range.contains(&socket.port),
            None => true,
        });
        Ok(sockets)
    }

    fn table(&self, name: &str) -> Result<Option<String>, GenerateError> {
        if self.root != Path::new("/") {
            // `/proc/net` would be of this process, wherever that /proc is from.
            let of_first = host::read_optional(&self.root, format!("/proc/1/net/{name}"))?;
            if of_first.is_some() {
                return Ok(of_first);
            }
        }
        host::read_optional(&self.root, format!("/proc/net/{name}"))
    }

    fn ephemeral_range(&self) -> RangeInclusive<u16> {
        let text = host::read_optional(&self.root, "/proc/sys/net/ipv4/ip_local_port_range");
        let text = text.ok().flatten().unwrap_or_default();
        let ports: Vec<u16> = text.split_ascii_whitespace().filter_map(|port| port.parse().ok()).collect();
        if let [first, last] = ports[..] { first..=last } else { EPHEMERAL }
    }

    /// The programs that hold sockets; of those that nobody could be found for in `unknown` it cannot be told. Sockets that
    /// were closed meanwhile are taken out.
    fn holders_of(&self, sockets: &mut Vec<Socket>, accounts: &Accounts) -> Result<Holders, GenerateError> {
        let mut holders = Holders::default();
        let unheld = |sockets: &[Socket], holders: &Holders| -> HashSet<u64> {
            let inodes = sockets.iter().map(|socket| socket.inode);
            inodes.filter(|inode| !holders.programs.contains_key(inode)).collect()
        };
        holders.find(&self.root, &unheld(sockets, &holders), accounts)?;
        let missing = unheld(sockets, &holders);
        if missing.is_empty() {
            return Ok(holders);
        }
        // They may have been closed, or handed on, between the two looks.
        let mut ignored = Documents::new(Shape::default(), Vec::new());
        let open: HashSet<u64> = self.sockets(&mut ignored)?.iter().map(|socket| socket.inode).collect();
        sockets.retain(|socket| !missing.contains(&socket.inode) || open.contains(&socket.inode));
        holders.find(&self.root, &unheld(sockets, &holders), accounts)?;
        Ok(holders)
    }
}

#[cfg(test)]
mod tests;
