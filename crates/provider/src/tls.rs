//! The process's TLS provider.

use rustls::crypto::{CryptoProvider, ring};

/// Makes `ring` the process's TLS provider, unless there is one already.
///
/// reqwest and redis are built without a provider of their own, so that there is exactly one in the binary.
pub fn install_crypto() {
    if CryptoProvider::get_default().is_none() {
        // Lost races are fine: whoever won installed a provider.
        let _ = ring::default_provider().install_default();
    }
}
