//! The cron entries: when each ticks, what became of its jobs, and why one does not tick.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use longshore_operator::{CronRow, TickRow};
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::empty::empty;
use crate::components::job_rows::job_link;
use crate::components::moment::moment;
use crate::components::state::{Tone, state, toned};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::pages::queue::path_of as queue_path;
use crate::route::Route;
use crate::section::Section;
use crate::shared::Shared;
use crate::view::{View, part};
use crate::visit::Visit;

/// A process notes once a minute that it ticks the entries of a queue; three times that without one is long.
const SILENT_SECONDS: i64 = 180;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/cron", get(show)),
        Route::act("/cron/{name}/{act}", get(preview).post(act)),
    ]
}

/// `GET /cron`
async fn show(visit: Visit) -> Result<Content, PageError> {
    let view = &visit.view;
    let rows = rows(&visit.shared).await?;
    let body = html! {
        div class="head" {
            h1 { "Cron" }
            p class="hint" { "Every worker process ticks every entry. Each tick makes one job, whoever comes first." }
        }
        @if rows.is_empty() {
            (empty("No cron entry is configured.", Some("[cron.nightly]  schedule = \"30 2 * * *\"")))
        }
        div class="cards" { @for row in &rows { (card(view, row)) } }
    };
    Ok(Content::new(Section::Cron, "Cron", body))
}

async fn rows(shared: &Shared) -> Result<Vec<CronRow>, PageError> {
    Ok(shared.operator.cron(&shared.configured.cron).await?)
}

fn card(view: &View, row: &CronRow) -> Markup {
    let act = |act: &str| view.to(&format!("/cron/{}/{act}", part(&row.name)));
    html! {
        article class="card" id=(part(&row.name)) {
            div class="head" {
                h2 { (Short(&row.name, 64)) }
                p { (stands(row)) }
            }
            p { (Short(&row.words, 200)) " " span class="hint" { (row.timezone) } " · " code { (row.schedule) } }
            @for why in why_silent(view, row) { div class="para why" { (why) } }
            div class="two" {
                div {
                    h3 { "Next" }
                    @if row.next_ticks.is_empty() { p class="hint" { (if row.ticks_anyway { "Not known here." } else { "It does not tick." }) } }
                    ol class="ticks" { @for tick in &row.next_ticks { li { (moment(view, tick)) } } }
                }
                div {
                    h3 { "Last" }
                    @if row.ticks.is_empty() { p class="hint" { "It has not ticked yet, as far as is remembered." } }
                    ol class="ticks" { @for tick in &row.ticks { li { (ticked(view, tick)) } } }
                }
            }
            p class="hint" {
                "Makes jobs of " (Short(&row.kind, 64)) " in " a href=(view.to(&queue_path(&row.queue))) { (Short(&row.queue, 64)) }
                ". Ticks that were missed: " (catch_up(&row.catch_up)) "."
            }
            @if view.can_act {
                p class="buttons" {
                    a class="button" href=(act("run")) { "Run now" }
                    @match row.paused {
                        Some(_) => a class="button main" href=(act("resume")) { "Resume" },
                        None => a class="button" href=(act("pause")) { "Pause" },
                    }
                }
            }
        }
    }
}

fn stands(row: &CronRow) -> Markup {
    match row {
        CronRow {
            broken: Some(_), ..
        } => toned(Tone::Bad, "broken"),
        CronRow {
            ticks_anyway: true, ..
        } => toned(Tone::Warn, "configured otherwise here"),
        CronRow {
            inactive: Some(_), ..
        } => toned(Tone::Quiet, "does not tick"),
        CronRow {
            paused: Some(_), ..
        } => toned(Tone::Warn, "paused"),
        CronRow {
            overdue_since: Some(_),
            ..
        } => toned(Tone::Warn, "late"),
        _ => toned(Tone::Good, "ticks"),
    }
}

