//! The audit: who did what to what, and why.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use longshore_operator::{AuditQuery, AuditRow};
use maud::{Markup, html};

use crate::components::announced::announced;
use crate::components::empty::empty;
use crate::components::job_rows::job_link;
use crate::components::moment::moment;
use crate::components::table::{table, text};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::number::number;
use crate::pages::queue::path_of as queue_path;
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::since::{ago_ms, span};
use crate::view::{View, address, part};
use crate::visit::Visit;

/// So many entries stand on one page.
const ROWS: usize = 50;

/// So many are exported at the most.
const EXPORTED: usize = 10_000;

const FILTERS: [&str; 5] = ["by", "action", "target", "queue", "since"];

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/audit", get(show)),
        Route::page("/audit/export", get(export)),
    ]
}

/// Which entries the address of a page means.
pub(crate) fn meant(get: impl Fn(&str) -> Option<String>) -> Result<AuditQuery, PageError> {
    let since = get("since").map(|text| {
        let since = span(&text);
        since.ok_or_else(|| {
            PageError::Wrong(format!("{text} is no time span: write 30m, 2h or 7d."))
        })
    });
    Ok(AuditQuery {
        queue: get("queue"),
        by: get("by"),
        action: get("action"),
        target: get("target"),
        since_ms: since.transpose()?.map(ago_ms),
    })
}

/// `GET /audit?by=…&action=…&target=…&queue=…&since=7d`
async fn show(visit: Visit, query: Query) -> Result<Content, PageError> {
    let view = &visit.view;
    let audit = meant(|name| query.get(name).map(str::to_owned))?;
    let after = query.get("after");
    let page = visit
        .shared
        .operator
        .audit_page(&audit, after, ROWS)
        .await?;
    let fields: Vec<_> = FILTERS
        .into_iter()
        .filter_map(|name| Some((name, query.get(name)?)))
        .collect();
    let body = html! {
        div class="head" {
            h1 { "Audit" }
            p { a href=(view.to_with("/audit/export", &fields)) { "Export as JSON Lines" } }
        }
        (filters(view, &query))
        @if after.is_none() {
            @let address = address("/audit", &fields);
            (announced(view, &address, page.rows.iter().map(|row| row.at.as_str())))
        }
        @if page.rows.is_empty() {
            @match page.next {
                Some(_) => p class="empty" { "None of those that were looked at is meant. There are older ones." },
                None => (empty("Nothing was done that is meant here.", Some("longshore audit --since 7d"))),
            }
        } @else {
            (rows(view, &page.rows))
        }
        @if let Some(next) = &page.next {
            @let older: Vec<_> = fields.iter().copied().chain([("after", next.as_str())]).collect();
            p { a class="button" href=(view.to_with("/audit", &older)) { "Older ones" } }
        }
    };
    Ok(Content::new(Section::Audit, "Audit", body))
}

fn filters(view: &View, query: &Query) -> Markup {
    let fields = [
        ("by", "Who"),
        ("action", "What"),
        ("target", "Job, group, entry"),
        ("queue", "Queue"),
    ];
    html! {
        form class="filters" method="get" action=(view.to("/audit")) {
            @for (name, words) in fields {
                label class="field" {
                    span { (words) }
                    input name=(name) type="text" value=[query.get(name)] autocomplete="off" maxlength="256" spellcheck="false";
                }
            }
            label class="field" {
                span { "In the last" }
                select name="since" {
                    @for (value, words) in [("", "400 days"), ("1h", "hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days")] {
                        option value=(value) selected[query.get("since").unwrap_or_default() == value] { (words) }
                    }
                }
            }
            button type="submit" { "Search" }
        }
    }
}

fn rows(view: &View, rows: &[AuditRow]) -> Markup {
    let columns = [
        text("When"),
        text("Who"),
        text("What"),
        text("To what"),
        text("Why"),
        text("Result"),
    ];
    let rows: Vec<_> = rows.iter().map(|row| cells(view, row)).collect();
    table("What operators did", &columns, &rows)
}

fn cells(view: &View, row: &AuditRow) -> Vec<Markup> {
    let name = format!("{}.{}", row.queue, row.id);
    vec![
        html! { a class="row plain" id=(part(&name)) href={ "#" (part(&name)) } { (moment(view, &row.at)) } },
        html! { span class=[is_brief(&row.by).then_some("brief")] { (Short(&row.by, 80)) } },
        html! { (Short(&row.action.replace('_', " "), 40)) " " a class="hint" href=(view.to(&queue_path(&row.queue))) { (Short(&row.queue, 64)) } },
        target(view, row),
        html! { @if let Some(reason) = &row.reason { (Foreign(reason)) } },
        html! {
            @if let Some(result) = &row.result { (Foreign(&as_everywhere(result))) }
            @if let Some(id) = &row.replay { " " a href=(view.to(&format!("/operations/{}", part(id)))) { "operation" } }
            @if let Some(why) = &row.broken { span class="wrong" { "broken: " } (Foreign(why)) }
        },
    ]
}

/// It fits on one line of a narrow column.
fn is_brief(text: &str) -> bool {
    text.chars().count() <= 24
}

/// Numbers and times as they stand everywhere else.
fn as_everywhere(result: &str) -> String {
    let word = |word: &str| {
        if let Ok(count) = word.parse::<u64>() {
            return number(count);
        }
        match word.parse::<jiff::Timestamp>() {
            Ok(at) => at.strftime("%F %H:%M UTC").to_string(),
            Err(_) => word.to_owned(),
        }
    };
    let words: Vec<_> = result.split(' ').map(word).collect();
    words.join(" ")
}

/// What it was done to leads there, where there is such a page.
fn target(view: &View, row: &AuditRow) -> Markup {
    let target = &row.target;
    html! {
        @if target.len() == 26 && target.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            (job_link(view, target))
        } @else if let Some(group) = target.strip_prefix("group ") {
            a class=[is_brief(target).then_some("brief")] href=(view.to(&format!("/dead/{}/{}", part(&row.queue), part(group)))) { (Short(target, 40)) }
        } @else if *target != row.queue {
            (Foreign(target))
        }
    }
}

/// `GET /audit/export?…`
async fn export(visit: Visit, query: Query) -> Result<Response, PageError> {
    let audit = meant(|name| query.get(name).map(str::to_owned))?;
    let (mut lines, mut count, mut after) = (String::new(), 0, None::<String>);
    while count < EXPORTED {
        let page = visit
            .shared
            .operator
            .audit_page(&audit, after.as_deref(), 500);
        let page = page.await?;
        for row in &page.rows {
            lines += &serde_json::to_string(row).unwrap_or_default();
            lines.push('\n');
        }
        count += page.rows.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((headers, lines).into_response())
}
