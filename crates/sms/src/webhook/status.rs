//! A status callback: what Twilio tells of a message after it was accepted.

use http::request::Parts;
use longshore_integration::{DeliveryUpdate, Event, Read, Refusal, Remark};
use longshore_job::{AddressHash, JobId, Suppress, SuppressedFor};

use crate::opt_out::OPTED_OUT;

use super::signature::{Param, query};

/// How far along each state is. Callbacks come in any order, and twice: only a higher rank overwrites. The ends share
/// one, so that the first of them stays; what was read has been delivered.
const RANKS: [(&str, u8); 11] = [
    ("accepted", 1),
    ("scheduled", 1),
    ("queued", 2),
    ("sending", 3),
    ("sent", 4),
    ("delivered", 5),
    ("undelivered", 5),
    ("failed", 5),
    ("canceled", 5),
    ("partially_delivered", 5),
    ("read", 6),
];

/// Reads a callback that was verified. A state that we do not know is taken and forgotten: sending it again would help
/// nobody. There are more params than are read here, and new ones come without notice.
pub(super) fn read(account_sid: &str, head: &Parts, params: &[Param]) -> Result<Read, Refusal> {
    let account = param(params, "AccountSid")?.ok_or(Refusal::BadRequest("no AccountSid"))?;
    if account != account_sid {
        return Err(Refusal::BadRequest("the AccountSid is not ours"));
    }
    let message = match param(params, "MessageSid")? {
        Some(message) => message,
        None => param(params, "SmsSid")?.ok_or(Refusal::BadRequest("no MessageSid"))?,
    };
    if !is_word(message, 64) {
        return Err(Refusal::BadRequest("the MessageSid is none"));
    }
    let state = param(params, "MessageStatus")?.ok_or(Refusal::BadRequest("no MessageStatus"))?;
    let Some((_, rank)) = RANKS.iter().find(|(name, _)| *name == state) else {
        let state = if is_word(state, 32) { state } else { "(odd)" };
        return Ok(Read {
            events: vec![Event::Ignored],
            remarks: vec![Remark {
                what: "a message is in a state that is not known here",
                detail: Some(state.to_owned()),
            }],
        });
    };
    let code = param(params, "ErrorCode")?.filter(|code| is_word(code, 16));
    // Where a messaging service sends, Twilio finds out only later.
    let opted_out = match code {
        Some(OPTED_OUT) => param(params, "To")?.filter(|to| is_number(to)),
        _ => None,
    };
    let suppress = opted_out.map(|to| {
        let suppress = Suppress::new(AddressHash::of(to), SuppressedFor::OptOut);
        suppress.by_event(Some(message.to_owned()))
    });
    let delivery = DeliveryUpdate {
        message: Some(message.to_owned()),
        job: query(head, "job").and_then(|id| id.parse::<JobId>().ok()),
        state: state.to_owned(),
        rank: *rank,
        code: code.map(str::to_owned),
        suppress,
    };
    Ok(Read {
        events: vec![Event::Delivery(Box::new(delivery))],
        remarks: Vec::new(),
    })
}

/// The value of a param; an empty one counts as absent. Two that differ are refused: which of them is meant, nobody
/// can say.
pub(super) fn param<'a>(params: &'a [Param], name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = params
        .iter()
        .filter(|(found, value)| found == name && !value.is_empty())
        .map(|(_, value)| &**value);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match values.all(|other| other == first) {
        true => Ok(Some(first)),
        false => Err(Refusal::BadRequest("a param has two values")),
    }
}

