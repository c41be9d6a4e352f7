//! What waits in a queue: how much of each priority, and whose it is.

use longshore_job::Priority;
use serde::Serialize;

use crate::error::OperatorError;
use crate::operator::Operator;

/// So many tenants are named, those with the most first.
const MOST_TENANTS: usize = 10;

/// What waits in a queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharesRow {
    /// How many wait of each priority, the most urgent first.
    pub priorities: Vec<(Priority, u64)>,
    /// The tenants of whom most waits.
    pub tenants: Vec<TenantShare>,
    /// How many other tenants were seen.
    pub more_tenants: u64,
    /// Of how many jobs it was looked whose they are, where these were not all; then what tenants have is an estimate.
    pub sample: Option<u64>,
}

/// What waits of one tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TenantShare {
    /// The tenant.
    pub tenant: String,
    /// How many jobs wait.
    pub jobs: u64,
    /// Of all that waits, 0 to 1.
    pub share: f64,
}

impl Operator {
    /// What waits in a queue: how much of each priority, and the tenants of whom most waits. Its cost does not grow with how many
    /// jobs there are.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn shares(&self, queue: &str) -> Result<SharesRow, OperatorError> {
        let (_, queue) = self.queue(queue)?;
        let shares = queue.shares().await?;
        let all = (shares.high + shares.normal + shares.low).max(1) as f64;
        let scale = shares.in_lanes as f64 / shares.looked.max(1) as f64;
        let named = shares.tenants.iter().take(MOST_TENANTS);
        let tenants = named.map(|(tenant, seen)| {
            let jobs = *seen as f64 * scale;
            TenantShare {
                tenant: tenant.clone(),
                jobs: jobs.round() as u64,
                share: jobs / all,
            }
        });
        Ok(SharesRow {
            priorities: vec![
                (Priority::High, shares.high),
                (Priority::Normal, shares.normal),
                (Priority::Low, shares.low),
            ],
            tenants: tenants.collect(),
            more_tenants: shares.tenants.len().saturating_sub(MOST_TENANTS) as u64,
            sample: shares.is_sample().then_some(shares.looked),
        })
    }
}
