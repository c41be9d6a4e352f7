//! What has come to a list since its page was drawn: read once for all who look at the same list, and only told. The list itself
//! stays as it is.

use std::collections::BTreeMap;

use longshore_operator::Filter;
use maud::{Markup, html};

use crate::components::announced::{came_at, times};
use crate::content::PageError;
use crate::live::{Listed, Lists};
use crate::number::number;
use crate::pages::{audit, queue};
use crate::shared::Shared;
use crate::view::View;

/// Letters and entries are told up to here.
const MOST_NEW: usize = 100;

/// A first page with so many has others after it, perhaps.
const FULL_PAGE: usize = 50;

/// The lists that are told of, by the paths of their pages.
enum List {
    /// Jobs of a queue, with the filters of its page.
    Jobs(String),
    /// Dead letters: of all causes, or of one queue or kind.
    Causes,
    /// Those of one cause.
    Letters(String, String),
    Operations,
    Audit,
}

/// A list's address: its path within the console, with its filters.
struct Address {
    list: List,
    filters: BTreeMap<String, String>,
}

impl Address {
    /// `None` for what is no list.
    fn parse(address: &str) -> Option<Self> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let parts: Vec<_> = path.split('/').skip(1).map(unescaped).collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let list = match parts[..] {
            ["queues", queue] => List::Jobs(queue.to_owned()),
            ["dead"] => List::Causes,
            ["dead", queue, group] => List::Letters(queue.to_owned(), group.to_owned()),
            ["operations"] => List::Operations,
            ["audit"] => List::Audit,
            _ => return None,
        };
        let filters = form_urlencoded::parse(query.as_bytes()).into_owned();
        Some(Self {
            list,
            filters: filters.collect(),
        })
    }

    fn filter(&self, name: &str) -> Option<String> {
        let value = self.filters.get(name)?.trim();
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// What one of them is called, and several.
    fn names(&self) -> (&'static str, &'static str) {
        match self.list {
            List::Jobs(_) => ("job", "jobs"),
            List::Causes | List::Letters(..) => ("letter", "letters"),
            List::Operations => ("operation", "operations"),
            List::Audit => ("entry", "entries"),
        }
    }

    async fn read(&self, shared: &Shared) -> Result<Listed, PageError> {
        let operator = &shared.operator;
        let letters = async |queue: Option<&str>, group: Option<&str>| {
            let kind = self.filter("kind");
            let filter = Filter {
                queue,
                group,
                kind: kind.as_deref(),
                limit: MOST_NEW,
                ..Filter::default()
            };
            let letters = operator.letters(&filter).await?;
            Ok::<_, PageError>(times(letters.iter().map(|letter| letter.died_at.as_str())))
        };
        let times = match &self.list {
            List::Jobs(name) => {
                let filter = queue::filter(|name| self.filter(name))?;
                let page = operator.job_page(name, &filter, None).await?;
                times(page.rows.iter().filter_map(|row| came_at(row, &filter)))
            }
            List::Causes => letters(self.filter("queue").as_deref(), None).await?,
            List::Letters(queue, group) => letters(Some(queue), Some(group)).await?,
            List::Operations => {
                let rows = operator.operations().await?;
                times(
                    rows.iter()
                        .take(MOST_NEW)
                        .map(|row| row.started_at.as_str()),
                )
            }
            List::Audit => {
                let query = audit::meant(|name| self.filter(name))?;
                let page = operator.audit_page(&query, None, MOST_NEW).await?;
                times(page.rows.iter().map(|row| row.at.as_str()))
            }
        };
        Ok(Listed { times })
    }
}

/// A part of a path as it was before it was escaped.
fn unescaped(part: &str) -> String {
    let pair = format!("p={part}");
    let parsed = form_urlencoded::parse(pair.as_bytes()).next();
    parsed.map_or_else(String::new, |(_, part)| part.into_owned())
}

/// Whether an address is one of a list that can be told of.
pub(crate) fn is_list(address: &str) -> bool {
    Address::parse(address).is_some_and(|address| address.filter("after").is_none())
}

/// Reads lists that somebody looks at. One that cannot be read now is not told of.
pub(crate) async fn read(shared: &Shared, addresses: Vec<String>) -> Result<Lists, PageError> {
    let mut lists = Lists::new();
    for text in addresses {
        let Some(address) = Address::parse(&text) else {
            continue;
        };
        match address.read(shared).await {
            Ok(listed) => {
                lists.insert(text, listed);
            }
            Err(PageError::Away(why)) => return Err(PageError::Away(why)),
            Err(_) => {}
        }
    }
    Ok(lists)
}

/// How many of what is listed have come since then, as a line that leads to them; empty where none has.
pub(crate) fn line(view: &View, text: &str, listed: &Listed, since: i64) -> Markup {
    let Some(address) = Address::parse(text) else {
        return html! {};
    };
    let new = listed.times.iter().filter(|time| **time > since).count();
    let (one, many) = address.names();
    let noun = if new == 1 { one } else { many };
    // All that was looked at is new: there may be more of it.
    let is_all = new == listed.times.len() && new >= FULL_PAGE;
    html! {
        @if new > 0 {
            a href=(view.to(text)) { (number(new as u64)) @if is_all { " or more" } " new " (noun) }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn only_first_pages_of_lists_are_told_of() {
        for (address, is) in [
            ("/queues/email", true),
            ("/queues/a%20b?state=dead&kind=send_email", true),
            ("/queues/email?after=w.x", false),
            ("/queues/email/pause", false),
            ("/dead", true),
            ("/dead/email/0123456789ab", true),
            ("/operations", true),
            ("/operations/01", false),
            ("/audit?by=ada", true),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(is_list(address), is, "{address:?}");
        }
        let address = Address::parse("/queues/a%20b%2Bc").expect("a list");
        assert!(matches!(address.list, List::Jobs(name) if name == "a b+c"));
    }

    #[test]
    fn what_came_since_is_counted() {
        let view = View {
            prefix: "/ops".to_owned(),
            now: Timestamp::UNIX_EPOCH,
            can_act: false,
            is_production: false,
        };
        let line =
            |times: Vec<i64>, since| line(&view, "/audit", &Listed { times }, since).into_string();
        assert_eq!(line(vec![3, 2, 1], 3), "");
        assert_eq!(
            line(vec![3, 2, 1], 2),
            "<a href=\"/ops/audit\">1 new entry</a>"
        );
        assert_eq!(
            line((1..=100).collect(), 0),
            "<a href=\"/ops/audit\">100 or more new entries</a>"
        );
    }
}
