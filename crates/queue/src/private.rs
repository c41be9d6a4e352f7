//! Private results: what a run tells those who wait for its job, and nobody else.
//!
//! Redis passes them on and never has them in plain text: a command may stand in its slow log, and in a monitor. Who waits makes
//! a key pair, and notes the public half beside its channel (`wait.lua`). Who runs the job makes another one, and encrypts to
//! the first: X25519, HKDF-SHA256, AES-256-GCM. Each pair serves for one message, and both private halves are then gone.
//!
//! Whoever may write into Redis can wait for a job, too, and is then told. That is what the rights of Redis's users are for.

#[cfg(feature = "private")]
use longshore_job::{JobId, PrivateResult};

#[cfg(feature = "private")]
use crate::{Queue, QueueError};

pub use sealed::WaiterKey;

/// Between the job's id and what is encrypted, in a message.
pub(crate) const BEFORE_SEALED: u8 = b' ';

#[cfg(feature = "private")]
impl Queue {
    /// Tells those who wait for this job a private result, each on their own channel and encrypted to their own key. Returns how
    /// many were told: nobody, if nobody waits. Nothing is stored.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn tell_private(
        &self,
        job: JobId,
        result: &PrivateResult,
    ) -> Result<u32, QueueError> {
        let mut noted = redis::cmd("HGET");
        noted.arg(&self.keys.waiters).arg(keys_field(job));
        let noted: Option<String> = self.link.command(&noted).await?;
        let mut told = 0;
        for one in noted.unwrap_or_default().split_ascii_whitespace() {
            let Some((channel, key)) = one.split_once('=') else {
                continue;
            };
            let Some(sealed) = sealed::seal(key, job, result) else {
                continue;
            };
            let mut message = job.to_string().into_bytes();
            message.push(BEFORE_SEALED);
            message.extend(sealed);
            let mut publish = redis::cmd("SPUBLISH");
            publish.arg(channel).arg(message);
            told += self.link.command::<u32>(&publish).await?;
        }
        Ok(told)
    }
}

/// Where the table of those who wait has the keys of one job.
#[cfg(feature = "private")]
fn keys_field(job: JobId) -> String {
    format!("k{job}")
}

#[cfg(feature = "private")]
mod sealed {
    use std::fmt::{self, Write};

    use longshore_job::{JobId, PrivateResult};
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
    use ring::hkdf::{HKDF_SHA256, Salt};
    use ring::rand::SystemRandom;

    /// How long a public key is, in bytes.
    const KEY: usize = 32;

    /// What the keys are for: another use of the same two would come to other keys.
    const PURPOSE: &[u8] = b"longshore private result, 1";

    /// What one who waits opens one private result with.
    pub struct WaiterKey {
        own: EphemeralPrivateKey,
        public: [u8; KEY],
    }

    impl WaiterKey {
        /// A new one. `None` where the system has no randomness, or this program was built without the feature `private`.
        #[must_use]
        pub fn generate() -> Option<Self> {
            let (own, public) = pair()?;
            Some(Self { own, public })
        }

        /// The half that Redis is told, in hex.
        #[must_use]
        pub fn public(&self) -> String {
            let mut hex = String::with_capacity(2 * KEY);
            for byte in self.public {
                // Writing into a text cannot fail.
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        }

        /// Opens what was encrypted to this key for this job. `None` if it was not.
        #[must_use]
        pub fn open(self, job: JobId, sealed: &[u8]) -> Option<PrivateResult> {
            let (theirs, text) = sealed.split_first_chunk::<KEY>()?;
            let key = agreed(self.own, theirs, job, [theirs, &self.public])?;
            let mut text = text.to_vec();
            let opened = key.open_in_place(once(), Aad::empty(), &mut text).ok()?;
            serde_json::from_slice(opened).ok().map(PrivateResult::new)
        }
    }

