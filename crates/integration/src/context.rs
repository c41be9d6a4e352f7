//! What an integration is given when it is set up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use longshore_provider::secret::Secret;

use crate::settings::SecretRef;
use crate::{Files, PublicUrl, Sections};

/// A future, boxed.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, SetUpError>> + Send + 'a>>;

/// Why an integration cannot be set up: a key, what is wrong with it, and what to do. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetUpError {
    /// The configuration is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The store of the secrets cannot be reached now.
    #[error("{0}")]
    Passing(String),
}

impl SetUpError {
    /// Text for people: the key, the problem and the cure.
    pub fn wrong(what: impl fmt::Display) -> Self {
        Self::Wrong(what.to_string())
    }

    /// An error in the value of this key.
    pub fn at(key: &str, what: impl fmt::Display) -> Self {
        Self::Wrong(format!("{key}: {what}"))
    }
}

/// The program that an integration is part of.
pub trait Program: Send + Sync {
    /// The profile, if one was named.
    fn profile(&self) -> Option<&str>;

    /// The public origin of this program's listener for events (`webhooks.public_url`), if there is one.
    fn public_url(&self) -> Option<&PublicUrl>;

    /// The secret that this setting refers to. `key` is the setting's key, for messages.
    fn secret<'a>(&'a self, key: &'a str, at: &'a SecretRef) -> Pending<'a, Secret>;

    /// The file store, if an integration offers one.
    fn files(&self) -> Pending<'_, Option<Arc<dyn Files>>>;
}

/// What an integration is given: its settings, and the program around it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The settings.
    pub sections: &'a Sections,
    /// Who asks.
    pub program: &'a dyn Program,
}

impl<'a> Context<'a> {
    /// The settings of this type; `None` while their section is off.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.sections.get()
    }

    /// The secret that a setting refers to.
    ///
    /// # Errors
    /// When the secret cannot be found.
    pub async fn secret(&self, key: &str, at: &SecretRef) -> Result<Secret, SetUpError> {
        self.program.secret(key, at).await
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
