//! Payment jobs, carried out by Stripe, and what the app and Stripe know of payments compared.

mod app;
mod config;
mod error;
mod events;
mod form;
mod integration;
mod operations;
mod provider;
mod reconcile;
mod stripe;
mod testpay;
mod webhook;

pub use app::{App, AppConfig, AppSetupError};
pub use config::StripeConfig;
pub use events::ApplyStripeEventHandler;
pub use integration::{
    AppSettings, NewCustomers, StripeSettings, TestPaySettings, integration, wrong_mode,
};
pub use operations::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateSubscriptionHandler,
};
pub use provider::{Asking, Finding, Operation, PaymentProvider, Providers, Receipt};
pub use reconcile::{OnTheJob, ReconcilePaymentsHandler, ReportFile, ReportStore, Storing};
pub use stripe::{SetupError, Stripe};
pub use testpay::{TestPay, TestPayConfig};
pub use webhook::StripeEvents;
