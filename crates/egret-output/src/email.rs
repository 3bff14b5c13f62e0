//! `email`: mails to people, through any SMTP server; the mails of an alert are one thread.

mod body;
mod compose;
mod smtp;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Diagnostics, FromValue, Located, Value};
use egret_http::{CA_FILE, ServiceContext, Tls};
use egret_model::{AlertAction, Secret};
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::registry::OutputType;
use compose::{Correspondents, compose, reference};
use smtp::{Outcome, Security, Server};

/// So many mails go through one connection.
const BATCH: usize = 10;

/// So many connections are open at once: mail servers allow few.
const CONCURRENCY: usize = 2;

/// Of so many mails it is remembered who has them already, while others have yet to take them.
const MAX_REMEMBERED: usize = 256;

/// The output type `email`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "email",
    description: "Sends a mail through an SMTP server.",
    attributes: &[&[
        AttributeDocumentation::required(
            "host",
            "a string",
            "The mail server; its certificate must be for it.",
        ),
        AttributeDocumentation::required("from", "a string", "The sender: \"Egret <egret@example.org>\"."),
        AttributeDocumentation::required("to", "a list of strings", "The recipients."),
        AttributeDocumentation::optional("cc", "a list of strings", "Further recipients."),
        AttributeDocumentation::optional("reply_to", "a string", "Where answers go to. Default: to `from`."),
        AttributeDocumentation::optional(
            "security",
            "a string",
            "starttls (the default), tls from the first byte, or none, which is for servers on the same machine.",
        ),
        AttributeDocumentation::optional(
            "allow_unencrypted",
            "true or false",
            "Whether `security = \"none\"` may be used with a server elsewhere. Default: false.",
        ),
        AttributeDocumentation::optional(
            "port",
            "a number",
            "Its port. Default: 587 with starttls, 465 with tls, 25 with none.",
        ),
        AttributeDocumentation::optional("username", "a string", "Whom to log in as."),
        AttributeDocumentation::optional("password", "a string", "The password; a secret."),
        AttributeDocumentation::optional(
            "hello_name",
            "a string",
            "The name to greet the server with. Default: the domain of `from`.",
        ),
        AttributeDocumentation::optional(
            "attach_alert",
            "true or false",
            "Whether the whole alert is attached as `alert.json`. Default: false.",
        ),
        CA_FILE,
    ]],
    example: r#"output "email" "soc" {
  host         = "smtp.example.org"
  port         = 587
  security     = "starttls"
  username     = "egret"
  password     = env("SMTP_PASSWORD")
  from         = "Egret <egret@example.org>"
  to           = ["SOC <soc@example.org>"]
  cc           = ["lead@example.org"]
  reply_to     = "soc@example.org"
  hello_name   = "egret.example.org"
  attach_alert = true
  # ca_file           = "ca.pem"
  # allow_unencrypted = true # with security = "none"
}
"#,
    arrives: "A mail in HTML and in text, with the severity, what happened, the rule's links and the fields. Nothing in \
        it is loaded from elsewhere. A `template` writes HTML; its `body` is the whole HTML, and the text is made of \
        it. Values from logs are shown as text: HTML in them is escaped, addresses in them are taken apart so that \
        mail programs make no links of them, control characters and those that turn the direction of text around \
        are shown by their number.\n\n\
        The subject has at most 150 characters. The text has 6,000, the description 3,000, a field 1,000; fields that \
        go beyond 95 KB of HTML, where Gmail hides the rest, are left out and counted. An attachment over 5 MiB is \
        left out.\n\n\
        `Message-ID` is made of the delivery's id: a mail that comes twice has the same. `In-Reply-To` and \
        `References` name the alert's first mail, and the subject stays the same but for `Re:`, so all mails of an \
        alert are one thread; what happened stands in the mail's heading. A template for the title is the \
        subject as it is. `Auto-Submitted`, `X-Egret-Alert-Id`, `X-Egret-Severity`, `X-Egret-Action` and \
        `X-Egret-Detection` are there for filters.\n\n\
        A mail that some recipients may not get goes to the others. Answers that begin with 4 are tried again, for \
        those recipients alone; those that begin with 5 are final, but for a wrong login, a full mailbox and trouble \
        on the way.",
    permissions: "An account that may send as `from`. Certificates are always verified. Without `security = \"none\"` \
        nothing is said before TLS, and a server that has none is not used.",
    decode: |reader, context| {
        let host = reader.required::<Located<String>>("host");
        let from = reader.required::<Correspondent>("from");
        let to = reader.required::<Located<Vec<Correspondent>>>("to");
        let cc = reader.optional_or("cc", Vec::<Correspondent>::new());
        let reply_to = reader.optional_or("reply_to", None::<Correspondent>);
        let port = reader.optional_or("port", None::<u16>);
        let hello_name = reader.optional_or("hello_name", None::<String>);
        let attach_alert = reader.optional_or("attach_alert", false);
        let tls = Tls::decode_trust(reader, context);
        let login = read_login(reader);
        let security = read_security(reader, host.as_ref());
        let to = to.and_then(|to| read_recipients(to, reader));
        let from = from?.0;
        let security = security?;
        let server = Server {
            host: host?.value,
            port: port?.unwrap_or(security.default_port()),
            security,
            login: login?,
            hello_name: hello_name?.unwrap_or_else(|| from.email.domain().to_owned()),
            tls: tls?,
            parameters: OnceCell::new(),
        };
        let mailboxes = |list: Vec<Correspondent>| list.into_iter().map(|one| one.0).collect();
        let correspondents = Correspondents {
            from,
            to: mailboxes(to?),
            cc: mailboxes(cc?),
            reply_to: reply_to?.map(|one| one.0),
        };
        Some(Arc::new(Email {
            server,
            correspondents,
            attach_alert: attach_alert?,
            context: context.service.clone(),
            served: Mutex::default(),
        }))
    },
};

