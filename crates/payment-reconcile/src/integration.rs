//! `payment-reconcile`, carried out by Stripe and told to the app.

mod app;
mod reports;
mod stripe;
mod testpay;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::webhook::StripeEvents;
use crate::{
    App, AppConfig, ApplyStripeEventHandler, CancelSubscriptionHandler,
    ConfirmPaymentIntentHandler, CreateCustomerHandler, CreatePaymentIntentHandler,
    CreateSubscriptionHandler, Providers, ReconcilePaymentsHandler, Stripe, StripeConfig, TestPay,
    TestPayConfig,
};
use longshore_integration::settings::Settings;
use longshore_integration::{
    Beside, CallPolicy, Context, CronEntry, Events, Integration, Inventory, Provider, QueueSpec,
    Repeats, SetUp, SetUpError, Smoke, Source,
};
use longshore_job::{Handler, Handlers, Job, JobError, Outcome, Run};
use longshore_provider::secret::{Secret, Unusable};
use secrecy::ExposeSecret;
use serde_json::json;

pub use app::{AppSettings, NewCustomers};
pub use stripe::{StripeSettings, wrong_mode};
pub use testpay::TestPaySettings;

use reports::Reports;
use stripe::SECRET_KEY;

/// `payment-reconcile`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "payment-reconcile",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec {
                // What became of a payment is asked for weeks later.
                default_completed: Duration::from_secs(30 * 24 * 3600),
                default_completed_bytes: None,
                ..QueueSpec::new(crate::CreatePaymentIntent::QUEUE)
            },
            kinds: crate::args::KINDS,
            follow_ups: &[crate::events::MAIL],
            settings: Settings {
                keys: &[stripe::KEYS, testpay::KEYS, app::KEYS],
                read: |reader, sections| {
                    if let Some(stripe) = stripe::read(reader) {
                        sections.insert(stripe);
                    }
                    if let Some(app) = app::read(reader) {
                        sections.insert(app);
                    }
                    let testpay = testpay::read(reader);
                    if let Some(name) = app::new_customers(reader, testpay.is_some()) {
                        sections.insert(name);
                    }
                    if let Some(testpay) = testpay {
                        sections.insert(testpay);
                    }
                },
                check: |reader, sections| app::check(reader, sections.get(), sections.get()),
                secrets: |sections| {
                    let mut secrets = Vec::new();
                    if let Some(stripe) = sections.get::<StripeSettings>() {
                        secrets.extend(stripe.secrets());
                    }
                    if let Some(testpay) = sections.get::<TestPaySettings>() {
                        secrets.push((testpay::API_KEY, &testpay.api_key));
                    }
                    if let Some(app) = sections.get::<AppSettings>() {
                        secrets.push((app::SECRET, &app.secret));
                    }
                    secrets
                },
            },
            set_up: |context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[CronEntry {
                name: "nightly-reconcile",
                kind: crate::ReconcilePayments::KIND,
                schedule: "30 2 * * *",
                args: r#"{"from":"{day-1d}","to":"{day}","repair":false}"#,
                // Each night has a day of its own to look at.
                catch_up: "all",
            }],
            events: &[Events {
                name: PROVIDER.name,
                turned_on_by: "providers.stripe.secret_key and .webhook_secrets",
                source: |context| Box::pin(events(context)),
            }],
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: crate::sandbox::SANDBOXES,
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

