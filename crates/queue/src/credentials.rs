use std::fmt;
use std::sync::Arc;

/// Which credentials a provider is called with, as a word that changes when they do: then one more probe may find out at
/// once whether they are accepted. It says nothing else about them, and every process has the same word for the same ones.
#[derive(Clone, Default)]
pub struct Credentials(Option<Arc<dyn Fn() -> String + Send + Sync>>);

impl Credentials {
    /// The word is asked for at each claim and each verdict.
    pub fn live(word: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(word)))
    }

    /// The word for those that are in use now; empty when there are none.
    #[must_use]
    pub fn now(&self) -> String {
        self.0.as_ref().map(|word| word()).unwrap_or_default()
    }
}

/// Those that stay the same.
impl From<&str> for Credentials {
    fn from(word: &str) -> Self {
        let word = word.to_owned();
        Self::live(move || word.clone())
    }
}

/// Equal as long as their words are.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.now() == other.now()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.now())
    }
}
