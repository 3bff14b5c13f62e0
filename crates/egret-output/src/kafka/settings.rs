//! What a block says about the cluster, as properties of librdkafka.

use egret_config::{BlockReader, Diagnostic, Located};
use egret_http::{ServiceContext, Tls};
use egret_model::Secret;
use rdkafka::ClientConfig;

/// How to get what this build has not.
const HOW_TO_GET_TLS: &str =
    "this build cannot: build it with `cargo build --features kafka-tls`, which needs OpenSSL";

/// Properties that are not the user's, by how they begin: what attributes say, what the promises of this output rest
/// on, what would turn the verification of certificates off, and what runs or loads foreign code.
const FORBIDDEN: [(&str, &str); 24] = [
    ("bootstrap.servers", "use the attribute `brokers`"),
    ("metadata.broker.list", "use the attribute `brokers`"),
    ("security.protocol", "use the attribute `security`"),
    ("sasl.mechanism", "use the attribute `sasl_mechanism`"),
    ("sasl.username", "use the attribute `username`"),
    ("sasl.password", "use the attribute `password`"),
    ("ssl.ca.location", "use the attribute `ca_file`"),
    ("compression.type", "use the attribute `compression`"),
    ("compression.codec", "use the attribute `compression`"),
    ("message.timeout.ms", "use the attribute `timeout`"),
    ("delivery.timeout.ms", "use the attribute `timeout`"),
    ("acks", "an alert counts as taken once all replicas have it"),
    ("request.required.acks", "an alert counts as taken once all replicas have it"),
    ("enable.idempotence", "repetitions must make no duplicates"),
    ("transactional.id", "there are no transactions here"),
    ("delivery.report.only.error", "every record's fate must be known"),
    ("batch.num.messages", "a record that is refused must not take others with it"),
    ("enable.ssl.certificate.verification", "certificates are always verified"),
    ("ssl.endpoint.identification.algorithm", "certificates are always verified"),
    ("ssl.engine", "it loads foreign code"),
    ("ssl.providers", "it loads foreign code"),
    ("plugin.", "it loads foreign code"),
    ("sasl.kerberos.kinit.cmd", "it runs a command"),
    ("test.", "it is for tests of librdkafka"),
];

