//! A console over one queue on a Redis of its own, and browsers that ask it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use longshore_console::{Console, ConsoleRole, ConsoleUser, FleetFacts};
use longshore_job::{Cause, Class, JobId, KindSpec, Kinds, Prepared};
use longshore_operator::{ConfigRefusal, Operator, QueueInfo, RepeatEffect};
use longshore_queue::{
    CallReport, Fate, HistoryEntry, Key, Lane, Lease, Link, LinkOptions, NewJob, Queue, Retention,
    RunAt, RunState, Verdict, WorkerId,
};
use longshore_sandbox::RedisServer;
use longshore_sms::SendSms;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Bench {
    pub(crate) operator: Operator,
    pub(crate) sms: Queue,
    pub(crate) redis: RedisServer,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let redis = RedisServer::start().expect("a private Redis starts");
        let options = LinkOptions {
            connect_timeout: Duration::from_millis(300),
            response_timeout: Duration::from_secs(2),
        };
        let link = Link::new(&redis.url(), options).expect("the URL is good");
        let info = QueueInfo {
            kinds: Kinds::new([KindSpec::of::<SendSms>()]),
            name: "sms".to_owned(),
            max_attempts: 4,
            max_attempts_by_kind: BTreeMap::new(),
            keep: Key::HOLDS,
            cancelled_bytes: 64 << 20,
            providers: vec!["twilio".to_owned()],
            refusal: ConfigRefusal::never(),
            repeats: RepeatEffect::Verified,
            fallback: None,
        };
        Self {
            operator: Operator::new(&link, "t", vec![info]).expect("the names are good"),
            sms: Queue::new(link, "t", "sms").expect("the names are good"),
            redis,
        }
    }

    /// With an operator, ada, and a viewer, vic.
    pub(crate) fn console(&self) -> Console {
        self.console_in(None)
    }

    pub(crate) fn console_in(&self, profile: Option<&str>) -> Console {
        let fleet = FleetFacts {
            name: "shop".to_owned(),
            server: "redis.example:6379".to_owned(),
            namespace: "t".to_owned(),
            profile: profile.map(str::to_owned),
            runbook_url: Some("https://wiki.example/runbook".to_owned()),
            providers: Vec::new(),
        };
        Console::new(self.operator.clone(), fleet)
            .with_user(ConsoleUser::new(
                "ada",
                ConsoleRole::Operator,
                &hash(PASSWORD),
            ))
            .with_user(ConsoleUser::new(
                "vic",
                ConsoleRole::Viewer,
                &hash(PASSWORD),
            ))
    }

    /// Jobs with these tags.
    pub(crate) async fn enqueue(&self, count: usize, run_at: RunAt, tags: &[&str]) -> Vec<String> {
        let args = SendSms::new("+4790000000", "hello");
        let payload = Prepared::new(&args).expect("the args are good").payload;
        let job = || NewJob {
            id: JobId::generate(),
            payload: payload.clone(),
            run_at,
            key: None,
            expires_in: None,
            traceparent: None,
            tracestate: None,
            lane: Lane::default(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            by: None,
        };
        let jobs: Vec<_> = std::iter::repeat_with(job).take(count).collect();
        let ids = self.sms.enqueue(&jobs).await.expect("enqueues");
        ids.iter().map(|job| job.id.to_string()).collect()
    }

    /// Carries all operations on to their ends, as the fleet does.
    pub(crate) async fn carry_on(&self) {
        while self
            .operator
            .advance_operations(|_, _| {})
            .await
            .expect("it goes on")
            .is_some()
        {}
    }

    /// Letters of one cause.
    pub(crate) async fn bury(&self, count: usize, code: &str, reason: &str) -> Vec<String> {
        let ids = self.enqueue(count, RunAt::Now, &[]).await;
        self.fail(count, code, reason).await;
        ids
    }

    /// A worker takes so many jobs, and each is refused.
    pub(crate) async fn fail(&self, count: usize, code: &str, reason: &str) {
        let lease = Lease::new(WorkerId::generate("w"));
        let keep = Duration::from_secs(10);
        self.sms.join(&lease, keep).await.expect("joins");
        let claim = self.sms.claim(&lease, count, None).await.expect("claims");
        let verdicts: Vec<_> = claim
            .jobs
            .into_iter()
            .map(|claimed| Verdict {
                id: claimed.id,
                key: claimed.key,
                token: Arc::clone(&claimed.token),
                kind: Some("send_sms".to_owned()),
                fate: Fate::Dead {
                    cause: Cause::without_provider(Class::Refused, code),
                },
                state: RunState {
                    used: 1,
                    entries: 1,
                    ..claimed.run
                },
                history: Some(HistoryEntry {
                    attempt: 1,
                    reason: Some(reason.to_owned()),
                    ..HistoryEntry::default()
                }),
                put_back: None,
                payload_bytes: 0,
                report: CallReport::Nothing,
                context: claimed.context,
            })
            .collect();
        let retention = Retention {
            keep,
            max_bytes: None,
        };
        for some in verdicts.chunks(256) {
            self.sms.settle(some, retention).await.expect("settles");
        }
    }

    /// The path of the one cause there is.
    pub(crate) async fn cause(&self) -> String {
        let groups = self.operator.groups(None).await.expect("lists");
        format!("/dead/sms/{}", groups[0].group)
    }
}

