//! What a mail may have beside its recipients and its template, checked the way SendGrid does.

use serde_json::Value;

use super::problem::Problem;

/// Headers that cannot be overridden.
const RESERVED: [&str; 12] = [
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
];

/// Checks them all.
pub(super) fn check(body: &Value) -> Result<(), Problem> {
    headers(&body["headers"])?;
    categories(&body["categories"])?;
    unsubscribe_group(&body["asm"])
}

fn headers(headers: &Value) -> Result<(), Problem> {
    let problem = |why: String| Err(Problem::at("headers", why));
    let headers = match headers {
        Value::Null => return Ok(()),
        Value::Object(headers) => headers,
        _ => return problem("The headers must be an object of strings.".to_owned()),
    };
    for (name, value) in headers {
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return problem(format!("The header {name} is a reserved header."));
        }
        let value = value.as_str();
        if value.is_none_or(|value| value.contains(['\r', '\n'])) {
            return problem(format!("The header {name} has no value that can be sent."));
        }
    }
    Ok(())
}

fn categories(categories: &Value) -> Result<(), Problem> {
    let problem = |why: &str| Err(Problem::at("categories", why));
    let categories = match categories {
        Value::Null => return Ok(()),
        Value::Array(categories) => categories,
        _ => return problem("The categories must be an array."),
    };
    if categories.len() > 10 {
        return problem("You may only have up to 10 categories.");
    }
    let fits = |category: &Value| {
        let text = category.as_str();
        text.is_some_and(|text| (1..=255).contains(&text.chars().count()))
    };
    if !categories.iter().all(fits) {
        return problem("A category must be a string of at most 255 characters.");
    }
    let twice = |(n, category)| categories[..n].contains(category);
    match categories.iter().enumerate().any(twice) {
        true => problem("The categories must be unique."),
        false => Ok(()),
    }
}

fn unsubscribe_group(asm: &Value) -> Result<(), Problem> {
    if asm.is_null() {
        return Ok(());
    }
    if !asm["group_id"].is_u64() {
        let why = "The asm.group_id must be an integer.";
        return Err(Problem::at("asm.group_id", why));
    }
    let shown = match &asm["groups_to_display"] {
        Value::Null => return Ok(()),
        shown => shown.as_array(),
    };
    let fits = |shown: &Vec<Value>| shown.len() <= 25 && shown.iter().all(Value::is_u64);
    match shown.is_some_and(fits) {
        true => Ok(()),
        false => Err(Problem::at(
            "asm.groups_to_display",
            "The asm.groups_to_display must be an array of at most 25 integers.",
        )),
    }
}
