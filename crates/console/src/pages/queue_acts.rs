//! What is done to a whole queue: pause, resume, lift holds, slow down, lift the limit, and cancel by filter.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use longshore_operator::{Operator, QueueRow, Signed};
use longshore_queue::Limit;
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::{begin, carry_out, operation_id};
use crate::components::act_form::{ActForm, act_form};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::{counted, number};
use crate::pages::overview::hold_words;
use crate::pages::queue::{FILTERS, filter, path_of};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::since::span;
use crate::visit::Visit;

/// The longest that a queue is slowed.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::act("/queues/{queue}/cancel", get(preview_cancel).post(cancel)),
        Route::act("/queues/{queue}/{act}", get(preview).post(act)),
    ]
}

/// An act on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueueAct {
    Pause,
    Resume,
    LiftHolds,
    Limit,
    LiftLimit,
}

impl QueueAct {
    fn named(name: &str) -> Result<Self, PageError> {
        Ok(match name {
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "lift-holds" => Self::LiftHolds,
            "limit" => Self::Limit,
            "lift-limit" => Self::LiftLimit,
            _ => return Err(PageError::Missing("There is no such page.".to_owned())),
        })
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::LiftHolds => "Lift what the fleet holds back in",
            Self::Limit => "Slow down",
            Self::LiftLimit => "Lift the limit of",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::LiftHolds => "Lift",
            Self::Limit => "Slow down",
            Self::LiftLimit => "Lift the limit",
        }
    }

    /// What would happen.
    fn preview(self, row: &QueueRow) -> Markup {
        let waiting = counted(row.pending, "job");
        html! {
            @match self {
                Self::Pause => {
                    p { "No worker would take a job of it until somebody resumes it. " (waiting) " would wait; " (counted(row.running, "job")) " that run go on to their end." }
                },
                Self::Resume => {
                    @if let Some(pause) = &row.paused { div class="para" { "Paused by " (Short(&pause.by, 80)) ": " (Foreign(&pause.reason)) } }
                    p { (waiting) " would be taken as fast as the workers and the provider's limits let them." }
                    @if !row.holds.is_empty() { p class="hint" { "What the fleet itself holds back stays held." } }
                },
                Self::LiftHolds => {
                    p { "These would end at once:" }
                    ul { @for hold in &row.holds { li { (Foreign(&hold_words(hold))) @if let Some(until) = &hold.until { ", until " (Short(until, 40)) } } } }
                    p { "An open breaker lets one call find out whether its provider is back. " (waiting) " wait." }
                },
                Self::Limit => {
                    p { "Its provider would be called no more often than this, by the whole fleet, until the time is over. What is configured holds where it is less." }
                },
                Self::LiftLimit => {
                    p { "Calls would go out as the configuration says. " (waiting) " wait." }
                },
            }
        }
    }

    fn questions(self) -> Markup {
        html! {
            @if self == Self::Limit {
                label class="field" {
                    span { "Calls a second" }
                    input name="rate" type="text" inputmode="decimal" required autocomplete="off" placeholder="5" maxlength="12";
                    small { "0.1 is one call in ten seconds." }
                }
                label class="field" {
                    span { "For" }
                    input name="life" type="text" required autocomplete="off" value="2h" maxlength="12";
                    small { "30m, 2h or 7d, a week at the most." }
                }
            }
        }
    }
}

/// `GET /queues/{queue}/{act}`
async fn preview(
    visit: Visit,
    Path((queue, act)): Path<(String, String)>,
) -> Result<Content, PageError> {
    let of = QueueAct::named(&act)?;
    let row = visit.shared.operator.queue_row(&queue).await?;
    let view = &visit.view;
    let path = path_of(&queue);
    let body = html! {
        p class="crumbs" { a href=(view.to("/")) { "Overview" } " / " a href=(view.to(&path)) { (Short(&queue, 64)) } }
        h1 { (of.heading()) " " (Short(&queue, 64)) }
        section class="sheet" {
            (of.preview(&row))
            (act_form(view, &ActForm {
                action: &format!("{path}/{act}"),
                verb: of.verb(),
                count: 1,
                is_final: false,
                hidden: &[],
                questions: of.questions(),
                back: &path,
            }))
        }
    };
    Ok(Content::new(Section::Overview, of.heading(), body))
}

/// `POST /queues/{queue}/{act}`
async fn act(
    visit: Visit,
    Path((queue, act)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let act = QueueAct::named(&act)?;
    let signed = visit.who.signed(form.reason()?);
    let limit = match act {
        QueueAct::Limit => Some(limit(&form)?),
        _ => None,
    };
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let said = done(&shared.operator, act, &queue, limit, &signed).await?;
        Ok(Outcome::done(path_of(&queue), said))
    })
    .await
}

fn limit(form: &Form) -> Result<(Limit, f64, Duration), PageError> {
    let wrong = |why: &str| PageError::Wrong(why.to_owned());
    let rate = form.wanted("rate", "Say how many calls a second.")?;
    let rate: f64 = rate
        .replace(',', ".")
        .parse()
        .map_err(|_| wrong("How many calls a second is no number: write 5 or 0.1."))?;
    if !(0.001..=100_000.0).contains(&rate) {
        return Err(wrong("Write 0.001 to 100,000 calls a second."));
    }
    let life = span(form.wanted("life", "Say for how long: 30m, 2h or 7d.")?);
    let life = life
        .filter(|life| (Duration::from_secs(1)..=LONGEST).contains(life))
        .ok_or_else(|| wrong("Say for how long: 30m, 2h or 7d, a week at the most."))?;
    let limit = Limit {
        count: 1,
        per: Duration::from_secs_f64(1.0 / rate),
    };
    Ok((limit, rate, life))
}

