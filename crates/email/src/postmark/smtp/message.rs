//! A mail as SMTP carries it.

use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use longshore_job::{JobError, JobId};

use super::domain;
use crate::templates::Rendered;
use crate::{AttachedFile, MailSender, Recipient, SendEmail};

/// What Postmark reads beside the usual headers.
const MESSAGE_STREAM: HeaderName = HeaderName::new_from_ascii_str("X-PM-Message-Stream");
const TAG: HeaderName = HeaderName::new_from_ascii_str("X-PM-Tag");
const JOB_ID: HeaderName = HeaderName::new_from_ascii_str("X-PM-Metadata-job_id");

/// A mail, ready to be handed over.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

impl Written {
    /// Whether a server without SMTPUTF8 takes it: bodies, names and domains are encoded, but the name of a mailbox stands
    /// as it is, in the envelope and in the headers.
    pub(super) fn is_ascii(&self) -> bool {
        self.bytes.is_ascii() && {
            let addresses = self.envelope.from().into_iter().chain(self.envelope.to());
            addresses.map(AsRef::<str>::as_ref).all(str::is_ascii)
        }
    }
}

/// Writes the mail of a job.
///
/// # Errors
/// A refusal, when it cannot be one.
pub(super) fn write(
    job: &SendEmail,
    id: JobId,
    from: &MailSender,
    words: Rendered,
    message_stream: &str,
    attachments: &[AttachedFile],
) -> Result<Written, JobError> {
    let sender = mailbox(&from.email, from.name.as_deref(), "the sender's address")?;
    let subject = subject(job, words.subject)?;
    // The same on each attempt: a mailbox that got it twice may show it once.
    let message_id = format!("<{id}@{}>", sender.email.domain());
    let mut message = Message::builder()
        .to(recipient(&job.to, "to.email")?)
        .from(sender)
        .subject(subject)
        .message_id(Some(message_id))
        .date_now()
        .raw_header(HeaderValue::new(MESSAGE_STREAM, message_stream.to_owned()))
        .raw_header(HeaderValue::new(JOB_ID, id.to_string()));
    for to in &job.cc {
        message = message.cc(recipient(to, "cc.email")?);
    }
    // They are in the envelope alone.
    for to in &job.bcc {
        message = message.bcc(recipient(to, "bcc.email")?);
    }
    if let Some(to) = &job.reply_to {
        message = message.reply_to(recipient(to, "reply_to.email")?);
    }
    // A mail has one there.
    if let Some(category) = job.categories.first() {
        message = message.raw_header(HeaderValue::new(TAG, category.clone()));
    }
    for (name, value) in &job.headers {
        let name = HeaderName::new_from_ascii(name.clone())
            .map_err(|_| JobError::permanent("a header's name is none that SMTP takes"))?;
        message = message.raw_header(HeaderValue::new(name, value.clone()));
    }
    let message = match (body(words.html, words.text), attachments) {
        (Words::One(part), []) => message.singlepart(part),
        (Words::Both(parts), []) => message.multipart(parts),
        (body, files) => {
            let mixed = MultiPart::mixed();
            let mut mixed = match body {
                Words::One(part) => mixed.singlepart(part),
                Words::Both(parts) => mixed.multipart(parts),
            };
            for file in files {
                mixed = mixed.singlepart(attached(file)?);
            }
            message.multipart(mixed)
        }
    };
    let message = message
        .map_err(|error| JobError::permanent(format!("the mail cannot be written: {error}")))?;
    Ok(Written {
        envelope: message.envelope().clone(),
        bytes: message.formatted(),
    })
}

/// The words of a mail.
enum Words {
    One(SinglePart),
    Both(MultiPart),
}

fn body(html: Option<String>, text: Option<String>) -> Words {
    match (html, text) {
        (Some(html), Some(text)) => Words::Both(MultiPart::alternative_plain_html(text, html)),
        (Some(html), None) => Words::One(SinglePart::html(html)),
        (None, text) => Words::One(SinglePart::plain(text.unwrap_or_default())),
    }
}

