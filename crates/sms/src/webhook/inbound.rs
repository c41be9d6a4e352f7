//! A text that somebody has sent to one of our numbers. Only two things are read of it: STOP and START, and what stands for them.

use longshore_integration::{DeliveryUpdate, Event, Read, Refusal};
use longshore_job::{AddressHash, Suppress, SuppressedFor};

use super::signature::Param;
use super::status::{is_number, is_word, param};

/// Words that Twilio takes for an opt-out where they are the whole text, in any case.
const STOP: [&str; 8] = [
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
];

/// Words that undo it.
const START: [&str; 3] = ["START", "YES", "UNSTOP"];

/// Reads a text that was verified. Whatever else people write is not ours to read.
pub(super) fn read(account_sid: &str, params: &[Param]) -> Result<Read, Refusal> {
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
    let from = param(params, "From")?.ok_or(Refusal::BadRequest("no From"))?;
    let is_over = wants_texts(param(params, "OptOutType")?, param(params, "Body")?);
    let event = match is_over.filter(|_| is_number(from)) {
        None => Event::Ignored,
        Some(is_over) => {
            let suppress = Suppress::new(AddressHash::of(from), SuppressedFor::OptOut);
            Event::Delivery(Box::new(DeliveryUpdate {
                // The text is not one that a job has sent.
                message: None,
                job: None,
                state: String::new(),
                rank: 0,
                code: None,
                suppress: Some(Suppress {
                    is_over,
                    ..suppress.by_event(Some(message.to_owned()))
                }),
            }))
        }
    };
    Ok(Read {
        events: vec![event],
        remarks: Vec::new(),
    })
}

/// Whether somebody wants texts (again), or none; `None` where the text says neither. Twilio's own word goes before ours: an
/// account may have keywords of its own (Advanced Opt-Out), and with them it says what it made of the text.
fn wants_texts(opt_out_type: Option<&str>, body: Option<&str>) -> Option<bool> {
    match opt_out_type {
        Some("STOP") => return Some(false),
        Some("START") => return Some(true),
        Some("HELP") => return None,
        _ => {}
    }
    let word = body?.trim().to_ascii_uppercase();
    if STOP.contains(&word.as_str()) {
        return Some(false);
    }
    START.contains(&word.as_str()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_form(form: &str) -> Result<Option<(AddressHash, bool)>, Refusal> {
        let params = super::super::form::pairs(form.as_bytes()).expect("UTF-8");
        let mut read = read("AC1", &params)?;
        Ok(match read.events.pop() {
            Some(Event::Delivery(update)) => {
                assert_eq!((&update.message, &update.job), (&None, &None));
                let suppress = update.suppress.expect("it says so");
                assert_eq!(suppress.reason, SuppressedFor::OptOut);
                assert_eq!(suppress.event.as_deref(), Some("SM1"));
                Some((suppress.address, suppress.is_over))
            }
            Some(Event::Ignored) => None,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn stop_and_start_are_heard() {
        for (words, is_over) in [
            ("Body=STOP", Some(false)),
            ("Body=+Stop%0A", Some(false)),
            ("Body=unsubscribe", Some(false)),
            ("Body=OptOut", Some(false)),
            ("Body=START", Some(true)),
            ("Body=yes", Some(true)),
            ("Body=Unstop", Some(true)),
            ("Body=Please+stop", None),
            ("Body=STOPP", None),
            ("Body=HELP", None),
            ("Body=", None),
            ("", None),
            // Twilio's own word goes before the keywords.
            ("OptOutType=STOP&Body=arr%C3%AAt", Some(false)),
            ("OptOutType=START&Body=oui", Some(true)),
            ("OptOutType=HELP&Body=STOP", None),
        ] {
            let form = format!(
                "MessageSid=SM1&AccountSid=AC1&From=%2B4790000000&To=%2B4780000000&{words}"
            );
            let expected = is_over.map(|is_over| (AddressHash::of("+4790000000"), is_over));
            assert_eq!(read_form(&form), Ok(expected), "{words}");
        }
    }

    #[test]
    fn who_is_no_number_is_not_heard() {
        for from in ["whatsapp%3A%2B4790000000", "12345", "Shop", "%2B479x"] {
            let form = format!("MessageSid=SM1&AccountSid=AC1&From={from}&Body=STOP");
            assert_eq!(read_form(&form), Ok(None), "{from}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (form, reason) in [
            ("MessageSid=SM1&From=%2B4790000000", "no AccountSid"),
            (
                "MessageSid=SM1&AccountSid=AC2&From=%2B4790000000&Body=STOP",
                "the AccountSid is not ours",
            ),
            ("AccountSid=AC1&From=%2B4790000000", "no MessageSid"),
            ("AccountSid=AC1&MessageSid=SM1", "no From"),
            (
                "AccountSid=AC1&MessageSid=SM1&From=%2B4790000000&Body=STOP&Body=START",
                "a param has two values",
            ),
        ] {
            assert_eq!(read_form(form), Err(Refusal::BadRequest(reason)), "{form}");
        }
    }
}
