//! Carries out what a form asks for.

use axum::response::Response;
use longshore_job::JobId;

use crate::act::acts::{Outcome, Sent};
use crate::act::noted::noted;
use crate::content::{PageError, see_other};
use crate::form::Form;
use crate::visit::Visit;

/// Carries out an act, once for each form that was drawn, whichever process of the console it reaches. It goes on to its end if the
/// browser goes away.
///
/// `act` is not begun where the same form was sent before; then the answer is what came of that.
pub(crate) async fn carry_out<F>(visit: &Visit, form: &Form, act: F) -> Result<Response, PageError>
where
    F: Future<Output = Result<Outcome, PageError>> + Send + 'static,
{
    let (shared, id) = (visit.shared.clone(), once(form)?.to_owned());
    let act = async move { noted(&shared.operator, &id, act).await };
    once_here(visit, form, act).await
}

/// The same for an act that begins an operation under the form's own id ([`operation_id`]): sent again, wherever and whenever, it finds
/// that operation. So nothing more is noted.
pub(crate) async fn begin<F>(visit: &Visit, form: &Form, act: F) -> Result<Response, PageError>
where
    F: Future<Output = Result<Outcome, PageError>> + Send + 'static,
{
    let (shared, id) = (visit.shared.clone(), operation_id(form)?.to_string());
    let act = async move {
        match shared.operator.operation(&id).await {
            Ok(row) => Ok(Outcome::seen_at(format!("/operations/{}", row.id))),
            Err(longshore_operator::OperatorError::UnknownOperation(_)) => act.await,
            Err(error) => Err(error.into()),
        }
    };
    once_here(visit, form, act).await
}

/// Carries out an act once in this process.
async fn once_here<F>(visit: &Visit, form: &Form, act: F) -> Result<Response, PageError>
where
    F: Future<Output = Result<Outcome, PageError>> + Send + 'static,
{
    let once = once(form)?.to_owned();
    form.reason()?;
    form.check_number(&visit.view)?;
    match visit.shared.acts.begin(&once) {
        Sent::First => {}
        Sent::UnderWay => {
            return Err(PageError::Conflict(
                "This form was sent before, and is being carried out.".to_owned(),
            ));
        }
        Sent::Before(outcome) => return Ok(seen(visit, &once, &outcome?)),
    }
    let (shared, form) = (visit.shared.clone(), once.clone());
    let task = tokio::spawn(async move {
        let outcome = act.await;
        shared.acts.end(&form, &outcome);
        outcome
    });
    let outcome = task.await;
    let outcome = outcome.unwrap_or_else(|_| {
        Err(PageError::Failed(
            "The console failed while it did this: look at the audit for what was done.".to_owned(),
        ))
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            visit.shared.acts.end(&once, &Err(error.clone()));
            return Err(error);
        }
    };
    Ok(seen(visit, &once, &outcome))
}

/// A form's own id: what a page wrote into it when it was drawn.
pub(crate) fn once(form: &Form) -> Result<&str, PageError> {
    let once = form.wanted("once", "The form has no id: open the page again.")?;
    match once.len() <= 64 && once.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(once),
        false => Err(wrong_id()),
    }
}

/// The id of the operation that a form begins: its own.
pub(crate) fn operation_id(form: &Form) -> Result<JobId, PageError> {
    once(form)?.parse().map_err(|_| wrong_id())
}

fn wrong_id() -> PageError {
    PageError::Wrong("The form has a wrong id: open the page again.".to_owned())
}

/// Leads to where it is seen; what is done already is said there.
fn seen(visit: &Visit, once: &str, outcome: &Outcome) -> Response {
    let location = visit.view.to(&outcome.location);
    match outcome.sentence {
        None => see_other(&location),
        Some(_) => {
            let joint = if location.contains('?') { '&' } else { '?' };
            see_other(&format!("{location}{joint}did={once}"))
        }
    }
}