/// A number in E.164: people also write from other channels, which no text of ours goes to.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Something that may stand in a key, in a log line and before an operator.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=longest).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const SID: &str = "SM0123456789abcdef0123456789abcdef";
    const JOB: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

    fn read_form(uri: &str, form: &str) -> Result<Option<DeliveryUpdate>, Refusal> {
        let request = Request::builder().uri(uri).body(()).expect("a request");
        let params = super::super::form::pairs(form.as_bytes()).expect("UTF-8");
        let mut read = read("AC1", &request.into_parts().0, &params)?;
        Ok(match read.events.pop() {
            Some(Event::Delivery(delivery)) => Some(*delivery),
            _ => {
                assert_eq!(read.remarks.len(), 1);
                None
            }
        })
    }

    fn update(form: &str) -> DeliveryUpdate {
        let read = read_form("/webhooks/twilio", form).unwrap_or_else(|e| panic!("{form}: {e}"));
        read.unwrap_or_else(|| panic!("{form}: not known"))
    }

    #[test]
    fn a_callback_becomes_an_update() {
        let form = format!(
            "MessageSid={SID}&SmsSid={SID}&MessageStatus=undelivered&SmsStatus=undelivered&AccountSid=AC1\
             &ErrorCode=30003&To=%2B4790000000&From=%2B15005550006&ApiVersion=2010-04-01&New=1"
        );
        let uri = format!("/webhooks/twilio?x=1&job={JOB}");
        let expected = DeliveryUpdate {
            message: Some(SID.to_owned()),
            job: Some(JOB.parse().expect("an id")),
            state: "undelivered".to_owned(),
            rank: 5,
            code: Some("30003".to_owned()),
            suppress: None,
        };
        assert_eq!(read_form(&uri, &form), Ok(Some(expected)));
    }

    #[test]
    fn states_have_their_ranks() {
        let rank = |state: &str| {
            update(&format!(
                "MessageSid=S&MessageStatus={state}&AccountSid=AC1"
            ))
            .rank
        };
        let order = ["accepted", "queued", "sending", "sent", "delivered", "read"];
        assert!(order.is_sorted_by_key(|state| rank(state)));
        assert_eq!(order.map(&rank), [1, 2, 3, 4, 5, 6]);
        assert_eq!(rank("scheduled"), 1);
        for end in ["undelivered", "failed", "canceled", "partially_delivered"] {
            assert_eq!(rank(end), 5, "{end}");
        }
    }

    #[test]
    fn a_state_that_is_not_known_is_no_news() {
        for state in ["receiving", "Delivered", "delivered%20", "%0Ainjected"] {
            let form = format!("MessageSid=S&MessageStatus={state}&AccountSid=AC1");
            assert_eq!(read_form("/", &form), Ok(None), "{state}");
        }
    }

    #[test]
    fn what_may_be_missing() {
        let bare = update("SmsSid=S&MessageSid=&MessageStatus=sent&AccountSid=AC1&ErrorCode=");
        assert_eq!(
            (bare.message.as_deref(), bare.job, bare.code),
            (Some("S"), None, None)
        );
        let odd = update("MessageSid=S&MessageStatus=sent&AccountSid=AC1&ErrorCode=a%20text");
        assert_eq!(odd.code, None);
        for job in ["", "x", &JOB.to_lowercase(), &format!("{JOB}A"), "%FF"] {
            let uri = format!("/webhooks/twilio?job={job}");
            let read = read_form(&uri, "MessageSid=S&MessageStatus=sent&AccountSid=AC1");
            assert_eq!(read.expect("read").expect("known").job, None, "{job}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (form, reason) in [
            ("", "no AccountSid"),
            ("MessageSid=S&MessageStatus=sent", "no AccountSid"),
            (
                "MessageSid=S&MessageStatus=sent&AccountSid=AC2",
                "the AccountSid is not ours",
            ),
            (
                "MessageSid=S&MessageStatus=sent&AccountSid=ac1",
                "the AccountSid is not ours",
            ),
            ("MessageStatus=sent&AccountSid=AC1", "no MessageSid"),
            ("MessageSid=S&AccountSid=AC1", "no MessageStatus"),
            (
                "MessageSid=S%3A1&MessageStatus=sent&AccountSid=AC1",
                "the MessageSid is none",
            ),
            (
                "MessageSid=S&MessageStatus=sent&MessageStatus=read&AccountSid=AC1",
                "a param has two values",
            ),
        ] {
            let refused = read_form("/webhooks/twilio", form);
            assert_eq!(refused, Err(Refusal::BadRequest(reason)), "{form}");
        }
        assert_eq!(
            update("MessageSid=S&MessageSid=S&MessageStatus=sent&AccountSid=AC1")
                .message
                .as_deref(),
            Some("S")
        );
    }
}