fn attached(file: &AttachedFile) -> Result<SinglePart, JobError> {
    let content_type = ContentType::parse(&file.content_type)
        .map_err(|_| JobError::permanent("an attachment's content_type is not a media type"))?;
    // Never as it stands, also where it happens to be ASCII: line ends are bytes like others in it.
    let content = Body::new_with_encoding(file.content.clone(), ContentTransferEncoding::Base64)
        .unwrap_or_else(|_| unreachable!("everything fits into base64"));
    let attachment = lettre::message::Attachment::new(file.name.clone());
    Ok(attachment.body(content, content_type))
}

/// The template's own, or else the job's: as at SendGrid.
fn subject(job: &SendEmail, of_template: String) -> Result<String, JobError> {
    match (of_template.is_empty(), &job.subject) {
        (false, _) => Ok(of_template),
        (true, Some(subject)) => Ok(subject.clone()),
        (true, None) => Err(JobError::refusal(
            "no subject",
            "the template's subject is empty, and the job has none",
        )),
    }
}

fn recipient(recipient: &Recipient, field: &str) -> Result<Mailbox, JobError> {
    mailbox(&recipient.email, recipient.name.as_deref(), field)
}

/// The domain is written in ASCII (`xn--…`), which every server takes: only a mailbox's own name may need SMTPUTF8.
fn mailbox(email: &str, name: Option<&str>, field: &str) -> Result<Mailbox, JobError> {
    let none = || JobError::permanent(format!("{field} is not an address that SMTP takes"));
    let (local, domain) = email.rsplit_once('@').ok_or_else(none)?;
    let domain = domain::in_ascii(domain).ok_or_else(none)?;
    let address = Address::new(local, domain).map_err(|_| none())?;
    Ok(Mailbox::new(name.map(str::to_owned), address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

    fn written(words: Rendered, attachments: &[AttachedFile]) -> Written {
        let job = SendEmail::new("invoice", "ada@example.com").name("Lovelace, Ada");
        let from = MailSender {
            email: "shop@example.com".into(),
            name: Some("Blåbær".into()),
        };
        let id = ID.parse().expect("an id");
        write(&job, id, &from, words, "outbound", attachments).expect("written")
    }

    fn words(html: Option<&str>, text: Option<&str>) -> Rendered {
        Rendered {
            subject: "Your invoice ✓".into(),
            html: html.map(Into::into),
            text: text.map(Into::into),
        }
    }

    #[test]
    fn a_mail_has_its_headers_and_both_bodies() {
        let written = written(words(Some("<p>ø</p>"), Some("ø\r\n.\r\nend")), &[]);
        let text = String::from_utf8(written.bytes).expect("UTF-8");
        assert!(text.is_ascii(), "{text}");
        for line in [
            "To: =?utf-8?b?TG92ZWxhY2UsIEFkYQ==?= <ada@example.com>\r\n",
            "X-PM-Message-Stream: outbound\r\n",
            &format!("X-PM-Metadata-job_id: {ID}\r\n"),
            &format!("Message-ID: <{ID}@example.com>\r\n"),
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert_eq!(written.envelope.to()[0].to_string(), "ada@example.com");
        let from = written.envelope.from().expect("a sender");
        assert_eq!(from.to_string(), "shop@example.com");
    }

    #[test]
    fn files_go_along_in_base64() {
        let file = AttachedFile {
            name: "invoice.pdf".into(),
            content_type: "application/pdf".into(),
            content: b"%PDF\0".to_vec(),
        };
        let written = written(words(None, Some("Here it is.")), &[file]);
        let text = String::from_utf8(written.bytes).expect("UTF-8");
        for part in [
            "Content-Type: multipart/mixed;",
            "filename=\"invoice.pdf\"",
            "Content-Type: application/pdf\r\n",
            "JVBERgA=",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
