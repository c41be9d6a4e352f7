//! Calls that a stand-in makes by itself, to tell of something, with repetitions.

use std::time::Duration;

use reqwest::Client;
pub use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before the first repetition; each further one takes twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What is posted, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookPost {
    /// Where to, without a fragment.
    pub url: Url,
    /// The header of this name.
    pub content_type: &'static str,
    /// Its body, the same at each try.
    pub body: String,
    /// How long one try may take.
    pub timeout: Duration,
}

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostAnswer {
    /// With this status.
    Status(u16),
    /// Nobody could be reached.
    NotConnected,
    /// Nothing came back.
    Nothing,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostResult {
    /// The status of the last answer; none when there was none.
    pub answer: Option<u16>,
    /// How often it was posted.
    pub tries: u32,
}

/// Posts until an answer is not to be tried `again`, or the repetitions are used up; the pauses between tries begin with
/// 50 ms and double. Each try has headers of its own, so that each has a signature of its own. Redirects are not followed.
pub async fn post(
    call: &WebhookPost,
    retries: u32,
    headers: impl Fn() -> Vec<(&'static str, String)>,
    again: impl Fn(&PostAnswer) -> bool,
) -> PostResult {
    let Ok(client) = client(call) else {
        return PostResult {
            answer: None,
            tries: 0,
        };
    };
    let mut pause = FIRST_PAUSE;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut request = client
            .post(call.url.clone())
            .header(CONTENT_TYPE, call.content_type)
            .body(call.body.clone());
        for (name, value) in headers() {
            request = request.header(name, value);
        }
        let answer = match request.send().await {
            Ok(response) => PostAnswer::Status(response.status().as_u16()),
            Err(error) if error.is_connect() => PostAnswer::NotConnected,
            Err(_) => PostAnswer::Nothing,
        };
        if !again(&answer) || tries > retries {
            let answer = match answer {
                PostAnswer::Status(status) => Some(status),
                PostAnswer::NotConnected | PostAnswer::Nothing => None,
            };
            return PostResult { answer, tries };
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// One for each call: they are few, and a connection that is kept could be one that the other side has just closed.
fn client(call: &WebhookPost) -> reqwest::Result<Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // A lost race is fine: whoever won installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(call.timeout);
    match call.url.scheme() {
        // Loopback, as a rule: no proxy can reach it, and no certificate is looked at.
        "http" => builder.no_proxy().tls_certs_only([]).build(),
        _ => builder.build(),
    }
}