/// A name with an address.
struct Correspondent(Mailbox);

impl FromValue for Correspondent {
    const EXPECTED: &'static str = "a string with a mail address such as \"SOC <soc@example.org>\"";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = value.expect_text(Self::EXPECTED, diagnostics)?;
        let mailbox = text.parse::<Mailbox>().ok();
        // Few servers take addresses with other characters.
        let mailbox = mailbox.filter(|mailbox| mailbox.email.to_string().is_ascii());
        if mailbox.is_none() {
            let mistake = Diagnostic::error(format!("expected {}", Self::EXPECTED)).at(&value.location);
            diagnostics.push(mistake.hint("the address itself is written in ASCII, its domain as xn--…"));
        }
        mailbox.map(Self)
    }
}

fn read_recipients(
    to: Located<Vec<Correspondent>>,
    reader: &mut BlockReader<'_>,
) -> Option<Vec<Correspondent>> {
    if to.value.is_empty() {
        reader.diagnostics().error(&to.location, "`to` names nobody: write at least one address");
        return None;
    }
    Some(to.value)
}

fn read_login(reader: &mut BlockReader<'_>) -> Option<Option<(String, Secret)>> {
    let username = reader.optional_or("username", None::<String>);
    let password = reader.optional_or("password", None::<Secret>);
    match (username?, password?) {
        (Some(username), Some(password)) => Some(Some((username, password))),
        (None, None) => Some(None),
        _ => {
            let location = reader.location().clone();
            reader.diagnostics().error(&location, "`username` and `password` go together: name both or none");
            None
        }
    }
}

