//! The integrations of this project's own program.

use longshore_app::App;

/// The program with all of them.
#[must_use]
pub fn program() -> App {
    let app = App::new()
        .name("longshore")
        .version(env!("LONGSHORE_VERSION"))
        .integration(longshore_email::integration())
        .integration(longshore_sms::integration())
        .integration(longshore_geocode::integration())
        .integration(longshore_payment_reconcile::integration())
        .integration(longshore_export_cleanup::integration())
        .integration(longshore_events::integration())
        .family(longshore_services::family());
    #[cfg(feature = "sandbox")]
    let app = app.command(crate::demo::command());
    app
}
