//! What the program says of its fleet: the console cannot find it out by itself.

/// Which fleet this is, and what is known of its providers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FleetFacts {
    /// What people call it; the namespace where nothing is said.
    pub name: String,
    /// The Redis server, without credentials.
    pub server: String,
    /// The namespace in it.
    pub namespace: String,
    /// The profile of the configuration, such as `production`; `None` = none.
    pub profile: Option<String>,
    /// Where the runbook is, as a URL to whose end `#section` is added; `None` = no links to it.
    pub runbook_url: Option<String>,
    /// The providers, by their names.
    pub providers: Vec<KnownProvider>,
}

/// What is known of a provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownProvider {
    /// Its name, as in the configuration.
    pub name: String,
    /// The queue whose jobs it carries out.
    pub queue: String,
    /// Whether it has credentials here.
    pub is_configured: bool,
    /// How much depends on it: `critical`, `high`, `medium`.
    pub criticality: Option<String>,
    /// What share of calls it promises to answer, in percent.
    pub sla_percent: Option<f64>,
    /// Who answers for it.
    pub owner: Option<String>,
}

impl FleetFacts {
    /// Whether what is done here is done to customers.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.profile.as_deref() == Some("production")
    }

    /// A section of the runbook, if there is a runbook.
    #[must_use]
    pub fn runbook(&self, section: &str) -> Option<String> {
        let url = self.runbook_url.as_deref()?;
        Some(format!("{url}#{section}"))
    }

    /// What is known of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&KnownProvider> {
        self.providers.iter().find(|facts| facts.name == name)
    }
}
