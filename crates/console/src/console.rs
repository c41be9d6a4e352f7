//! The console as a whole: what it is made of, and its router.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderName;
use axum::middleware::from_fn_with_state;
use longshore_listener::TrustedProxies;
use longshore_operator::{ConfiguredFleet, Operator};

use crate::access::Access;
use crate::content::PageError;
use crate::cookies::Jar;
use crate::fleet::FleetFacts;
use crate::shared::Shared;
use crate::users::ConsoleUser;
use crate::{guard, pages, reader};

/// The operators' web page, before it is served.
///
/// ```no_run
/// # fn mounted(operator: longshore_operator::Operator) -> axum::Router {
/// use longshore_console::{Console, ConsoleUser, FleetFacts, ConsoleRole, hash_password};
///
/// let fleet = FleetFacts {
///     name: "shop".to_owned(),
///     ..FleetFacts::default()
/// };
/// let hash = hash_password("correct horse battery staple").expect("it is short enough");
/// let console = Console::new(operator, fleet).with_user(ConsoleUser::new("ada", ConsoleRole::Operator, &hash));
/// axum::Router::new().nest("/ops", console.router())
/// # }
/// ```
pub struct Console {
    operator: Operator,
    fleet: FleetFacts,
    configured: ConfiguredFleet,
    access: Access,
}

/// Why a console cannot be set up so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConsole {
    /// The URL cannot be where people reach it.
    #[error("is not an http or https URL without a query")]
    PublicUrl,
    /// The header cannot be one.
    #[error("is not the name of a header")]
    Header,
}

impl Console {
    /// A console over these queues. Nobody is let in yet.
    #[must_use]
    pub fn new(operator: Operator, mut fleet: FleetFacts) -> Self {
        if fleet.name.is_empty() {
            fleet.name.clone_from(&fleet.namespace);
        }
        Self {
            operator,
            fleet,
            configured: ConfiguredFleet::default(),
            access: Access::default(),
        }
    }

    /// Tells it what the configuration says of queues, of what providers promise, and of cron entries.
    #[must_use]
    pub fn with_configured(mut self, configured: ConfiguredFleet) -> Self {
        self.configured = configured;
        self
    }

    /// Lets somebody log in.
    #[must_use]
    pub fn with_user(mut self, user: ConsoleUser) -> Self {
        self.access.users.push(user);
        self
    }

    /// Lets those in whom a proxy names in this header. It is believed from this machine and from `proxies`. Those who are no
    /// users of the console are viewers.
    ///
    /// # Errors
    /// When it is not the name of a header.
    pub fn with_trusted_header(mut self, header: &str) -> Result<Self, InvalidConsole> {
        let name = HeaderName::from_bytes(header.as_bytes());
        self.access.trusted_header = Some(name.map_err(|_| InvalidConsole::Header)?);
        Ok(self)
    }

    /// The proxies whose word is taken for where a request comes from, and for a trusted header.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.access.proxies = proxies;
        self
    }

    /// Where people reach it, such as `https://ops.example.com/longshore`. A path is one that the proxy takes away. With https,
    /// cookies are kept for https only.
    ///
    /// # Errors
    /// When it is not such a URL.
    pub fn with_public_url(mut self, url: &str) -> Result<Self, InvalidConsole> {
        let (origin, path) = crate::public_url::parse(url).ok_or(InvalidConsole::PublicUrl)?;
        self.access.jar = Jar {
            is_secure: origin.starts_with("https://"),
        };
        self.access.origin = Some(origin);
        self.access.path = path;
        Ok(self)
    }

    /// Lets everybody in as an operator of this name, as long as their browser asks for this machine itself: for a console that
    /// listens on one's own machine only.
    #[must_use]
    pub fn open_to_this_machine(mut self, name: &str) -> Self {
        self.access.open_as = Some(name.to_owned());
        self
    }

    /// All paths that it answers, each with its methods.
    #[must_use]
    pub fn paths() -> Vec<(&'static str, &'static [&'static str])> {
        let routes = pages::routes().into_iter();
        routes.map(|route| (route.path, route.methods)).collect()
    }

    /// The router. It can be mounted under any path, and reads what moves by itself in a task of its own.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn router(self) -> Router {
        self.stoppable().0
    }

    /// The same, with what ends its streams.
    pub(crate) fn stoppable(self) -> (Router, Arc<Shared>) {
        let shared = Arc::new(Shared::new(
            self.operator,
            self.fleet,
            self.configured,
            self.access,
        ));
        tokio::spawn(reader::read_on(Arc::downgrade(&shared)));
        let mut router = Router::new();
        for route in pages::routes() {
            router = router.route(route.path, route.handler);
        }
        let router = router
            .method_not_allowed_fallback(async || {
                PageError::Wrong("This page is asked for in another way.".to_owned())
            })
            .fallback(async || PageError::Missing("There is no such page.".to_owned()))
            .layer(from_fn_with_state(Arc::clone(&shared), guard::around));
        (router, shared)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("fleet", &self.fleet)
            .finish_non_exhaustive()
    }
}
