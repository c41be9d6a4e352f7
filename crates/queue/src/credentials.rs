use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type VersionFn = Arc<dyn Fn() -> String + Send + Sync>;
type Fetch =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Which credentials a provider is called with, as a version that changes when they do: then one more probe may find out at
/// once whether they are accepted. It says nothing else about them, and every process has the same version for the same ones.
#[derive(Clone, Default)]
pub struct Credentials {
    version: Option<VersionFn>,
    fetch: Option<Fetch>,
}

impl Credentials {
    /// `version` is called at each claim and each verdict.
    pub fn live(version: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self {
            version: Some(Arc::new(version)),
            fetch: None,
        }
    }

    /// With a way to fetch them again from where they are kept. What comes of it shows in the version; where they could not be
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

    /// The version of those that are in use now; empty when there are none.
    #[must_use]
    pub fn now(&self) -> String {
        self.version
            .as_ref()
            .map(|version| version())
            .unwrap_or_default()
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
    fn from(version: &str) -> Self {
        let version = version.to_owned();
        Self::live(move || version.clone())
    }
}

/// Equal as long as their versions are.
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
