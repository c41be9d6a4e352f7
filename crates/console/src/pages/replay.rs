//! Replays the letters of a cause: rehearse, then drip.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use longshore_operator::{DeliveryResult, LetterFilter, Rehearsal, Target};
use longshore_queue::Replaying;
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::{begin, operation_id};
use crate::components::act_form::{ActForm, act_form};
use crate::components::doing::doing;
use crate::components::moment::rough;
use crate::components::rehearsal::rehearsed;
use crate::content::{Content, PageError};
use crate::foreign::Short;
use crate::form::{Form, TYPED_FROM};
use crate::number::{counted, number};
use crate::pages::causes::path_of;
use crate::pages::letters::{crumbs, found};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::View;
use crate::visit::Visit;

/// Letters a second, where nobody says.
const RATE: u32 = 20;

/// So many letters are looked at for a page, which somebody waits for.
pub(crate) const LOOKED: u64 = 1_000;

/// Letters a second at the most.
const MOST_RATE: u32 = 10_000;

pub(crate) fn routes() -> Vec<Route> {
    let handler = get(rehearse).post(replay);
    vec![Route::act("/dead/{queue}/{group}/replay", handler)]
}

/// The letters of a cause, or those of whose messages the provider has said this.
pub(crate) fn target(queue: &str, group: &str, delivery: Option<DeliveryResult>) -> Target {
    Target::Letters {
        queue: Some(queue.to_owned()),
        group: Some(group.to_owned()),
        filter: LetterFilter {
            delivery,
            ..LetterFilter::default()
        },
    }
}

/// Which of them, by `delivery=unknown`.
pub(crate) fn delivery(of: Option<&str>) -> Result<Option<DeliveryResult>, PageError> {
    let asked = of.filter(|word| !word.is_empty());
    let read = asked.map(str::parse::<DeliveryResult>).transpose();
    read.map_err(|_| {
        PageError::Wrong(
            "What the provider has said of a message is delivered, failed, accepted or unknown."
                .to_owned(),
        )
    })
}

/// Which of them are meant, and the ways to mean others.
pub(crate) fn narrowed(
    view: &View,
    path: &str,
    only: Option<DeliveryResult>,
    rehearsal: &Rehearsal,
) -> Markup {
    html! {
        @if let Some(only) = only {
            p {
                "Only letters whose message is " strong { (only.as_str()) } " by what their provider has said. "
                a href=(view.to(&format!("{path}/replay"))) { "Rehearse a replay of all" }
            }
        } @else if rehearsal.delivered > 0 {
            p class="buttons" {
                a class="button main" href=(view.to_with(&format!("{path}/replay"), &[("delivery", "unknown")])) { "Rehearse only those of which nothing is known" }
                a class="button" href=(view.to_with(&format!("{path}/discard"), &[("delivery", "delivered")])) { "Discard the delivered ones" }
            }
        }
    }
}

/// How it is asked for: `rate=20`, `rate=all`, `fresh=yes`.
fn how(rate: Option<&str>, is_fresh: bool) -> Result<Replaying, PageError> {
    let rate = match rate {
        None => Some(RATE),
        Some("all") => None,
        Some(text) => {
            let rate = text.parse().ok();
            let rate = rate.filter(|rate| (1..=MOST_RATE).contains(rate));
            Some(rate.ok_or_else(|| {
                PageError::Wrong(format!(
                    "The rate is not one: write 1 to {} letters a second.",
                    number(u64::from(MOST_RATE))
                ))
            })?)
        }
    };
    Ok(Replaying {
        rate,
        fresh_expiry: is_fresh,
    })
}

/// `GET /dead/{queue}/{group}/replay?rate=20&fresh=yes`: what it would do.
async fn rehearse(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    query: Query,
) -> Result<Content, PageError> {
    let operator = &visit.shared.operator;
    let row = found(operator, &queue, &group).await?;
    let how = how(query.get("rate"), query.get("fresh").is_some())?;
    let only = delivery(query.get("delivery"))?;
    let target = target(&queue, &group, only);
    let rehearsal = operator.rehearse_some(&target, how, LOOKED, |_| {}).await?;
    let doing_now = operator.queue_overview(&queue).await?.row;
    // What its limiters let through a second, if they are known.
    let limit = doing_now
        .providers
        .first()
        .and_then(|own| own.limit_per_minute);
    let limit = limit.map(|limit| limit / 60.0);
    let view = &visit.view;
    let path = path_of(&queue, &group);
    let rate = how.rate.map_or("all".to_owned(), |rate| rate.to_string());
    let action = format!("{path}/replay");
    let mut hidden = Vec::new();
    if how.fresh_expiry {
        hidden.push(("fresh", "yes"));
    }
    hidden.extend(only.map(|only| ("delivery", only.as_str())));
    let body = html! {
        (crumbs(view, &row))
        h1 { "Rehearsal of a replay" }
        p { (counted(rehearsal.letters, "letter")) " of " strong { (Short(&row.reason, 200)) } " would be pending again. Nothing has been changed." }
        section class="sheet" {
            h2 { "What would become of them" }
            (rehearsed(&rehearsal))
            (narrowed(view, &path, only, &rehearsal))
            p class="buttons" { (doing(view, &doing_now)) }
        }
        section class="sheet" {
            h2 { "Do it" }
            p class="hint" { "With a rate it stops by itself if they fail again of the same cause. You can stop it at any time." }
            (expiry(view, &action, how.fresh_expiry, only))
            (act_form(view, &ActForm {
                action: &action,
                verb: &format!("Replay {}", counted(rehearsal.letters, "letter")),
                count: rehearsal.letters,
                is_final: false,
                hidden: &hidden,
                questions: rates(&rate, rehearsal.letters, limit),
                back: &path,
            }))
        }
    };
    Ok(Content::new(
        Section::DeadLetters,
        "Rehearsal of a replay",
        body,
    ))
}

