//! What is done to one job: cancel, reschedule, run now, replay.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use longshore_operator::{JobView, Operator, RunAt, Signed, Target};
use longshore_queue::JobState;
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::moment::moment;
use crate::components::state::{Tone, state, toned};
use crate::content::{Content, PageError};
use crate::foreign::Short;
use crate::form::Form;
use crate::pages::job_place::{crumbs, path_of};
use crate::pages::queue_acts::force;
use crate::route::Route;
use crate::section::Section;
use crate::since::span;
use crate::view::View;
use crate::visit::Visit;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::act("/jobs/{id}/{act}", get(preview).post(act))]
}

/// An act on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobAct {
    Cancel,
    Reschedule,
    Run,
    Replay,
}

impl JobAct {
    fn named(name: &str) -> Result<Self, PageError> {
        Ok(match name {
            "cancel" => Self::Cancel,
            "reschedule" => Self::Reschedule,
            "run" => Self::Run,
            "replay" => Self::Replay,
            _ => return Err(PageError::Missing("There is no such page.".to_owned())),
        })
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel a job",
            Self::Reschedule => "Reschedule a job",
            Self::Run => "Run a job now",
            Self::Replay => "Replay a dead letter",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel the job",
            Self::Reschedule => "Reschedule",
            Self::Run => "Run now",
            Self::Replay => "Replay",
        }
    }

    fn preview(self, view: &View, job: &JobView) -> Markup {
        html! {
            p { "It is " (state(job.state.as_str())) @if let Some(at) = &job.next_run_at { ", due " (moment(view, at)) } "." }
            @match (self, job.state) {
                (Self::Cancel, JobState::Running) => p { "Its worker is asked to stop it. If a request may have gone out, it goes on, unless that is forced." },
                (Self::Cancel, _) => p { "It would never be carried out. Its idempotency key is free at once." },
                (Self::Reschedule, _) => p { "It would wait until then. Its expiry counts from then." },
                (Self::Run, _) => p { "It would be pending at once, and run when a worker has room for it." },
                (Self::Replay, _) => p { "It would be pending at once, with all of its attempts. Its history stays." },
            }
            @if job.may_have_been_sent {
                p { (toned(Tone::Warn, "A request of it may have been carried out.")) " Ask its provider by the job's id first." }
            }
        }
    }

    fn questions(self) -> Markup {
        html! {
            @match self {
                Self::Reschedule => (ask_when()),
                Self::Cancel => (force()),
                Self::Run | Self::Replay => {},
            }
        }
    }
}

/// The question when jobs are to be due.
pub(crate) fn ask_when() -> Markup {
    html! {
        label class="field" {
            span { "When" }
            input name="when" type="text" required autocomplete="off" placeholder="2h, or 2026-12-01T09:00:00Z" maxlength="40";
            small { "So long from now (30m, 2h, 7d), or a time in UTC. A time that is over means now." }
        }
    }
}

/// `GET /jobs/{id}/{act}`
async fn preview(
    visit: Visit,
    Path((id, act)): Path<(String, String)>,
) -> Result<Content, PageError> {
    let of = JobAct::named(&act)?;
    let job = visit.shared.operator.job(&id, None).await?;
    let view = &visit.view;
    let path = path_of(&job.id);
    let body = html! {
        (crumbs(view, &job))
        h1 { (of.heading()) }
        section class="sheet" {
            p { @if let Some(kind) = &job.kind { (Short(kind, 64)) " " } span class="id" { (Short(&job.id, 40)) } }
            (of.preview(view, &job))
            (act_form(view, &ActForm {
                action: &format!("{path}/{act}"),
                verb: of.verb(),
                count: 1,
                is_final: of == JobAct::Cancel,
                hidden: &[],
                questions: of.questions(),
                back: &path,
            }))
        }
    };
    Ok(Content::new(Section::Other, of.heading(), body))
}

/// `POST /jobs/{id}/{act}`
async fn act(
    visit: Visit,
    Path((id, act)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let act = JobAct::named(&act)?;
    let signed = visit.who.signed(form.reason()?);
    let when = match act {
        JobAct::Reschedule => Some(when(&form)?),
        _ => None,
    };
    let force = form.is_set("force");
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let said = done(&shared.operator, act, &id, when, force, &signed).await?;
        Ok(Outcome::done(path_of(&id), said))
    })
    .await
}

/// When a job is to be due, as somebody has typed it.
pub(crate) fn when(form: &Form) -> Result<RunAt, PageError> {
    let text = form.wanted("when", "Say when: 2h, or 2026-12-01T09:00:00Z.")?;
    if let Some(later) = span(text) {
        return Ok(RunAt::In(later));
    }
    let time = text.parse::<Timestamp>().ok();
    let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    ms.map(RunAt::At).ok_or_else(|| {
        PageError::Wrong(format!(
            "{text} is no time: write 30m, 2h, 7d or 2026-12-01T09:00:00Z."
        ))
    })
}

/// Does it, and says so in a sentence.
async fn done(
    operator: &Operator,
    act: JobAct,
    id: &str,
    when: Option<RunAt>,
    force: bool,
    signed: &Signed,
) -> Result<String, PageError> {
    let one = || vec![id.to_owned()];
    Ok(match act {
        JobAct::Cancel => {
            let rows = operator.cancel_jobs(&one(), force, signed).await?;
            let row = rows.first();
            let came_to = row.map_or("unknown", |row| row.came_to);
            match (came_to, row.is_some_and(|row| row.asked)) {
                ("cancelled", _) => "The job is cancelled.".to_owned(),
                (_, true) => "Its worker is asked to stop it.".to_owned(),
                ("may_have_been_sent", _) => {
                    return Err(PageError::Conflict(
                        "It may have been sent, so it goes on. Force cancels it all the same."
                            .to_owned(),
                    ));
                }
                ("unknown", _) => {
                    return Err(PageError::Missing("No queue knows the job.".to_owned()));
                }
                (state, _) => {
                    return Err(PageError::Conflict(format!(
                        "It is {state} by now: nothing was changed."
                    )));
                }
            }
        }
        JobAct::Reschedule => {
            let when = when.unwrap_or(RunAt::Now);
            match operator.reschedule(id, when, signed).await? {
                true => "The job is rescheduled.".to_owned(),
                false => "It was due at that time already.".to_owned(),
            }
        }
        JobAct::Run => {
            operator.run_now(id, signed).await?;
            "The job is pending, and runs when a worker has room for it.".to_owned()
        }
        JobAct::Replay => {
            let moved = operator.replay(&Target::Ids(one()), signed, |_| {}).await?;
            match moved.moved {
                0 => {
                    return Err(PageError::Conflict(
                        "It is not dead any more, or its person was forgotten: nothing was changed."
                            .to_owned(),
                    ));
                }
                _ => "The letter is replayed: it is pending.".to_owned(),
            }
        }
    })
}
