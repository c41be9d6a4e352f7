//! Sends messages on, and tells about it.

use std::sync::Arc;
use std::time::Duration;

use longshore_sandbox::post::Url;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::signature::{Algorithm, sign};
use super::{Callbacks, CalledBack, InboundText, NotPosted, State, TwilioMessage, TwilioSandbox};
use longshore_sandbox::post::{PostAnswer, WebhookPost, post};

/// How long a callback may take, as Twilio has it.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The most repetitions that can be asked for.
const MAX_RETRIES: u32 = 5;

/// Takes the sids of accepted messages and sees each to its end. Whatever is under way ends with it.
pub(super) async fn run(state: Arc<State>, mut accepted: UnboundedReceiver<String>) {
    let mut under_way = JoinSet::new();
    while let Some(sid) = accepted.recv().await {
        under_way.spawn(deliver(Arc::clone(&state), sid));
        while under_way.try_join_next().is_some() {}
    }
}

/// One message, from accepted to its end.
async fn deliver(state: Arc<State>, sid: String) {
    let mut callbacks = state.callbacks.subscribe();
    let callbacks = match callbacks.wait_for(|callbacks| !callbacks.held).await {
        Ok(callbacks) => callbacks.clone(),
        // The sandbox is gone.
        Err(_) => return,
    };
    let send = |state: &State| state.messages.change(&sid, TwilioMessage::send);
    let end = |state: &State| {
        let end = |message: &mut TwilioMessage| {
            message.end(callbacks.undelivered.get(&message.to).copied());
        };
        state.messages.change(&sid, end)
    };
    if callbacks.reversed {
        let sent = send(&state);
        let ended = end(&state);
        call_back(&state, &callbacks, ended).await;
        call_back(&state, &callbacks, sent).await;
    } else {
        call_back(&state, &callbacks, send(&state)).await;
        call_back(&state, &callbacks, end(&state)).await;
    }
}

/// Makes the callback about a message as it is now, if it has one.
async fn call_back(state: &State, callbacks: &Callbacks, message: Option<TwilioMessage>) {
    let Some(message) = message else { return };
    let Some(url) = &message.status_callback else {
        return;
    };
    // Was checked when the message was created.
    let Ok(mut url) = url.parse::<Url>() else {
        return;
    };
    let overrides = Overrides::read(url.fragment().unwrap_or_default());
    url.set_fragment(None);
    let params = params(&message);
    let call = form_post(url, &params);
    let token = message.auth_token.as_deref();
    let headers = || signature(&call.url, callbacks, token, &params);
    let again = |answer: &PostAnswer| overrides.again(answer);
    for _ in 0..if callbacks.twice { 2 } else { 1 } {
        let posted = post(&call, overrides.retries, headers, again).await;
        let made = CalledBack {
            sid: message.sid.clone(),
            status: message.status.clone(),
            answer: posted.answer,
            tries: posted.tries,
        };
        state.called_back.send_modify(|all| all.push(made));
    }
}

/// Posts a text that somebody has sent. Returns the status that it was answered with.
///
/// # Errors
/// When it is not known where to, or whose it is.
pub(super) async fn post_inbound(
    state: &State,
    text: &InboundText,
) -> Result<Option<u16>, NotPosted> {
    let callbacks = state.callbacks.borrow().clone();
    let url = callbacks.inbound_url.as_ref();
    let url = url
        .and_then(|url| url.parse().ok())
        .ok_or(NotPosted::Nowhere)?;
    let last = state.messages.newest_first(|_| true).into_iter().next();
    let of_last = |of: fn(&TwilioMessage) -> Option<&String>| of(last.as_ref()?).cloned();
    let account = text.account_sid.clone();
    let account = account.or_else(|| of_last(|last| Some(&last.account_sid)));
    let to = text
        .to
        .clone()
        .or_else(|| of_last(|last| last.from.as_ref()));
    let (Some(account), Some(to)) = (account, to) else {
        return Err(NotPosted::NoAccount);
    };
    let sid = state.ids.next("SM");
    let params = [
        ("MessageSid", sid.as_str()),
        ("SmsSid", &sid),
        ("SmsMessageSid", &sid),
        ("AccountSid", &account),
        ("From", &text.from),
        ("To", &to),
        ("Body", &text.body),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("ApiVersion", "2010-04-01"),
    ];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let call = form_post(url, &params);
    let token = last.as_ref().and_then(|last| last.auth_token.as_deref());
    let headers = || signature(&call.url, &callbacks, token, &params);
    Ok(post(&call, 0, headers, |_| false).await.answer)
}

