//! `payment-reconcile`, carried out by Stripe and told to the app.

mod another;
mod app;
mod reports;
mod stripe;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::webhook::StripeEvents;
use crate::{
    AppClient, AppConfig, ApplyStripeEventHandler, BackfillStripeEventsHandler,
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateRefundHandler, CreateSubscriptionHandler, PaymentProvider,
    Providers, ReconcilePaymentsHandler, Stripe, StripeConfig,
};
use longshore_integration::settings::{Declaration, Section, Settings};
use longshore_integration::{
    CallPolicy, Context, CronEntry, Events, Integration, Inventory, OtherProvider, Provider,
    QueueSpec, Repeats, SetUp, SetUpError, Smoke, Source,
};
use longshore_job::{Handler, Handlers, Job, JobError, Outcome, Run};
use longshore_provider::secret::{Secret, Unusable};
use secrecy::ExposeSecret;
use serde_json::json;

pub use another::AnotherProvider;
pub use app::{AppSettings, NewCustomers};
pub use stripe::{StripeSettings, wrong_mode};

use another::Known;
use app::PaymentsKeys;
use reports::Reports;

const SECRET_KEY: &str = StripeSettings::SECRET_KEY;

/// `payment-reconcile`, with Stripe alone.
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
                sections: &[
                    Declaration::of::<StripeSettings>(),
                    Declaration::of::<AppSettings>(),
                    Declaration::of::<PaymentsKeys>(),
                ],
                complete: |reader, sections| app::complete(reader, sections, None),
                check: |reader, sections| app::check(reader, sections.get(), sections.get()),
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[
                CronEntry {
                    name: "nightly-backfill",
                    kind: crate::BackfillStripeEvents::KIND,
                    schedule: "0 2 * * *",
                    // What is younger may still be on its way.
                    args: r#"{"from":"{tick-30d}","to":"{tick-1h}"}"#,
                    catch_up: "once",
                },
                CronEntry {
                    name: "nightly-reconcile",
                    kind: crate::ReconcilePayments::KIND,
                    schedule: "30 2 * * *",
                    args: r#"{"from":"{day-1d}","to":"{day}","repair":false}"#,
                    // Each night has a day of its own to look at.
                    catch_up: "all",
                },
            ],
            events: &[Events {
                name: PROVIDER.name,
                turned_on_by: &[SECRET_KEY, StripeSettings::WEBHOOK_SECRETS],
                source: |context| Box::pin(events(context)),
            }],
            notices: None,
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: &[crate::sandbox::STRIPE, crate::sandbox::APP],
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

/// `payment-reconcile`, with another payment provider beside Stripe. New customers go where
/// `payments.provider_for_new_customers` says, and everybody else stays where they became one.
///
/// Stripe has to be on, too: the queue is Stripe's, and so are the events and the reconcile.
#[must_use]
pub const fn integration_with<P: AnotherProvider>() -> Integration {
    const {
        Integration {
            settings: Settings {
                sections: &[
                    Declaration::of::<StripeSettings>(),
                    Declaration::of::<P::Settings>(),
                    Declaration::of::<AppSettings>(),
                    Declaration::of::<PaymentsKeys>(),
                ],
                complete: |reader, sections| {
                    let another = Known::of::<P>(sections);
                    app::complete(reader, sections, Some(&another));
                },
                ..integration().settings
            },
            set_up: &|context| Box::pin(set_up_with::<P>(context)),
            provider: Some(Provider {
                others: &[OtherProvider {
                    name: P::NAME,
                    crate_name: P::CRATE_NAME,
                    inventory: P::INVENTORY,
                    origin: &|sections| Some(P::origin(sections.get::<P::Settings>()?)),
                    takes_jobs: false,
                    page: P::PAGE,
                }],
                ..PROVIDER
            }),
            #[cfg(feature = "sandbox")]
            sandboxes: match P::SANDBOX {
                Some(another) => &[crate::sandbox::STRIPE, crate::sandbox::APP, another],
                None => integration().sandboxes,
            },
            #[cfg(not(feature = "sandbox"))]
            sandboxes: match P::SANDBOX {
                Some(another) => &[another],
                None => &[],
            },
            ..integration()
        }
    }
}

const PROVIDER: Provider = Provider {
    name: "stripe",
    turned_on_by: &[SECRET_KEY],
    inventory: Inventory {
        criticality: "critical",
        sla_percent: Some("99.99"),
        owner: Some("Backend"),
    },
    origin: &|sections| Some(sections.get::<StripeSettings>()?.base_url.to_string()),
    repeats: Repeats::Keyed(Stripe::KEY_LIFE),
    others: &[],
    expects: &|sections, _| sections.get::<StripeSettings>().is_some(),
    likely_refusal: &|_, _, _| None,
    // The customer stays, in test mode, under the user id of this command.
    smoke: Some(Smoke {
        needs: &[SECRET_KEY],
        kind: crate::CreateCustomer::KIND,
        args: &|_| json!({ "user_id": "longshore-smoke" }),
        what: "a customer was created in test mode",
        unsafe_because: &|_| None,
    }),
    page: include_str!("../stripe.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    match context.get() {
        Some(stripe) => handlers(context, stripe, None::<Stripe>).await.map(Some),
        None => Ok(None),
    }
}

async fn set_up_with<P: AnotherProvider>(
    context: Context<'_>,
) -> Result<Option<SetUp>, SetUpError> {
    let Some(stripe) = context.get() else {
        return Ok(None);
    };
    let another = another::connect::<P>(context).await?;
    handlers(context, stripe, another).await.map(Some)
}

/// The handlers of all kinds.
async fn handlers(
    context: Context<'_>,
    settings: &StripeSettings,
    another: Option<impl PaymentProvider>,
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
    let new_customers = context.get::<NewCustomers>();
    let new_customers_of = |name: &str| new_customers.is_some_and(|to| to.0 == name);
    let providers = match another {
        Some(another) if new_customers_of(another.name()) => {
            Providers::new(another).and(stripe.clone())
        }
        Some(another) => Providers::new(stripe.clone()).and(another),
        None => Providers::new(stripe.clone()),
    };
    let handlers = Handlers::new()
        .with(CreateCustomerHandler::new(providers.clone()))
        .with(CreatePaymentIntentHandler::new(providers.clone()))
        .with(ConfirmPaymentIntentHandler::new(providers.clone()))
        .with(CreateRefundHandler::new(providers.clone()))
        .with(CreateSubscriptionHandler::new(providers.clone()))
        .with(CancelSubscriptionHandler::new(providers.clone()));
    let handlers = match app(context).await? {
        Some(app) => handlers
            .with(ApplyStripeEventHandler::new(stripe.clone(), app.clone()))
            .with(BackfillStripeEventsHandler::new(stripe.clone()))
            .with(
                reconcile(context, stripe, app)
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

/// Its reports lie where files are kept; on the job where there is no such place.
async fn reconcile(
    context: Context<'_>,
    stripe: Stripe,
    app: AppClient,
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
