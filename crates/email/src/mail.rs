//! The body of `POST /v3/mail/send`: one mail by dynamic template to one recipient, and to those who get copies.

use std::collections::BTreeMap;

use crate::{Recipient, SendEmail, TemplateData, UnsubscribeGroup};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use longshore_job::JobId;
use serde::Serialize;

use crate::{AttachedFile, MailSender};

/// The body, borrowed from job and configuration.
#[derive(Serialize)]
pub(crate) struct Mail<'a> {
    personalizations: [Personalization<'a>; 1],
    from: Address<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Address<'a>>,
    template_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    asm: Option<&'a UnsubscribeGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_settings: Option<MailSettings>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
}

/// A file that goes along, in base64.
#[derive(Serialize)]
struct File<'a> {
    content: String,
    r#type: &'a str,
    filename: &'a str,
}

#[derive(Serialize)]
struct Personalization<'a> {
    to: [Address<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bcc: Vec<Address<'a>>,
    /// What a template that has a subject of its own does not look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// As the producer wrote it, byte for byte.
    dynamic_template_data: &'a TemplateData,
    custom_args: CustomArgs,
}

/// Comes back with every event about the mail. Nothing personal belongs here: SendGrid keeps it in the clear.
#[derive(Serialize)]
struct CustomArgs {
    job_id: JobId,
}

#[derive(Serialize)]
struct Address<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct MailSettings {
    sandbox_mode: Toggle,
}

#[derive(Serialize)]
struct Toggle {
    enable: bool,
}

impl<'a> Mail<'a> {
    /// The mail of a job.
    pub(crate) fn new(
        job: &'a SendEmail,
        id: JobId,
        from: &'a MailSender,
        template_id: &'a str,
        sandbox: bool,
    ) -> Self {
        Self {
            personalizations: [Personalization {
                to: [Address::to(&job.to)],
                cc: job.cc.iter().map(Address::to).collect(),
                bcc: job.bcc.iter().map(Address::to).collect(),
                subject: job.subject.as_deref(),
                dynamic_template_data: &job.data,
                custom_args: CustomArgs { job_id: id },
            }],
            from: Address {
                email: &from.email,
                name: from.name.as_deref(),
            },
            reply_to: job.reply_to.as_ref().map(Address::to),
            template_id,
            headers: &job.headers,
            categories: &job.categories,
            asm: job.unsubscribe_group.as_ref(),
            mail_settings: sandbox.then_some(MailSettings {
                sandbox_mode: Toggle { enable: true },
            }),
            attachments: Vec::new(),
        }
    }

    /// The same, with these files.
    pub(crate) fn with(mut self, files: &'a [AttachedFile]) -> Self {
        let files = files.iter().map(|file| File {
            content: STANDARD.encode(&file.content),
            r#type: &file.content_type,
            filename: &file.name,
        });
        self.attachments = files.collect();
        self
    }
}

impl<'a> Address<'a> {
    fn to(recipient: &'a Recipient) -> Self {
        Self {
            email: &recipient.email,
            name: recipient.name.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_job::Envelope;

    use super::*;

    const ID: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

    fn from(name: Option<&str>) -> MailSender {
        MailSender {
            email: "shop@example.com".into(),
            name: name.map(Into::into),
        }
    }

    /// The data's odd spacing, number and key order have to arrive as they are.
    fn written() -> SendEmail {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"invoice",
            "to":{"email":"ada@example.com","name":"Ada \"The\" Lovelace"},
            "data":{"total": 1.10, "b":1e2,"a":"\u00e5", "items":[]}}}"#;
        let envelope = Envelope::parse(payload).expect("an envelope");
        envelope.decode().expect("args")
    }

    #[test]
    fn files_go_along_in_base64() {
        let job = SendEmail::new("invoice", "ada@example.com");
        let files = [AttachedFile {
            name: "Faktura 1.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            content: b"%PDF-\xff".to_vec(),
        }];
        let (id, from) = (ID.parse().expect("an id"), from(None));
        let mail = Mail::new(&job, id, &from, "d-invoice", false).with(&files);
        let body = serde_json::to_value(&mail).expect("JSON");
        let file = serde_json::json!({
            "content": "JVBERi3/",
            "type": "application/pdf",
            "filename": "Faktura 1.pdf",
        });
        assert_eq!(body["attachments"], serde_json::json!([file]));
    }

    #[test]
    fn bodies_are_as_pinned() {
        let id = ID.parse().expect("an id");
        let full = written();
        let bare = SendEmail::new("welcome", "bob@example.com");
        let (named, nameless) = (from(Some("The Shop")), from(None));
        for (mail, golden) in [
            (
                Mail::new(&full, id, &named, "d-invoice", false),
                include_str!("../tests/golden/mail.full.json"),
            ),
            (
                Mail::new(&bare, id, &nameless, "d-welcome", false),
                include_str!("../tests/golden/mail.bare.json"),
            ),
            (
                Mail::new(&bare, id, &nameless, "d-welcome", true),
                include_str!("../tests/golden/mail.sandbox.json"),
            ),
        ] {
            let body = serde_json::to_string(&mail).expect("JSON");
            assert_eq!(body, golden.trim_end());
        }
    }
}
