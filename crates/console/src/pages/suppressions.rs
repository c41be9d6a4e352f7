//! Addresses and numbers that nothing is sent to, by their hashes. None is shown: nobody here knows it.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use longshore_operator::{MessageChannel, Suppressed, SuppressionRow, ThisProgram};
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::empty::empty;
use crate::components::job_rows::job_link;
use crate::components::moment::moment;
use crate::components::table::{table, text};
use crate::content::{Content, PageError, see_other};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::number;
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::{TOKEN_MARK, View, part};
use crate::visit::Visit;

/// So many stand on the page, the newest.
const ROWS: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/suppressions", get(show)),
        Route::sent("/suppressions/find", post(find)),
        Route::act("/suppressions/add", get(adding).post(add)),
        Route::act("/suppressions/{hash}/remove", get(preview).post(remove)),
    ]
}

/// What a channel names people by, what it sends, and how one is written.
struct Words {
    one: &'static str,
    many: &'static str,
    sent: &'static str,
    why: &'static str,
}

fn words(channel: MessageChannel) -> Words {
    match channel {
        MessageChannel::Email => Words {
            one: "address",
            many: "addresses",
            sent: "mails",
            why: "their mail bounced for good or was reported as spam, or they want no more",
        },
        MessageChannel::Sms => Words {
            one: "number",
            many: "numbers",
            sent: "texts",
            why: "they answered STOP",
        },
    }
}

/// Which list is meant; that of mails where nothing is said.
fn channel(text: Option<&str>) -> Result<MessageChannel, PageError> {
    text.map_or(Ok(MessageChannel::Email), |text| {
        text.parse()
            .map_err(|_| PageError::Wrong("The channels are email and sms.".to_owned()))
    })
}

fn list_path(channel: MessageChannel) -> String {
    format!("/suppressions?channel={}", channel.as_str())
}

/// `GET /suppressions`
async fn show(visit: Visit, query: Query) -> Result<Content, PageError> {
    let view = &visit.view;
    let channel = channel(query.get("channel"))?;
    let words = words(channel);
    let listed = visit.shared.operator.suppressions(channel, ROWS).await;
    let (rows, count) = listed?;
    let command = format!(
        "{} suppressions list --channel {}",
        ThisProgram::get().name,
        channel.as_str()
    );
    let body = html! {
        div class="head" {
            h1 { "Suppressions" }
            p class="hint" {
                (number(count as u64)) " " (if count == 1 { words.one } else { words.many }) " that no " (words.sent) " go to: " (words.why)
            }
        }
        p {
            @for other in MessageChannel::ALL {
                @if other == channel { strong { (other.as_str()) } } @else { a href=(view.to(&list_path(other))) { (other.as_str()) } }
                " "
            }
        }
        @if view.can_act {
            form class="filters" method="post" action=(view.to("/suppressions/find")) {
                input type="hidden" name="token" value=(TOKEN_MARK);
                input type="hidden" name="channel" value=(channel.as_str());
                label class="field" {
                    span { "The " (words.one) ", or the first 8 digits of its hash" }
                    input name="who" type="text" required autocomplete="off" maxlength="320" spellcheck="false";
                }
                button type="submit" { "Find" }
            }
            p { a href=(view.to(&format!("/suppressions/add?channel={}", channel.as_str()))) { "Add one" } }
        }
        @if rows.is_empty() {
            (empty(&format!("No {} is suppressed.", words.one), Some(&command)))
        } @else {
            (list(view, channel, &rows))
            @if count > rows.len() { p class="hint" { "The newest " (number(rows.len() as u64)) " of " (number(count as u64)) "." } }
        }
    };
    Ok(Content::new(Section::Suppressions, "Suppressions", body))
}

fn list(view: &View, channel: MessageChannel, rows: &[SuppressionRow]) -> Markup {
    let words = words(channel);
    let columns = [
        text("Hash"),
        text("Why"),
        text("Since"),
        text("By the message of"),
        text(""),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let remove = format!("{}?channel={}", remove_path(&row.hash), channel.as_str());
            vec![
                html! {
                    span class="id" { (Short(&row.hash, 16)) }
                    @if let Some(why) = &row.broken { " " span class="wrong" { (Foreign(why)) } }
                },
                html! { @if let Some(reason) = &row.reason { (Short(&reason.replace('_', " "), 60)) } },
                html! { @if let Some(since) = &row.since { (moment(view, since)) } },
                html! { @if let Some(job) = &row.job { (job_link(view, job)) } },
                html! {
                    @if view.can_act { a href=(view.to(&remove)) { "Remove" } }
                },
            ]
        })
        .collect();
    table(&format!("Suppressed {}", words.many), &columns, &rows)
}

fn remove_path(hash: &str) -> String {
    format!("/suppressions/{}/remove", part(hash))
}

