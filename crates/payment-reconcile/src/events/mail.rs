//! The mail to somebody whose payment failed.

use std::time::Duration;

use longshore_job::{InvalidArgs, NotEnqueued, Prepared, Run, Unremembered};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::app::{Effect, EffectAnswer};

/// The kind of the job that sends it. Which integration has it is not known here.
pub(crate) const KIND: &str = "send_email";

/// The template.
const TEMPLATE: &str = "payment_failed";

/// How long an effect has one mail: longer than its job can be repeated by itself.
const ONE_MAIL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Enqueues the mail that the app asked for, once for each effect. What cannot be a mail is logged, and is no failure:
/// the app has taken the effect, and would answer the same again.
pub(super) async fn enqueue(
    run: &Run,
    key: &str,
    effect: &Effect,
    answer: EffectAnswer,
) -> Result<(), Unremembered> {
    let event = &effect.event_id;
    match prepare(run, answer) {
        Some(Ok(mail)) => {
            match run.outbox().enqueue(mail, key, ONE_MAIL).await {
                Ok(mail) => tracing::debug!(job = %run.id, event, %mail, "the payer is written to"),
                Err(NotEnqueued::Unremembered(error)) => return Err(error),
                // An earlier run was answered otherwise: that mail is the one for this effect.
                Err(NotEnqueued::KeyTaken { holder }) => {
                    tracing::warn!(job = %run.id, event, mail = %holder, "the app answered something else before: the payer gets that mail");
                }
            }
        }
        Some(Err(error)) => {
            tracing::warn!(job = %run.id, event, %error, "what the app answered is no mail: nobody is written to");
        }
        None => tracing::info!(job = %run.id, event, "the app named nobody to write to"),
    }
    Ok(())
}

/// The args of the mail.
#[derive(Serialize)]
struct Mail<'a> {
    template: &'a str,
    to: To<'a>,
    data: &'a RawValue,
}

#[derive(Serialize)]
struct To<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// `None` when there is nobody to write to. Errors name the field and no person.
fn prepare(run: &Run, answer: EffectAnswer) -> Option<Result<Prepared, InvalidArgs>> {
    let contact = answer.email?;
    let nothing = || RawValue::from_string("{}".to_owned());
    let mail = answer.data.map_or_else(nothing, Ok).and_then(|data| {
        serde_json::to_string(&Mail {
            template: TEMPLATE,
            to: To {
                email: contact.email.trim(),
                name: contact.name.as_deref().filter(|name| !name.is_empty()),
            },
            data: &data,
        })
    });
    Some(match mail {
        Ok(mail) => run.outbox().prepare(KIND, &mail),
        Err(error) => Err(InvalidArgs(error.to_string())),
    })
}