/// Does it, and says so in a sentence.
async fn done(
    operator: &Operator,
    act: QueueAct,
    queue: &str,
    limit: Option<(Limit, f64, Duration)>,
    signed: &Signed,
) -> Result<String, PageError> {
    let yes_or = |changed: bool, yes: String, no: String| if changed { yes } else { no };
    Ok(match act {
        QueueAct::Pause => yes_or(
            operator.pause(queue, signed).await?,
            format!("{queue} is paused."),
            format!("{queue} was paused already: the earlier pause stays."),
        ),
        QueueAct::Resume => yes_or(
            operator.resume(queue, signed).await?,
            format!("{queue} is resumed."),
            format!("{queue} was not paused by an operator."),
        ),
        QueueAct::LiftHolds => {
            let lifted = operator.lift_holds(queue, signed).await?.len() as u64;
            yes_or(
                lifted > 0,
                format!("{} of {queue} lifted.", counted(lifted, "hold")),
                format!("Nothing was held back in {queue} any more."),
            )
        }
        QueueAct::Limit => {
            let Some((limit, rate, life)) = limit else {
                return Err(PageError::Wrong("Say how many calls a second.".to_owned()));
            };
            operator.limit(queue, limit, life, signed).await?;
            let minutes = life.as_secs().div_ceil(60);
            format!("{queue} is slowed to {rate} calls a second for {minutes} min.")
        }
        QueueAct::LiftLimit => yes_or(
            operator.lift_limit(queue, signed).await?,
            format!("The limit of {queue} is lifted."),
            format!("{queue} was not slowed by an operator."),
        ),
    })
}

/// `GET /queues/{queue}/cancel?kind=…&tag=…`
async fn preview_cancel(
    visit: Visit,
    Path(queue): Path<String>,
    query: Query,
) -> Result<Content, PageError> {
    let view = &visit.view;
    let fields: Vec<_> = FILTERS
        .into_iter()
        .filter_map(|name| Some((name, query.get(name)?)))
        .collect();
    let filter = filter(|name| {
        let mut fields = fields.iter();
        let (_, value) = fields.find(|(field, _)| *field == name)?;
        Some((*value).to_owned())
    })?;
    let path = path_of(&queue);
    if fields.is_empty() {
        let why = "Say which jobs, by a filter of the queue's page: not all of them.";
        return Err(PageError::Wrong(why.to_owned()));
    }
    let found = visit
        .shared
        .operator
        .preview_cancel_some(&queue, &filter, MOST_LOOKED);
    let (found, is_whole) = found.await?;
    let body = html! {
        p class="crumbs" { a href=(view.to("/")) { "Overview" } " / " a href=(view.to_with(&path, &fields)) { (Short(&queue, 64)) } }
        h1 { "Cancel jobs of " (Short(&queue, 64)) }
        p { "Those that are meant: " strong { (Short(&filter.to_string(), 400)) } }
        section class="sheet" {
            @if !is_whole {
                p class="wrong" { "At least so many: only the first " (number(MOST_LOOKED)) " jobs were looked at. All that are meant would be cancelled." }
            }
            ul class="preview" {
                (class(found.pending, "pending: cancelled"))
                (class(found.scheduled, "scheduled: cancelled"))
                (class(found.retryable, "waiting for a retry: cancelled"))
                (class(found.running, "running: their workers are asked to stop, before a request goes out"))
                (class(found.may_have_been_sent, "of these may have been sent: they go on, unless it is forced"))
            }
            @if found.jobs == 0 && is_whole {
                p { "Nothing is meant: there is nothing to cancel." }
                p { a class="button" href=(view.to_with(&path, &fields)) { "Back" } }
            } @else {
                (act_form(view, &ActForm {
                    action: &format!("{path}/cancel"),
                    verb: &format!("Cancel {}", counted(found.jobs, "job")),
                    count: found.jobs,
                    is_final: true,
                    hidden: &fields,
                    questions: force(),
                    back: &path,
                }))
            }
        }
    };
    Ok(Content::new(Section::Overview, "Cancel jobs", body))
}

/// At most so many jobs are looked at for a preview.
pub(crate) const MOST_LOOKED: u64 = 50_000;

/// So many of a class, and what would become of them.
pub(crate) fn class(count: u64, words: &str) -> Markup {
    html! { @if count > 0 { li { span class="num" { (number(count)) } span { (words) } } } }
}

/// The question whether also what may have been sent is cancelled.
pub(crate) fn force() -> Markup {
    html! {
        label class="tick" {
            input type="checkbox" name="force" value="yes";
            span { "Also what may have been sent. Whether it was is not known afterwards either." }
        }
    }
}

/// `POST /queues/{queue}/cancel`
async fn cancel(
    visit: Visit,
    Path(queue): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let field = |name: &str| FILTERS.contains(&name).then(|| form.get(name)).flatten();
    let filter = filter(|name| field(name).map(str::to_owned))?;
    if FILTERS.iter().all(|name| field(name).is_none()) {
        return Err(PageError::Wrong("Say which jobs, by a filter.".to_owned()));
    }
    let (count, force) = (form.count(), form.is_set("force"));
    let (shared, id) = (visit.shared.clone(), operation_id(&form)?);
    begin(&visit, &form, async move {
        let operator = &shared.operator;
        let begun = operator.begin_cancel(id, &queue, &filter, count, force, &signed);
        let begun = begun.await?;
        Ok(Outcome::seen_at(format!("/operations/{}", begun.id)))
    })
    .await
}