fn suppressed(channel: MessageChannel, text: &str) -> Result<Suppressed, PageError> {
    let one = words(channel).one;
    Suppressed::parse(channel, text).map_err(|_| {
        PageError::Wrong(format!(
            "Write the {one}, or at least 8 digits of its hash."
        ))
    })
}

/// `POST /suppressions/find`: leads to the one that is meant. An address stands in no URL.
async fn find(visit: Visit, form: Form) -> Result<Response, PageError> {
    let channel = channel(form.get("channel"))?;
    let meant = suppressed(channel, form.wanted("who", "Write who is meant.")?)?;
    let row = visit.shared.operator.suppression(channel, &meant).await?;
    let at = format!("{}?channel={}", remove_path(&row.hash), channel.as_str());
    Ok(see_other(&visit.view.to(&at)).into_response())
}

/// `GET /suppressions/add`
async fn adding(visit: Visit, query: Query) -> Result<Content, PageError> {
    let view = &visit.view;
    let channel = channel(query.get("channel"))?;
    let words = words(channel);
    let title = format!(
        "Add {}",
        if channel == MessageChannel::Email {
            "an address"
        } else {
            "a number"
        }
    );
    let body = html! {
        p class="crumbs" { a href=(view.to(&list_path(channel))) { "Suppressions" } }
        h1 { (title) }
        section class="sheet" {
            p { "No " (words.sent) " would be sent to it from now on. Only its hash is kept." }
            (act_form(view, &ActForm {
                action: "/suppressions/add",
                verb: "Add it to the list",
                count: 1,
                is_final: false,
                hidden: &[("channel", channel.as_str())],
                questions: html! {
                    label class="field" {
                        span { "The " (words.one) }
                        input name="who" type="text" required autocomplete="off" maxlength="320" spellcheck="false";
                    }
                },
                back: &list_path(channel),
            }))
        }
    };
    Ok(Content::new(Section::Suppressions, &title, body))
}

/// `POST /suppressions/add`
async fn add(visit: Visit, form: Form) -> Result<Response, PageError> {
    let channel = channel(form.get("channel"))?;
    let one = words(channel).one;
    let whole = || PageError::Wrong(format!("Write the whole {one}."));
    let meant = suppressed(channel, form.wanted("who", "Write who is meant.")?);
    let Ok(Suppressed::Hash(hash)) = meant else {
        return Err(whole());
    };
    let signed = visit.who.signed(form.reason()?);
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let added = shared.operator.suppress(channel, &hash, &signed).await?;
        let said = match added {
            Some(_) => format!("The {one} is on the list: nothing is sent to it from now on."),
            None => format!("The {one} was on the list already."),
        };
        Ok(Outcome::done(list_path(channel), said))
    })
    .await
}

/// `GET /suppressions/{hash}/remove`
async fn preview(
    visit: Visit,
    Path(hash): Path<String>,
    query: Query,
) -> Result<Content, PageError> {
    let channel = channel(query.get("channel"))?;
    let meant = suppressed(channel, &hash)?;
    let row = visit.shared.operator.suppression(channel, &meant).await?;
    let view = &visit.view;
    let words = words(channel);
    let title = format!(
        "Remove {}",
        if channel == MessageChannel::Email {
            "an address"
        } else {
            "a number"
        }
    );
    let body = html! {
        p class="crumbs" { a href=(view.to(&list_path(channel))) { "Suppressions" } }
        h1 { (title) }
        section class="sheet" {
            dl class="facts" {
                dt { "Hash" } dd class="id" { (Foreign(&row.hash)) }
                @if let Some(reason) = &row.reason { dt { "Why" } dd { (Foreign(&reason.replace('_', " "))) } }
                @if let Some(since) = &row.since { dt { "Since" } dd { (moment(view, since)) } }
                @if let Some(job) = &row.job { dt { "By the message of" } dd { (job_link(view, job)) } }
            }
            p { "Its " (words.sent) " would be sent from now on, until there is a reason not to again. Do that only if its owner asked for it." }
            (act_form(view, &ActForm {
                action: &remove_path(&row.hash),
                verb: "Remove it from the list",
                count: 1,
                is_final: false,
                hidden: &[("channel", channel.as_str())],
                questions: html! {},
                back: &list_path(channel),
            }))
        }
    };
    Ok(Content::new(Section::Suppressions, &title, body))
}

/// `POST /suppressions/{hash}/remove`
async fn remove(visit: Visit, Path(hash): Path<String>, form: Form) -> Result<Response, PageError> {
    let channel = channel(form.get("channel"))?;
    let meant = suppressed(channel, &hash)?;
    let signed = visit.who.signed(form.reason()?);
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let operator = &shared.operator;
        let row = operator.suppression(channel, &meant).await?;
        let words = words(channel);
        let said = match operator.unsuppress(channel, &row, &signed).await? {
            true => format!(
                "The {} is off the list: {} to it are sent from now on.",
                words.one, words.sent
            ),
            false => "It was not on the list any more.".to_owned(),
        };
        Ok(Outcome::done(list_path(channel), said))
    })
    .await
}
