//! `email.*`: who mails are from, and by which templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::SendEmail;
use crate::{PostmarkTemplate, TemplateProblem, Templates};
use longshore_integration::settings::{
    BUILT_IN, KeyPath, Reader, Section, SectionEntry, SectionSecrets, group, text, text_by,
    text_or_table_by,
};
use longshore_integration::{Sections, section};
use longshore_job::Job;
use serde_json::Value;

use super::postmark::{self, PostmarkSettings, PostmarkTransport};
use super::sendgrid::{self, SendGridSettings};

section! {
    /// How mails are sent.
    pub(super) struct EmailKeys in "email" {
        /// Who stands in for SendGrid while its breaker is open: "postmark", or "none". A mail whose outcome at SendGrid is
        /// unknown waits for SendGrid all the same.
        stands_in: bool = "fallback" as FALLBACK, text_by(stands_in).or("none");
        /// Who mails are from.
        from: SenderSettings = "from", group::<SenderSettings>();
        /// Other senders by name, for jobs that name one (`from`). SendGrid has to have verified each, and the fallback, too.
        pub(super) senders: SenderNames = "senders" as SENDERS, group::<SenderNames>();
        /// The names that jobs use and SendGrid's ids for them, so that a new template takes no code; beside them the numbers
        /// or aliases of the same templates at Postmark.
        pub(super) templates: TemplateIds = "templates" as TEMPLATES, group::<TemplateIds>();
    }
}

section! {
    /// Who a mail is from.
    pub struct SenderSettings derive(PartialEq, Eq) in "email.from" {
        /// The address of a sender that SendGrid has verified. Needed once SendGrid is on.
        pub email: String = "email" as EMAIL, text_by(address).example("no-reply@example.com");
        /// The name to show with it.
        pub name: Option<String> = "name" as NAME, text_by(name).optional().example("Example");
    }
}

/// Senders by the names that jobs use.
#[derive(Debug, Clone)]
struct SenderNames(BTreeMap<String, SenderSettings>);

/// The names are the configuration's own.
impl Section for SenderNames {
    const AT: &'static str = "";
    const DOC: &'static [&'static str] = &[];
    const ENTRIES: &'static [SectionEntry] = &[
        text_by(address).example("billing@example.com").entry(
            "<name>.email",
            &["The address of a sender, by the name that jobs use."],
        ),
        text_by(name)
            .optional()
            .example("Example Billing")
            .entry("<name>.name", &["The name to show with it."]),
    ];

    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self> {
        let senders: Vec<_> = reader
            .names(at)
            .into_iter()
            .map(|name| {
                let path = at.join(&name);
                if !accepted(&SendEmail::new("welcome", "a@example.com").from(&name)) {
                    let cure = "use 1 to 64 characters of a-z, 0-9, _ and -";
                    reader.error(&path, "is not a name that a job can use", cure);
                    return None;
                }
                if !reader.has(path.join("email")) {
                    let cure = "set the address of a sender that SendGrid has verified";
                    reader.missing(path.join("email"), "is not set", cure);
                }
                Some((name, SenderSettings::read(reader, &path)?))
            })
            .collect();
        senders.into_iter().collect::<Option<_>>().map(Self)
    }

    fn secrets<'a>(&'a self, _: &KeyPath, _: &mut SectionSecrets<'a>) {}
}

/// The templates by the names that jobs use.
#[derive(Debug, Clone)]
struct TemplateIds {
    at_sendgrid: BTreeMap<String, String>,
    at_postmark: BTreeMap<String, PostmarkTemplate>,
}

/// The names are the configuration's own.
impl Section for TemplateIds {
    const AT: &'static str = "";
    const DOC: &'static [&'static str] = &[];
    const ENTRIES: &'static [SectionEntry] = &[
        text_or_table_by(|_, _| Some(()))
            .example(
                "welcome = \"d-0123456789abcdef0123456789abcdef\"\n\
                 password_reset = { sendgrid = \"d-0123456789abcdef0123456789abcdef\", postmark = \"password-reset\" }",
            )
            .entry("<name>", &["SendGrid's id of a template, by its name; or a table with its ids."]),
        text().example("d-0123456789abcdef0123456789abcdef").entry(
            "<name>.sendgrid",
            &["SendGrid's id of the template."],
        ),
        text().example("password-reset").entry(
            "<name>.postmark",
            &["The number or the alias of the same template at Postmark."],
        ),
    ];

    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self> {
        let at_sendgrid = templates(reader, at);
        let at_postmark = postmark_ids(reader, at);
        Some(Self {
            at_sendgrid: at_sendgrid?,
            at_postmark: at_postmark?,
        })
    }

    fn secrets<'a>(&'a self, _: &KeyPath, _: &mut SectionSecrets<'a>) {}
}

/// Where templates for SMTP are, in the directory of the configuration.
const TEMPLATES_DIR: &str = "templates";

