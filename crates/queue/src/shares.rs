//! What waits in a queue: how much of each priority, and whose it is.

use std::collections::BTreeMap;

use redis::Value;

use crate::value::Reply;
use crate::{Lane, Queue, QueueError, script};

/// Jobs are looked at in so many places of the lanes.
const PLACES: usize = 20;

/// So many at each.
const EACH: usize = 100;

/// What waits to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of high priority.
    pub high: u64,
    /// Of normal priority.
    pub normal: u64,
    /// Of low priority.
    pub low: u64,
    /// How many have a priority other than normal, or a tenant: among these it was looked whose they are.
    pub in_lanes: u64,
    /// How many of them were looked at: all, or as many as are a sample.
    pub looked: u64,
    /// How many of those that were looked at each tenant has, the most first.
    pub tenants: Vec<(String, u64)>,
}

impl Shares {
    /// Not all were looked at: what tenants have is a share of what was.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        self.looked < self.in_lanes
    }
}

impl Queue {
    /// What waits to run: how much of each priority, and whose it is. At most 2,000 jobs are looked at.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn shares(&self) -> Result<Shares, QueueError> {
        let value: Value = script::SHARES
            .on(&[&self.keys.active, &self.keys.lanes, &self.keys.lane])
            .arg(PLACES)
            .arg(EACH)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let (listed, high): (u64, u64) = (answer.next()?, answer.next()?);
        let (normal, low): (u64, u64) = (answer.next()?, answer.next()?);
        let looked = answer.next()?;
        let mut tenants = BTreeMap::<String, u64>::new();
        while !answer.is_empty() {
            let lane: Vec<u8> = answer.next()?;
            let count: u64 = answer.next()?;
            let lane = Lane::parse(&String::from_utf8_lossy(&lane));
            if let Some(tenant) = lane.tenant {
                *tenants.entry(tenant).or_default() += count;
            }
        }
        let mut tenants: Vec<_> = tenants.into_iter().collect();
        tenants.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Shares {
            high,
            normal: listed + normal,
            low,
            in_lanes: high + normal + low,
            looked,
            tenants,
        })
    }
}
