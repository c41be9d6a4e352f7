//! The routes.

use serde_json::{Map, Value, json};

/// A schema by its name.
pub(super) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn with_body(media: &str, schema: &Value, required: bool) -> Value {
    json!({"required": required, "content": {media: {"schema": schema}}})
}

fn answers(media: &str, description: &str, schema: &Value) -> Value {
    json!({"description": description, "content": {media: {"schema": schema}}})
}

fn job(description: &str) -> Value {
    answers("application/json", description, &schema("Job"))
}

/// These answers, and those of any request that was let in.
fn responses(own: &[(&str, Value)], errors: &[&str]) -> Value {
    let mut all: Map<String, Value> = own
        .iter()
        .map(|(status, answer)| ((*status).to_owned(), answer.clone()))
        .collect();
    for status in errors.iter().chain(&["401", "422", "429", "503"]) {
        let answer = json!({"$ref": format!("#/components/responses/Error{status}")});
        all.insert((*status).to_owned(), answer);
    }
    all.into()
}

/// What may also go wrong with a request that has a body.
const BODY: [&str; 4] = ["400", "408", "413", "415"];

fn id() -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The job's id.",
        "schema": schema("JobId"),
    })
}

fn wait(description: &str) -> Value {
    json!({
        "name": "wait",
        "in": "query",
        "description": description,
        "schema": schema("Duration"),
    })
}

pub(super) fn all(kinds: &[&str]) -> Value {
    json!({
        "/v1/jobs": {"post": enqueue(), "get": find(kinds)},
        "/v1/jobs/bulk": {"post": bulk()},
        "/v1/jobs/{id}": {"get": show()},
        "/v1/jobs/{id}/cancel": {"post": cancel()},
        "/v1/jobs/{id}/reschedule": {"post": reschedule()},
        "/v1/uploads": {"post": upload()},
        "/v1/downloads": {"post": download()},
        "/v1/kinds": {"get": list_kinds()},
        "/openapi.json": {"get": document()},
    })
}

fn enqueue() -> Value {
    let accepted = |description: &str| {
        let mut answer = answers("application/json", description, &schema("Accepted"));
        answer["headers"] = json!({"Location": {"$ref": "#/components/headers/Location"}});
        answer["links"] = links();
        answer
    };
    json!({
        "operationId": "enqueueJob",
        "tags": ["jobs"],
        "summary": "Enqueues a job, and waits for its end if asked to",
        "parameters": [
            wait("Answers when the job has ended, or after so long: `20s`. At most a minute. The answer then has the job."),
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The key, where it is not in the body.",
                // A key is a header's text, too.
                "schema": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]([ -~]*[!-~])?$"},
            },
            {
                "name": "traceparent",
                "in": "header",
                "description": "The W3C trace context that the job belongs to.",
                "schema": {"type": "string"},
            },
        ],
        "requestBody": with_body("application/json", &schema("NewJob"), true),
        "responses": responses(
            &[
                ("201", accepted("The job is enqueued.")),
                ("200", accepted("A job with this key and these args was enqueued before: this is its id.")),
            ],
            &[&["403", "409"][..], &BODY].concat(),
        ),
    })
}

/// What can be done to a job whose id an answer has.
fn links() -> Value {
    let operations = ["getJob", "cancelJob", "rescheduleJob"];
    let link = |operation: &str| {
        let parameters = json!({"path.id": "$response.body#/id"});
        json!({"operationId": operation, "parameters": parameters})
    };
    let links = operations.map(|operation| (operation.to_owned(), link(operation)));
    links.into_iter().collect::<Map<_, _>>().into()
}

