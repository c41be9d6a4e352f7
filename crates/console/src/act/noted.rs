//! Forms that are noted in Redis: what one process of the console has begun, no other begins again, nor the same one after a restart.

use jiff::Timestamp;
use longshore_operator::{Operator, SentForm};

use crate::act::acts::Outcome;
use crate::content::PageError;

/// Carries out an act unless its form was noted before. Then the answer is what came of it; where nobody has said that, it is said
/// that it is not known.
///
/// Between the note and the act, and between the act and its end, the process may die. So what was begun and has not ended is never begun
/// again: whoever sent it looks at what was done, and draws a new form.
pub(crate) async fn noted<F>(operator: &Operator, form: &str, act: F) -> Result<Outcome, PageError>
where
    F: Future<Output = Result<Outcome, PageError>>,
{
    if let Some(outcome) = begin(operator, form).await? {
        return Ok(outcome);
    }
    let outcome = act.await;
    end(operator, form, &outcome).await;
    outcome
}

/// Notes that a form is sent. What came of it, if it was carried out before.
pub(crate) async fn begin(operator: &Operator, form: &str) -> Result<Option<Outcome>, PageError> {
    let now = Timestamp::now().strftime("%F %T UTC").to_string();
    let at = match operator.begin_form(form, &now).await? {
        SentForm::First => return Ok(None),
        SentForm::Done(text) => return Ok(Some(read(&text))),
        SentForm::Begun(at) => at,
    };
    Err(PageError::Conflict(format!(
        "This form was sent before, at {at}, and nothing was heard of its end: it is being carried out, or was cut off. Look at the audit for \
         what was done. To do it again, open the page again: it draws a new form."
    )))
}

/// Notes what came of it. Where that cannot be noted the form stays begun: it is not carried out twice.
pub(crate) async fn end(operator: &Operator, form: &str, outcome: &Result<Outcome, PageError>) {
    let noted = match outcome {
        Ok(outcome) => operator.end_form(form, &write(outcome)).await,
        // It may have been done all the same, or some of it.
        Err(PageError::Away(_) | PageError::Failed(_)) => Ok(()),
        Err(_) => operator.drop_form(form).await,
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "what a form has done could not be noted");
    }
}

/// Its place, and behind that its sentence.
fn write(outcome: &Outcome) -> String {
    match &outcome.sentence {
        Some(sentence) => format!("{} {sentence}", outcome.location),
        None => outcome.location.clone(),
    }
}

fn read(text: &str) -> Outcome {
    match text.split_once(' ') {
        Some((location, sentence)) => Outcome::done(location, sentence),
        None => Outcome::seen_at(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_has_done_is_read_as_it_was_noted() {
        for outcome in [
            Outcome::seen_at("/operations/01JD2Z5V9GQ8X0T6M3K7W4R1YB"),
            Outcome::done("/queues/email", "email is paused."),
        ] {
            assert_eq!(read(&write(&outcome)), outcome);
        }
    }
}
