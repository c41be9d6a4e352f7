//! Which provider and which customer a job is about: chosen once, on its first attempt.
//!
//! A later attempt must not choose anew. By then the user may have become a customer, or new customers may go
//! elsewhere: the same job would ask another provider, where its key means nothing, or the same one for something else
//! under the same key.

//!
//! The choice is kept as the job's checkpoint: it is gone when the job is. It is saved once: each checkpoint says that
//! the job comes on, and one that kills its workers must not say so each time.

use longshore_job::{Answer, JobError, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::mapping::{Customer, customer_of};
use crate::{PaymentProvider, Providers};

/// What a job was decided to be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    /// The generation that it was decided for: with corrected args it may be another one.
    key: String,
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
}

impl Choice {
    /// What was chosen before. Nothing is bound by the choice of an attempt that sent nothing.
    async fn recall(run: &Run) -> Result<Option<Self>, JobError> {
        if !run.may_have_been_sent {
            return Ok(None);
        }
        let saved = run.memory().checkpoint().await?;
        let saved: Option<Self> = saved.and_then(|saved| serde_json::from_value(saved).ok());
        Ok(saved.filter(|choice| choice.key == run.idempotency_key))
    }

    async fn keep(&self, run: &Run) -> Result<(), JobError> {
        // A job that is not this run's any more sends nothing either: the gate is shut.
        let _ours = run.memory().save(&json!(self)).await?;
        Ok(())
    }
}

/// The provider for a new customer.
pub(super) async fn for_new_customer<'a>(
    providers: &'a Providers,
    run: &Run,
) -> Result<&'a dyn PaymentProvider, JobError> {
    let choice = match Choice::recall(run).await? {
        Some(choice) => choice,
        None => {
            let choice = Choice {
                key: run.idempotency_key.clone(),
                provider: providers.for_new_customers().name().to_owned(),
                customer: None,
            };
            choice.keep(run).await?;
            choice
        }
    };
    named(providers, &choice.provider)
}

/// The provider and the customer for this user: the customer that the job names, or else the one that the user is. The
/// provider alone where there is neither.
pub(super) async fn for_user<'a>(
    providers: &'a Providers,
    run: &Run,
    user_id: &str,
    customer: Option<&str>,
) -> Result<(&'a dyn PaymentProvider, Option<String>), JobError> {
    let choice = match Choice::recall(run).await? {
        Some(choice) => choice,
        None => {
            let choice = choose(providers, run, user_id, customer).await?;
            choice.keep(run).await?;
            choice
        }
    };
    Ok((named(providers, &choice.provider)?, choice.customer))
}

async fn choose(
    providers: &Providers,
    run: &Run,
    user_id: &str,
    customer: Option<&str>,
) -> Result<Choice, JobError> {
    let known = customer_of(run, user_id).await?;
    let new = providers.for_new_customers();
    let (provider, customer) = match (customer, known) {
        (None, Some(Customer { provider, customer })) => (provider, Some(customer)),
        (None, None) => (new.name().to_owned(), None),
        // The user's own customer is where the mapping says, whatever its id looks like.
        (Some(named), Some(known)) if known.customer == named => {
            (known.provider, Some(known.customer))
        }
        (Some(named), _) => {
            let provider = providers.owner_of(named).unwrap_or(new);
            (provider.name().to_owned(), Some(named.to_owned()))
        }
    };
    Ok(Choice {
        key: run.idempotency_key.clone(),
        provider,
        customer,
    })
}

/// The provider of this name.
pub(super) fn named<'a>(
    providers: &'a Providers,
    name: &str,
) -> Result<&'a dyn PaymentProvider, JobError> {
    // Not a refusal: nobody was asked, and it is over once the provider is configured again.
    providers.named(name).ok_or_else(|| JobError::Transient {
        reason: format!("the job is about a customer of {name}, which is not configured"),
        answer: answer_without_provider("provider not configured"),
    })
}

/// What no provider had a part in.
fn answer_without_provider(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::default().quoting_nothing()
    }
}
