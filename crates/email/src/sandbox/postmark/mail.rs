//! The body of `POST /email/withTemplate`, checked the way Postmark does.

use longshore_sandbox::Draft;
use serde_json::{Value, json};

/// What matters of a mail that is in order.
#[derive(Debug)]
pub(super) struct Mail {
    /// The address alone.
    pub(super) recipient: String,
    job: Option<String>,
    template: String,
}

/// One of Postmark's errors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    error_code: u32,
    message: String,
}

impl Problem {
    fn new(error_code: u32, message: impl Into<String>) -> Self {
        Self {
            error_code,
            message: message.into(),
        }
    }

    pub(super) fn inactive(address: &str) -> Self {
        Self::new(
            406,
            format!(
                "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {address}."
            ),
        )
    }

    /// What is said with a status alone. 500 and 503 come from in front of it, without a code.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::new(
                10,
                "The Server Token you provided in the X-Postmark-Server-Token request header was invalid.",
            ),
            422 => Self::new(300, "Invalid email request."),
            429 => Self::new(429, "Rate limit exceeded."),
            _ => Self::new(0, "Internal Server Error"),
        }
    }

    pub(super) fn to_json(&self) -> String {
        json!({ "ErrorCode": self.error_code, "Message": self.message }).to_string()
    }
}

impl Mail {
    /// Reads and checks a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let body: Value = serde_json::from_slice(body).map_err(|_| {
            Problem::new(
                402,
                "The JSON input you provided is syntactically incorrect.",
            )
        })?;
        address(&body["From"]).ok_or_else(|| Problem::new(300, "Invalid 'From' address."))?;
        let recipient =
            address(&body["To"]).ok_or_else(|| Problem::new(300, "Invalid 'To' address."))?;
        copies(&body)?;
        headers(&body["Headers"])?;
        let tag = &body["Tag"];
        if !tag.is_null() && tag.as_str().is_none_or(|tag| tag.chars().count() > 1000) {
            return Err(Problem::new(403, "'Tag' has to be a text."));
        }
        let template = match (&body["TemplateId"], &body["TemplateAlias"]) {
            (Value::Number(id), Value::Null) if id.is_u64() => id.to_string(),
            (Value::Null, Value::String(alias)) if !alias.is_empty() => alias.clone(),
            _ => {
                return Err(Problem::new(
                    1101,
                    "The 'TemplateId' or 'TemplateAlias' is not valid: exactly one is needed.",
                ));
            }
        };
        if !body["TemplateModel"].is_object() {
            return Err(Problem::new(403, "'TemplateModel' has to be an object."));
        }
        let stream = &body["MessageStream"];
        if !stream.is_null() && stream.as_str().is_none_or(str::is_empty) {
            return Err(Problem::new(403, "'MessageStream' has to be a text."));
        }
        let strings = |map: &serde_json::Map<String, Value>| map.values().all(Value::is_string);
        if !body["Metadata"].is_null() && !body["Metadata"].as_object().is_some_and(strings) {
            return Err(Problem::new(403, "'Metadata' has to hold texts."));
        }
        Ok(Self {
            recipient: recipient.to_owned(),
            job: body["Metadata"]["job_id"].as_str().map(str::to_owned),
            template,
        })
    }

    /// The effect of sending it under this id.
    pub(super) fn draft(&self, id: &str) -> Draft {
        Draft {
            job: self.job.clone(),
            template: Some(self.template.clone()),
            recipient: self.recipient.clone(),
            id: id.to_owned(),
        }
    }
}

/// Who gets copies, and answers: lists of addresses, with commas between them that stand in no name.
fn copies(body: &Value) -> Result<(), Problem> {
    let mut addresses = 1;
    for field in ["Cc", "Bcc", "ReplyTo"] {
        let Some(text) = body[field].as_str() else {
            if body[field].is_null() {
                continue;
            }
            return Err(Problem::new(403, format!("'{field}' has to be a text.")));
        };
        let mut quoted = false;
        let list = text.split(|c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        for entry in list {
            let entry = json!(entry.trim());
            address(&entry)
                .ok_or_else(|| Problem::new(300, format!("Invalid '{field}' address.")))?;
            addresses += usize::from(field != "ReplyTo");
        }
    }
    match addresses > 50 {
        true => Err(Problem::new(300, "At most 50 recipients are allowed.")),
        false => Ok(()),
    }
}

fn headers(headers: &Value) -> Result<(), Problem> {
    let header = |header: &Value| header["Name"].is_string() && header["Value"].is_string();
    let fits = match headers {
        Value::Null => true,
        Value::Array(headers) => headers.iter().all(header),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(Problem::new(403, "'Headers' has to hold names and values.")),
    }
}

/// The address in `ada@example.com` or `"Ada" <ada@example.com>`.
fn address(field: &Value) -> Option<&str> {
    let text = field.as_str()?;
    let email = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => text,
    };
    let (local, domain) = email.rsplit_once('@')?;
    let fits = !local.is_empty()
        && domain.contains('.')
        && !email.contains(|c: char| c.is_whitespace() || c == ',');
    fits.then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Value {
        json!({
            "From": "\"The Shop\" <shop@example.com>",
            "To": "\"Lovelace, Ada\" <ada@example.com>",
            "TemplateAlias": "welcome",
            "TemplateModel": { "a": 1 },
            "MessageStream": "outbound",
            "Metadata": { "job_id": "01JOB" },
            "Cc": "\"Hopper, Grace\" <grace@example.com>, bob@example.com",
            "ReplyTo": "help@example.com",
            "Tag": "greetings",
            "Headers": [{ "Name": "X-A", "Value": "b" }],
        })
    }

    #[test]
    fn a_mail_in_order_is_an_effect() {
        let mail = Mail::read(good().to_string().as_bytes()).expect("in order");
        let draft = mail.draft("m-1");
        assert_eq!(draft.job.as_deref(), Some("01JOB"));
        assert_eq!(draft.template.as_deref(), Some("welcome"));
        assert_eq!(draft.recipient, "ada@example.com");
        let mut body = good();
        body["TemplateAlias"] = Value::Null;
        body["TemplateId"] = json!(7);
        let mail = Mail::read(body.to_string().as_bytes()).expect("in order");
        assert_eq!(mail.draft("m-1").template.as_deref(), Some("7"));
    }

    #[test]
    fn what_is_wrong_has_its_code() {
        for (field, value, code) in [
            ("From", json!("shop"), 300),
            ("To", json!("ada@localhost"), 300),
            ("To", json!("a@x.no, b@x.no"), 300),
            ("To", Value::Null, 300),
            ("TemplateAlias", Value::Null, 1101),
            ("TemplateId", json!(1), 1101),
            ("TemplateModel", json!("x"), 403),
            ("MessageStream", json!(""), 403),
            ("Metadata", json!({ "job_id": 7 }), 403),
            ("Cc", json!("ada@x.no, bob"), 300),
            ("Bcc", json!(vec!["ada@x.no"; 50].join(", ")), 300),
            ("ReplyTo", json!(["ada@x.no"]), 403),
            ("Tag", json!(7), 403),
            ("Headers", json!([{ "Name": "X" }]), 403),
        ] {
            let mut body = good();
            body[field] = value;
            let problem = Mail::read(body.to_string().as_bytes()).expect_err("refused");
            assert_eq!(problem.error_code, code, "{body}");
        }
        assert_eq!(
            Mail::read(b"not json").expect_err("refused").error_code,
            402
        );
    }
}