/// What sending email takes.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// Who mails are from.
    pub from: SenderSettings,
    /// Others by the names that jobs use.
    pub senders: BTreeMap<String, SenderSettings>,
    /// SendGrid's template id by the name that jobs use.
    pub templates: BTreeMap<String, String>,
    /// The provider.
    pub sendgrid: SendGridSettings,
    /// Who stands in for it while its breaker is open.
    pub fallback: Option<FallbackSettings>,
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

/// Nothing is there while SendGrid is off; then what is there is checked all the same, and nothing has to be.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    let needed = sendgrid::is_on(reader);
    if needed {
        for_sendgrid(reader);
    }
    let whole = stood_in_for(reader, needed);
    let sendgrid = sections.get::<SendGridSettings>().filter(|_| needed);
    let Some((keys, sendgrid)) = sections.get::<EmailKeys>().zip(sendgrid) else {
        sections.remove::<SendGridSettings>();
        return sections.remove::<PostmarkSettings>();
    };
    let (keys, sendgrid) = (keys.clone(), sendgrid.clone());
    let postmark = sections.get::<PostmarkSettings>().cloned();
    let fallback = match postmark.filter(|_| keys.stands_in && whole) {
        None => {
            // It is called for nothing, so its token is not looked for.
            sections.remove::<PostmarkSettings>();
            Some(None)
        }
        Some(postmark) => fallback(reader, postmark, keys.templates.at_postmark).map(Some),
    };
    if let Some(fallback) = fallback {
        sections.insert(EmailSettings {
            from: keys.from,
            senders: keys.senders.0,
            templates: keys.templates.at_sendgrid,
            sendgrid,
            fallback,
        });
    }
}

/// What has to be there once SendGrid is on.
fn for_sendgrid(reader: &mut Reader<'_>) {
    if !reader.has(SenderSettings::EMAIL) {
        let problem = "is not set, and SendGrid is on";
        let cure = "set the address of a sender that SendGrid has verified";
        reader.missing(SenderSettings::EMAIL, problem, cure);
    }
    if reader.names(EmailKeys::TEMPLATES).is_empty() {
        let problem = "is empty, so every job will be refused";
        let cure = "map names to SendGrid's template ids, such as welcome = \"d-0123…\"";
        reader.warn(EmailKeys::TEMPLATES, problem, cure);
    }
}

/// Whether what stands in is all there, if it is to.
fn stood_in_for(reader: &mut Reader<'_>, needed: bool) -> bool {
    const FALLBACK: &str = EmailKeys::FALLBACK;
    const TOKEN: &str = PostmarkSettings::SERVER_TOKEN;
    let on = postmark::is_on(reader);
    postmark::check_webhook(reader);
    match reader.peek(FALLBACK).as_deref() {
        Some("postmark") if needed && !on => {
            let problem = format!("is not set, and {FALLBACK} is postmark");
            let cure = format!("set the token of a server at Postmark, or {FALLBACK} = \"none\"");
            reader.missing(TOKEN, problem, cure);
        }
        Some("none") if on && reader.origin(&FALLBACK.into()).as_deref() == Some(BUILT_IN) => {
            let problem = format!("is none, so {TOKEN} is of no use");
            let cure = "set \"postmark\" to have it stand in for SendGrid, or \"none\" to have it so without this warning";
            reader.warn(FALLBACK, problem, cure);
        }
        _ => {}
    }
    needed && on
}

/// Whether Postmark stands in for SendGrid.
fn stands_in(reader: &mut Reader<'_>, path: &KeyPath) -> Option<bool> {
    match reader.text(path)?.as_str() {
        "postmark" => Some(true),
        "none" => Some(false),
        other => {
            let problem = format!("is `{other}`");
            reader.error(path, problem, "use none or postmark");
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
    let section = KeyPath::from(EmailKeys::TEMPLATES);
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
        PostmarkTransport::Smtp => {
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
fn postmark_ids(
    reader: &mut Reader<'_>,
    section: &KeyPath,
) -> Option<BTreeMap<String, PostmarkTemplate>> {
    let paths: Vec<_> = reader
        .names(section)
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

fn address(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let email = reader.text(path)?;
    if !accepted(&SendEmail::new("welcome", &email)) {
        let problem = "is not an email address";
        let name = SenderSettings::NAME;
        let cure = format!("write the address alone, local@domain.tld; the name is {name}");
        reader.error(path, problem, cure);
        return None;
    }
    Some(email)
}

fn name(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let name = reader.text(path)?;
    if !accepted(&SendEmail::new("welcome", "a@example.com").name(&name)) {
        let problem = "is too long, or has control characters in it";
        let cure = "use at most 256 characters on one line";
        reader.error(path, problem, cure);
    }
    Some(name)
}

/// `None` when one of them could not be read, but all have been tried.
fn templates(reader: &mut Reader<'_>, section: &KeyPath) -> Option<BTreeMap<String, String>> {
    let ids: Vec<_> = reader
        .names(section)
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
