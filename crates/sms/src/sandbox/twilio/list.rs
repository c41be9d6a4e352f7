//! `GET …/Messages.json`: filters and pages.

use serde_json::{Value, json};

use super::TwilioMessage;
use super::message::date;
use super::messages::Messages;
use super::problem::Problem;

const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 1000;

/// What is asked for. Dates are GMT; a message that was not sent yet has none, and fits none.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// The filters as they came, for the addresses of other pages.
    filters: Vec<(String, String)>,
    to: Option<String>,
    from: Option<String>,
    sent_on: Option<String>,
    sent_until: Option<String>,
    sent_since: Option<String>,
    page_size: usize,
    page: usize,
    /// The sid that the page before ended with.
    after: Option<String>,
}

impl Query {
    /// Reads a query; names that mean nothing are passed over, as Twilio does.
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let mut read = Self {
            page_size: DEFAULT_PAGE_SIZE,
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            let place = match name.as_str() {
                "To" => &mut read.to,
                "From" => &mut read.from,
                "DateSent" => &mut read.sent_on,
                "DateSent<" => &mut read.sent_until,
                "DateSent>" => &mut read.sent_since,
                "PageSize" => {
                    read.page_size = page_size(&value)?;
                    continue;
                }
                "Page" => {
                    read.page = value.parse().map_err(|_| Problem::of_status(400))?;
                    continue;
                }
                "PageToken" => {
                    let sid = value.strip_prefix("PA").ok_or(Problem::of_status(400))?;
                    read.after = Some(sid.to_owned());
                    continue;
                }
                _ => continue,
            };
            let filter = match name.starts_with("DateSent") {
                true => day(&value)?,
                false => value.clone(),
            };
            *place = Some(filter);
            read.filters.push((name, value));
        }
        Ok(read)
    }

    fn fits(&self, message: &TwilioMessage) -> bool {
        let is = |wanted: &Option<String>, found: Option<&String>| {
            wanted.is_none() || wanted.as_ref() == found
        };
        let sent = message.sent.map(date);
        let sent_as = |wanted: &Option<String>, right: fn(&String, &String) -> bool| match wanted {
            None => true,
            Some(day) => sent.as_ref().is_some_and(|sent| right(sent, day)),
        };
        is(&self.to, Some(&message.to))
            && is(&self.from, message.from.as_ref())
            && sent_as(&self.sent_on, |sent, day| sent == day)
            && sent_as(&self.sent_until, |sent, day| sent <= day)
            && sent_as(&self.sent_since, |sent, day| sent >= day)
    }

    /// The page that is asked for.
    pub(super) fn answer(&self, account: &str, messages: &Messages) -> Value {
        let found = messages.newest_first(|m| m.account_sid == account && self.fits(m));
        let start = match &self.after {
            Some(sid) => found
                .iter()
                .position(|message| message.sid == *sid)
                .map_or(found.len(), |place| place + 1),
            None => (self.page * self.page_size).min(found.len()),
        };
        let end = (start + self.page_size).min(found.len());
        let page = &found[start..end];
        let next = page
            .last()
            .filter(|_| end < found.len())
            .map(|last| self.uri(account, self.page + 1, Some(&last.sid)));
        json!({
            "messages": page.iter().map(TwilioMessage::to_json).collect::<Vec<_>>(),
            "page": self.page,
            "page_size": self.page_size,
            "start": start,
            "end": end.saturating_sub(1),
            "uri": self.uri(account, self.page, self.after.as_deref()),
            "first_page_uri": self.uri(account, 0, None),
            "previous_page_uri": null,
            "next_page_uri": next,
        })
    }

    /// The address of a page, without the host.
    fn uri(&self, account: &str, page: usize, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.append_pair("PageSize", &self.page_size.to_string());
        query.append_pair("Page", &page.to_string());
        if let Some(sid) = after {
            query.append_pair("PageToken", &format!("PA{sid}"));
        }
        let query = query.finish();
        format!("/2010-04-01/Accounts/{account}/Messages.json?{query}")
    }
}

fn page_size(value: &str) -> Result<usize, Problem> {
    match value.parse() {
        Ok(size) if (1..=MAX_PAGE_SIZE).contains(&size) => Ok(size),
        Ok(size) if size > MAX_PAGE_SIZE => Err(Problem::bad(20007, "Page size too large")),
        _ => Err(Problem::of_status(400)),
    }
}

/// `2026-11-23`, also out of a time that begins with it.
fn day(value: &str) -> Result<String, Problem> {
    let day = value.get(..10).unwrap_or_default();
    match day.parse::<jiff::civil::Date>() {
        Ok(_) => Ok(day.to_owned()),
        Err(_) => Err(Problem::bad(20001, "Invalid date")),
    }
}
