//! One stretch of time of Stripe's payments.

use std::collections::{HashMap, HashSet};

use longshore_job::{Answer, JobError};

use super::books::Books;
use super::compare::{Account, Payment};

/// What Stripe has from `lower` on and before the slice before this one, each once.
pub(super) struct Slice {
    /// Where it begins, Unix time in seconds.
    pub(super) lower: i64,
    pub(super) payments: HashMap<String, Payment>,
    /// Ids that the app has named.
    pub(super) claimed: HashSet<String>,
}

impl Slice {
    /// Reads payments created in `start..upper`, newest first, until there are `size`, or all of them.
    ///
    /// A slice ends between two seconds, not between two pages: so the app can be asked for the same time. Of a second
    /// that may not be whole nothing is kept, unless there is nothing else: then it is read to its end.
    pub(super) async fn read(
        books: &impl Books,
        start: i64,
        upper: i64,
        size: usize,
    ) -> Result<Self, JobError> {
        let mut payments = HashMap::new();
        let mut after: Option<String> = None;
        let (mut oldest, mut newest) = (i64::MAX, i64::MIN);
        let lower = loop {
            let page = books.intents(start, upper, after.as_deref()).await?;
            let known = payments.len();
            for intent in &page.data {
                oldest = oldest.min(intent.created());
                newest = newest.max(intent.created());
                payments.insert(intent.id().to_owned(), intent.payment());
            }
            if !page.has_more {
                break start;
            }
            if payments.len() == known {
                return Err(goes_in_circles());
            }
            if payments.len() >= size && oldest < newest {
                let lower = oldest + 1;
                payments.retain(|_, payment| payment.created >= lower);
                break lower;
            }
            after = page.data.last().map(|intent| intent.id().to_owned());
        };
        Ok(Self {
            lower,
            payments,
            claimed: HashSet::new(),
        })
    }
}

/// A page without anything new, after which there is more: the same one would be read for ever.
fn goes_in_circles() -> JobError {
    JobError::Transient {
        reason: "the provider's list of payments does not come to an end".to_owned(),
        answer: Answer {
            code: Some("endless list".to_owned()),
            ..Answer::default()
        },
    }
}
