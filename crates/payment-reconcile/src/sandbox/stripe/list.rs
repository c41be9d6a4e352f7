//! Lists: filters by time, and pages.

use serde_json::{Value, json};

use super::params::Params;
use super::problem::Problem;
use super::shelf::{Shelf, Stored};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: u64 = 100;

/// Which part of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    starting_after: Option<String>,
    /// Both inclusive, in seconds since the Unix epoch.
    since: u64,
    until: u64,
}

impl Page {
    pub(super) fn read(params: &mut Params) -> Result<Self, Problem> {
        let limit = match params.count("limit")? {
            None => DEFAULT_LIMIT,
            Some(limit) if limit <= MAX_LIMIT => limit as usize,
            Some(_) => {
                return Err(Problem::invalid(
                    Some("parameter_invalid_integer"),
                    "This value must be less than or equal to 100.",
                    "limit",
                ));
            }
        };
        let (mut since, mut until) = (0, u64::MAX);
        if let Some(exact) = params.time("created")? {
            (since, until) = (exact, exact);
        }
        if let Some(gt) = params.time("created[gt]")? {
            since = since.max(gt.saturating_add(1));
        }
        if let Some(gte) = params.time("created[gte]")? {
            since = since.max(gte);
        }
        if let Some(lte) = params.time("created[lte]")? {
            until = until.min(lte);
        }
        match params.time("created[lt]")? {
            // Nothing is older than that.
            Some(0) => since = u64::MAX,
            Some(lt) => until = until.min(lt - 1),
            None => {}
        }
        Ok(Self {
            limit,
            starting_after: params.text("starting_after"),
            since,
            until,
        })
    }

    /// The page, of those that fit.
    pub(super) fn of<T: Stored>(
        &self,
        shelf: &Shelf<T>,
        livemode: bool,
        url: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Value, Problem> {
        let after = self.starting_after.as_deref();
        let missing =
            || Problem::missing(400, T::WORD, after.unwrap_or_default(), "starting_after");
        let mut found = shelf
            .newest_first(after, self.until)
            .ok_or_else(missing)?
            .take_while(|thing| thing.created() >= self.since)
            .filter(|thing| thing.livemode() == livemode && fits(thing));
        let data: Vec<_> = found.by_ref().take(self.limit).map(T::to_json).collect();
        Ok(json!({
            "object": "list",
            "data": data,
            "has_more": found.next().is_some(),
            "url": url,
        }))
    }
}
