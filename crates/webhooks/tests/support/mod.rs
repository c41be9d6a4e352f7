//! A listener on a Redis of its own, and a client that signs what it posts.

use std::net::SocketAddr;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use longshore_email::SendEmail;
use longshore_email::{PostmarkEvents, PublicKey, SendGridEvents};
use longshore_job::{AddressHash, JobId, Prepared, SUPPRESSED, Suppression};
use longshore_payment_reconcile::StripeEvents;
use longshore_queue::{Delivery, Lane, Link, LinkOptions, NewJob, Queue, RunAt};
use longshore_sandbox::RedisServer;
use longshore_sms::{TwilioEvents, TwilioInbound};
use longshore_webhooks::{Webhooks, WebhooksOptions};
use ring::hmac;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub const PUBLIC_URL: &str = "https://hooks.example.com";
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const AUTH_TOKEN: &str = "the-auth-token";
pub const SHARED_KEY: &str = "a-shared-key";
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const OLD_WEBHOOK_SECRET: &str = "whsec_the_one_before";
/// In every callback, and never in what we say.
pub const NUMBER: &str = "4790000000";

/// Longer than anything here may take.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Scene {
    pub redis: RedisServer,
    pub queue: Queue,
    pub http: SocketAddr,
    pub private: SocketAddr,
    pub stop: Option<oneshot::Sender<()>>,
    pub serving: JoinHandle<()>,
    provider: &'static str,
}

impl Scene {
    /// One for Twilio.
    pub async fn set() -> Self {
        Self::set_for("twilio", "sms", |webhooks, queue| {
            let events = TwilioEvents::new(
                ACCOUNT.to_owned(),
                AUTH_TOKEN.into(),
                vec![SHARED_KEY.into()],
            );
            webhooks.source("twilio", Box::new(events), queue)
        })
        .await
    }

    /// One for what people answer to texts by Twilio.
    pub async fn set_for_inbound() -> Self {
        Self::set_for("twilio/inbound", "sms", |webhooks, queue| {
            let events = TwilioInbound::new(ACCOUNT.to_owned(), AUTH_TOKEN.into(), Vec::new());
            webhooks.source("twilio/inbound", Box::new(events), queue)
        })
        .await
    }

    /// One for Postmark, as `postmark` with the password `s3cret`.
    pub async fn set_for_postmark() -> Self {
        Self::set_for("postmark", "email", |webhooks, queue| {
            let events = PostmarkEvents::new("postmark".to_owned(), "s3cret".into());
            webhooks.source("postmark", Box::new(events), queue)
        })
        .await
    }

    /// What the suppression list says of an address or a number.
    pub async fn suppressed(&self, address: &str) -> Option<Suppression> {
        let hash = AddressHash::of(address);
        let entry = self.queue.find(SUPPRESSED, hash.as_str()).await;
        Suppression::read(&entry.expect("looks")?)
    }

    /// One for Stripe in test mode.
    pub async fn set_for_stripe() -> Self {
        Self::set_for("stripe", "payment-reconcile", takes_stripe).await
    }

    /// One for SendGrid, with these keys.
    pub async fn set_for_sendgrid(public_keys: Vec<PublicKey>) -> Self {
        let takes = |webhooks: Webhooks, queue: &Queue| {
            let events = SendGridEvents::new(public_keys);
            webhooks.source("sendgrid", Box::new(events), queue)
        };
        Self::set_for("sendgrid", "email", takes).await
    }

