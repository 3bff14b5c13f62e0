//! A DNS server on loopback, over UDP and TCP.

use hickory_resolver::proto::op::{Message, MessageType, OpCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, NULL, SOA, SRV, TXT};
use hickory_resolver::proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::testing::{documents_of, mistakes, taken_of};

/// What the server says.
enum Says {
    Records(Vec<(&'static str, RData)>),
    Code(ResponseCode),
    /// Only over TCP: over UDP that it does not fit.
    OverTcp(Vec<(&'static str, RData)>),
    Referral,
    Rubbish,
    Nothing,
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn says(asked: &str, kind: RecordType) -> Says {
    let own = |data: RData| ("example.test.", data);
    let text = |text: &str| own(RData::TXT(TXT::new(vec![text.to_owned()])));
    Says::Records(match (asked, kind) {
        ("example.test.", RecordType::A) => {
            vec![own(RData::A(A::new(192, 0, 2, 2))), own(RData::A(A::new(192, 0, 2, 1)))]
        }
        ("example.test.", RecordType::AAAA) => {
            vec![own(RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)))]
        }
        ("example.test.", RecordType::MX) => vec![
            own(RData::MX(MX::new(20, name("B.example.test.")))),
            own(RData::MX(MX::new(10, name("a.example.test.")))),
        ],
        ("example.test.", RecordType::NS) => vec![own(RData::NS(NS(name("NS1.Example.Test."))))],
        ("example.test.", RecordType::TXT) => vec![
            own(RData::TXT(TXT::from_bytes(vec![b"v=spf1 ", b"-all"]))),
            own(RData::TXT(TXT::from_bytes(vec![b"odd \xff\n\xc3\xa4"]))),
            text("v=spf1 -all"),
        ],
        ("example.test.", RecordType::CAA) => {
            vec![own(RData::CAA(CAA::new_issue(true, Some(name("ca.example")), Vec::new())))]
        }
        ("example.test.", RecordType::SOA) => {
            let soa = SOA::new(name("NS1.example.test."), name("admin.example.test."), 2024, 1, 2, 3, 4);
            vec![own(RData::SOA(soa))]
        }
        ("example.test.", RecordType::DS) => {
            let rdata = NULL::with(vec![0x30, 0x39, 13, 2, 0xab, 0xcd]);
            vec![own(RData::Unknown { code: RecordType::DS, rdata })]
        }
        ("example.test.", RecordType::DNSKEY) => {
            let rdata = NULL::with(vec![1, 1, 3, 13, 0, 0xff]);
            vec![own(RData::Unknown { code: RecordType::DNSKEY, rdata })]
        }
        ("_sip._tcp.example.test.", RecordType::SRV) => {
            vec![("_sip._tcp.example.test.", RData::SRV(SRV::new(1, 2, 5060, name("sip.example.test."))))]
        }
        ("alias.test.", RecordType::A) => vec![
            ("alias.test.", RData::CNAME(CNAME(name("example.test.")))),
            own(RData::A(A::new(192, 0, 2, 1))),
        ],
        ("alias.test.", RecordType::CNAME) => {
            vec![("alias.test.", RData::CNAME(CNAME(name("example.test."))))]
        }
        ("dangling.test.", RecordType::CNAME) => {
            vec![("dangling.test.", RData::CNAME(CNAME(name("gone.test."))))]
        }
        ("null.test.", RecordType::MX) => vec![("null.test.", RData::MX(MX::new(0, Name::root())))],
        ("large.test.", RecordType::TXT) => {
            let long = |letter: &str| ("large.test.", RData::TXT(TXT::new(vec![letter.repeat(250)])));
            return Says::OverTcp(["a", "b", "c", "d", "e", "f"].map(long).to_vec());
        }
        ("broken.test.", _) => return Says::Code(ResponseCode::ServFail),
        ("refused.test.", _) => return Says::Code(ResponseCode::Refused),
        ("silent.test.", _) => return Says::Nothing,
        ("rubbish.test.", _) => return Says::Rubbish,
        ("referral.test.", _) => return Says::Referral,
        ("missing.test." | "gone.test." | "dangling.test.", _) => return Says::Code(ResponseCode::NXDomain),
        _ => Vec::new(),
    })
}

fn answer(question: &[u8], over_tcp: bool) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).unwrap();
    let query = question.queries[0].clone();
    let mut message = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.recursion_available = true;
    message.add_query(query.clone());
    let asked = query.name().to_lowercase().to_ascii();
    let soa = SOA::new(name("ns.test."), name("admin.test."), 1, 2, 3, 4, 60);
    let soa = Record::from_rdata(name("test."), 60, RData::SOA(soa));
    let record = |(owner, data)| Record::from_rdata(name(owner), 300, data);
    match says(&asked, query.query_type()) {
        Says::Records(records) if records.is_empty() => {
            message.add_authority(soa);
        }
        Says::Records(records) => {
            message.add_answers(records.into_iter().map(record));
        }
        Says::OverTcp(records) if over_tcp => {
            message.add_answers(records.into_iter().map(record));
        }
        Says::OverTcp(_) => message.metadata.truncation = true,
        Says::Code(code) => {
            message.metadata.response_code = code;
            if code == ResponseCode::NXDomain {
                message.add_authority(soa);
            }
        }
        Says::Referral => {
            message.add_authority(Record::from_rdata(
                name("test."),
                60,
                RData::NS(NS(name("ns.elsewhere."))),
            ));
        }
        Says::Rubbish => return Some(b"rubbish".to_vec()),
        Says::Nothing => return None,
    }
    Some(message.to_vec().unwrap())
}

/// The address of a server.
async fn start() -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // The same number has to be free for both.
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut question).await {
            if let Some(answer) = answer(&question[..length], false) {
                udp.send_to(&answer, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut question = vec![0; length.into()];
                    stream.read_exact(&mut question).await.unwrap();
                    let Some(answer) = answer(&question, true) else { continue };
                    stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&answer).await.unwrap();
                }
            });
        }
    });
    address
}

