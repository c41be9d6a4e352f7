//! `payment-reconcile`, carried out by Stripe and told to the app.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Answer, Handler, Job, JobError, Outcome, Run, kinds};
use longshore_payment_reconcile::{
    App, AppConfig, ApplyStripeEventHandler, CancelSubscriptionHandler,
    ConfirmPaymentIntentHandler, CreateCustomerHandler, CreatePaymentIntentHandler,
    CreateSubscriptionHandler, Providers, ReconcilePaymentsHandler, Stripe, StripeConfig, TestPay,
    TestPayConfig,
};
use longshore_provider::secret::SecretString;
use longshore_queue::{ProviderPolicy, Queue};
use longshore_webhooks::StripeEvents;
use longshore_worker::Handlers;
use secrecy::ExposeSecret;

use super::files::Reports;
use super::{Provider, SetUp, alone, no_doubt, policy, secret};
use crate::config::{Config, QueueSpec, StripeSettings, wrong_mode};

const SECRET_KEY: &str = "providers.stripe.secret_key";

pub(super) const PROVIDER: Provider = Provider {
    name: "stripe",
    queue: QueueSpec {
        // Reconciling is a long job; the others are bounded by their calls.
        default_timeout: Duration::from_secs(3600),
        // What became of a payment is asked for weeks later.
        default_completed: Duration::from_secs(30 * 24 * 3600),
        default_completed_bytes: None,
        ..QueueSpec::new(kinds::CreatePaymentIntent::QUEUE)
    },
    turned_on_by: SECRET_KEY,
    origin: |config| Some(config.stripe.as_ref()?.base_url.to_string()),
    set_up,
    beside: alone,
    doubt: no_doubt,
};

fn set_up(config: &Config) -> Result<Option<SetUp>, String> {
    let Some(settings) = &config.stripe else {
        return Ok(None);
    };
    let secret_key = key(config, settings)?;
    let policy = ProviderPolicy {
        limit: Some(settings.writes),
        reads: Some(settings.calls.limit),
        ..policy(
            config,
            PROVIDER.name,
            &settings.calls,
            settings.timeout,
            &secret_key,
        )
    };
    let stripe = Stripe::new(&StripeConfig {
        base_url: settings.base_url.clone(),
        secret_key,
        timeout: settings.timeout,
    })
    .map_err(|error| format!("providers.stripe: {error}"))?;
    let providers = match (testpay(config)?, config.new_customers.as_str()) {
        (Some(testpay), "testpay") => Providers::new(testpay).and(stripe.clone()),
        (Some(testpay), _) => Providers::new(stripe.clone()).and(testpay),
        (None, _) => Providers::new(stripe.clone()),
    };
    let handlers = Handlers::new()
        .with(CreateCustomerHandler::new(providers.clone()))
        .with(CreatePaymentIntentHandler::new(providers.clone()))
        .with(ConfirmPaymentIntentHandler::new(providers.clone()))
        .with(CreateSubscriptionHandler::new(providers.clone()))
        .with(CancelSubscriptionHandler::new(providers.clone()));
    let handlers = match app(config)? {
        Some(app) => handlers
            .with(ApplyStripeEventHandler::new(stripe.clone(), app.clone()))
            .with(reconcile(config, stripe, app)?.beside(providers)),
        None => handlers
            .with(NoApp::<kinds::ApplyStripeEvent>(PhantomData))
            .with(NoApp::<kinds::ReconcilePayments>(PhantomData)),
    };
    Ok(Some(SetUp { handlers, policy }))
}

/// Its reports lie in the bucket of exports; on the job where there is none.
fn reconcile(
    config: &Config,
    stripe: Stripe,
    app: App,
) -> Result<ReconcilePaymentsHandler, String> {
    let handler = ReconcilePaymentsHandler::new(stripe, app);
    Ok(match Reports::of(config)? {
        Some(reports) => handler.with_store(Arc::new(reports)),
        None => handler,
    })
}

/// The secret key, if the profile takes it.
fn key(config: &Config, settings: &StripeSettings) -> Result<SecretString, String> {
    let key = secret(SECRET_KEY, &settings.secret_key)?;
    match wrong_mode(config.profile.as_deref(), key.expose_secret()) {
        None => Ok(key),
        Some(problem) => Err(format!("{SECRET_KEY} {problem}")),
    }
}

fn testpay(config: &Config) -> Result<Option<TestPay>, String> {
    let Some(settings) = &config.testpay else {
        return Ok(None);
    };
    let testpay = TestPay::new(&TestPayConfig {
        base_url: settings.base_url.clone(),
        api_key: secret("providers.testpay.api_key", &settings.api_key)?,
        timeout: settings.timeout,
    });
    testpay
        .map(Some)
        .map_err(|error| format!("providers.testpay: {error}"))
}

fn app(config: &Config) -> Result<Option<App>, String> {
    let Some(settings) = &config.app else {
        return Ok(None);
    };
    let app = App::new(&AppConfig {
        base_url: settings.base_url.clone(),
        secret: secret("app.secret", &settings.secret)?,
        timeout: settings.timeout,
    });
    app.map(Some).map_err(|error| format!("app: {error}"))
}

/// Where there is no app to tell, its jobs are dead letters that say so, to be replayed once there is.
struct NoApp<J>(PhantomData<fn() -> J>);

impl<J: Job> Handler for NoApp<J> {
    type Job = J;

    async fn run(&self, _: J, _: Run) -> Result<Outcome, JobError> {
        Err(JobError::Permanent {
            reason: "there is no app to tell: set app.base_url and app.secret, then replay"
                .to_owned(),
            answer: Answer {
                code: Some("no app".to_owned()),
                ..Answer::default()
            },
        })
    }
}

/// What it takes to hear Stripe's events; `None` while it is off, or its webhooks have no secret.
///
/// # Errors
/// When a secret leads nowhere, or the key is of the wrong mode.
pub fn stripe_events(config: &Config, queue: Queue) -> Result<Option<StripeEvents>, String> {
    let Some(settings) = config
        .stripe
        .as_ref()
        .filter(|stripe| !stripe.webhook_secrets.is_empty())
    else {
        return Ok(None);
    };
    let secrets = settings.webhook_secrets.iter();
    let secrets = secrets
        .map(|webhook| secret("providers.stripe.webhook_secrets", webhook))
        .collect::<Result<Vec<_>, _>>()?;
    let key = key(config, settings)?;
    Ok(Some(StripeEvents {
        secrets,
        live: !key.expose_secret().contains("_test_"),
        queue,
    }))
}