    async fn set_for(
        provider: &'static str,
        queue: &str,
        takes: impl FnOnce(Webhooks, &Queue) -> Webhooks,
    ) -> Self {
        let redis = RedisServer::start().expect("a private Redis starts");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        let queue = Queue::new(link, "t", queue).expect("the names are good");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let webhooks = Webhooks::new(WebhooksOptions {
            http_addr: any,
            private_addr: any,
            public_url: Some(PUBLIC_URL.parse().expect("a public URL")),
            trusted_proxies: Default::default(),
        });
        let webhooks = takes(webhooks, &queue);
        let listening = webhooks.listen().await.expect("free ports");
        let (http, private) = (listening.http_addr(), listening.private_addr());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listening.serve(async {
            let _ = stopped.await;
        }));
        Self {
            redis,
            queue,
            http,
            private,
            stop: Some(stop),
            serving,
            provider,
        }
    }

    /// A job that is there, as one that has sent a message is.
    pub async fn job(&self) -> JobId {
        let id = JobId::generate();
        let job = SendEmail::new("welcome", "ada@example.com");
        let job = NewJob {
            id,
            payload: Prepared::new(&job).expect("a good job").payload,
            run_at: RunAt::Now,
            key: None,
            expires_in: None,
            traceparent: None,
            tracestate: None,
            lane: Lane::default(),
            tags: Vec::new(),
            by: None,
        };
        self.queue.enqueue(&[job]).await.expect("enqueues");
        id
    }

    /// What is known of the message that was sent for a job.
    pub async fn delivery(&self, job: JobId) -> Option<Delivery> {
        let id = job.to_string().into_bytes().into();
        let job = self.queue.job(&id).await.expect("looks").expect("is there");
        job.delivery
    }

    /// State and code of it.
    pub async fn state(&self, job: JobId) -> (Option<String>, Option<String>) {
        let delivery = self.delivery(job).await;
        delivery.map_or((None, None), |found| (found.state, found.code))
    }

    pub async fn post(&self, callback: &Callback) -> Answer {
        exchange(self.http, &callback.request()).await
    }

    /// The status of a signed callback's answer.
    pub async fn status(&self, callback: &Callback) -> u16 {
        self.post(callback).await.status
    }

    pub async fn private(&self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        exchange(self.private, request.as_bytes()).await
    }

    /// How many events had this outcome.
    pub async fn counted(&self, outcome: &str) -> u64 {
        let text = self.private("/metrics").await.body;
        let provider = self.provider;
        let name =
            format!("longshore_webhooks_total{{provider=\"{provider}\",outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().expect("a number"))
    }
}

/// Lets a listener take Stripe's events, in test mode and with two secrets.
pub fn takes_stripe(webhooks: Webhooks, queue: &Queue) -> Webhooks {
    let secrets = vec![WEBHOOK_SECRET.into(), OLD_WEBHOOK_SECRET.into()];
    let events = StripeEvents::new(secrets, false);
    webhooks.source("stripe", Box::new(events), queue)
}

/// A status callback, signed as Twilio does when it is sent.
#[derive(Debug, Clone)]
pub struct Callback {
    pub path: String,
    pub body: String,
    pub secret: &'static str,
    pub sha256: bool,
    pub chunked: bool,
}

impl Callback {
    /// One about a message, at the path with this query.
    pub fn new(query: &str, message: &str, state: &str) -> Self {
        let body = format!(
            "ErrorCode=&SmsSid={message}&SmsStatus={state}&MessageStatus={state}&To=%2B{NUMBER}\
             &MessageSid={message}&AccountSid={ACCOUNT}&From=%2B15005550006&ApiVersion=2010-04-01"
        );
        Self {
            path: format!("/webhooks/twilio{query}"),
            body,
            secret: AUTH_TOKEN,
            sha256: false,
            chunked: false,
        }
    }

    /// One about a message that was sent for a job.
    pub fn of(job: JobId, message: &str, state: &str) -> Self {
        Self::new(&format!("?job={job}"), message, state)
    }

    pub fn with(mut self, body: &str) -> Self {
        self.body.push_str(body);
        self
    }

    fn signature(&self) -> String {
        let mut params: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).collect();
        params.sort();
        params.dedup();
        let mut signed = format!("{PUBLIC_URL}{}", self.path);
        for (name, value) in params {
            signed.push_str(&name);
            signed.push_str(&value);
        }
        let algorithm = match self.sha256 {
            true => hmac::HMAC_SHA256,
            false => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        let key = hmac::Key::new(algorithm, self.secret.as_bytes());
        BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
    }

    /// What goes before the body. The host is the proxy's business.
    pub fn head(&self) -> String {
        let settings = match self.sha256 {
            true => "X-Twilio-Webhooks-Signature-Settings: key=k,algorithm=HMAC_SHA256\r\n",
            false => "",
        };
        let length = match self.chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {}", self.body.len()),
        };
        format!(
            "POST {} HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nX-Twilio-Signature: {}\r\n{settings}\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n{length}\r\n\
             Connection: close\r\n\r\n",
            self.path,
            self.signature(),
        )
    }

    pub fn request(&self) -> Vec<u8> {
        let mut request = self.head().into_bytes();
        if !self.chunked {
            request.extend_from_slice(self.body.as_bytes());
            return request;
        }
        for chunk in self.body.as_bytes().chunks(50_000) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        request
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("listens")
}

/// Reads an answer, to the end of its connection.
pub async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await;
    read.expect("an answer in time").expect("an answer");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

pub async fn exchange(addr: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(addr).await;
    stream.write_all(request).await.expect("takes it");
    answer(&mut stream).await
}
