//! Files that go along with mails, checked the way SendGrid does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::problem::Problem;

/// A file that went along with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The job that asked for the mail, where the request says so.
    pub job: Option<String>,
    /// Its name.
    pub filename: String,
    /// Its type, if the request says so.
    pub content_type: Option<String>,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Reads what a request attaches; whose mail it goes along with is said later.
pub(super) fn read(body: &Value) -> Result<Vec<Attached>, Problem> {
    let none = Vec::new();
    let entries = match &body["attachments"] {
        Value::Null => &none,
        Value::Array(entries) => entries,
        _ => {
            return Err(Problem::at(
                "attachments",
                "The attachments must be an array.",
            ));
        }
    };
    let numbered = entries.iter().enumerate();
    numbered
        .map(|(n, entry)| {
            let at = |field: &str| format!("attachments.{n}.{field}");
            let filename = entry["filename"].as_str().filter(|name| !name.is_empty());
            let filename = filename.ok_or_else(|| {
                Problem::at(at("filename"), "The attachment filename is required.")
            })?;
            let content = entry["content"].as_str().filter(|text| !text.is_empty());
            let content = content.and_then(|text| STANDARD.decode(text).ok());
            let content = content.ok_or_else(|| {
                Problem::at(
                    at("content"),
                    "The attachment content must be base64 encoded.",
                )
            })?;
            Ok(Attached {
                job: None,
                filename: filename.to_owned(),
                content_type: entry["type"].as_str().map(str::to_owned),
                content,
            })
        })
        .collect()
}
