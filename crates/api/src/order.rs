//! A job as a request has it: read, checked, and ready to be enqueued.

use std::time::{Duration, UNIX_EPOCH};

use longshore_client::{ClientError, EnqueueOptions, RunAt};
use longshore_job::{KindSpec, Prepared, Priority};
use serde_json::Value;

use crate::door::Door;
use crate::error::{ApiError, Finding, of_args, of_option};
use crate::fields::Fields;
use crate::form;
use crate::tokens::Caller;

/// What a request may say of its job.
pub(crate) const FIELDS: [&str; 10] = [
    "kind",
    "args",
    "key",
    "in",
    "at",
    "expires_in",
    "expires_at",
    "priority",
    "tenant",
    "tags",
];

/// A job that can be enqueued.
pub(crate) type Order = (Prepared, EnqueueOptions);

/// Reads a job. `header_key` is that of the header `Idempotency-Key`.
///
/// # Errors
/// When its caller may not enqueue it; or everything that is wrong with it.
pub(crate) fn read(
    door: &Door,
    caller: &Caller,
    text: &str,
    header_key: Option<&str>,
) -> Result<Order, ApiError> {
    let invalid = |finding| ApiError::wrong("invalid_json", vec![finding]);
    let mut fields = Fields::read(text, &FIELDS).map_err(invalid)?;
    let kind = fields.needed("kind");
    let spec = match &kind {
        Some(kind) => Some(known(door, caller, kind)?),
        None => None,
    };
    let options = options(&mut fields, header_key);
    let before_args = fields.findings.len();
    let prepared = spec.and_then(|spec| args(door, spec, &mut fields));
    let code = match fields.findings.len() > before_args {
        true => "invalid_args",
        false => "invalid_option",
    };
    match (prepared, fields.done()) {
        (Some(prepared), Ok(())) => Ok((prepared, options)),
        (_, done) => Err(ApiError::wrong(code, done.err().unwrap_or_default())),
    }
}

/// The kind of this name, for whoever may enqueue it.
fn known<'a>(door: &'a Door, caller: &Caller, kind: &str) -> Result<&'a KindSpec, ApiError> {
    if let Some(spec) = door.kinds.find(kind) {
        caller.allow(Some(kind))?;
        return Ok(spec);
    }
    let theirs = door.kinds.iter().filter(|spec| caller.may(spec.kind));
    let names: Vec<_> = theirs.map(|spec| spec.kind).collect();
    let problem = format!("is not a kind: the kinds are {}", names.join(", "));
    let finding = Finding::new("kind", problem);
    Err(ApiError::wrong("unknown_kind", vec![finding]))
}

fn args(door: &Door, spec: &KindSpec, fields: &mut Fields<'_>) -> Option<Prepared> {
    let Some(raw) = fields.raw("args") else {
        fields.wrong("args", "is missing");
        return None;
    };
    // serde would take a list, too, with a value for each field in order.
    let prepared = match raw.get().starts_with('{') {
        true => spec.prepare(raw.get()),
        false => Err(longshore_job::InvalidArgs(String::new())),
    };
    let error = match prepared {
        Ok(prepared) => return Some(prepared),
        Err(error) => error,
    };
    let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut found = match value.is_object() {
        true => form::findings(door.schema(spec.kind), &value, "args"),
        false => {
            let is = form::word_of(&value);
            vec![Finding::new(
                "args",
                format!("must be an object, and is {is}"),
            )]
        }
    };
    if found.is_empty() {
        found = error.findings().map(of_args).collect();
    }
    fields.findings.append(&mut found);
    None
}

fn options(fields: &mut Fields<'_>, header_key: Option<&str>) -> EnqueueOptions {
    let mut key = fields.text("key");
    if let Some(header) = header_key {
        if key.as_deref().is_some_and(|key| key != header) {
            let problem = "differs from the header Idempotency-Key: send one of the two";
            fields.wrong("key", problem);
        }
        key = Some(header.to_owned());
    }
    let delay = fields.duration("in");
    let at = fields.time("at");
    if fields.raw("in").is_some() && fields.raw("at").is_some() {
        fields.wrong("at", "stands beside `in`: send one of the two");
    }
    let end = fields.time("expires_at");
    let end = end.map(|ms| UNIX_EPOCH + Duration::from_millis(ms));
    if fields.raw("expires_in").is_some() && end.is_some() {
        fields.wrong(
            "expires_at",
            "stands beside `expires_in`: send one of the two",
        );
    }
    let priority = fields.text("priority").and_then(|word| {
        let read = word.parse::<Priority>().ok();
        if read.is_none() {
            fields.wrong("priority", "must be high, normal or low");
        }
        read
    });
    let options = EnqueueOptions {
        run_at: match (delay, at) {
            (Some(delay), _) => RunAt::In(delay),
            (None, Some(at)) => RunAt::At(at),
            (None, None) => RunAt::Now,
        },
        key,
        expires_in: fields.duration("expires_in"),
        expires_at: end,
        priority,
        tenant: fields.text("tenant"),
        tags: fields.value("tags", "a list of texts").unwrap_or_default(),
    };
    check(&options, fields);
    options
}

/// Each option by itself, since a check ends at the first that is wrong.
fn check(options: &EnqueueOptions, fields: &mut Fields<'_>) {
    let EnqueueOptions {
        run_at,
        key,
        expires_in,
        expires_at,
        tenant,
        tags,
        ..
    } = options.clone();
    let alone = [
        EnqueueOptions {
            key,
            ..Default::default()
        },
        EnqueueOptions {
            run_at,
            expires_in,
            // That both are there was said above.
            expires_at: expires_at.filter(|_| expires_in.is_none()),
            ..Default::default()
        },
        EnqueueOptions {
            tenant,
            ..Default::default()
        },
        EnqueueOptions {
            tags,
            ..Default::default()
        },
    ];
    for options in alone {
        if let Err(ClientError::InvalidOption(what)) = options.check() {
            let finding = of_option(what);
            let path = match finding.path.as_str() {
                "delay" => "in".to_owned(),
                "tag" => "tags".to_owned(),
                _ => finding.path,
            };
            fields.wrong(path, finding.problem);
        }
    }
}
