//! Who may log in: names, password hashes (argon2id), roles.

use std::fmt;
use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use crate::who::ConsoleRole;

/// So many passwords are checked at once: each takes 19 MiB and a core for a while.
const MOST_CHECKED: usize = 2;

/// More than this many KiB of memory no hash may ask for.
const MOST_KIB: u32 = 1 << 20;

/// A password may be this long, in bytes.
pub(crate) const LONGEST_PASSWORD: usize = 1_024;

/// Somebody who may log in.
#[derive(Clone)]
pub struct ConsoleUser {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: ConsoleRole,
    hash: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Why a text is no password hash that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPasswordHash {
    /// It is not in PHC form.
    #[error("is not a password hash in PHC form")]
    NotPhc,
    /// It is of another algorithm, or an earlier version.
    #[error("is not an argon2id hash of version 19")]
    NotArgon2id,
    /// It asks for too much or too little.
    #[error("asks for parameters that are not taken")]
    Parameters,
}

/// The hash of an unknown name: it takes the same work as a known one.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_password("nobody has this password").unwrap_or_default());

static CHECKING: Semaphore = Semaphore::const_new(MOST_CHECKED);

impl ConsoleUser {
    /// Somebody with this password hash, in PHC form.
    #[must_use]
    pub fn new(name: &str, role: ConsoleRole, password_hash: &str) -> Self {
        let hash = password_hash.to_owned();
        Self::with_changing_hash(name, role, move || hash.clone())
    }

    /// Somebody whose password hash may change while the process runs: it is asked for at each use.
    #[must_use]
    pub fn with_changing_hash(
        name: &str,
        role: ConsoleRole,
        password_hash: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            role,
            hash: Arc::new(password_hash),
        }
    }

    /// Their hash. What is none lets nobody log in, and above all signs no session: anybody could know it.
    pub(crate) fn password_hash(&self) -> Option<String> {
        let hash = (self.hash)();
        check_password_hash(&hash).is_ok().then_some(hash)
    }
}

impl fmt::Debug for ConsoleUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Hashes a password as `longshore console hash-password` does: argon2id, 19 MiB, two passes, a salt of its own.
///
/// # Errors
/// When the password is longer than argon2 takes.
pub fn hash_password(password: &str) -> Result<String, InvalidPasswordHash> {
    let salt = SaltString::encode_b64(&random_bytes());
    let salt = salt.map_err(|_| InvalidPasswordHash::Parameters)?;
    let hashed = argon2().hash_password(password.as_bytes(), &salt);
    Ok(hashed
        .map_err(|_| InvalidPasswordHash::Parameters)?
        .to_string())
}

/// Whether a text is a password hash that the console can use.
///
/// # Errors
/// What is wrong with it.
pub fn check_password_hash(text: &str) -> Result<(), InvalidPasswordHash> {
    let hash = PasswordHash::new(text).map_err(|_| InvalidPasswordHash::NotPhc)?;
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) || hash.hash.is_none() {
        return Err(InvalidPasswordHash::NotArgon2id);
    }
    let params = Params::try_from(&hash).map_err(|_| InvalidPasswordHash::Parameters)?;
    match params.m_cost() <= MOST_KIB && params.t_cost() <= 64 && params.p_cost() <= 16 {
        true => Ok(()),
        false => Err(InvalidPasswordHash::Parameters),
    }
}

/// Whether this is the password. Takes the same work where there is no such user.
pub(crate) async fn is_password(hash: Option<String>, password: String) -> bool {
    // It is never closed.
    let _place = CHECKING.acquire().await.ok();
    let checked = tokio::task::spawn_blocking(move || {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let is_right = PasswordHash::new(&hash)
            .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
        is_right && is_known
    });
    checked.await.unwrap_or(false)
}

/// A salt.
///
/// # Panics
/// When the system gives no random bits.
fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system gives random bits");
    bytes
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let hash = hash_password("correct horse").expect("hashes");
        check_password_hash(&hash).expect("is one of ours");
        assert!(is_password(Some(hash.clone()), "correct horse".to_owned()).await);
        assert!(!is_password(Some(hash), "wrong horse".to_owned()).await);
        assert!(!is_password(None, "nobody has this password".to_owned()).await);
    }

    #[test]
    fn hashes_that_cannot_be_used_are_refused() {
        for (text, why) in [
            ("", InvalidPasswordHash::NotPhc),
            ("hunter2", InvalidPasswordHash::NotPhc),
            ("$2b$12$abcdefghijklmnopqrstuv", InvalidPasswordHash::NotPhc),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$b4Jx0rZ2Qkq1m7uX0u5s2g",
                InvalidPasswordHash::NotArgon2id,
            ),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$b4Jx0rZ2Qkq1m7uX0u5s2g",
                InvalidPasswordHash::Parameters,
            ),
        ] {
            assert_eq!(check_password_hash(text), Err(why), "{text}");
        }
    }
}