const PROVIDER: Provider = Provider {
    name: "stripe",
    turned_on_by: SECRET_KEY,
    inventory: Inventory {
        criticality: "critical",
        sla_percent: Some("99.99"),
        owner: Some("Backend"),
    },
    origin: |sections| Some(sections.get::<StripeSettings>()?.base_url.to_string()),
    repeats: Repeats::Keyed(Stripe::KEY_LIFE),
    beside: &[Beside {
        name: "testpay",
        // Made up, to try a switch with.
        inventory: Inventory {
            criticality: "low",
            sla_percent: None,
            owner: None,
        },
        origin: |sections| Some(sections.get::<TestPaySettings>()?.base_url.to_string()),
        takes_jobs: false,
        page: include_str!("../testpay.md"),
    }],
    expects: |sections, _| sections.get::<StripeSettings>().is_some(),
    doubt: |_, _, _| None,
    // The customer stays, in test mode, under the user id of this command.
    smoke: Some(Smoke {
        needs: &[SECRET_KEY],
        kind: crate::CreateCustomer::KIND,
        args: || json!({ "user_id": "longshore-smoke" }),
        what: "a customer was created in test mode",
        unsafe_because: |_| None,
    }),
    page: include_str!("../stripe.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(settings) = context.get::<StripeSettings>() else {
        return Ok(None);
    };
    let secret_key = key(context, settings).await?;
    let calls = CallPolicy {
        limit: settings.writes,
        reads: Some(settings.calls.limit),
        ..CallPolicy::new(
            PROVIDER.name,
            &settings.calls,
            settings.timeout,
            [secret_key.clone()],
        )
    };
    let stripe = Stripe::new(&StripeConfig {
        base_url: settings.base_url.clone(),
        secret_key,
        timeout: settings.timeout,
    })
    .map_err(|error| SetUpError::at("providers.stripe", error))?;
    let testpay = testpay(context).await?;
    let new_customers = context.get::<NewCustomers>();
    let by_testpay = new_customers.is_some_and(|name| name.0 == "testpay");
    let providers = match testpay {
        Some(testpay) if by_testpay => Providers::new(testpay).and(stripe.clone()),
        Some(testpay) => Providers::new(stripe.clone()).and(testpay),
        None => Providers::new(stripe.clone()),
    };
    let handlers = Handlers::new()
        .with(CreateCustomerHandler::new(providers.clone()))
        .with(CreatePaymentIntentHandler::new(providers.clone()))
        .with(ConfirmPaymentIntentHandler::new(providers.clone()))
        .with(CreateSubscriptionHandler::new(providers.clone()))
        .with(CancelSubscriptionHandler::new(providers.clone()));
    let handlers = match app(context).await? {
        Some(app) => handlers
            .with(ApplyStripeEventHandler::new(stripe.clone(), app.clone()))
            .with(reconcile(context, stripe, app).await?.beside(providers)),
        None => handlers
            .with(NoApp::<crate::ApplyStripeEvent>(PhantomData))
            .with(NoApp::<crate::ReconcilePayments>(PhantomData)),
    };
    Ok(Some(SetUp {
        handlers,
        calls: Some(calls),
    }))
}

/// Its reports lie where files are kept; on the job where there is no such place.
async fn reconcile(
    context: Context<'_>,
    stripe: Stripe,
    app: App,
) -> Result<ReconcilePaymentsHandler, SetUpError> {
    let handler = ReconcilePaymentsHandler::new(stripe, app);
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

async fn testpay(context: Context<'_>) -> Result<Option<TestPay>, SetUpError> {
    let Some(settings) = context.get::<TestPaySettings>() else {
        return Ok(None);
    };
    let testpay = TestPay::new(&TestPayConfig {
        base_url: settings.base_url.clone(),
        api_key: context.secret(testpay::API_KEY, &settings.api_key).await?,
        timeout: settings.timeout,
    });
    testpay
        .map(Some)
        .map_err(|error| SetUpError::at("providers.testpay", error))
}

async fn app(context: Context<'_>) -> Result<Option<App>, SetUpError> {
    let Some(settings) = context.get::<AppSettings>() else {
        return Ok(None);
    };
    let app = App::new(&AppConfig {
        base_url: settings.base_url.clone(),
        secret: context.secret(app::SECRET, &settings.secret).await?,
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
            "there is no app to tell: set app.base_url and app.secret, then replay",
        ))
    }
}

/// Stripe's events; `None` while it is off, or its webhooks have no secret.
async fn events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let Some(settings) = context
        .get::<StripeSettings>()
        .filter(|stripe| !stripe.webhook_secrets.is_empty())
    else {
        return Ok(None);
    };
    let mut secrets = Vec::new();
    for webhook in &settings.webhook_secrets {
        secrets.push(context.secret(stripe::WEBHOOK_SECRETS, webhook).await?);
    }
    let key = key(context, settings).await?;
    let live = !key.current().expose_secret().contains("_test_");
    Ok(Some(Box::new(StripeEvents::new(secrets, live))))
}
