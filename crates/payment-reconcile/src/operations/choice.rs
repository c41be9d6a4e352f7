//! Which provider and which customer a job is about: chosen once, on its first attempt.
//!
//! A later attempt must not choose anew. By then the user may have become a customer, or new customers may go
//! elsewhere: the same job would ask another provider, where its key means nothing, or the same one for something else
//! under the same key. A replay after a refusal has a new key, and stays with its provider all the same: a payment method
//! is of the provider that it was made at. Only an attempt that has sent nothing binds nobody, and an operator who names
//! another provider or customer in the args. Under a new key the user's customer at that provider counts anew.
//!
//! The choice is kept as the job's checkpoint: it is gone when the job is. It is saved once: each checkpoint says that
//! the job comes on, and one that kills its workers must not say so each time.

use longshore_job::{Answer, JobError, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::mapping::{Customer, customer_of};
use crate::{PaymentProvider, Providers};

/// What a job's args say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) user_id: &'a str,
    pub(super) provider: Option<&'a str>,
    pub(super) customer: Option<&'a str>,
}

/// What a job was decided to be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    /// The generation that it was decided for.
    key: String,
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// The provider and the customer that the args named then.
    #[serde(default, skip_serializing_if = "is_nothing")]
    named: Named,
}

type Named = (Option<String>, Option<String>);

fn is_nothing(named: &Named) -> bool {
    *named == Named::default()
}

impl Choice {
    fn new(run: &Run, wanted: Wanted<'_>, provider: &str, customer: Option<String>) -> Self {
        Self {
            key: run.idempotency_key.clone(),
            provider: provider.to_owned(),
            customer,
            named: wanted.named(),
        }
    }

    /// What was chosen before. Nothing is bound by the choice of an attempt that sent nothing.
    async fn recall(run: &Run, wanted: Wanted<'_>) -> Result<Option<Self>, JobError> {
        let was_refused = run.idempotency_key != run.id.to_string();
        if !run.may_have_been_sent && !was_refused {
            return Ok(None);
        }
        let saved = run.memory().checkpoint().await?;
        let saved: Option<Self> = saved.and_then(|saved| serde_json::from_value(saved).ok());
        let binds = |choice: &Self| choice.is_of(run) || choice.named == wanted.named();
        Ok(saved.filter(binds))
    }

    /// Whether it was made under the key that the job has now.
    fn is_of(&self, run: &Run) -> bool {
        self.key == run.idempotency_key
    }

    async fn keep(&self, run: &Run) -> Result<(), JobError> {
        // A job that is not this run's any more sends nothing either: the gate is shut.
        let _ours = run.memory().save(&json!(self)).await?;
        Ok(())
    }
}

impl Wanted<'_> {
    fn named(self) -> Named {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        (owned(self.provider), owned(self.customer))
    }
}

/// The provider for a new customer.
pub(super) async fn for_new_customer<'a>(
    providers: &'a Providers,
    run: &Run,
    wanted: Wanted<'_>,
) -> Result<&'a dyn PaymentProvider, JobError> {
    let choice = match Choice::recall(run, wanted).await? {
        Some(choice) if choice.is_of(run) => choice,
        before => {
            let before = before.as_ref().map(|before| &*before.provider);
            let new = || providers.for_new_customer(wanted.user_id).name();
            let provider = wanted.provider.or(before).unwrap_or_else(new);
            let choice = Choice::new(run, wanted, provider, None);
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
    wanted: Wanted<'_>,
) -> Result<(&'a dyn PaymentProvider, Option<String>), JobError> {
    let choice = match Choice::recall(run, wanted).await? {
        Some(choice) if choice.is_of(run) => choice,
        before => {
            let choice = choose(providers, run, wanted, before).await?;
            choice.keep(run).await?;
            choice
        }
    };
    Ok((named(providers, &choice.provider)?, choice.customer))
}

/// The same for what needs a customer. Without one nothing is sent, so nothing is kept either: the user may become one.
pub(super) async fn for_customer<'a>(
    providers: &'a Providers,
    run: &Run,
    wanted: Wanted<'_>,
) -> Result<(&'a dyn PaymentProvider, Option<String>), JobError> {
    let before = Choice::recall(run, wanted).await?;
    let choice = match before.filter(|choice| choice.customer.is_some()) {
        Some(choice) if choice.is_of(run) => choice,
        before => {
            let choice = choose(providers, run, wanted, before).await?;
            if choice.customer.is_some() {
                choice.keep(run).await?;
            }
            choice
        }
    };
    Ok((named(providers, &choice.provider)?, choice.customer))
}

async fn choose(
    providers: &Providers,
    run: &Run,
    wanted: Wanted<'_>,
    before: Option<Choice>,
) -> Result<Choice, JobError> {
    let known = customer_of(run, wanted.user_id).await?;
    let new = || providers.for_new_customer(wanted.user_id).name().to_owned();
    let (before, customer_before) = match before {
        Some(before) => (Some(before.provider), before.customer),
        None => (None, None),
    };
    let bound = wanted.provider.or(before.as_deref());
    let (provider, customer) = match (bound, wanted.customer, known) {
        (Some(provider), Some(customer), _) => (provider.to_owned(), Some(customer.to_owned())),
        // A customer of another provider's is nobody there.
        (Some(provider), None, known) => {
            let there = known.filter(|known| known.provider == provider);
            let customer = there.map(|known| known.customer);
            (provider.to_owned(), customer.or(customer_before))
        }
        (None, None, Some(Customer { provider, customer })) => (provider, Some(customer)),
        (None, None, None) => (new(), None),
        // The user's own customer is where the mapping says, whatever its id looks like.
        (None, Some(named), Some(known)) if known.customer == named => {
            (known.provider, Some(known.customer))
        }
        (None, Some(named), _) => {
            let owner = providers.owner_of(named);
            let provider = owner.map_or_else(new, |owner| owner.name().to_owned());
            (provider, Some(named.to_owned()))
        }
    };
    Ok(Choice::new(run, wanted, &provider, customer))
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
