//! The body of `POST /email/withTemplate`: one mail by template to one recipient, and to those who get copies.

use crate::{Recipient, SendEmail, TemplateData};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_job::JobId;
use serde::{Serialize, Serializer};

use crate::postmark::PostmarkTemplate;
use crate::{AttachedFile, MailSender};

/// The body, borrowed from job and configuration.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mail<'a> {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cc: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    bcc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Header<'a>>,
    #[serde(flatten)]
    template: &'a PostmarkTemplate,
    /// As the producer wrote it, byte for byte.
    template_model: &'a TemplateData,
    message_stream: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

/// Comes back with every event about the mail. Nothing personal belongs here.
#[derive(Serialize)]
struct Metadata {
    job_id: JobId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct File<'a> {
    name: &'a str,
    #[serde(serialize_with = "in_base64")]
    content: &'a [u8],
    content_type: &'a str,
}

impl<'a> Mail<'a> {
    /// The mail of a job.
    pub(super) fn new(
        job: &'a SendEmail,
        id: JobId,
        from: &MailSender,
        template: &'a PostmarkTemplate,
        message_stream: &'a str,
        attachments: &'a [AttachedFile],
    ) -> Self {
        let attachments = attachments.iter().map(|file| File {
            name: &file.name,
            content: &file.content,
            content_type: &file.content_type,
        });
        let headers = job.headers.iter();
        let headers = headers.map(|(name, value)| Header { name, value });
        Self {
            from: address(&from.email, from.name.as_deref()),
            to: recipient(&job.to),
            cc: list(&job.cc),
            bcc: list(&job.bcc),
            reply_to: job.reply_to.as_ref().map(recipient),
            // A mail has one there.
            tag: job.categories.first().map(String::as_str),
            headers: headers.collect(),
            template,
            template_model: &job.data,
            message_stream,
            metadata: Metadata { job_id: id },
            attachments: attachments.collect(),
        }
    }
}

fn recipient(recipient: &Recipient) -> String {
    address(&recipient.email, recipient.name.as_deref())
}

fn list(recipients: &[Recipient]) -> String {
    let written: Vec<_> = recipients.iter().map(recipient).collect();
    written.join(", ")
}

/// `"Ada \"The\" Lovelace" <ada@example.com>`. The name is quoted, since a comma in it would begin another address.
fn address(email: &str, name: Option<&str>) -> String {
    match name {
        None => email.to_owned(),
        Some(name) => {
            let name = name.replace('\\', r"\\").replace('"', r#"\""#);
            format!("\"{name}\" <{email}>")
        }
    }
}

fn in_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use longshore_job::Envelope;

    use super::*;

    const ID: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

    /// The data's odd spacing, number and key order have to arrive as they are.
    fn written() -> SendEmail {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"invoice",
            "to":{"email":"ada@example.com","name":"Lovelace, Ada \"The\""},
            "data":{"total": 1.10, "b":1e2,"a":"\u00e5", "items":[]}}}"#;
        let envelope = Envelope::parse(payload).expect("an envelope");
        envelope.decode().expect("args")
    }

    #[test]
    fn bodies_are_as_pinned() {
        let id = ID.parse().expect("an id");
        let (full, bare) = (written(), SendEmail::new("welcome", "bob@example.com"));
        let sender = |name: Option<&str>| MailSender {
            email: "shop@example.com".into(),
            name: name.map(Into::into),
        };
        let file = AttachedFile {
            name: "invoice.pdf".into(),
            content_type: "application/pdf".into(),
            content: b"%PDF".to_vec(),
        };
        let number = PostmarkTemplate::Id(1234);
        let alias = PostmarkTemplate::Alias("welcome-mail".into());
        let (named, nameless) = (sender(Some("The Shop")), sender(None));
        for (mail, golden) in [
            (
                Mail::new(&full, id, &named, &number, "outbound", &[file]),
                include_str!("../../../tests/golden/postmark.full.json"),
            ),
            (
                Mail::new(&bare, id, &nameless, &alias, "broadcast", &[]),
                include_str!("../../../tests/golden/postmark.bare.json"),
            ),
        ] {
            let body = serde_json::to_string(&mail).expect("JSON");
            assert_eq!(body, golden.trim_end());
        }
    }
}