fn form_post(url: Url, params: &[(String, String)]) -> WebhookPost {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    WebhookPost {
        url,
        content_type: "application/x-www-form-urlencoded",
        body: form,
        timeout: TIMEOUT,
    }
}

fn params(message: &TwilioMessage) -> Vec<(String, String)> {
    let error = message.error_code.map(|code| code.to_string());
    let version = "2010-04-01".to_owned();
    let params = [
        ("SmsSid", Some(&message.sid)),
        ("SmsStatus", Some(&message.status)),
        ("MessageStatus", Some(&message.status)),
        ("To", Some(&message.to)),
        (
            "MessagingServiceSid",
            message.messaging_service_sid.as_ref(),
        ),
        ("MessageSid", Some(&message.sid)),
        ("AccountSid", Some(&message.account_sid)),
        ("From", message.from.as_ref()),
        ("ErrorCode", error.as_ref()),
        ("ApiVersion", Some(&version)),
    ];
    params
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
        .collect()
}

fn signature(
    url: &Url,
    callbacks: &Callbacks,
    created_with: Option<&str>,
    params: &[(String, String)],
) -> Vec<(&'static str, String)> {
    const SIGNATURE: &str = "x-twilio-signature";
    const SETTINGS: &str = "x-twilio-webhooks-signature-settings";
    if let Some(key) = &callbacks.shared_key {
        return vec![
            (
                SIGNATURE,
                sign(Algorithm::Sha256, &key.secret, url.as_str(), params),
            ),
            (SETTINGS, format!("key={},algorithm=HMAC_SHA256", key.id)),
        ];
    }
    let token = callbacks.auth_token.as_deref().or(created_with);
    let token = token.unwrap_or(TwilioSandbox::AUTH_TOKEN);
    vec![(
        SIGNATURE,
        sign(Algorithm::Sha1, token, url.as_str(), params),
    )]
}

/// What a fragment such as `#rc=3&rp=5xx,ct,rt` asks for; without one, one repetition when connecting failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Overrides {
    retries: u32,
    on_5xx: bool,
    on_connect: bool,
    on_read: bool,
}

impl Overrides {
    fn again(self, answer: &PostAnswer) -> bool {
        match answer {
            PostAnswer::Status(status) => *status >= 500 && self.on_5xx,
            PostAnswer::NotConnected => self.on_connect,
            PostAnswer::Nothing => self.on_read,
        }
    }

    fn read(fragment: &str) -> Self {
        let (mut retries, mut policy) = (1, "ct".to_owned());
        for (name, value) in form_urlencoded::parse(fragment.as_bytes()) {
            match &*name {
                "rc" => retries = value.parse().unwrap_or(1).min(MAX_RETRIES),
                "rp" => policy = value.into_owned(),
                _ => {}
            }
        }
        let on = |case: &str| policy.split(',').any(|word| word == case || word == "all");
        Self {
            retries,
            on_5xx: on("5xx"),
            on_connect: on("ct"),
            on_read: on("rt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_say_how_often_and_when() {
        let overrides = |retries, on_5xx, on_connect, on_read| Overrides {
            retries,
            on_5xx,
            on_connect,
            on_read,
        };
        for (fragment, expected) in [
            ("", overrides(1, false, true, false)),
            ("rc=3&rp=5xx,ct,rt", overrides(3, true, true, true)),
            ("rc=9&rp=all", overrides(5, true, true, true)),
            ("rc=0", overrides(0, false, true, false)),
            ("rc=many&rp=4xx", overrides(1, false, false, false)),
        ] {
            assert_eq!(Overrides::read(fragment), expected, "{fragment}");
        }
    }
}
