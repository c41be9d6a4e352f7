//! The integrations of this program.

use longshore_integration::Integration;

/// All of them.
#[must_use]
pub fn all() -> Vec<Integration> {
    vec![
        longshore_email::integration(),
        longshore_sms::integration(),
        longshore_geocode::integration(),
        longshore_payment_reconcile::integration(),
        longshore_export_cleanup::integration(),
    ]
}
