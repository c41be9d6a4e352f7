//! Who is whose customer: kept for good, and moved first when the provider is changed.

use longshore_job::{JobError, Run};
use serde::{Deserialize, Serialize};

/// The map from the app's users to [`Customer`]s, as JSON.
const CUSTOMERS: &str = "customers";

/// The map from subscriptions, by the provider's id, to the provider's name.
const SUBSCRIPTIONS: &str = "subscriptions";

/// Somebody's place at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Customer {
    pub(super) provider: String,
    pub(super) customer: String,
}

/// The customer that a user is, if any.
pub(super) async fn customer_of(run: &Run, user_id: &str) -> Result<Option<Customer>, JobError> {
    let found = run.memory().find(CUSTOMERS, user_id).await?;
    found.as_deref().map(read).transpose()
}

/// Makes a user this customer, unless they are one already; returns which one they are.
pub(super) async fn assign_customer(
    run: &Run,
    user_id: &str,
    customer: &Customer,
) -> Result<Customer, JobError> {
    let json = serde_json::to_string(customer)
        .unwrap_or_else(|error| unreachable!("two texts become JSON: {error}"));
    let assigned = run.memory().assign(CUSTOMERS, user_id, &json).await?;
    read(&assigned)
}

/// The name of the provider that a subscription is at, if it was made by this fleet.
pub(super) async fn provider_of(run: &Run, subscription: &str) -> Result<Option<String>, JobError> {
    Ok(run.memory().find(SUBSCRIPTIONS, subscription).await?)
}

/// Notes where a subscription is.
pub(super) async fn assign_subscription(
    run: &Run,
    subscription: &str,
    provider: &str,
) -> Result<(), JobError> {
    let memory = run.memory();
    memory.assign(SUBSCRIPTIONS, subscription, provider).await?;
    Ok(())
}

fn read(json: &str) -> Result<Customer, JobError> {
    // Not a refusal: that would begin a new generation of the job's key.
    serde_json::from_str(json).map_err(|_| {
        JobError::transient(
            "the entry of this user in the mapping of customers is not {\"provider\",\"customer\"}",
        )
    })
}
