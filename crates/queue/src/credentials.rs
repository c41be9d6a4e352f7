use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Word = Arc<dyn Fn() -> String + Send + Sync>;
type Fetch =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Which credentials a provider is called with, as a word that changes when they do: then one more probe may find out at
/// once whether they are accepted. It says nothing else about them, and every process has the same word for the same ones.
#[derive(Clone, Default)]
pub struct Credentials {
    word: Option<Word>,
    fetch: Option<Fetch>,
}

impl Credentials {
    /// The word is asked for at each claim and each verdict.
    pub fn live(word: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self {
            word: Some(Arc::new(word)),
            fetch: None,
        }
    }

    /// With a way to fetch them again from where they are kept. What comes of it shows in the word; where they could not be
    /// fetched it says why, without a secret. Many may ask at once: it is up to `fetch` to make one fetch of it.
    #[must_use]
    pub fn fetched_by<F, Fut>(self, fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            fetch: Some(Arc::new(move || Box::pin(fetch()))),
            ..self
        }
    }

    /// The word for those that are in use now; empty when there are none.
    #[must_use]
    pub fn now(&self) -> String {
        self.word.as_ref().map(|word| word()).unwrap_or_default()
    }

    /// Fetches them again from where they are kept. Those that stay the same need no fetch.
    ///
    /// # Errors
    /// When they could not be fetched: why, in words. Those in use stay in use.
    pub async fn fetch(&self) -> Result<(), String> {
        match &self.fetch {
            Some(fetch) => fetch().await,
            None => Ok(()),
        }
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
