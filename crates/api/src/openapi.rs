//! The OpenAPI 3.1 document, made of the schemas that the kinds have.

mod parts;
mod paths;

use longshore_job::Kinds;
use serde_json::{Value, json};

/// Where it is served.
pub(crate) const PATH: &str = "/openapi.json";

/// The document of an API with these kinds. It is the same wherever the API is, so that it can be kept beside a client.
#[must_use]
pub fn document(kinds: &Kinds) -> Value {
    let names: Vec<_> = kinds.iter().map(|spec| spec.kind).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Longshore",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Enqueue background jobs, wait for them, take them back.",
            "description": "A job is accepted when the answer is 200 or 201. It then completes, becomes a dead letter or is \
                cancelled; until then it can be looked at. Repeat a request whose answer was lost with the same key: \
                then the job is not enqueued twice.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [
            {"name": "jobs", "description": "Enqueue, look, wait, change."},
            {"name": "files", "description": "URLs that take or give one file, straight from the store."},
            {"name": "about", "description": "What this API knows."},
        ],
        "paths": paths::all(&names),
        "components": {
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "One of `api.tokens` in the configuration.",
            }},
            "schemas": parts::schemas(kinds),
            "responses": parts::responses(),
            "headers": parts::headers(),
        },
    })
}

/// `send_email` → `SendEmail`
fn type_name(kind: &str) -> String {
    kind.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_the_name_of_a_type() {
        assert_eq!(type_name("send_email"), "SendEmail");
        assert_eq!(type_name("http-call_2x"), "HttpCall2x");
    }
}
