//! The conversation with the mail server, and what its answers mean.

use std::fmt;

use egret_http::Tls;
use egret_model::Secret;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use tokio::sync::OnceCell;

use crate::delivery::SendError;

/// So much of an answer is shown to people.
const MAX_SHOWN: usize = 300;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// In the clear first, and never further without TLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl Security {
    /// The security that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "starttls" => Some(Self::StartTls),
            "tls" => Some(Self::Tls),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The port that servers listen on for it.
    pub fn default_port(self) -> u16 {
        match self {
            Self::StartTls => SUBMISSION_PORT,
            Self::Tls => SUBMISSIONS_PORT,
            Self::None => SMTP_PORT,
        }
    }
}

/// Where mails are handed in.
pub struct Server {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Whom to log in as.
    pub login: Option<(String, Secret)>,
    /// The name to greet with.
    pub hello_name: String,
    /// Whom to trust.
    pub tls: Tls,
    /// What `tls` says, in the client's words: made when it is first used, since to load certificates takes a while.
    pub parameters: OnceCell<TlsParameters>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// What became of a mail.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Who gets it.
    pub accepted: Vec<Address>,
    /// Who may get it later, and what the server said.
    pub later: Vec<(Address, String)>,
    /// Who will never get it, and what the server said.
    pub refused: Vec<(Address, String)>,
}

impl Server {
    /// Connects, and logs in. Whatever goes wrong here says nothing about a mail, and can be mended while mails wait:
    /// all of it is to be tried again.
    ///
    /// # Errors
    /// To be tried again.
    pub async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let failed = |error: Error| SendError::retry(self.explain("cannot be reached", &error));
        let greeting = ClientId::Domain(self.hello_name.clone());
        let wrapper = match self.security {
            Security::Tls => Some(self.parameters().await?),
            Security::StartTls | Security::None => None,
        };
        let place = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(place, None, &greeting, wrapper, None)
            .await
            .map_err(failed)?;
        if self.security == Security::StartTls {
            connection.starttls(self.parameters().await?, &greeting).await.map_err(failed)?;
        }
        if let Some((username, password)) = &self.login {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            let answer = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            answer.map_err(|error| SendError::retry(self.login_failed(&error)))?;
        }
        Ok(connection)
    }

    /// Hands in one mail, to all who are accepted. After an error the connection is of no more use.
    ///
    /// # Errors
    /// If nobody gets it for a reason that is nobody's in particular.
    pub async fn hand_in(
        &self,
        connection: &mut AsyncSmtpConnection,
        from: &Address,
        to: &[Address],
        mail: &[u8],
    ) -> Result<Outcome, SendError> {
        let sender = connection.command(Mail::new(Some(from.clone()), Vec::new())).await;
        sender.map_err(|error| self.judge("does not take mails of this sender", &error))?;
        let mut outcome = Outcome::default();
        for address in to {
            match connection.command(Rcpt::new(address.clone(), Vec::new())).await {
                Ok(_) => outcome.accepted.push(address.clone()),
                Err(error) if error.status().is_none() => return Err(self.judge("went away", &error)),
                Err(error) => {
                    let said = (address.clone(), said(&error));
                    let list =
                        if may_change(&error, true) { &mut outcome.later } else { &mut outcome.refused };
                    list.push(said);
                }
            }
        }
        if outcome.accepted.is_empty() {
            let reset = connection.command(Rset).await;
            reset.map_err(|error| self.judge("went away", &error))?;
            return Ok(outcome);
        }
        let begun = connection.command(Data).await;
        begun.map_err(|error| self.judge("does not take the mail", &error))?;
        let taken = connection.message(mail).await;
        taken.map_err(|error| self.judge("does not take the mail", &error))?;
        Ok(outcome)
    }

    async fn parameters(&self) -> Result<TlsParameters, SendError> {
        let parameters = self.parameters.get_or_try_init(async || {
            let mut builder = TlsParameters::builder(self.host.clone());
            let added = self.tls.added_roots().map_err(|error| SendError::retry(error.to_string()))?;
            for certificate in added {
                let certificate = Certificate::from_der(certificate.to_vec())
                    .map_err(|error| SendError::retry(format!("`ca_file`: {error}")))?;
                builder = builder.add_root_certificate(certificate);
            }
            builder.build().map_err(|error| SendError::retry(format!("TLS cannot be set up: {error}")))
        });
        parameters.await.cloned()
    }

    fn judge(&self, what: &str, error: &Error) -> SendError {
        let message = self.explain(what, error);
        if may_change(error, false) { SendError::retry(message) } else { SendError::refused(message) }
    }

    fn explain(&self, what: &str, error: &Error) -> String {
        format!("{}:{} {what}: {}", self.host, self.port, said(error))
    }

    /// Without what the server said, which may have the password in it.
    fn login_failed(&self, error: &Error) -> String {
        let place = format!("{}:{}", self.host, self.port);
        match error.status() {
            Some(code) => {
                format!("{place} does not take the username and the password ({code}): correct them")
            }
            None => format!("{place} cannot be logged in to: {}", said(error)),
        }
    }
}

/// What the server said, or what else went wrong.
fn said(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let text = match error.status() {
        Some(code) => format!("{code} {source}"),
        None if source.is_empty() => error.to_string(),
        None => source,
    };
    egret_http::said(&text, MAX_SHOWN)
}

/// Whether a failure may be none later. Without an answer, and with one that begins with 4, always. Those that begin
/// with 5 are final, but for: a login that is asked for or is wrong (530, 534, 535, 538), which people mend; a full
/// mailbox (5.2.2), a full or closed system (5.3.1, 5.3.2), trouble on the way and quotas of a day (5.4.x); and 552 for
/// a recipient, which older servers say when there are too many.
fn may_change(error: &Error, of_recipient: bool) -> bool {
    let Some(code) = error.status().map(u16::from) else { return true };
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let detail = source.split_whitespace().next().unwrap_or_default();
    match code {
        400..=499 | 530 | 534 | 535 | 538 => true,
        552 if of_recipient && !matches!(detail, "5.2.3" | "5.3.4") => true,
        _ => matches!(detail, "5.2.2" | "5.3.1" | "5.3.2") || detail.starts_with("5.4."),
    }
}