/// Reads everything but the topic.
pub fn read_settings(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<ClientConfig> {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "egret")
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // A broker refuses batches, not records: one that is too large must not take others with it.
        .set("batch.num.messages", "1")
        .set("queue.buffering.max.ms", "0");
    let brokers = reader.required::<Located<Vec<String>>>("brokers");
    let tls = Tls::decode_trust(reader, context);
    let protected = read_security(reader);
    let login = read_login(reader, protected);
    let compression = read_compression(reader);
    let properties = read_properties(reader);
    let brokers = brokers.and_then(|brokers| read_brokers(&brokers, reader));
    config.set("bootstrap.servers", brokers?).set("compression.type", compression?);
    let (protected, login) = (protected?, login?);
    let protocol = match (protected, login.is_some()) {
        (false, false) => "plaintext",
        (false, true) => "sasl_plaintext",
        (true, false) => "ssl",
        (true, true) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some((mechanism, username, password)) = login {
        config.set("sasl.mechanism", mechanism).set("sasl.username", username);
        config.set("sasl.password", password.expose());
    }
    if let Some(path) = tls?.ca_file().filter(|_| protected) {
        config.set("ssl.ca.location", path.display().to_string());
    }
    for (name, value) in properties? {
        config.set(name, value.expose());
    }
    Some(config)
}

fn read_brokers(brokers: &Located<Vec<String>>, reader: &mut BlockReader<'_>) -> Option<String> {
    let is_broker = |broker: &String| !broker.is_empty() && !broker.contains([',', ' ', '/']);
    if brokers.value.is_empty() || !brokers.value.iter().all(is_broker) {
        let mistake = Diagnostic::error("`brokers` names hosts, at least one").at(&brokers.location);
        reader.diagnostics().push(mistake.hint("write [\"kafka-1.example.org:9092\"]"));
        return None;
    }
    Some(brokers.value.join(","))
}

/// Whether TLS is asked for.
fn read_security(reader: &mut BlockReader<'_>) -> Option<bool> {
    let word = reader.required::<Located<String>>("security")?;
    let (message, hint) = match word.value.as_str() {
        "none" => return Some(false),
        "tls" if cfg!(feature = "kafka-tls") => return Some(true),
        "tls" => ("there is no TLS to Kafka in this build".to_owned(), HOW_TO_GET_TLS),
        other => (format!("`{other}` is no way to protect a connection"), "write \"tls\" or \"none\""),
    };
    reader.diagnostics().push(Diagnostic::error(message).at(&word.location).hint(hint));
    None
}

/// Mechanism, username and password.
type Login = (&'static str, String, Secret);

fn read_login(reader: &mut BlockReader<'_>, protected: Option<bool>) -> Option<Option<Login>> {
    let word = reader.optional_or("sasl_mechanism", None::<Located<String>>);
    let username = reader.optional_or("username", None::<String>);
    let password = reader.optional_or("password", None::<Secret>);
    let allow_unencrypted = reader.optional_or("allow_unencrypted", false);
    let (word, username, password) = match (word?, username?, password?) {
        (None, None, None) => return Some(None),
        (Some(word), Some(username), Some(password)) => (word, username, password),
        _ => {
            let location = reader.location().clone();
            let message = "`sasl_mechanism`, `username` and `password` go together: name all or none";
            reader.diagnostics().error(&location, message);
            return None;
        }
    };
    let known = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
    let mechanism = known.into_iter().find(|known| word.value.eq_ignore_ascii_case(known));
    let (message, hint) = match mechanism {
        None => (
            format!("`{}` is no SASL mechanism", word.value),
            "write \"PLAIN\", \"SCRAM-SHA-256\" or \"SCRAM-SHA-512\"",
        ),
        Some("SCRAM-SHA-256" | "SCRAM-SHA-512") if !cfg!(feature = "kafka-tls") => {
            ("there is no SCRAM in this build".to_owned(), HOW_TO_GET_TLS)
        }
        Some("PLAIN") if protected == Some(false) && !allow_unencrypted? => (
            "the password would go over the network unencrypted".to_owned(),
            "write security = \"tls\"; if it must be, add `allow_unencrypted = true`",
        ),
        Some(mechanism) => return Some(Some((mechanism, username, password))),
    };
    reader.diagnostics().push(Diagnostic::error(message).at(&word.location).hint(hint));
    None
}

fn read_compression(reader: &mut BlockReader<'_>) -> Option<String> {
    let Some(word) = reader.optional_or("compression", None::<Located<String>>)? else {
        return Some("none".to_owned());
    };
    if !["none", "gzip", "snappy", "lz4"].contains(&word.value.as_str()) {
        let mistake = Diagnostic::error(format!("`{}` is no compression", word.value)).at(&word.location);
        reader.diagnostics().push(mistake.hint("write \"none\", \"gzip\", \"snappy\" or \"lz4\""));
        return None;
    }
    Some(word.value)
}

fn read_properties(reader: &mut BlockReader<'_>) -> Option<Vec<(String, Secret)>> {
    let written = reader.optional_or("properties", Vec::<(Located<String>, Secret)>::new())?;
    let mut properties = Some(Vec::new());
    for (name, value) in written {
        match (wrong_with(&name.value, &value), &mut properties) {
            (None, Some(properties)) => properties.push((name.value, value)),
            (None, None) => {}
            (Some((message, hint)), _) => {
                reader.diagnostics().push(Diagnostic::error(message).at(&name.location).hint(hint));
                properties = None;
            }
        }
    }
    properties
}

/// What is wrong with a property, and what to do. The value is not shown.
fn wrong_with(name: &str, value: &Secret) -> Option<(String, &'static str)> {
    if let Some((_, why)) = FORBIDDEN.iter().find(|(start, _)| name.starts_with(start)) {
        return Some((format!("the property `{name}` cannot be set here"), *why));
    }
    let mut alone = ClientConfig::new();
    alone.set(name, value.expose());
    alone.create_native_config().err()?;
    let hint = "see librdkafka's CONFIGURATION.md; properties of TLS need a build with the feature kafka-tls";
    Some((format!("librdkafka does not take the property `{name}` with this value"), hint))
}
