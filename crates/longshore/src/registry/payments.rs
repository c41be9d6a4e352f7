//! `payment-reconcile`, carried out by Stripe and told to the app.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Handler, Job, JobError, Outcome, Run, kinds};
use longshore_payment_reconcile::{
    App, AppConfig, ApplyStripeEventHandler, CancelSubscriptionHandler,
    ConfirmPaymentIntentHandler, CreateCustomerHandler, CreatePaymentIntentHandler,
    CreateSubscriptionHandler, Providers, ReconcilePaymentsHandler, Stripe, StripeConfig, TestPay,
    TestPayConfig,
};
use longshore_provider::secret::{Secret, Unusable};
use longshore_queue::{ProviderPolicy, Queue};
use longshore_webhooks::StripeEvents;
use longshore_worker::Handlers;
use secrecy::ExposeSecret;

use super::files::Reports;
use super::{Provider, SetUp, alone, no_doubt, policy};
use crate::config::{Config, QueueSpec, StripeSettings, wrong_mode};
use crate::failure::Failure;
use crate::secrets::Secrets;

const SECRET_KEY: &str = "providers.stripe.secret_key";

pub(super) const PROVIDER: Provider = Provider {
    name: "stripe",
    queue: QueueSpec {
        // What became of a payment is asked for weeks later.
        default_completed: Duration::from_secs(30 * 24 * 3600),
        default_completed_bytes: None,
        ..QueueSpec::new(kinds::CreatePaymentIntent::QUEUE)
    },
    turned_on_by: SECRET_KEY,
    origin: |config| Some(config.stripe.as_ref()?.base_url.to_string()),
    set_up: |config, secrets| Box::pin(set_up(config, secrets)),
    beside: alone,
    doubt: no_doubt,
};

async fn set_up(config: &Config, secrets: &Secrets) -> Result<Option<SetUp>, Failure> {
    let Some(settings) = &config.stripe else {
        return Ok(None);
    };
    let secret_key = key(config, secrets, settings).await?;
    let policy = ProviderPolicy {
        limit: Some(settings.writes),
        reads: Some(settings.calls.limit),
        ..policy(
            config,
            PROVIDER.name,
            &settings.calls,
            settings.timeout,
            std::slice::from_ref(&secret_key),
        )
    };
    let stripe = Stripe::new(&StripeConfig {
        base_url: settings.base_url.clone(),
        secret_key,
        timeout: settings.timeout,
    })
    .map_err(|error| Failure::Input(format!("providers.stripe: {error}")))?;
    let testpay = testpay(config, secrets).await?;
    let providers = match (testpay, config.new_customers.as_str()) {
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
    let handlers = match app(config, secrets).await? {
        Some(app) => handlers
            .with(ApplyStripeEventHandler::new(stripe.clone(), app.clone()))
            .with(
                reconcile(config, secrets, stripe, app)
                    .await?
                    .beside(providers),
            ),
        None => handlers
            .with(NoApp::<kinds::ApplyStripeEvent>(PhantomData))
            .with(NoApp::<kinds::ReconcilePayments>(PhantomData)),
    };
    Ok(Some(SetUp { handlers, policy }))
}

/// Its reports lie in the bucket of exports; on the job where there is none.
async fn reconcile(
    config: &Config,
    secrets: &Secrets,
    stripe: Stripe,
    app: App,
) -> Result<ReconcilePaymentsHandler, Failure> {
    let handler = ReconcilePaymentsHandler::new(stripe, app);
    Ok(match Reports::of(config, secrets).await? {
        Some(reports) => handler.with_store(Arc::new(reports)),
        None => handler,
    })
}

/// The secret key, if the profile takes it. It never becomes one of the other mode: events of the one mode and calls of
/// the other would be about different payments.
async fn key(
    config: &Config,
    secrets: &Secrets,
    settings: &StripeSettings,
) -> Result<Secret, Failure> {
    let key = secrets.get(SECRET_KEY, &settings.secret_key).await?;
    if let Some(problem) = wrong_mode(config.profile.as_deref(), key.current().expose_secret()) {
        return Err(Failure::Input(format!("{SECRET_KEY} {problem}")));
    }
    let is_test = |key: &str| key.contains("_test_");
    let first = is_test(key.current().expose_secret());
    let same_mode = move |key: &str| match is_test(key) == first {
        true => Ok(()),
        false => Err(Unusable("it is of Stripe's other mode: restart for that")),
    };
    key.require(same_mode)
        .map_err(|error| Failure::Input(format!("{SECRET_KEY}: {error}")))?;
    Ok(key)
}

async fn testpay(config: &Config, secrets: &Secrets) -> Result<Option<TestPay>, Failure> {
    let Some(settings) = &config.testpay else {
        return Ok(None);
    };
    let testpay = TestPay::new(&TestPayConfig {
        base_url: settings.base_url.clone(),
        api_key: secrets
            .get("providers.testpay.api_key", &settings.api_key)
            .await?,
        timeout: settings.timeout,
    });
    testpay
        .map(Some)
        .map_err(|error| Failure::Input(format!("providers.testpay: {error}")))
}

async fn app(config: &Config, secrets: &Secrets) -> Result<Option<App>, Failure> {
    let Some(settings) = &config.app else {
        return Ok(None);
    };
    let app = App::new(&AppConfig {
        base_url: settings.base_url.clone(),
        secret: secrets.get("app.secret", &settings.secret).await?,
        timeout: settings.timeout,
    });
    app.map(Some)
        .map_err(|error| Failure::Input(format!("app: {error}")))
}

/// Where there is no app to tell, its jobs are dead letters that say so, to be replayed once there is.
struct NoApp<J>(PhantomData<fn() -> J>);

impl<J: Job> Handler for NoApp<J> {
    type Job = J;

    async fn run(&self, _: J, _: Run) -> Result<Outcome, JobError> {
        Err(JobError::refusal(
            "no app",
            "there is no app to tell: set app.base_url and app.secret, then replay",
        ))
    }
}

/// What it takes to hear Stripe's events; `None` while it is off, or its webhooks have no secret.
///
/// # Errors
/// When a secret leads nowhere, or the key is of the wrong mode.
pub async fn stripe_events(
    config: &Config,
    secrets: &Secrets,
    queue: Queue,
) -> Result<Option<StripeEvents>, Failure> {
    let Some(settings) = config
        .stripe
        .as_ref()
        .filter(|stripe| !stripe.webhook_secrets.is_empty())
    else {
        return Ok(None);
    };
    let mut webhook_secrets = Vec::new();
    for webhook in &settings.webhook_secrets {
        let webhook = secrets.get("providers.stripe.webhook_secrets", webhook);
        webhook_secrets.push(webhook.await?);
    }
    let key = key(config, secrets, settings).await?;
    Ok(Some(StripeEvents {
        secrets: webhook_secrets,
        live: !key.current().expose_secret().contains("_test_"),
        queue,
    }))
}
