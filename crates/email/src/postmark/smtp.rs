//! Postmark's SMTP server, for when only that is left.
//!
//! The dialogue is led step by step, on lettre's connection, since three things have to be known of each mail that a
//! `send` in one piece does not tell:
//!
//! - up to `DATA` nothing was sent, whatever broke;
//! - the run is asked whether it may still send directly before `DATA`;
//! - a server takes a mail on when it reads the line with the single dot (RFC 5321, 4.1.1.4). What breaks before that line
//!   is begun was not sent; what breaks from then on is unknown, unless the server has replied.

mod domain;
mod error;
mod message;

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::SendEmail;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use longshore_job::{JobError, Outcome, Reach, Run, Unreached};
use longshore_provider::secret::ExposeSecret;
use longshore_provider::{CallSpan, install_crypto};

use super::{PostmarkSetupError, SmtpConfig, answer, waits_for_sendgrid};
use crate::{AttachedFile, MailSender};
use error::{SmtpError, Step};
use message::Written;

/// How long a connection may have been idle to be used again. Servers close theirs after minutes.
const IDLE: Duration = Duration::from_secs(10);
/// How many idle ones are kept.
const MOST_IDLE: usize = 100;
/// How long connecting may take, at the most.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub(super) struct Smtp(Arc<Shared>);

struct Shared {
    config: SmtpConfig,
    tls: TlsParameters,
    // A std Mutex: it is held for a push or a pop, never across an await.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    pub(super) fn new(config: SmtpConfig) -> Result<Self, PostmarkSetupError> {
        install_crypto();
        let tls = TlsParameters::new(config.host.clone());
        let tls = tls.map_err(|error| PostmarkSetupError::Tls(error.to_string()))?;
        Ok(Self(Arc::new(Shared {
            tls,
            config,
            idle: Mutex::default(),
        })))
    }

    pub(super) async fn send(
        &self,
        job: &SendEmail,
        run: &Run,
        from: &MailSender,
        attachments: &[AttachedFile],
    ) -> Result<Outcome, JobError> {
        let SmtpConfig {
            templates,
            message_stream,
            ..
        } = &self.0.config;
        let name = &job.template;
        if !templates.has(name) {
            return Err(waits_for_sendgrid(format!(
                "there is no file templates/{name}.subject.hbs"
            )));
        }
        let words = templates.render(name, &job.data)?;
        let mail = message::write(job, run.id, from, words, message_stream, attachments)?;
        let SmtpConfig { host, port, .. } = &self.0.config;
        let span = CallSpan::smtp(host, *port);
        let handed = self.hand_over(run, &mail).await;
        match &handed {
            Ok(_) => span.succeeded(),
            Err(SmtpError::NotReached { .. }) => span.failed("not_reached"),
            Err(_) => span.failed("not_accepted"),
        }
        if let Err(SmtpError::NotReached { cause, ours }) = &handed {
            let unreached = self.unreached(cause.clone(), *ours);
            run.not_reached(unreached, Arc::new(self.clone()));
        }
        let reply = handed?;
        Ok(Outcome::Done {
            // Its reply holds no id that its other interfaces know.
            result: None,
            answer: answer(Some(reply.code().into()), None),
        })
    }

    /// One mail, once.
    async fn hand_over(&self, run: &Run, mail: &Written) -> Result<Response, SmtpError> {
        let half = self.0.config.timeout / 2;
        let begun = tokio::time::timeout(half, self.begin(mail)).await;
        let mut connection = begun.map_err(|_| SmtpError::not_reached("timed out", false))??;
        run.clear_to_send().await;
        let dot_begun = AtomicBool::new(false);
        let handing = data(&mut connection, &mail.bytes, &dot_begun);
        let handed = tokio::time::timeout(half, handing).await;
        let reply = match handed {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                let step = match dot_begun.load(Ordering::Relaxed) {
                    true => Step::Dot,
                    false => Step::Data,
                };
                return Err(SmtpError::at(step, &error));
            }
            Err(_) if dot_begun.load(Ordering::Relaxed) => {
                return Err(SmtpError::no_answer("timed out"));
            }
            Err(_) => return Err(SmtpError::never_sent("timed out")),
        };
        self.keep(connection);
        Ok(reply)
    }

    /// A connection on which the server has taken sender and recipient. One that was idle may have been closed by the
    /// server meanwhile, so that another one is tried.
    async fn begin(&self, mail: &Written) -> Result<AsyncSmtpConnection, SmtpError> {
        if let Some(mut idle) = self.idle() {
            match envelope(&mut idle, mail).await {
                Ok(()) => return Ok(idle),
                Err(error) if error.is_about_the_connection() => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = self.connect().await?;
        envelope(&mut connection, mail).await?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let mut connection = self.greet().await?;
        let config = &self.0.config;
        // As it is now: a connection that is kept was logged in with what it was then.
        let token = config.server_token.current();
        let token = token.expose_secret().to_owned();
        let credentials = Credentials::new(token.clone(), token);
        let authenticated = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        authenticated.map_err(|error| SmtpError::at(Step::Login, &error))?;
        Ok(connection)
    }

    /// TCP, the greeting, TLS.
    async fn greet(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let Shared { config, tls, .. } = &*self.0;
        let hello = ClientId::default();
        let at = (config.host.as_str(), config.port);
        let limit = Some(CONNECT_TIMEOUT.min(config.timeout / 4));
        let connected = AsyncSmtpConnection::connect_tokio1(at, limit, &hello, None, None).await;
        let mut connection = connected.map_err(|error| SmtpError::at(Step::Connect, &error))?;
        if connection.can_starttls() {
            let secured = connection.starttls(tls.clone(), &hello).await;
            secured.map_err(|error| SmtpError::at(Step::Connect, &error))?;
        } else if config.requires_tls {
            // Whoever took STARTTLS out of the server's words would get the token.
            return Err(SmtpError::not_reached(
                "the server offers no STARTTLS, so it was told nothing",
                false,
            ));
        }
        Ok(connection)
    }

    fn unreached(&self, cause: String, ours: bool) -> Unreached {
        let SmtpConfig { host, port, .. } = &self.0.config;
        Unreached {
            host: format!("{host}:{port}"),
            cause,
            ours,
        }
    }

    fn idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.pop()?;
        if since.elapsed() > IDLE {
            // Those below it have been idle for longer.
            idle.clear();
            return None;
        }
        Some(connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push((connection, Instant::now()));
        }
    }
}

