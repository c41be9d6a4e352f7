//! `email.*`: who mails are from, and by which templates.

use std::collections::BTreeMap;

use figment::value::Value;
use longshore_job::Job;
use longshore_job::kinds::SendEmail;

use super::key::{Key, KeyPath};
use super::reader::Reader;
use super::sendgrid::{self, SendGridSettings};

pub(super) const KEYS: &[Key] = &[
    Key::text("email.from.email"),
    Key::text("email.from.name"),
    Key::text_or_table("email.templates.<name>"),
    Key::text("email.templates.<name>.sendgrid"),
];

/// What sending email takes.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// Who mails are from.
    pub from: Sender,
    /// SendGrid's template id by the name that jobs use.
    pub templates: BTreeMap<String, String>,
    /// The provider.
    pub sendgrid: SendGridSettings,
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
pub(super) fn read(
    reader: &mut Reader<'_>,
    sendgrid: Option<SendGridSettings>,
) -> Option<EmailSettings> {
    let needed = sendgrid::is_on(reader);
    let from = sender(reader, needed);
    let templates = templates(reader);
    if needed && reader.names("email.templates").is_empty() {
        let problem = "is empty, so every job will be refused";
        let cure = "map names to SendGrid's template ids, such as welcome = \"d-0123…\"";
        reader.warn("email.templates", problem, cure);
    }
    Some(EmailSettings {
        from: from?,
        templates: templates?,
        sendgrid: sendgrid?,
    })
}

/// A payment that failed leads to a mail by this template, if the app wants one.
pub(super) fn has_payment_failed(reader: &mut Reader<'_>, email: &EmailSettings) {
    if !email.templates.is_empty() && !email.templates.contains_key("payment_failed") {
        let problem =
            "is not set, so the mails about failed payments that the app asks for will be refused";
        let cure = "set SendGrid's id of a template for them";
        reader.warn("email.templates.payment_failed", problem, cure);
    }
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
    let path = match reader.get(path) {
        Some(Value::Dict(..)) => path.join("sendgrid"),
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