/// A hash that takes no time.
pub(crate) fn hash(password: &str) -> String {
    let params = Params::new(8, 1, 1, None).expect("they are small");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let salt = SaltString::encode_b64(b"salt of the test").expect("it is short");
    let hashed = argon2.hash_password(password.as_bytes(), &salt);
    hashed.expect("it hashes").to_string()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// The same as text, where it is some.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers[LOCATION].to_str().expect("it is text")
    }
}

/// Somebody's browser: it keeps cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    /// Whom the browser believes to talk to.
    pub(crate) host: &'static str,
    /// Sent with each request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: BTreeMap::new(),
            host: "ops.example",
            headers: Vec::new(),
        }
    }

    /// One that has logged in, at a console mounted under `prefix`.
    pub(crate) async fn of(router: &Router, prefix: &str, name: &str) -> Self {
        let mut browser = Self::new(router);
        let login = format!("{prefix}/login");
        browser.get(&login).await;
        let answer = browser
            .submit(&login, &[("name", name), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    /// The same browser, which another process answers.
    pub(crate) fn at(&self, router: &Router) -> Self {
        Self {
            router: router.clone(),
            ..self.clone()
        }
    }

    /// The header of all its cookies.
    pub(crate) fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, String::new()).await
    }

    /// Sends the first form of this page whose action is the page itself, with these fields set.
    pub(crate) async fn submit(&mut self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.form(page, page).await;
        self.send(page, &form, fields).await
    }

    /// The hidden fields of a form on a page.
    pub(crate) async fn form(&mut self, page: &str, action: &str) -> Vec<(String, String)> {
        let answer = self.get(page).await;
        let begin = format!("method=\"post\" action=\"{action}\"");
        let (_, form) = answer.text.split_once(&begin).unwrap_or_else(|| {
            panic!(
                "{page} has no form for {action}: {} {}",
                answer.status, answer.text
            )
        });
        let (form, _) = form.split_once("</form>").expect("it ends");
        let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
        let field = |input: &str| {
            let (name, rest) = input.split_once("\" value=\"")?;
            let (value, _) = rest.split_once('"')?;
            Some((name.to_owned(), value.to_owned()))
        };
        inputs.filter_map(field).collect()
    }

    pub(crate) async fn send(
        &mut self,
        path: &str,
        hidden: &[(String, String)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let mut body = String::new();
        for (name, value) in fields.iter().copied().chain(hidden) {
            push(&mut body, name, value);
        }
        self.ask(Method::POST, path, body).await
    }

    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request
            .header("host", self.host)
            .header(COOKIE, self.cookie())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(body)).expect("it is a request");
        let answer = self.router.clone().oneshot(request).await;
        let answer = answer.expect("it never fails");
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().expect("it is text");
            let (pair, rest) = text.split_once(';').expect("it has attributes");
            let (name, value) = pair.split_once('=').expect("it is a pair");
            match rest.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(body, 4 << 20).await.expect("it comes");
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes: bytes.to_vec(),
        }
    }
}

/// Adds a field to a form's body.
fn push(body: &mut String, name: &str, value: &str) {
    use std::fmt::Write as _;
    if !body.is_empty() {
        body.push('&');
    }
    let _ = write!(body, "{name}=");
    for byte in value.bytes() {
        let _ = write!(body, "%{byte:02X}");
    }
}
