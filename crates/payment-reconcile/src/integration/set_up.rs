//! The handlers of payments, with the clients that they call.

use std::marker::PhantomData;
use std::sync::Arc;

use longshore_integration::settings::Section;
use longshore_integration::{CallPolicy, Context, SetUp, SetUpError, Source};
use longshore_job::{Handler, Handlers, Job, JobError, Outcome, Run};
use longshore_provider::secret::{Secret, Unusable};
use secrecy::ExposeSecret;

use super::another::{self, AnotherProvider};
use super::app::{AppSettings, NewCustomers};
use super::reports::Reports;
use super::stripe::{StripeSettings, wrong_mode};
use super::{PROVIDER, SECRET_KEY};
use crate::records::PaymentRecords;
use crate::webhook::StripeEvents;
use crate::{
    AppClient, AppConfig, ApplyPaymentEventHandler, ApplyStripeEventHandler,
    BackfillStripeEventsHandler, CancelSubscriptionHandler, ConfirmPaymentIntentHandler,
    CreateCustomerHandler, CreatePaymentIntentHandler, CreateRefundHandler,
    CreateSubscriptionHandler, PaymentProvider, Providers, ReconcilePaymentsHandler, Stripe,
    StripeConfig,
};

pub(super) async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    match context.get() {
        Some(stripe) => handlers(context, stripe, Beside::Nobody).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn set_up_with<P: AnotherProvider>(
    context: Context<'_>,
) -> Result<Option<SetUp>, SetUpError> {
    let Some(stripe) = context.get() else {
        return Ok(None);
    };
    let beside = match another::connect::<P>(context).await? {
        Some(another) => Beside::on(another),
        None => Beside::Off {
            turned_on_by: P::TURNED_ON_BY,
        },
    };
    handlers(context, stripe, beside).await.map(Some)
}

/// The payment provider beside Stripe.
enum Beside {
    /// The program has none.
    Nobody,
    /// The program has one that is off.
    Off { turned_on_by: &'static str },
    /// It takes payments.
    On {
        name: &'static str,
        provider: Arc<dyn PaymentProvider>,
        records: Arc<dyn PaymentRecords>,
    },
}

impl Beside {
    fn on<P: AnotherProvider>(another: P) -> Self {
        let another = Arc::new(another);
        Self::On {
            name: P::NAME,
            provider: Arc::clone(&another) as Arc<dyn PaymentProvider>,
            records: another,
        }
    }

    /// Who takes payments, the one for new customers first.
    fn providers(&self, stripe: &Stripe, new_customers: Option<&NewCustomers>) -> Providers {
        let stripe: Arc<dyn PaymentProvider> = Arc::new(stripe.clone());
        let Self::On { name, provider, .. } = self else {
            return Providers::of(vec![stripe]);
        };
        let provider = Arc::clone(provider);
        match new_customers.filter(|to| to.provider == *name) {
            Some(to) => Providers::of(vec![provider, stripe]).with_share(to.share.clone()),
            None => Providers::of(vec![stripe, provider]),
        }
    }
}

/// The handlers of all kinds.
async fn handlers(
    context: Context<'_>,
    settings: &StripeSettings,
    beside: Beside,
) -> Result<SetUp, SetUpError> {
    let secret_key = key(context, settings).await?;
    let calls = CallPolicy {
        limit: settings.writes,
        reads: Some(settings.calls.limit),
        ..CallPolicy::new(PROVIDER.name, &settings.calls, [secret_key.clone()])
    };
    let stripe = Stripe::new(&StripeConfig {
        base_url: settings.base_url.clone(),
        secret_key,
        timeout: settings.calls.timeout,
    })
    .map_err(|error| SetUpError::at(StripeSettings::AT, error))?;
    let providers = beside.providers(&stripe, context.get());
    let handlers = Handlers::new()
        .with(CreateCustomerHandler::new(providers.clone()))
        .with(CreatePaymentIntentHandler::new(providers.clone()))
        .with(ConfirmPaymentIntentHandler::new(providers.clone()))
        .with(CreateRefundHandler::new(providers.clone()))
        .with(CreateSubscriptionHandler::new(providers.clone()))
        .with(CancelSubscriptionHandler::new(providers.clone()));
    let app = app(context).await?;
    let handlers = with_events(handlers, &beside, app.as_ref());
    let handlers = match app {
        Some(app) => handlers
            .with(ApplyStripeEventHandler::new(stripe.clone(), app.clone()))
            .with(BackfillStripeEventsHandler::new(stripe.clone()))
            .with(
                reconcile(context, stripe, app, &beside)
                    .await?
                    .with_providers(providers),
            ),
        None => handlers
            .with(NoApp::<crate::ApplyStripeEvent>(PhantomData))
            .with(NoApp::<crate::BackfillStripeEvents>(PhantomData))
            .with(NoApp::<crate::ReconcilePayments>(PhantomData)),
    };
    Ok(SetUp {
        handlers,
        calls: Some(calls),
    })
}

/// With the handler of another provider's events, where the program knows the kind.
fn with_events(handlers: Handlers, beside: &Beside, app: Option<&AppClient>) -> Handlers {
    match (beside, app) {
        (Beside::Nobody, _) => handlers,
        (Beside::Off { turned_on_by }, _) => handlers.with(Off { turned_on_by }),
        (Beside::On { .. }, None) => handlers.with(NoApp::<crate::ApplyPaymentEvent>(PhantomData)),
        (Beside::On { name, records, .. }, Some(app)) => {
            let records = Arc::clone(records);
            handlers.with(ApplyPaymentEventHandler::new(name, records, app.clone()))
        }
    }
}

/// Its reports lie where files are kept; on the job where there is no such place.
async fn reconcile(
    context: Context<'_>,
    stripe: Stripe,
    app: AppClient,
    beside: &Beside,
) -> Result<ReconcilePaymentsHandler, SetUpError> {
    let handler = ReconcilePaymentsHandler::new(stripe, app);
    let handler = match beside {
        Beside::On { name, records, .. } => handler.with_records(name, Arc::clone(records)),
        Beside::Nobody | Beside::Off { .. } => handler,
    };
    let files = context.program.files().await?;
    Ok(match files.filter(|files| files.takes_files()) {
        Some(files) => handler.with_store(Arc::new(Reports(files))),
        None => handler,
    })
}

/// The secret key, if the profile takes it. It never becomes one of the other mode: events of the one mode and calls of
/// the other would be about different payments.
async fn key(context: Context<'_>, settings: &StripeSettings) -> Result<Secret, SetUpError> {
    let key = context.secret(SECRET_KEY, &settings.secret_key).await?;
    let profile = context.program.profile();
    if let Some(problem) = wrong_mode(profile, key.current().expose_secret()) {
        return Err(SetUpError::wrong(format!("{SECRET_KEY} {problem}")));
    }
    let is_test = |key: &str| key.contains("_test_");
    let first = is_test(key.current().expose_secret());
    let same_mode = move |key: &str| match is_test(key) == first {
        true => Ok(()),
        false => Err(Unusable("it is of Stripe's other mode: restart for that")),
    };
    key.require(same_mode)
        .map_err(|error| SetUpError::at(SECRET_KEY, error))?;
    Ok(key)
}

async fn app(context: Context<'_>) -> Result<Option<AppClient>, SetUpError> {
    let Some(settings) = context.get::<AppSettings>() else {
        return Ok(None);
    };
    let app = AppClient::new(&AppConfig {
        base_url: settings.base_url.clone(),
        secret: context
            .secret(AppSettings::SECRET, &settings.secret)
            .await?,
        timeout: settings.timeout,
    });
    app.map(Some).map_err(|error| SetUpError::at("app", error))
}

/// Where there is no app to tell, its jobs are dead letters that say so, to be replayed once there is.
struct NoApp<J>(PhantomData<fn() -> J>);

impl<J: Job> Handler for NoApp<J> {
    type Job = J;

    async fn run(&self, _: J, _: Run) -> Result<Outcome, JobError> {
        Err(JobError::refusal(
            "no app",
            format!(
                "there is no app to tell: set {} and {}, then replay",
                AppSettings::BASE_URL,
                AppSettings::SECRET
            ),
        ))
    }
}

/// While the other provider is off, the jobs of its events are dead letters that say so, to be replayed once it is on.
struct Off {
    turned_on_by: &'static str,
}

impl Handler for Off {
    type Job = crate::ApplyPaymentEvent;

    async fn run(&self, _: crate::ApplyPaymentEvent, _: Run) -> Result<Outcome, JobError> {
        let reason = format!(
            "the provider is off: set {}, then replay",
            self.turned_on_by
        );
        Err(JobError::refusal("provider off", reason))
    }
}

/// Stripe's events; `None` while it is off, or its webhooks have no secret.
pub(super) async fn events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let Some(settings) = context
        .get::<StripeSettings>()
        .filter(|stripe| !stripe.webhook_secrets.is_empty())
    else {
        return Ok(None);
    };
    let mut secrets = Vec::new();
    for webhook in &settings.webhook_secrets {
        secrets.push(
            context
                .secret(StripeSettings::WEBHOOK_SECRETS, webhook)
                .await?,
        );
    }
    let key = key(context, settings).await?;
    let live = !key.current().expose_secret().contains("_test_");
    Ok(Some(Box::new(StripeEvents::new(secrets, live))))
}