fn find(kinds: &[&str]) -> Value {
    json!({
        "operationId": "findJob",
        "tags": ["jobs"],
        "summary": "The job that holds a key",
        "parameters": [
            {
                "name": "kind",
                "in": "query",
                "required": true,
                "description": "The kind that the key is a name in.",
                "schema": {"type": "string", "enum": kinds},
            },
            {
                "name": "key",
                "in": "query",
                "required": true,
                "description": "The key.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            },
        ],
        "responses": responses(&[("200", job("The job."))], &["403", "404"]),
    })
}

fn bulk() -> Value {
    let lines = "application/x-ndjson";
    json!({
        "operationId": "enqueueJobs",
        "tags": ["jobs"],
        "summary": "Enqueues many jobs",
        "description": "A job on each line, at most 64 MiB. All lines are checked before the first job is enqueued; when one is wrong, \
            nothing is enqueued. The answer has a line for each job that was accepted, in order, as soon as it is. When it cannot \
            go on half way, the last line is an error that says how many jobs were accepted, and which may be.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The key of the bulk: the same bulk can be sent again with it, and doubles nothing. A line without a key has \
                    this one and its number.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 240, "pattern": "^[!-~]([ -~]*[!-~])?$"},
            },
        ],
        "requestBody": with_body(lines, &json!({"type": "string", "description": "`NewJob` on each line."}), true),
        "responses": responses(
            &[("200", answers(lines, "`BulkLine` on each line.", &json!({"type": "string"})))],
            &[&["403", "409"][..], &BODY].concat(),
        ),
    })
}

fn show() -> Value {
    json!({
        "operationId": "getJob",
        "tags": ["jobs"],
        "summary": "Looks at a job, or waits for its end",
        "parameters": [
            id(),
            wait("Answers when the job has ended, or after so long: `20s`. At most a minute."),
        ],
        "responses": responses(
            &[("200", job("The job as it is now; after a wait, too, whether it has ended or not."))],
            &["403", "404"],
        ),
    })
}

fn cancel() -> Value {
    json!({
        "operationId": "cancelJob",
        "tags": ["jobs"],
        "summary": "Takes a job back",
        "parameters": [id()],
        "requestBody": with_body("application/json", &schema("Cancel"), false),
        "responses": responses(
            &[
                ("200", job("The job is cancelled, by this or before.")),
                ("202", job("The job runs, and its worker is asked to stop it before its next request.")),
            ],
            &[&["403", "404", "409"][..], &BODY].concat(),
        ),
    })
}

fn reschedule() -> Value {
    json!({
        "operationId": "rescheduleJob",
        "tags": ["jobs"],
        "summary": "Gives a job that waits another time",
        "parameters": [id()],
        "requestBody": with_body("application/json", &schema("Reschedule"), true),
        "responses": responses(
            &[("200", job("The job, due at its new time."))],
            &[&["403", "404", "409"][..], &BODY].concat(),
        ),
    })
}

fn upload() -> Value {
    json!({
        "operationId": "signUpload",
        "tags": ["files"],
        "summary": "Signs a URL that takes one upload, for 15 minutes",
        "requestBody": with_body("application/json", &schema("NewUpload"), true),
        "responses": responses(
            &[("200", answers("application/json", "The URL.", &schema("SignedUrl")))],
            &[&["403", "404"][..], &BODY].concat(),
        ),
    })
}

fn download() -> Value {
    json!({
        "operationId": "signDownload",
        "tags": ["files"],
        "summary": "Signs a URL that gives one uploaded file, for 15 minutes",
        "requestBody": with_body("application/json", &schema("NewDownload"), true),
        "responses": responses(
            &[("200", answers("application/json", "The URL. Whether the file is there, it says itself.", &schema("SignedUrl")))],
            &[&["403", "404"][..], &BODY].concat(),
        ),
    })
}

fn list_kinds() -> Value {
    let rows = json!({"type": "array", "items": schema("Kind")});
    json!({
        "operationId": "listKinds",
        "tags": ["about"],
        "summary": "The kinds of jobs that the token may enqueue",
        "responses": responses(
            &[("200", answers("application/json", "The kinds.", &rows))],
            &[],
        ),
    })
}

fn document() -> Value {
    json!({
        "operationId": "getOpenApi",
        "tags": ["about"],
        "summary": "This document",
        "security": [],
        "responses": {"200": answers("application/json", "The document.", &json!({"type": "object"}))},
    })
}
