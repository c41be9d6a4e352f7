//! Payment jobs, carried out by Stripe, and what the app and Stripe know of payments compared.

#[cfg(feature = "worker")]
mod app;
pub mod args;
#[cfg(feature = "worker")]
mod config;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod events;
#[cfg(feature = "worker")]
mod form;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "worker")]
mod operations;
#[cfg(feature = "worker")]
mod provider;
#[cfg(feature = "worker")]
mod reconcile;
#[cfg(feature = "worker")]
mod records;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod stripe;
#[cfg(feature = "worker")]
mod webhook;

#[cfg(feature = "worker")]
pub use app::{AppClient, AppConfig, AppSetupError};
pub use args::{
    ApplyPaymentEvent, ApplyStripeEvent, BackfillStripeEvents, CancelSubscription, CaptureMethod,
    ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund, CreateSubscription,
    PaymentBehavior, ReconcilePayments, RefundReason, SetupFutureUsage,
};
#[cfg(feature = "worker")]
pub use config::StripeConfig;
#[cfg(feature = "worker")]
pub use events::{ApplyPaymentEventHandler, ApplyStripeEventHandler, BackfillStripeEventsHandler};
#[cfg(feature = "worker")]
pub use integration::{
    AnotherProvider, AppSettings, NewCustomers, StripeSettings, integration, integration_with,
    wrong_mode,
};
#[cfg(feature = "worker")]
pub use operations::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateRefundHandler, CreateSubscriptionHandler,
};
#[cfg(feature = "worker")]
pub use provider::{
    LookupFuture, Operation, OperationFuture, PaymentProvider, Providers, Receipt, Share,
};
#[cfg(feature = "worker")]
pub use reconcile::{OnTheJob, ReconcilePaymentsHandler, ReportFile, ReportStore, Storing};
#[cfg(feature = "worker")]
pub use records::{
    EventRecord, PaymentPage, PaymentRecord, PaymentRecordState, PaymentRecords, RecordFuture,
    SubscriptionRecord,
};
#[cfg(feature = "worker")]
pub use stripe::{SetupError, Stripe};
#[cfg(feature = "worker")]
pub use webhook::StripeEvents;