fn block(server: SocketAddr, names: &[&str], more: &str) -> String {
    format!("generator \"dns_records\" \"d\" {{\n names = {names:?}\n server = \"{server}\"\n {more}\n}}")
}

#[tokio::test]
async fn records_are_told() {
    let server = start().await;
    let types =
        "types = [\"a\", \"AAAA\", \"MX\", \"NS\", \"TXT\", \"CAA\", \"SOA\", \"DS\", \"DNSKEY\", \"CNAME\"]";
    let (documents, taken) =
        taken_of(&block(server, &["Example.test", "example.test."], types)).await.unwrap();
    assert_eq!(taken.failed(), []);
    assert_eq!(
        documents,
        [
            r#"example.test/A {"exists":true,"name":"example.test","type":"A","values":["192.0.2.1","192.0.2.2"]}"#,
            r#"example.test/AAAA {"exists":true,"name":"example.test","type":"AAAA","values":["2001:db8::1"]}"#,
            r#"example.test/CAA {"exists":true,"name":"example.test","type":"CAA","values":["128 issue ca.example"]}"#,
            r#"example.test/CNAME {"dangling":false,"exists":true,"name":"example.test","type":"CNAME","values":[]}"#,
            r#"example.test/DNSKEY {"exists":true,"name":"example.test","type":"DNSKEY","values":["257 3 13 AP8="]}"#,
            r#"example.test/DS {"exists":true,"name":"example.test","type":"DS","values":["12345 13 2 abcd"]}"#,
            r#"example.test/MX {"exists":true,"name":"example.test","type":"MX","values":["10 a.example.test","20 b.example.test"]}"#,
            r#"example.test/NS {"exists":true,"name":"example.test","type":"NS","values":["ns1.example.test"]}"#,
            r#"example.test/SOA {"exists":true,"name":"example.test","type":"SOA","values":["ns1.example.test admin.example.test 1 2 3 4"]}"#,
            r#"example.test/TXT {"exists":true,"name":"example.test","type":"TXT","values":["odd \\xff\\nä","v=spf1 -all"]}"#,
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_too() {
    let server = start().await;
    let types = "types = [\"A\", \"CNAME\"]";
    let names = ["alias.test", "dangling.test", "missing.test"];
    let (documents, taken) = taken_of(&block(server, &names, types)).await.unwrap();
    assert_eq!(taken.failed(), []);
    assert_eq!(
        documents,
        [
            r#"alias.test/A {"exists":true,"name":"alias.test","type":"A","values":["192.0.2.1"]}"#,
            r#"alias.test/CNAME {"dangling":false,"exists":true,"name":"alias.test","type":"CNAME","values":["example.test"]}"#,
            r#"dangling.test/A {"exists":false,"name":"dangling.test","type":"A","values":[]}"#,
            r#"dangling.test/CNAME {"dangling":true,"exists":true,"name":"dangling.test","type":"CNAME","values":["gone.test"]}"#,
            r#"missing.test/A {"exists":false,"name":"missing.test","type":"A","values":[]}"#,
            r#"missing.test/CNAME {"dangling":false,"exists":false,"name":"missing.test","type":"CNAME","values":[]}"#,
        ]
    );
    let (documents, _) = documents_of(&block(server, &["null.test"], "types = [\"MX\"]")).await.unwrap();
    assert!(documents[0].contains(r#""values":["0 ."]"#), "{documents:?}");
    let (documents, _) =
        documents_of(&block(server, &["_sip._tcp.example.test"], "types = [\"SRV\"]")).await.unwrap();
    assert!(documents[0].contains(r#""values":["1 2 5060 sip.example.test"]"#), "{documents:?}");
}

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let server = start().await;
    let (documents, _) = documents_of(&block(server, &["large.test"], "types = [\"TXT\"]")).await.unwrap();
    assert_eq!(
        documents[0].matches("\"aaaa").count() + documents[0].matches("\"ffff").count(),
        2,
        "{documents:?}"
    );
}

#[tokio::test]
async fn what_is_not_answered_fails_alone() {
    let server = start().await;
    let names =
        ["broken.test", "example.test", "referral.test", "refused.test", "rubbish.test", "silent.test"];
    let more = "types = [\"A\"]\n request_timeout = \"1s\"";
    let (documents, taken) = taken_of(&block(server, &names, more)).await.unwrap();
    assert_eq!(documents.len(), 1);
    let failed: Vec<String> =
        taken.failed().iter().map(|failed| format!("{} | {}", failed.part, failed.message)).collect();
    for (failed, expected) in failed.iter().zip([
        "broken.test/A | broken.test A: the server answered Server Failure",
        "referral.test/A | referral.test A: the server only says whom else to ask",
        "refused.test/A | refused.test A: the server answered Query Refused",
        "rubbish.test/A | rubbish.test A: ",
        "silent.test/A | silent.test A: no server answered in time",
    ]) {
        assert!(failed.starts_with(expected), "{failed} is not {expected}");
    }
    assert_eq!(failed.len(), 5, "{failed:?}");
    let error = documents_of(&block(server, &["broken.test"], more)).await.unwrap_err();
    assert!(matches!(error, GenerateError::Retry { .. }), "{error}");
    let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = documents_of(&block(nobody, &["example.test"], more)).await.unwrap_err();
    assert!(matches!(error, GenerateError::Retry { .. }), "{error}");
}

#[test]
fn mistakes_are_told() {
    for (block, expected) in [
        ("names = []", "`names` has no name"),
        ("names = [\"a..b\"]", "`a..b` cannot be a name in the DNS"),
        ("names = [\"\"]", "`` cannot be a name in the DNS"),
        ("names = [\"a.test\"]\n types = [\"ANY\"]", "`ANY` cannot be asked for"),
        ("names = [\"a.test\"]\n server = \"dns.example\"", "`dns.example` is no address of a server"),
    ] {
        let shown = mistakes(&format!("generator \"dns_records\" \"d\" {{\n {block}\n}}"));
        assert!(shown.contains(expected), "{shown}");
    }
}