/// Why it does not tick, or may not.
fn why_silent(view: &View, row: &CronRow) -> Vec<Markup> {
    let mut said = Vec::new();
    said.extend(
        row.broken
            .as_ref()
            .map(|why| html! { (toned(Tone::Bad, "It cannot be read:")) " " (Foreign(why)) }),
    );
    said.extend(row.inactive.as_ref().map(
        |why| html! { "It does not tick by the console's own configuration: " (Foreign(why)) },
    ));
    if row.ticks_anyway {
        said.push(html! { "Its latest tick was made all the same: workers have another configuration than the console. Give it theirs." });
    }
    said.extend(row.paused.as_ref().map(|pause| {
        html! { "Paused by " (Short(&pause.by, 80)) " " (moment(view, &pause.since)) ": " (Foreign(&pause.reason)) }
    }));
    if !said.is_empty() {
        return said;
    }
    let looked = row.looked_at.as_ref();
    let age = looked.and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let age = age.map(|at| view.now.as_second() - at.as_second());
    if age.is_none_or(|age| age > SILENT_SECONDS) {
        said.push(html! {
            (toned(Tone::Warn, "No worker ticks it")) ": start one, of whatever queue."
            @if let Some(at) = looked { " The last one was there " (moment(view, at)) "." }
        });
    }
    said.extend(row.overdue_since.as_ref().map(|since| {
        html! { "A tick is due since " (moment(view, since)) ", and nobody has made it yet." }
    }));
    said
}

fn ticked(view: &View, tick: &TickRow) -> Markup {
    html! {
        (moment(view, &tick.tick)) " "
        @match tick.state {
            Some(of) => (state(of.as_str())),
            None => span class="hint" { "ended so long ago that it is forgotten" },
        }
        " " (job_link(view, &tick.job))
    }
}

fn catch_up(word: &str) -> &'static str {
    match word {
        "none" => "are left out",
        "once" => "one job makes up for all",
        _ => "each is made up for",
    }
}

/// An act on an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CronAct {
    Run,
    Pause,
    Resume,
}

impl CronAct {
    fn named(name: &str) -> Result<Self, PageError> {
        Ok(match name {
            "run" => Self::Run,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            _ => return Err(PageError::Missing("There is no such page.".to_owned())),
        })
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Run => (
                "Run now",
                "One job of it would be made, as if it ticked at this second. Its schedule goes on as if nothing had been.",
            ),
            Self::Pause => (
                "Pause",
                "It would make no jobs, in the whole fleet, until somebody resumes it. What it skips is not made up for.",
            ),
            Self::Resume => (
                "Resume",
                "It would tick again from now on. What it skipped is not made up for.",
            ),
        }
    }
}

/// `GET /cron/{name}/{act}`
async fn preview(
    visit: Visit,
    Path((name, act)): Path<(String, String)>,
) -> Result<Content, PageError> {
    let (verb, what) = CronAct::named(&act)?.words();
    let rows = rows(&visit.shared).await?;
    let row = rows.iter().find(|row| row.name == name);
    let row = row.ok_or_else(|| no_entry(&name))?;
    let view = &visit.view;
    let body = html! {
        p class="crumbs" { a href=(view.to("/cron")) { "Cron" } }
        h1 { (verb) ": " (Short(&row.name, 64)) }
        section class="sheet" {
            p { (Short(&row.words, 200)) " " span class="hint" { (row.timezone) } ", jobs of " (Short(&row.kind, 64)) }
            @for why in why_silent(view, row) { div class="para why" { (why) } }
            p { (what) }
            (act_form(view, &ActForm {
                action: &format!("/cron/{}/{act}", part(&name)),
                verb,
                count: 1,
                is_final: false,
                hidden: &[],
                questions: html! {},
                back: "/cron",
            }))
        }
    };
    Ok(Content::new(Section::Cron, verb, body))
}

fn no_entry(name: &str) -> PageError {
    PageError::Missing(format!("There is no cron entry {name} here."))
}

/// `POST /cron/{name}/{act}`
async fn act(
    visit: Visit,
    Path((name, act)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let act = CronAct::named(&act)?;
    let signed = visit.who.signed(form.reason()?);
    let entries = visit.shared.configured.cron.iter();
    let mut entries = entries.map(|(entry, _)| entry);
    let entry = entries.find(|entry| entry.name() == name);
    let entry = entry.ok_or_else(|| no_entry(&name))?.clone();
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let operator = &shared.operator;
        match act {
            CronAct::Run => {
                let id = operator.cron_run(&entry, &signed).await?;
                Ok(Outcome::done(
                    format!("/jobs/{id}"),
                    format!("{name} made this job."),
                ))
            }
            CronAct::Pause => Ok(Outcome::done(
                "/cron",
                match operator.cron_pause(&entry, &signed).await? {
                    true => format!("{name} is paused."),
                    false => format!("{name} was paused already: the earlier pause stays."),
                },
            )),
            CronAct::Resume => Ok(Outcome::done(
                "/cron",
                match operator.cron_resume(&entry, &signed).await? {
                    true => format!("{name} is no longer paused."),
                    false => format!("{name} was not paused."),
                },
            )),
        }
    })
    .await
}
