//! What requests and answers are made of.

use longshore_job::{KindSpec, Kinds};
use serde_json::{Map, Value, json};

use super::paths::schema;
use super::type_name;

/// What may be wrong, by status.
const ERRORS: [(&str, &str); 11] = [
    ("400", "The body broke off, or its chunks are malformed."),
    ("401", "There is no token, or it is not known."),
    ("403", "The token is for other kinds, or lacks the right."),
    (
        "404",
        "There is no such job, or it is forgotten; or there is no place for files.",
    ),
    ("408", "The body did not come in time."),
    (
        "409",
        "The key stands for other args, or the job is not where this can be done to it. Nothing was changed.",
    ),
    ("413", "The body is too large."),
    ("415", "The body is of another type, or encoded."),
    (
        "422",
        "The request is wrong; the findings say all that is. Nothing was changed.",
    ),
    ("429", "The token has made too many calls."),
    (
        "503",
        "It cannot be done at the moment. With the same key it can be sent again.",
    ),
];

pub(super) fn schemas(kinds: &Kinds) -> Value {
    let mut schemas = Map::new();
    let mut jobs = Vec::new();
    let mut mapping = Map::new();
    for spec in kinds.iter() {
        let name = type_name(spec.kind);
        let job = format!("{name}Job");
        schemas.insert(format!("{name}Args"), args(spec));
        schemas.insert(job.clone(), new_job(spec, &format!("{name}Args")));
        mapping.insert(
            spec.kind.to_owned(),
            format!("#/components/schemas/{job}").into(),
        );
        jobs.push(schema(&job));
    }
    let of_kind = match jobs.is_empty() {
        true => json!({"not": {}}),
        false => json!({
            "oneOf": jobs,
            "discriminator": {"propertyName": "kind", "mapping": mapping},
        }),
    };
    schemas.insert("NewJob".to_owned(), of_kind);
    schemas.extend(of_all_kinds());
    schemas.into()
}

/// What requests and answers are made of, whatever the kind.
fn of_all_kinds() -> Map<String, Value> {
    serde_json::from_str(include_str!("schemas.json")).expect("it is a JSON object")
}

fn args(spec: &KindSpec) -> Value {
    let mut schema = spec.schema();
    schema["title"] = format!("The args of {}", spec.kind).into();
    schema
}

fn new_job(spec: &KindSpec, args: &str) -> Value {
    json!({
        "type": "object",
        "title": spec.kind,
        "additionalProperties": false,
        "required": ["kind", "args"],
        "properties": {
            "kind": {"type": "string", "const": spec.kind},
            "args": schema(args),
            "key": {"type": ["string", "null"], "minLength": 1, "maxLength": 256,
                "description": "At most one job of its kind is made while this key is held. A repeated request gets the id of the first job; \
                    with other args it is refused (409). The other fields are not compared. The key is held while the job waits, runs \
                    or is dead, and after its end until 24 hours after the enqueue, or for as long as completed jobs of its queue are \
                    kept, whichever is longer. Who cancels a job frees its key at once, unless it may have been sent: the same request \
                    then makes another job."},
            "in": {"oneOf": [schema("Duration"), {"type": "null"}],
                "description": "Runs after this time at the earliest."},
            "at": {"type": ["string", "null"], "format": "date-time",
                "description": "Runs at this time at the earliest; a time that is over means at once. Not beside `in`."},
            "expires_in": {"oneOf": [schema("Duration"), {"type": "null"}],
                "description": "Does not start later than this after it was due: it is then a dead letter. It counts from when the job is due. \
                    One that is not longer than the delay seems to count from now, and is refused: `expires_at` names a time."},
            "expires_at": {"type": ["string", "null"], "format": "date-time",
                "description": "Does not start at this time or later: it is then a dead letter. Later than now, and than the time at \
                    which it is due. Not beside `expires_in`. A reschedule moves it by as much as it moves the job."},
            "priority": {"oneOf": [schema("Priority"), {"type": "null"}]},
            "tenant": {"type": ["string", "null"], "minLength": 1, "maxLength": 64, "pattern": LABEL,
                "description": "Whose job it is, such as a customer or a campaign: tenants take turns. Should name no person."},
            "tags": {"type": ["array", "null"], "maxItems": 10,
                "items": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": LABEL},
                "description": "What it is found by. Should name no person."},
        },
    })
}

/// Texts without control characters.
const LABEL: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";

pub(super) fn responses() -> Value {
    let response = |(status, description): (&str, &str)| {
        let mut answer = json!({
            "description": description,
            "content": {"application/json": {"schema": schema("Error")}},
        });
        let header = match status {
            "401" => Some("WWW-Authenticate"),
            "429" | "503" => Some("Retry-After"),
            _ => None,
        };
        if let Some(header) = header {
            answer["headers"] = json!({header: {"$ref": format!("#/components/headers/{header}")}});
        }
        (format!("Error{status}"), answer)
    };
    ERRORS
        .into_iter()
        .map(response)
        .collect::<Map<_, _>>()
        .into()
}

pub(super) fn headers() -> Value {
    json!({
        "Location": {"required": true, "schema": {"type": "string"}, "description": "Where the job is."},
        "Retry-After": {"required": true, "schema": {"type": "integer", "minimum": 1}, "description": "In seconds."},
        "WWW-Authenticate": {"required": true, "schema": {"type": "string"}},
    })
}
