//! The process's TLS provider.

use rustls::crypto::{CryptoProvider, ring};

/// Makes `ring` the process's TLS provider, unless there is one already.
///
/// reqwest is built without a provider of its own, so that there is exactly one in the binary.
pub(crate) fn install_ring() {
    if CryptoProvider::get_default().is_none() {
        // Lost races are fine: whoever won installed a provider.
        let _ = ring::default_provider().install_default();
    }
}
