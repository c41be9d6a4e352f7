//! A payment provider beside Stripe, of anybody's crate.

use std::future::Future;

use longshore_integration::settings::Section;
use longshore_integration::{Context, CronEntry, Events, Inventory, Sandbox, Sections, SetUpError};

use crate::{PaymentProvider, PaymentRecords};

/// A payment provider beside Stripe, and what a program has to know of it: [`integration_with`](crate::integration_with)
/// puts it there.
///
/// Its settings stand at `providers.` and its name. Nothing here has a default, so what is forgotten does not
/// compile. `docs/another-payment-provider.md` explains one.
pub trait AnotherProvider: PaymentProvider + PaymentRecords + Sized {
    /// Its name, as configuration has it. [`PaymentProvider::name`] says the same.
    const NAME: &'static str;
    /// Its crate, `env!("CARGO_CRATE_NAME")`: what it logs is shown.
    const CRATE_NAME: &'static str;
    /// The key that turns it on.
    const TURNED_ON_BY: &'static str;
    /// What the company says of it, unless configured.
    const INVENTORY: Inventory;
    /// Its page for operators, in Markdown with lines of at most 80 columns.
    const PAGE: &'static str;
    /// Its events, posted to `/webhooks/` and its name: each becomes an [`ApplyPaymentEvent`](crate::ApplyPaymentEvent).
    const EVENTS: Events;
    /// When its payments are compared with the app's: a job of [`ReconcilePayments`](crate::ReconcilePayments) that names it.
    const RECONCILE: CronEntry;
    /// Its stand-in. None in a build for production.
    const SANDBOX: Option<Sandbox>;
    /// What can be configured.
    type Settings: Section + Send + Sync + 'static;

    /// Where it is.
    fn origin(settings: &Self::Settings) -> String;

    /// Makes a client.
    ///
    /// # Errors
    /// When a secret leads nowhere, or no client can be made of what is configured.
    fn connect(
        context: Context<'_>,
        settings: &Self::Settings,
    ) -> impl Future<Output = Result<Self, SetUpError>> + Send;
}

/// What is asked of another provider while settings are read.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) turned_on_by: &'static str,
    pub(super) is_on: bool,
}

impl Known {
    /// Of this one. Its settings are among the sections if it is on.
    pub(super) fn of<P: AnotherProvider>(sections: &Sections) -> Self {
        Self {
            name: P::NAME,
            turned_on_by: P::TURNED_ON_BY,
            is_on: sections.get::<P::Settings>().is_some(),
        }
    }
}

/// Its client, if it is on.
pub(super) async fn connect<P: AnotherProvider>(
    context: Context<'_>,
) -> Result<Option<P>, SetUpError> {
    match context.get::<P::Settings>() {
        Some(settings) => P::connect(context, settings).await.map(Some),
        None => Ok(None),
    }
}
