//! `payment-reconcile`, carried out by Stripe and told to the app.

mod another;
mod app;
mod reports;
mod set_up;
mod stripe;

use std::time::Duration;

use longshore_integration::settings::{Declaration, Settings};
use longshore_integration::{
    CronEntry, Events, Integration, Inventory, OtherProvider, Provider, QueueSpec, Repeats,
    Sections, Smoke,
};
use longshore_job::Job;
use serde_json::json;

use crate::Stripe;
pub use another::AnotherProvider;
pub use app::{AppSettings, NewCustomers};
pub use stripe::{StripeSettings, wrong_mode};

use another::Known;
use app::PaymentsKeys;
use set_up::{events, set_up, set_up_with};

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
            cron: &[BACKFILL, RECONCILE],
            events: &[EVENTS],
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
/// Stripe has to be on, too: the queue is Stripe's. Events of both are heard, and each has a reconcile of its own.
#[must_use]
pub const fn integration_with<P: AnotherProvider>() -> Integration {
    const {
        Integration {
            kinds: crate::args::KINDS_BESIDE_STRIPE,
            cron: &[BACKFILL, RECONCILE, P::RECONCILE],
            events: &[EVENTS, P::EVENTS],
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

const BACKFILL: CronEntry = CronEntry {
    name: "nightly-backfill",
    kind: crate::BackfillStripeEvents::KIND,
    schedule: "0 2 * * *",
    // What is younger may still be on its way.
    args: r#"{"from":"{tick-30d}","to":"{tick-1h}"}"#,
    catch_up: "once",
};

const RECONCILE: CronEntry = CronEntry {
    name: "nightly-reconcile",
    kind: crate::ReconcilePayments::KIND,
    schedule: "30 2 * * *",
    args: r#"{"from":"{day-1d}","to":"{day}","repair":false}"#,
    // Each night has a day of its own to look at.
    catch_up: "all",
};

const EVENTS: Events = Events {
    name: PROVIDER.name,
    turned_on_by: &[SECRET_KEY, StripeSettings::WEBHOOK_SECRETS],
    source: |context| Box::pin(events(context)),
};

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
    likely_refusal: &no_app,
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

/// What is told to an app has nobody to be told to where there is none.
fn no_app(sections: &Sections, kind: &str, _: &serde_json::Value) -> Option<String> {
    let told = [
        crate::ApplyStripeEvent::KIND,
        crate::BackfillStripeEvents::KIND,
        crate::ReconcilePayments::KIND,
    ];
    let is_there = sections.get::<AppSettings>().is_some();
    (told.contains(&kind) && !is_there).then(|| {
        format!(
            "there is no app to tell: set {} and {}",
            AppSettings::BASE_URL,
            AppSettings::SECRET
        )
    })
}
