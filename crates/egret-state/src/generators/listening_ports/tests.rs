//! A host's `/proc` in a folder, and this machine's.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::GENERATOR_TYPE;
use crate::host::testing::{of, refusal};

const HEAD: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

fn line(local: &str, state: &str, inode: u64) -> String {
    format!(
        "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000   101        0 {inode} 1 0 100\n"
    )
}

/// A process with open files.
fn process(root: &Path, id: &str, exe: &str, command_line: &str, uid: u32, open: &[&str]) {
    let folder = root.join("proc").join(id);
    std::fs::create_dir_all(folder.join("fd")).unwrap();
    symlink(exe, folder.join("exe")).unwrap();
    std::fs::write(folder.join("cmdline"), command_line).unwrap();
    std::fs::write(folder.join("status"), format!("Name:\tx\nUid:\t9\t{uid}\t9\t9\n")).unwrap();
    for (number, target) in open.iter().enumerate() {
        symlink(target, folder.join("fd").join(number.to_string())).unwrap();
    }
}

#[test]
fn ports_are_told_with_who_holds_them() {
    let tcp = HEAD.to_owned()
        + &line("00000000:0016", "0A", 10)
        + &line("00000000:0016", "0A", 11)
        + &line("0100007F:1F90", "0A", 12)
        + &line("0100007F:0050", "01", 13)
        + "odd\n";
    let tcp6 = HEAD.to_owned() + &line("00000000000000000000000000000000:0016", "0A", 14);
    let udp = HEAD.to_owned() + &line("00000000:0044", "07", 15) + &line("00000000:9C40", "07", 16);
    let root = crate::testing::root(&[
        ("etc/passwd", "root:x:0:0::/:\nada:x:1000:1000::/:\n"),
        ("proc/net/tcp", &tcp),
        ("proc/net/tcp6", &tcp6),
        ("proc/net/udp", &udp),
        ("proc/sys/net/ipv4/ip_local_port_range", "32768\t45000\n"),
        ("proc/self/fd/note", "not a process by number"),
    ]);
    let sshd = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\0";
    process(root.path(), "7", "/usr/sbin/sshd", sshd, 0, &["/dev/null", "socket:[10]", "socket:[14]"]);
    process(root.path(), "8", "/usr/sbin/sshd", sshd, 0, &["socket:[11]"]);
    let node = "node\0app.js\0--token=abc\0";
    process(root.path(), "9", "/opt/node (deleted)", node, 1000, &["socket:[12]", "socket:[11]"]);
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "");
    let sshd = r#"{"command_line":"sshd","deleted":false,"exe":"/usr/sbin/sshd","user":"root"}"#;
    let node = r#"{"command_line":"node app.js --token=***","deleted":true,"exe":"/opt/node","user":"ada"}"#;
    assert_eq!(
        documents,
        [
            format!(
                r#"tcp/0.0.0.0/22 {{"address":"0.0.0.0","port":22,"programs":[{node},{sshd}],"protocol":"tcp"}}"#
            ),
            format!(
                r#"tcp/127.0.0.1/8080 {{"address":"127.0.0.1","port":8080,"programs":[{node}],"protocol":"tcp"}}"#
            ),
            format!(r#"tcp/::/22 {{"address":"::","port":22,"programs":[{sshd}],"protocol":"tcp"}}"#),
            // Nobody holds it but the kernel.
            r#"udp/0.0.0.0/68 {"address":"0.0.0.0","port":68,"programs":[],"protocol":"udp"}"#.to_owned(),
        ]
    );
    assert_eq!(notes, ["/proc/net/tcp has a line of another form: odd"]);
    let (documents, _) = of(&GENERATOR_TYPE, root.path(), "ephemeral_udp = true");
    assert!(documents[3].starts_with("udp/0.0.0.0/40000 "), "{documents:?}");
}

#[test]
fn what_is_hidden_is_not_told_as_held_by_nobody() {
    let tcp = HEAD.to_owned() + &line("00000000:0016", "0A", 10) + &line("00000000:0017", "0A", 11);
    let root = crate::testing::root(&[("proc/1/net/tcp", &tcp), ("proc/net/tcp", HEAD)]);
    // What it has open cannot be listed, not even by root.
    std::fs::create_dir_all(root.path().join("proc/7")).unwrap();
    symlink("loop", root.path().join("proc/7/fd")).unwrap();
    symlink("fd", root.path().join("proc/7/loop")).unwrap();
    process(root.path(), "8", "/usr/bin/telnetd", "telnetd\0", 0, &["socket:[11]"]);
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "");
    assert!(documents[0].contains(r#""port":22,"programs":null"#), "{documents:?}");
    assert!(documents[1].contains("telnetd"), "{documents:?}");
    assert!(notes[0].ends_with("have open: 1 (tcp 22)"), "{notes:?}");
    let block = crate::host::testing::block("listening_ports", root.path(), "programs = false");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (documents, _) = runtime.block_on(crate::testing::documents_of(&block)).unwrap();
    assert_eq!(documents[0], r#"tcp/0.0.0.0/22 {"address":"0.0.0.0","port":22,"protocol":"tcp"}"#);
}

#[test]
fn without_tables_there_is_no_state() {
    let root = crate::testing::root(&[]);
    assert!(refusal(&GENERATOR_TYPE, root.path(), "").contains("is /proc mounted?"));
}

#[test]
fn a_port_of_this_test_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = std::fs::read_link("/proc/self/exe").unwrap();
    // Other tests open and close ports, so only this one is looked at.
    let find = || {
        let (documents, _) = of(&GENERATOR_TYPE, Path::new("/"), "");
        documents.into_iter().find(|line| line.starts_with(&format!("tcp/127.0.0.1/{port} ")))
    };
    let found = find().unwrap();
    assert!(found.contains(program.to_str().unwrap()), "{found}");
    assert_eq!(find().unwrap(), found);
}
