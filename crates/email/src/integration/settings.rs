//! `email.*`: who mails are from, and by which templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::SendEmail;
use crate::{PostmarkTemplate, TemplateProblem, Templates};
use longshore_integration::settings::{BUILT_IN, Key, KeyPath, Reader, SecretRef};
use longshore_job::Job;
use serde_json::Value;

use super::postmark::{self, PostmarkSettings, PostmarkTransport};
use super::sendgrid::{self, SendGridSettings};

pub(super) const KEYS: &[Key] = &[
    Key::text("email.from.email"),
    Key::text("email.from.name"),
    Key::text_or_table("email.templates.<name>"),
    Key::text("email.templates.<name>.sendgrid"),
    Key::text("email.templates.<name>.postmark"),
    Key::text(FALLBACK).or("none"),
];

const FALLBACK: &str = "email.fallback";

/// Where templates for SMTP are, in the directory of the configuration.
const TEMPLATES_DIR: &str = "templates";

/// What sending email takes.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// Who mails are from.
    pub from: Sender,
    /// SendGrid's template id by the name that jobs use.
    pub templates: BTreeMap<String, String>,
    /// The provider.
    pub sendgrid: SendGridSettings,
    /// Who stands in for it while its breaker is open.
    pub fallback: Option<FallbackSettings>,
}

impl EmailSettings {
    /// Every secret in it, by its key.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let mut secrets = vec![(sendgrid::API_KEY, &self.sendgrid.api_key)];
        if let Some(fallback) = &self.fallback {
            secrets.push((postmark::SERVER_TOKEN, &fallback.postmark.server_token));
        }
        secrets
    }
}

/// What sending email by Postmark takes.
#[derive(Debug, Clone)]
pub struct FallbackSettings {
    /// The provider.
    pub postmark: PostmarkSettings,
    /// Its template by the name that jobs use, for REST.
    pub ids: BTreeMap<String, PostmarkTemplate>,
    /// Ours, for SMTP.
    pub files: Arc<Templates>,
}

/// Who a mail is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address, which SendGrid must have verified.
    pub email: String,
    /// The name to show with it.
    pub name: Option<String>,
}

/// `None` while SendGrid is off; then what is there is checked all the same, and nothing has to be.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<EmailSettings> {
    let sendgrid = sendgrid::read(reader);
    let postmark = postmark::read(reader);
    let needed = sendgrid::is_on(reader);
    let from = sender(reader, needed);
    let templates = templates(reader);
    if needed && reader.names("email.templates").is_empty() {
        let problem = "is empty, so every job will be refused";
        let cure = "map names to SendGrid's template ids, such as welcome = \"d-0123…\"";
        reader.warn("email.templates", problem, cure);
    }
    let ids = postmark_ids(reader);
    let stands_in = stands_in(reader, needed);
    let fallback = match postmark.filter(|_| stands_in == Some(true) && needed) {
        None => Some(None),
        Some(postmark) => fallback(reader, postmark, ids?).map(Some),
    };
    Some(EmailSettings {
        from: from?,
        templates: templates?,
        sendgrid: sendgrid?,
        fallback: fallback?,
    })
}

/// Whether Postmark stands in for SendGrid.
fn stands_in(reader: &mut Reader<'_>, needed: bool) -> Option<bool> {
    let on = postmark::is_on(reader);
    match reader.text(FALLBACK)?.as_str() {
        "postmark" => {
            if needed && !on {
                let problem = format!("is not set, and {FALLBACK} is postmark");
                let cure =
                    format!("set the token of a server at Postmark, or {FALLBACK} = \"none\"");
                reader.missing(postmark::SERVER_TOKEN, problem, cure);
            }
            Some(true)
        }
        "none" => {
            let by_default = reader.origin(&FALLBACK.into()).as_deref() == Some(BUILT_IN);
            if on && by_default {
                let problem = format!("is none, so {} is of no use", postmark::SERVER_TOKEN);
                let cure = "set \"postmark\" to have it stand in for SendGrid, or \"none\" to have it so without this warning";
                reader.warn(FALLBACK, problem, cure);
            }
            Some(false)
        }
        other => {
            let problem = format!("is `{other}`");
            reader.error(FALLBACK, problem, "use none or postmark");
            None
        }
    }
}

