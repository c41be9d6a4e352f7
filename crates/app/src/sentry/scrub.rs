//! The last look at an event before it leaves. Nothing personal should have got here; what has does not get further.

use longshore_provider::redact;
use sentry::protocol::{Event, Value};

/// Drops whatever an event can say of people, requests and machines, and redacts every text that is left.
pub(super) fn scrub(event: Event<'static>) -> Event<'static> {
    // Named one by one, so that what a later SDK adds to an event has to be looked at here.
    let Event {
        event_id,
        level,
        fingerprint,
        culprit: _,
        transaction,
        message,
        logentry: _,
        logger,
        modules: _,
        platform,
        timestamp,
        server_name: _,
        release,
        dist: _,
        environment,
        user: _,
        request: _,
        contexts: _,
        breadcrumbs: _,
        exception: _,
        stacktrace: _,
        template: _,
        threads: _,
        tags,
        extra,
        debug_meta: _,
        sdk,
    } = event;
    Event {
        event_id,
        level,
        fingerprint: fingerprint
            .iter()
            .map(|word| redact(word).into())
            .collect::<Vec<_>>()
            .into(),
        transaction: transaction.map(|text| redact(&text)),
        message: message.map(|text| redact(&text)),
        logger,
        platform,
        timestamp,
        release,
        environment,
        tags: tags
            .into_iter()
            .map(|(name, value)| (name, redact(&value)))
            .collect(),
        extra: extra
            .into_iter()
            .map(|(name, value)| (name, scrubbed(value)))
            .collect(),
        sdk,
        ..Event::default()
    }
}

fn scrubbed(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
        // None of ours has parts.
        Value::Array(_) | Value::Object(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use sentry::protocol::{Breadcrumb, Exception, Request, User};

    use super::*;

    #[test]
    fn nothing_of_people_is_left() {
        let ada = || Some("ada@example.com".to_owned());
        let mut event = Event {
            message: ada(),
            culprit: ada(),
            transaction: ada(),
            user: Some(User {
                email: ada(),
                ..User::default()
            }),
            request: Some(Request {
                query_string: ada(),
                ..Request::default()
            }),
            server_name: Some("ada@example.com".into()),
            fingerprint: vec!["ada@example.com".into()].into(),
            ..Event::default()
        };
        event.breadcrumbs.values.push(Breadcrumb {
            message: ada(),
            ..Breadcrumb::default()
        });
        event.exception.values.push(Exception {
            value: ada(),
            ..Exception::default()
        });
        let name = || "x".to_owned();
        event.tags.insert(name(), "+47 900 00 000".to_owned());
        event.extra.insert(name(), "key=SG.abc.def".into());
        event.extra.insert("y".to_owned(), vec!["Ada"].into());
        let event = serde_json::to_value(scrub(event)).expect("JSON");
        let text = event.to_string();
        for leak in ["ada@", "Ada", "900 00", "SG."] {
            assert!(!text.contains(leak), "{text}");
        }
        assert_eq!(event["message"], "[email]");
        assert_eq!(event["tags"]["x"], "[phone]");
    }
}