    impl fmt::Debug for WaiterKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("WaiterKey").finish_non_exhaustive()
        }
    }

    /// Encrypts to this public key.
    pub(super) fn seal(to: &str, job: JobId, result: &PrivateResult) -> Option<Vec<u8>> {
        let to = from_hex(to)?;
        let (own, public) = pair()?;
        let key = agreed(own, &to, job, [&public, &to])?;
        let mut text = serde_json::to_vec(result.expose()).ok()?;
        key.seal_in_place_append_tag(once(), Aad::empty(), &mut text)
            .ok()?;
        Some([&public[..], &text].concat())
    }

    fn pair() -> Option<(EphemeralPrivateKey, [u8; KEY])> {
        let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let public = own.compute_public_key().ok()?;
        let public = public.as_ref().try_into().ok()?;
        Some((own, public))
    }

    /// The key of one message, from `between[0]` to `between[1]`.
    fn agreed(
        own: EphemeralPrivateKey,
        theirs: &[u8; KEY],
        job: JobId,
        between: [&[u8; KEY]; 2],
    ) -> Option<LessSafeKey> {
        let job = job.to_string();
        let key = |shared: &[u8]| {
            let secret = Salt::new(HKDF_SHA256, PURPOSE).extract(shared);
            let info = [job.as_bytes(), between[0], between[1]];
            let key = secret.expand(&info, &AES_256_GCM).ok()?;
            Some(LessSafeKey::new(UnboundKey::from(key)))
        };
        agree_ephemeral(own, &UnparsedPublicKey::new(&X25519, theirs), key).ok()?
    }

    /// Each key encrypts one message.
    fn once() -> Nonce {
        Nonce::assume_unique_for_key([0; 12])
    }

    fn from_hex(hex: &str) -> Option<[u8; KEY]> {
        let mut bytes = [0; KEY];
        if hex.len() != 2 * KEY || !hex.is_ascii() {
            return None;
        }
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(bytes)
    }

    #[cfg(test)]
    mod tests {
        use serde_json::json;

        use super::*;

        #[test]
        fn only_its_own_key_for_its_own_job_opens_a_result() {
            let job = JobId::generate();
            let result = PrivateResult::new(json!({ "client_secret": "pi_1_secret_x" }));
            let key = || WaiterKey::generate().expect("randomness");
            let sealed = |key: &WaiterKey| seal(&key.public(), job, &result).expect("seals");
            let own = key();
            let message = sealed(&own);
            assert!(!message.windows(6).any(|part| part == b"secret"));
            assert_ne!(message, sealed(&own), "each message has a key of its own");
            assert_eq!(own.open(job, &message), Some(result.clone()));

            let own = key();
            let message = sealed(&own);
            assert_eq!(key().open(job, &message), None, "another's key");
            assert_eq!(own.open(JobId::generate(), &message), None, "another job");
            for wrong in [
                &message[..20],
                &message[..40],
                &message[..message.len() - 1],
            ] {
                let own = key();
                assert_eq!(own.open(job, wrong), None);
            }
            let own = key();
            let mut changed = sealed(&own);
            changed[40] ^= 1;
            assert_eq!(own.open(job, &changed), None, "changed on its way");
        }

        #[test]
        fn what_is_no_key_is_told_nothing() {
            let job = JobId::generate();
            let result = PrivateResult::new(json!(1));
            for no_key in ["", "00", &"zz".repeat(32), &"é".repeat(32), &"0".repeat(64)] {
                assert_eq!(seal(no_key, job, &result), None, "{no_key}");
            }
        }
    }
}

#[cfg(not(feature = "private"))]
mod sealed {
    use longshore_job::{JobId, PrivateResult};

    /// What one who waits opens one private result with: this program was built without the feature `private`, so there is none.
    #[derive(Debug)]
    pub enum WaiterKey {}

    impl WaiterKey {
        /// `None`.
        #[must_use]
        pub fn generate() -> Option<Self> {
            None
        }

        /// The half that Redis is told, in hex.
        #[must_use]
        pub fn public(&self) -> String {
            match *self {}
        }

        /// Opens what was encrypted to this key for this job.
        #[must_use]
        pub fn open(self, _job: JobId, _sealed: &[u8]) -> Option<PrivateResult> {
            match self {}
        }
    }
}
