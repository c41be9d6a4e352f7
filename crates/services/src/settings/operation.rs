//! `services.<name>.operations.<operation>`.

use std::collections::BTreeMap;

use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, Section, text_by, toml_by};
use longshore_provider::{HeaderName, HeaderValue, Method};

use super::auth::{header_name, is_ours};
use crate::{AnswerClass, AnswerClasses, PathTemplate, ServiceOperation};

/// The methods that an operation may have.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

section! {
    /// An operation of a service: jobs name it.
    pub struct OperationSettings in "services.<name>.operations.<name>" {
        /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        pub method: Method = "method" as METHOD, text_by(method).example("POST");
        /// The path, with places for parameters between braces.
        pub path: PathTemplate = "path" as PATH, text_by(template).example("/v1/contacts/{id}");
        /// Headers of every request. None of them is secret: credentials are set by `auth`.
        pub headers: Option<Vec<(HeaderName, HeaderValue)>> = "headers" as HEADERS,
            toml_by(headers).optional().example(r#"{ x-api-version = "2" }"#);
        /// The header that carries the job's idempotency key, if the service recognises a repeated request by it. Such a request is
        /// sent again after a lost answer; any other but a GET is left to an operator.
        pub idempotency_header: Option<HeaderName> = "idempotency_header" as IDEMPOTENCY_HEADER,
            text_by(header_name).optional().example("idempotency-key");
        /// Statuses that say that it was carried out, beside those from 200 to 299.
        pub success: Option<Vec<u16>> = "success" as SUCCESS, toml_by(statuses).optional().example("[409]");
        /// Statuses that refuse it for good, beside 400, 404, 409, 410, 413 and 422.
        pub refused: Option<Vec<u16>> = "refused" as REFUSED, toml_by(statuses).optional().example("[402]");
        /// Statuses that ask us to wait, beside 429.
        pub throttled: Option<Vec<u16>> = "throttled" as THROTTLED, toml_by(statuses).optional().example("[420]");
        /// Statuses that do not say whether it was carried out, though they would by default.
        pub unknown: Option<Vec<u16>> = "unknown" as UNKNOWN, toml_by(statuses).optional().example("[202]");
    }
}

/// Reads an operation. What does not go together in it is found.
pub(super) fn read(reader: &mut Reader<'_>, path: &KeyPath) -> Option<ServiceOperation> {
    for key in [OperationSettings::METHOD, OperationSettings::PATH] {
        if !reader.has(path.join(key)) {
            let cure =
                "write method and path, such as { method = \"POST\", path = \"/v1/contacts\" }";
            reader.missing(path.join(key), "is not set", cure);
        }
    }
    let keys = OperationSettings::read(reader, path)?;
    let classes = classes(reader, path, &keys)?;
    let is_set = |name: &&HeaderName| {
        let mut headers = keys.headers.iter().flatten();
        headers.any(|(other, _)| other == *name)
    };
    if let Some(name) = keys.idempotency_header.as_ref().filter(is_set) {
        let problem = format!("sets {name}, which carries the job's key");
        let at = path.join(OperationSettings::HEADERS);
        reader.error(at, problem, "leave it out");
        return None;
    }
    Some(ServiceOperation {
        method: keys.method,
        path: keys.path,
        headers: keys.headers.unwrap_or_default(),
        idempotency_header: keys.idempotency_header,
        classes,
    })
}

/// What its four lists say. No status may stand in two.
fn classes(
    reader: &mut Reader<'_>,
    path: &KeyPath,
    keys: &OperationSettings,
) -> Option<AnswerClasses> {
    type Keys = OperationSettings;
    let mut classes: BTreeMap<u16, (AnswerClass, &'static str)> = BTreeMap::new();
    let mut is_clear = true;
    for (key, class, statuses) in [
        (Keys::SUCCESS, AnswerClass::Success, &keys.success),
        (Keys::REFUSED, AnswerClass::Refused, &keys.refused),
        (Keys::THROTTLED, AnswerClass::Throttled, &keys.throttled),
        (Keys::UNKNOWN, AnswerClass::Unknown, &keys.unknown),
    ] {
        for status in statuses.iter().flatten() {
            let Some((_, other)) = classes.get(status) else {
                classes.insert(*status, (class, key));
                continue;
            };
            let problem = format!("has {status}, which is in `{other}` as well");
            reader.error(path.join(key), problem, "leave it in one of the two");
            is_clear = false;
        }
    }
    let classes = classes.into_iter();
    is_clear.then(|| {
        classes
            .map(|(status, (class, _))| (status, class))
            .collect()
    })
}

fn method(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Method> {
    let text = reader.text(path)?;
    let known = METHODS.into_iter().find(|method| method.as_str() == text);
    if known.is_none() {
        let known = METHODS.map(|method| method.to_string()).join(", ");
        reader.error(
            path,
            format!("is `{text}`"),
            format!("write one of {known}"),
        );
    }
    known
}

fn template(reader: &mut Reader<'_>, path: &KeyPath) -> Option<PathTemplate> {
    let read = reader.text(path)?.parse::<PathTemplate>();
    if let Err(error) = &read {
        let cure = "write a path such as /v1/contacts/{id}";
        reader.error(path, error.to_string(), cure);
    }
    read.ok()
}

fn headers(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let value = reader.value(path.clone())?;
    let cure =
        "write a table of texts, such as { x-api-version = \"2\" }; credentials are set by auth";
    let Some(table) = value.as_object() else {
        reader.error(path, "is not a table", cure);
        return None;
    };
    let mut headers = Vec::new();
    for (name, value) in table {
        let Some(name) = name.parse::<HeaderName>().ok().filter(is_ours) else {
            let problem = "has a name that no header has, or of a header that is not set here";
            reader.error(path, problem, cure);
            return None;
        };
        let value = value.as_str().map(HeaderValue::from_str);
        let Some(Ok(value)) = value else {
            let problem = format!("has {name} with what cannot stand in a header");
            reader.error(path, problem, cure);
            return None;
        };
        headers.push((name, value));
    }
    Some(headers)
}

/// 401 is always about our credentials: in a list it would have bad ones end every job.
fn statuses(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<u16>> {
    let value = reader.value(path.clone())?;
    let fits = |status: &u16| (200..=599).contains(status) && *status != 401;
    let status = |value: &serde_json::Value| {
        let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
        status.filter(fits)
    };
    let read = value
        .as_array()
        .and_then(|list| list.iter().map(status).collect::<Option<Vec<_>>>());
    if read.is_none() {
        let cure = "write numbers from 200 to 599, such as [200, 201]; 401 always pauses the queue";
        reader.error(path, "is not a list of statuses", cure);
    }
    read
}