fn read_security(reader: &mut BlockReader<'_>, host: Option<&Located<String>>) -> Option<Security> {
    let word = reader.optional_or("security", None::<Located<String>>);
    let allow_unencrypted = reader.optional_or("allow_unencrypted", false)?;
    let Some(word) = word? else { return Some(Security::StartTls) };
    let Some(security) = Security::from_word(&word.value) else {
        let mistake = Diagnostic::error(format!("`{}` is no way to protect a connection", word.value));
        reader.diagnostics().push(mistake.at(&word.location).hint("write \"starttls\", \"tls\" or \"none\""));
        return None;
    };
    if security == Security::None && !allow_unencrypted && !is_loopback(&host?.value) {
        let mistake = Diagnostic::error("alerts and the password would go over the network unencrypted");
        let hint = "write security = \"starttls\" or \"tls\"; if it must be, add `allow_unencrypted = true`";
        reader.diagnostics().push(mistake.at(&word.location).hint(hint));
        return None;
    }
    Some(security)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[derive(Debug)]
struct Email {
    server: Server,
    correspondents: Correspondents,
    attach_alert: bool,
    context: ServiceContext,
    /// Who has a mail already that others have yet to take, by delivery: it is not sent to them again.
    served: Mutex<VecDeque<(String, Vec<Address>)>>,
}

#[async_trait]
impl Output for Email {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::MailHtml
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    fn batch_size(&self) -> usize {
        BATCH
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let deadline = Instant::now() + self.context.timeout;
        let mut connection = None;
        let mut answers = Vec::with_capacity(letters.len());
        for letter in letters {
            let answer = match timeout_at(deadline, self.send_one(letter, &mut connection)).await {
                Ok(answer) => answer,
                Err(_) => {
                    connection = None;
                    let Server { host, port, .. } = &self.server;
                    Err(SendError::retry(format!("{host}:{port} did not answer in time")))
                }
            };
            answers.push(answer);
        }
        if let Some(mut connection) = connection {
            // The mails are handed in already; this is only polite.
            let _ = timeout_at(deadline, connection.quit()).await;
        }
        answers
    }
}

impl Email {
    async fn send_one(
        &self,
        letter: &Letter,
        connection: &mut Option<AsyncSmtpConnection>,
    ) -> Result<Receipt, SendError> {
        let now = self.context.clock.now();
        let mail = compose(letter, &self.correspondents, self.attach_alert, now)?;
        let id = &letter.delivery.delivery_id;
        let served = self.served(id);
        let mailboxes = self.correspondents.to.iter().chain(&self.correspondents.cc);
        let mut to: Vec<Address> = Vec::new();
        for mailbox in mailboxes {
            if !served.contains(&mailbox.email) && !to.contains(&mailbox.email) {
                to.push(mailbox.email.clone());
            }
        }
        // Taken out while it is used: one that an error or the time limit leaves in the middle of a mail is lost.
        let mut open = match connection.take() {
            Some(open) => open,
            None => self.server.connect().await?,
        };
        let from = &self.correspondents.from.email;
        let outcome = self.server.hand_in(&mut open, from, &to, &mail).await?;
        *connection = Some(open);
        self.answer(letter, outcome, served)
    }

    fn answer(
        &self,
        letter: &Letter,
        outcome: Outcome,
        mut served: Vec<Address>,
    ) -> Result<Receipt, SendError> {
        let delivery = &letter.delivery;
        served.extend(outcome.accepted);
        if !outcome.later.is_empty() {
            let later = explain(&outcome.later);
            self.remember(&delivery.delivery_id, served);
            return Err(SendError::retry(format!("some recipients may get it later: {later}")));
        }
        self.remember(&delivery.delivery_id, Vec::new());
        let refused = explain(&outcome.refused);
        if served.is_empty() {
            return Err(SendError::refused(format!("no recipient is taken: {refused}")));
        }
        if !refused.is_empty() {
            tracing::warn!(alert = delivery.alert.alert_id, refused, "some recipients do not get the mail");
        }
        Ok(Receipt { reference: Some(reference(delivery, self.correspondents.from.email.domain())) })
    }

    fn served(&self, id: &str) -> Vec<Address> {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.iter().find(|(known, _)| known == id).map(|(_, who)| who.clone()).unwrap_or_default()
    }

    fn remember(&self, id: &str, who: Vec<Address>) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.retain(|(known, _)| known != id);
        if !who.is_empty() {
            served.push_back((id.to_owned(), who));
        }
        if served.len() > MAX_REMEMBERED {
            served.pop_front();
        }
    }
}

fn explain(list: &[(Address, String)]) -> String {
    list.iter().map(|(who, said)| format!("{who}: {said}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