/// Whether their time counts anew decides what becomes of those that expired: it is rehearsed again.
fn expiry(view: &View, action: &str, is_fresh: bool, only: Option<DeliveryResult>) -> Markup {
    let only: Vec<_> = only
        .map(|only| ("delivery", only.as_str()))
        .into_iter()
        .collect();
    let fresh = [&[("fresh", "yes")], &only[..]].concat();
    html! {
        @match is_fresh {
            true => p { "Each letter gets its full time again, from now. " a href=(view.to_with(action, &only)) { "Rehearse without that" } },
            false => p class="hint" {
                "A job that is not wanted after some time keeps that time. "
                a href=(view.to_with(action, &fresh)) { "Rehearse with the full time again for each" }
            },
        }
    }
}

/// How fast, with what that takes.
fn rates(chosen: &str, letters: u64, limit: Option<f64>) -> Markup {
    let known = ["1", "5", "20", "100", "500"];
    let other = Some(chosen).filter(|rate| *rate != "all" && !known.contains(rate));
    html! {
        label class="field" {
            span { "Letters a second" }
            select name="rate" {
                @for rate in known.into_iter().chain(other) {
                    option value=(rate) selected[rate == chosen] { (rate) (lasts(rate, letters, limit)) }
                }
                option value="all" selected[chosen == "all"] { "all at once: it cannot stop itself" }
            }
        }
    }
}

/// How long that takes: no faster than the provider's limit, if one is known.
fn lasts(rate: &str, letters: u64, limit: Option<f64>) -> String {
    let Some(rate) = rate.parse::<f64>().ok().filter(|rate| *rate > 0.0) else {
        return String::new();
    };
    let slower = limit.filter(|limit| *limit > 0.0 && *limit < rate);
    let seconds = (letters as f64 / slower.unwrap_or(rate)).floor().max(1.0);
    let takes = rough(seconds as i64);
    match slower {
        Some(limit) => format!(" (the provider's limit is {limit:.0}: takes some {takes})"),
        None => format!(" (takes some {takes})"),
    }
}

/// `POST /dead/{queue}/{group}/replay`
async fn replay(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let how = how(form.get("rate"), form.is_set("fresh"))?;
    let only = delivery(form.get("delivery"))?;
    let signed = visit.who.signed(form.reason()?);
    let id = operation_id(&form)?;
    let (shared, seen) = (visit.shared.clone(), form.count());
    let is_production = visit.view.is_production;
    begin(&visit, &form, async move {
        let operator = &shared.operator;
        let target = target(&queue, &group, only);
        let count = operator.count(&target).await?;
        still_as_seen(seen, count, is_production)?;
        match operator.begin_replay_as(id, &target, how, &signed).await? {
            Some(row) => Ok(Outcome::seen_at(format!("/operations/{}", row.id))),
            None => Err(PageError::Conflict(
                "There are no letters of this cause any more.".to_owned(),
            )),
        }
    })
    .await
}

/// What is meant must not have become another thing while somebody read the page.
pub(crate) fn still_as_seen(seen: u64, now: u64, is_production: bool) -> Result<(), PageError> {
    let doubled = now > seen.saturating_mul(2).saturating_add(100);
    let untyped = is_production && now > TYPED_FROM && seen <= TYPED_FROM;
    match doubled || untyped {
        true => Err(PageError::Conflict(format!(
            "The page said {}, and there are {} now. Nothing was changed: look at it again.",
            number(seen),
            number(now)
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_replay_takes_goes_by_the_provider_s_limit() {
        assert_eq!(lasts("500", 2_000, None), " (takes some 4 s)");
        assert_eq!(
            lasts("500", 2_000, Some(100.0)),
            " (the provider's limit is 100: takes some 20 s)"
        );
        assert_eq!(lasts("20", 2_000, Some(100.0)), " (takes some 2 min)");
        assert_eq!(lasts("all", 2_000, Some(100.0)), "");
    }

    #[test]
    fn many_more_than_were_seen_are_looked_at_again() {
        for (seen, now, is_production, is_same) in [
            (10, 12, false, true),
            (10, 120, false, true),
            (10, 121, false, false),
            (2_000, 100, true, true),
            (900, 1_001, false, true),
            (900, 1_001, true, false),
        ] {
            let same = still_as_seen(seen, now, is_production).is_ok();
            assert_eq!(same, is_same, "{seen} {now} {is_production}");
        }
    }
}
