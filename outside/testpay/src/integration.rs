//! What a program has to know of testpay.

use longshore_integration::{
    Context, CronEntry, Events, Integration, Inventory, Sandbox, SetUpError,
};
use longshore_job::Job;
use longshore_payment_reconcile::{AnotherProvider, ReconcilePayments};

use crate::client::{NAME, TestPay, TestPayConfig};
use crate::events;
use crate::settings::TestPaySettings;

/// Payments by Stripe and testpay, for a program's list.
#[must_use]
pub const fn integration() -> Integration {
    longshore_payment_reconcile::integration_with::<TestPay>()
}

impl AnotherProvider for TestPay {
    const NAME: &'static str = NAME;
    const CRATE_NAME: &'static str = env!("CARGO_CRATE_NAME");
    const TURNED_ON_BY: &'static str = TestPaySettings::API_KEY;
    const INVENTORY: Inventory = Inventory {
        criticality: "low",
        sla_percent: None,
        owner: Some("Harbour"),
    };
    const PAGE: &'static str = include_str!("../testpay.md");
    const EVENTS: Events = Events {
        name: NAME,
        turned_on_by: &[TestPaySettings::API_KEY, TestPaySettings::WEBHOOK_SECRET],
        source: |context| Box::pin(events::source(context)),
    };
    const RECONCILE: CronEntry = CronEntry {
        name: "nightly-reconcile-testpay",
        schedule: "45 2 * * *",
        kind: ReconcilePayments::KIND,
        args: r#"{"from":"{day-1d}","to":"{day}","repair":false,"provider":"testpay"}"#,
        // Each night has a day of its own to look at.
        catch_up: "all",
    };
    #[cfg(feature = "sandbox")]
    const SANDBOX: Option<Sandbox> = Some(crate::sandbox::SANDBOX);
    #[cfg(not(feature = "sandbox"))]
    const SANDBOX: Option<Sandbox> = None;
    type Settings = TestPaySettings;

    fn origin(settings: &TestPaySettings) -> String {
        settings.base_url.to_string()
    }

    async fn connect(context: Context<'_>, settings: &TestPaySettings) -> Result<Self, SetUpError> {
        let testpay = TestPay::new(&TestPayConfig {
            base_url: settings.base_url.clone(),
            api_key: context
                .secret(TestPaySettings::API_KEY, &settings.api_key)
                .await?,
            timeout: settings.timeout,
        });
        testpay.map_err(|error| SetUpError::at("providers.testpay", error))
    }
}
