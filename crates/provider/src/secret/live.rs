//! A secret that may become another one under whoever uses it.

use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::SecretError;
use crate::one_at_a_time::OneAtATime;

/// Where a secret is fetched from.
pub trait SecretSource: Send + Sync + 'static {
    /// Fetches it. Asked by one caller at a time.
    fn fetch(&self) -> impl Future<Output = Result<SecretString, SecretError>> + Send;
}

/// A secret as it is now. Cheap to clone; clones change together, so it is asked at each use and not remembered.
///
/// It starts with a value and always has one: what cannot be fetched, or cannot be used, leaves the last known one in
/// place.
#[derive(Clone)]
pub struct Secret(Arc<Shared>);

struct Shared {
    /// Where it is kept, for logs.
    place: String,
    state: Mutex<State>,
    source: Option<Box<dyn AnySource>>,
    fetching: OneAtATime<Result<(), Arc<SecretError>>>,
}

struct State {
    value: SecretString,
    version: SecretVersion,
    rules: Vec<Rule>,
}

type Rule = Box<dyn Fn(&str) -> Result<(), Unusable> + Send>;

/// Tells one value of a secret from another, and nothing else about it: 16 bits of a hash, the same in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretVersion(u16);

/// Why a value is of no use, in a sentence without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub &'static str);

/// What fetching a secret again came to.
#[derive(Debug, Clone)]
pub enum Refreshed {
    /// It is another one now.
    Changed,
    /// It is the one it was.
    Same,
    /// It could not be fetched, or not be used, and is the one it was.
    Kept(Arc<SecretError>),
}

impl Secret {
    /// Fetches it for the first time. `place` says where it is kept, for logs.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn open(
        place: impl Into<String>,
        source: impl SecretSource,
    ) -> Result<Self, SecretError> {
        let first = source.fetch().await?;
        Ok(Self::new(place.into(), first, Some(Box::new(source))))
    }

    fn new(place: String, value: SecretString, source: Option<Box<dyn AnySource>>) -> Self {
        Self(Arc::new(Shared {
            place,
            state: Mutex::new(State {
                version: SecretVersion::of(&value),
                value,
                rules: Vec::new(),
            }),
            source,
            fetching: OneAtATime::new(),
        }))
    }

    /// Refuses, from now on, values for which `rule` fails.
    ///
    /// # Errors
    /// When it fails for the one there is; then nothing is changed.
    pub fn require(
        &self,
        rule: impl Fn(&str) -> Result<(), Unusable> + Send + 'static,
    ) -> Result<(), Unusable> {
        let mut state = self.state();
        rule(state.value.expose_secret())?;
        state.rules.push(Box::new(rule));
        Ok(())
    }

    /// The secret as it is now.
    #[must_use]
    pub fn current(&self) -> SecretString {
        self.state().value.clone()
    }

    /// Which one it is now.
    #[must_use]
    pub fn version(&self) -> SecretVersion {
        self.state().version
    }

    /// Fetches it again from where it is kept, one caller at a time. One that was given as it stands stays the same.
    pub async fn refresh(&self) -> Refreshed {
        let before = self.version();
        let Some(source) = &self.0.source else {
            return Refreshed::Same;
        };
        match self.0.fetching.run(self.fetch(&**source)).await {
            Err(error) => Refreshed::Kept(error),
            Ok(()) if self.version() == before => Refreshed::Same,
            Ok(()) => Refreshed::Changed,
        }
    }

    async fn fetch(&self, source: &dyn AnySource) -> Result<(), Arc<SecretError>> {
        let fetched = source.fetch_boxed().await;
        let taken = fetched.and_then(|value| self.take(value).map_err(SecretError::from));
        match taken {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(secret = self.0.place, version = %self.version(), "a secret has changed");
            }
            Err(error) => {
                tracing::warn!(
                    secret = self.0.place,
                    %error,
                    "a secret could not be fetched again: the last known one stays in use"
                );
                return Err(Arc::new(error));
            }
        }
        Ok(())
    }

    /// Whether it is another one than before.
    fn take(&self, value: SecretString) -> Result<bool, Unusable> {
        let mut state = self.state();
        for rule in &state.rules {
            rule(value.expose_secret())?;
        }
        if value.expose_secret() == state.value.expose_secret() {
            return Ok(false);
        }
        state.version = SecretVersion::of(&value);
        state.value = value;
        Ok(true)
    }

    /// A panic elsewhere leaves whole values behind: they are replaced, never changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretVersion {
    fn of(value: &SecretString) -> Self {
        let mut hasher = DefaultHasher::new();
        value.expose_secret().hash(&mut hasher);
        Self((hasher.finish() & 0xffff) as u16)
    }
}

/// Four hexadecimal digits.
impl fmt::Display for SecretVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

/// One that is given as it stands, and never changes.
impl From<SecretString> for Secret {
    fn from(value: SecretString) -> Self {
        Self::new("given as it stands".to_owned(), value, None)
    }
}

/// A secret with this fixed value.
impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        SecretString::from(value).into()
    }
}

/// A secret with this fixed value.
impl From<String> for Secret {
    fn from(value: String) -> Self {
        SecretString::from(value).into()
    }
}

/// Where it is kept, and which one it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}, {})", self.0.place, self.version())
    }
}

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<SecretString, SecretError>> + Send + 'a>>;

/// A source without its type.
trait AnySource: Send + Sync {
    fn fetch_boxed(&self) -> Fetching<'_>;
}

impl<S: SecretSource> AnySource for S {
    fn fetch_boxed(&self) -> Fetching<'_> {
        Box::pin(self.fetch())
    }
}
