//! `call_service`: one operation of a configured service.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use longshore_job::{InvalidArgs, Job, KindPolicy, OnUnknown, PersonArg};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest name of a service.
const LONGEST_SERVICE: usize = 40;

/// The longest name of an operation or a parameter.
const LONGEST_NAME: usize = 64;

/// The longest value of a parameter, in bytes. Percent-encoded it still fits into a URL.
const LONGEST_VALUE: usize = 2000;

/// The most bytes that all values of the path and the query have together.
const MOST_VALUES: usize = 8000;

/// Calls one operation of a service that the configuration describes. The result is `{"status":201,"body":{…}}`.
///
/// ```
/// use longshore_services::CallService;
///
/// let job = CallService::new("crm", "create_contact").body(&serde_json::json!({ "name": "Ada" }));
/// assert_eq!(job.service, "crm");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with service, operation and perhaps path_params, query and body"
)]
pub struct CallService {
    /// The service: `services.<name>` of the configuration.
    pub service: String,
    /// The operation: `services.<name>.operations.<operation>`.
    pub operation: String,
    /// The values for what stands between braces in the operation's path. They are percent-encoded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path_params: BTreeMap<String, String>,
    /// The query. It is percent-encoded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The body, any JSON. Not for GET and DELETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<RequestBody>,
}

/// The JSON of a request's body. It is sent as it was given, down to the digits of its numbers.
#[derive(Clone, Serialize, Deserialize)]
pub struct RequestBody(Box<RawValue>);

impl RequestBody {
    /// The JSON.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RequestBody {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RequestBody {}

/// Bodies hold personal data.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestBody({} bytes)", self.get().len())
    }
}

impl CallService {
    /// This operation of this service.
    #[must_use]
    pub fn new(service: impl Into<String>, operation: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            operation: operation.into(),
            path_params: BTreeMap::new(),
            query: BTreeMap::new(),
            body: None,
        }
    }

    /// Sets a parameter of the path.
    #[must_use]
    pub fn path_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.path_params.insert(name.into(), value.into());
        self
    }

    /// Sets a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.insert(name.into(), value.into());
        self
    }

    /// Sets the body: what cannot be written as JSON is `null`.
    #[must_use]
    pub fn body(mut self, body: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(body);
        self.body = Some(RequestBody(
            raw.unwrap_or_else(|_| RawValue::NULL.to_owned()),
        ));
        self
    }
}

impl Job for CallService {
    const KIND: &'static str = "call_service";
    const QUEUE: &'static str = "svc-";
    const ONE_QUEUE: bool = false;
    const PUBLIC_ARGS: &'static [&'static str] = &["service", "operation"];
    // What a service is told of people, and where, only its users know. So every text counts that has the form.
    const PERSON_ARGS: &'static [PersonArg] = &[
        PersonArg::email("path_params.**"),
        PersonArg::email("query.**"),
        PersonArg::email("body.**"),
        PersonArg::phone("path_params.**"),
        PersonArg::phone("query.**"),
        PersonArg::phone("body.**"),
        PersonArg::id("path_params.**"),
        PersonArg::id("query.**"),
        PersonArg::id("body.**"),
    ];
    const PUBLIC_RESULT: &'static [&'static str] = &["status", "body_bytes"];
    // A GET, and an operation with an idempotency header, may be repeated: the handler says so.
    const POLICY: KindPolicy = KindPolicy {
        on_unknown: Some(OnUnknown::Hold),
        ..KindPolicy::DEFAULT
    };

    fn queue(&self) -> Cow<'static, str> {
        format!("{}{}", Self::QUEUE, self.service).into()
    }

    fn check(&self) -> Result<(), InvalidArgs> {
        let values = || self.path_params.values().chain(self.query.values());
        let bytes: usize = values().map(String::len).sum();
        InvalidArgs::all([
            InvalidArgs::unless(
                is_service(&self.service),
                "service",
                format_args!("must be 1 to {LONGEST_SERVICE} of a-z, 0-9 and -, a letter first"),
            ),
            InvalidArgs::unless(
                is_name(&self.operation),
                "operation",
                format_args!("must be 1 to {LONGEST_NAME} of a-z, A-Z, 0-9, _ and -"),
            ),
            parameters("path_params", &self.path_params, true),
            parameters("query", &self.query, false),
            InvalidArgs::unless(
                bytes <= MOST_VALUES,
                "query",
                format_args!(
                    "has {bytes} bytes with the path's, at most {MOST_VALUES} fit into a URL; send more in the body"
                ),
            ),
        ])
    }
}

/// The parameters of one place. Their names are not quoted: they may be anything.
fn parameters(
    of: &str,
    values: &BTreeMap<String, String>,
    in_path: bool,
) -> Result<(), InvalidArgs> {
    let fits = |name: &String| (1..=LONGEST_NAME).contains(&name.chars().count());
    InvalidArgs::all([
        InvalidArgs::unless(
            values.keys().all(fits),
            of,
            format_args!("has a name that is empty or has more than {LONGEST_NAME} characters"),
        ),
        InvalidArgs::unless(
            values.values().all(|value| value.len() <= LONGEST_VALUE),
            of,
            format_args!("has a value of more than {LONGEST_VALUE} bytes; send it in the body"),
        ),
        InvalidArgs::unless(
            !in_path || values.values().all(|value| !value.is_empty()),
            of,
            "has an empty value, which would lead to another path",
        ),
        InvalidArgs::unless(
            !in_path || values.values().all(|value| value != "." && value != ".."),
            of,
            "has a value of dots alone, which would lead to another path",
        ),
    ])
}

/// Whether a service may have this name.
pub(crate) fn is_service(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= LONGEST_SERVICE
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(fits)
}

/// Whether an operation may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// Parameters and body hold personal data.
impl fmt::Debug for CallService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallService")
            .field("service", &self.service)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
