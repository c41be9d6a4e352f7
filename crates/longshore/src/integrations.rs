//! The integrations of this program.

pub mod email;
mod files;
pub mod geocode;
pub mod payments;
pub mod sms;
pub mod storage;

use longshore_integration::Integration;

/// All of them.
#[must_use]
pub fn all() -> Vec<Integration> {
    vec![
        email::integration(),
        sms::integration(),
        geocode::integration(),
        payments::integration(),
        storage::integration(),
    ]
}