impl Reach for Smtp {
    fn reach(&self) -> Pin<Box<dyn Future<Output = Result<(), Unreached>> + Send + '_>> {
        Box::pin(async {
            let limit = self.0.config.timeout / 2;
            let greeted = tokio::time::timeout(limit, self.greet()).await;
            match greeted {
                Ok(Err(SmtpError::NotReached { cause, ours })) => Err(self.unreached(cause, ours)),
                Err(_) => Err(self.unreached("timed out".to_owned(), false)),
                // A server that refuses is there.
                Ok(_) => Ok(()),
            }
        })
    }
}

/// `MAIL FROM` and `RCPT TO`.
async fn envelope(to: &mut AsyncSmtpConnection, mail: &Written) -> Result<(), SmtpError> {
    let mut parameters = Vec::new();
    if !mail.is_ascii() {
        let server = to.server_info();
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(SmtpError::NotAscii);
        }
        parameters.push(MailParameter::SmtpUtfEight);
        if server.supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
    }
    let from = Mail::new(mail.envelope.from().cloned(), parameters);
    let taken = to.command(from).await;
    taken.map_err(|error| SmtpError::at(Step::Sender, &error))?;
    for recipient in mail.envelope.to() {
        let taken = to.command(Rcpt::new(recipient.clone(), Vec::new())).await;
        taken.map_err(|error| SmtpError::at(Step::Recipient, &error))?;
    }
    Ok(())
}

/// `DATA`, the mail, and the dot; notes that the dot is begun.
async fn data(
    to: &mut AsyncSmtpConnection,
    mail: &[u8],
    dot_begun: &AtomicBool,
) -> Result<Response, lettre::transport::smtp::Error> {
    to.command(Data).await?;
    // Asked for what comes next when the mail is written whole, and directly before the dot is.
    let mut rest = Some(mail);
    let parts = std::iter::from_fn(|| {
        if rest.is_none() {
            dot_begun.store(true, Ordering::Relaxed);
        }
        rest.take()
    });
    to.message_iter(parts).await
}

/// Where it goes, and no token.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