/// What Postmark cannot send waits for SendGrid; that is said beforehand.
fn fallback(
    reader: &mut Reader<'_>,
    postmark: PostmarkSettings,
    ids: BTreeMap<String, PostmarkTemplate>,
) -> Option<FallbackSettings> {
    let section = KeyPath::from("email.templates");
    let names = reader.names(&section);
    let waits = "so these mails wait for SendGrid while Postmark stands in";
    let mut files = Templates::default();
    let mut broken = false;
    match postmark.transport {
        PostmarkTransport::Rest => {
            for name in names.iter().filter(|name| !ids.contains_key(*name)) {
                let path = section.join(name).join("postmark");
                let cure = "set the number or the alias of the template at Postmark";
                reader.warn(&path, format!("is not set, {waits}"), cure);
            }
        }
        PostmarkTransport::Smtp { .. } => {
            let dir = reader.directory().join(TEMPLATES_DIR);
            let (loaded, problems) = Templates::load(&dir, names.iter().map(String::as_str));
            for (name, problem) in problems {
                let path = section.join(&name);
                if let TemplateProblem::Missing { .. } = problem {
                    let cure =
                        format!("write it, and {name}.html.hbs or {name}.text.hbs beside it");
                    reader.warn(&path, format!("{problem}, {waits}"), cure);
                } else {
                    broken = true;
                    let cure = format!("mend it in {}", dir.display());
                    reader.error(&path, problem.to_string(), cure);
                }
            }
            files = loaded;
        }
    }
    (!broken).then(|| FallbackSettings {
        postmark,
        ids,
        files: Arc::new(files),
    })
}

/// Postmark's templates, for the names that have one. `None` when one of them could not be read, but all have been
/// tried.
fn postmark_ids(reader: &mut Reader<'_>) -> Option<BTreeMap<String, PostmarkTemplate>> {
    let section = KeyPath::from("email.templates");
    let paths: Vec<_> = reader
        .names(&section)
        .into_iter()
        .map(|name| (section.join(&name).join("postmark"), name))
        .filter(|(path, _)| reader.has(path))
        .collect();
    let ids: Vec<_> = paths
        .into_iter()
        .map(|(path, name)| {
            // A number may stand there as one.
            let text = match reader.value(&path).filter(Value::is_number) {
                Some(number) => number.to_string(),
                None => reader.text(&path)?,
            };
            let id = text.parse().ok();
            if id.is_none() {
                let cure =
                    "write its number, or its alias: a letter, then letters, digits, ., - and _";
                reader.error(&path, "is not a template at Postmark", cure);
            }
            Some((name, id?))
        })
        .collect();
    ids.into_iter().collect()
}

/// What may stand in a job may stand here: its rules are the job's own, so that they cannot drift apart.
fn accepted(job: &SendEmail) -> bool {
    job.check().is_ok()
}

fn sender(reader: &mut Reader<'_>, needed: bool) -> Option<Sender> {
    let email = reader.text("email.from.email").filter(|email| {
        let fits = accepted(&SendEmail::new("welcome", email));
        if !fits {
            let problem = "is not an email address";
            let cure = "write the address alone, local@domain.tld; the name is email.from.name";
            reader.error("email.from.email", problem, cure);
        }
        fits
    });
    if needed && !reader.has("email.from.email") {
        let problem = "is not set, and SendGrid is on";
        let cure = "set the address of a sender that SendGrid has verified";
        reader.missing("email.from.email", problem, cure);
    }
    let name = match reader.has("email.from.name") {
        false => None,
        true => {
            let name = reader.text("email.from.name")?;
            if !accepted(&SendEmail::new("welcome", "a@example.com").name(&name)) {
                let problem = "is too long, or has control characters in it";
                let cure = "use at most 256 characters on one line";
                reader.error("email.from.name", problem, cure);
            }
            Some(name)
        }
    };
    Some(Sender {
        email: email?,
        name,
    })
}

/// `None` when one of them could not be read, but all have been tried.
fn templates(reader: &mut Reader<'_>) -> Option<BTreeMap<String, String>> {
    let section = KeyPath::from("email.templates");
    let ids: Vec<_> = reader
        .names(&section)
        .into_iter()
        .map(|name| {
            let id = template(reader, &section.join(&name), &name)?;
            Some((name, id))
        })
        .collect();
    ids.into_iter().collect()
}

fn template(reader: &mut Reader<'_>, path: &KeyPath, name: &str) -> Option<String> {
    if !accepted(&SendEmail::new(name, "a@example.com")) {
        let problem = "is not a name that a job can use";
        let cure = "use 1 to 64 characters of a-z, 0-9, _ and -";
        reader.error(path, problem, cure);
        return None;
    }
    let path = match reader.value(path) {
        Some(Value::Object(_)) => path.join("sendgrid"),
        _ => path.clone(),
    };
    if !reader.has(&path) {
        let cure = "set SendGrid's id of the template";
        reader.missing(&path, "is not set", cure);
        return None;
    }
    let id = reader.text(&path)?;
    if id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let cure = "write SendGrid's id of the template, such as d-0123…, without blanks";
        reader.error(&path, "is not the id of a template", cure);
        return None;
    }
    Some(id)
}
