//! Lists: newest first, page by page.

use longshore_job::Run;
use longshore_provider::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{CallError, Stripe};

/// How many are asked for at a time: the most that Stripe gives.
const LIMIT: &str = "100";

/// The same when a page was too large to be read. The largest objects have 50 entries of metadata with 500 characters
/// each; ten of those still fit into what is read of an answer.
const SMALL_LIMIT: &str = "10";

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed<T> {
    /// What is on it, newest first.
    pub(crate) data: Vec<T>,
    /// Whether there are more after the last of these.
    pub(crate) has_more: bool,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListPage<'a> {
    /// Created at this time or later, Unix time in seconds.
    pub(crate) created_from: i64,
    /// Created before this time, Unix time in seconds.
    pub(crate) created_to: i64,
    /// The id of the last one on the page before.
    pub(crate) starting_after: Option<&'a str>,
}

impl Stripe {
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        run: &Run,
        path: &str,
        page: &ListPage<'_>,
        filter: &[(&str, &str)],
    ) -> Result<Listed<T>, CallError> {
        match self.page(run, path, page, filter, LIMIT).await {
            Err(CallError::NotUnderstood { response, .. }) if !response.complete => {
                self.page(run, path, page, filter, SMALL_LIMIT).await
            }
            listed => listed,
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        run: &Run,
        path: &str,
        page: &ListPage<'_>,
        filter: &[(&str, &str)],
        limit: &str,
    ) -> Result<Listed<T>, CallError> {
        let from = page.created_from.to_string();
        let to = page.created_to.to_string();
        let mut query = vec![
            ("limit", limit),
            ("created[gte]", &from),
            ("created[lt]", &to),
        ];
        query.extend(page.starting_after.map(|id| ("starting_after", id)));
        query.extend(filter);
        self.read(run, Request::get(path).query(query)).await
    }
}
