//! The body of `POST /v3/mail/send`, checked the way SendGrid does.

use std::collections::HashSet;

use longshore_sandbox::Draft;
use serde_json::{Value, json};

use super::attached::{self, Attached};
use super::options;
use super::problem::Problem;

/// How many mails one request may hold.
const MAX_PERSONALIZATIONS: usize = 1000;

/// How many addresses one mail may go to.
const MAX_RECIPIENTS: usize = 1000;

/// What matters of a mail that is in order.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) sandbox_mode: bool,
    template: Option<String>,
    personalizations: Vec<Personalization>,
    attached: Vec<Attached>,
}

/// One mail of the request: each personalization is sent by itself.
#[derive(Debug)]
struct Personalization {
    job: Option<String>,
    recipient: String,
}

impl Mail {
    /// Reads and checks a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Problem::of_status(400))?;
        let template = body["template_id"].as_str().map(str::to_owned);
        if body.get("template_id").is_some_and(|id| !id.is_string())
            || template.as_deref() == Some("")
        {
            return Err(Problem::at(
                "template_id",
                "The template_id must be a valid GUID.",
            ));
        }
        let personalizations = personalizations(&body)?;
        address(&body["from"], "from")?;
        if !body["reply_to"].is_null() {
            address(&body["reply_to"], "reply_to")?;
        }
        options::check(&body)?;
        let attached = attached::read(&body)?;
        if template.is_none() {
            subject_and_content(&body)?;
        }
        Ok(Self {
            sandbox_mode: body["mail_settings"]["sandbox_mode"]["enable"] == json!(true),
            template,
            personalizations,
            attached,
        })
    }

    /// The files that go along with it.
    pub(super) fn attached(&self) -> Vec<Attached> {
        let job = self
            .personalizations
            .first()
            .and_then(|mail| mail.job.clone());
        let files = self.attached.iter();
        files
            .map(|file| Attached {
                job: job.clone(),
                ..file.clone()
            })
            .collect()
    }

    /// The effects of sending it under this id.
    pub(super) fn drafts(&self, id: &str) -> Vec<Draft> {
        let mails = self.personalizations.iter();
        mails
            .map(|mail| Draft {
                job: mail.job.clone(),
                template: self.template.clone(),
                recipient: mail.recipient.clone(),
                id: id.to_owned(),
            })
            .collect()
    }
}

fn personalizations(body: &Value) -> Result<Vec<Personalization>, Problem> {
    let list = body["personalizations"]
        .as_array()
        .filter(|l| !l.is_empty());
    let list = list.ok_or_else(|| {
        Problem::at(
            "personalizations",
            "The personalizations field is required and must have at least one personalization.",
        )
    })?;
    if list.len() > MAX_PERSONALIZATIONS {
        return Err(Problem::at(
            "personalizations",
            "The personalizations field must have at most 1000 personalizations.",
        ));
    }
    let entries = list.iter().enumerate();
    entries
        .map(|(n, entry)| personalization(entry, &format!("personalizations.{n}")))
        .collect()
}

fn personalization(entry: &Value, field: &str) -> Result<Personalization, Problem> {
    let to = entry["to"].as_array().filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| {
        Problem::at(
            format!("{field}.to"),
            "The to array is required for all personalization objects, and must have at least one email object with a valid email address.",
        )
    })?;
    each_once(entry, field)?;
    let custom_args = &entry["custom_args"];
    let strings = |args: &serde_json::Map<String, Value>| args.values().all(Value::is_string);
    if !custom_args.is_null() && !custom_args.as_object().is_some_and(strings) {
        return Err(Problem::at(
            format!("{field}.custom_args"),
            "The custom_args must be an object of strings.",
        ));
    }
    Ok(Personalization {
        job: custom_args["job_id"].as_str().map(str::to_owned),
        recipient: to[0]["email"].as_str().unwrap_or_default().to_owned(),
    })
}

/// Each address of `to`, `cc` and `bcc` is one, and stands there once.
fn each_once(entry: &Value, field: &str) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    for list in ["to", "cc", "bcc"] {
        let recipients = entry[list].as_array().into_iter().flatten();
        for (n, recipient) in recipients.enumerate() {
            let email = address(recipient, &format!("{field}.{list}.{n}"))?;
            if !seen.insert(email.to_lowercase()) {
                return Err(Problem::at(
                    field,
                    format!(
                        "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [{email}] in the {field}.{list} field."
                    ),
                ));
            }
        }
    }
    match seen.len() > MAX_RECIPIENTS {
        true => Err(Problem::at(
            field,
            "There is a limit of 1000 total recipients per request.",
        )),
        false => Ok(()),
    }
}

/// An email object: a plausible address, and a name that is a text if there is one.
fn address<'a>(entry: &'a Value, field: &str) -> Result<&'a str, Problem> {
    let email = entry["email"].as_str().filter(|email| {
        let (local, domain) = email.rsplit_once('@').unwrap_or_default();
        !local.is_empty() && domain.contains('.') && !email.contains(char::is_whitespace)
    });
    let name = &entry["name"];
    if !name.is_null() && !name.is_string() {
        return Err(Problem::at(
            format!("{field}.name"),
            "The name must be a string.",
        ));
    }
    email.ok_or_else(|| {
        Problem::at(
            format!("{field}.email"),
            "Does not contain a valid address.",
        )
    })
}

/// Without a template there has to be something to send.
fn subject_and_content(body: &Value) -> Result<(), Problem> {
    if body["subject"].as_str().is_none_or(str::is_empty) {
        return Err(Problem::at(
            "subject",
            "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.",
        ));
    }
    let block = |block: &Value| {
        let text = |key: &str| block[key].as_str().is_some_and(|text| !text.is_empty());
        text("type") && text("value")
    };
    let content = body["content"].as_array();
    if !content.is_some_and(|blocks| !blocks.is_empty() && blocks.iter().all(block)) {
        return Err(Problem::at(
            "content",
            "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
