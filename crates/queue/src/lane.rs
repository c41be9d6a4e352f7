//! Where a job waits among the others of its queue: its priority and its tenant. And its tags.

use longshore_job::Priority;

/// The most characters of a tenant, and of a tag.
const MOST_CHARS: usize = 64;
/// The most tags of one job.
const MOST_TAGS: usize = 10;

/// Where a job waits. Jobs of one lane run in the order in which they were enqueued.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Lane {
    /// How urgent it is.
    pub priority: Priority,
    /// Whose job it is: a customer, a campaign. Tenants take turns.
    pub tenant: Option<String>,
}

/// A tenant or tags that no job may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// The tenant is empty, too long, or has control characters.
    #[error("tenant: must be 1 to 64 characters without control characters")]
    Tenant,
    /// A tag is.
    #[error("tag: must be 1 to 64 characters without control characters")]
    Tag,
    /// There are more than ten tags.
    #[error("tag: a job has at most 10 tags")]
    TooManyTags,
}

impl Lane {
    /// A lane of this priority, without a tenant.
    #[must_use]
    pub const fn of(priority: Priority) -> Self {
        Self {
            priority,
            tenant: None,
        }
    }

    /// The lane of this tenant's jobs, of the same priority.
    #[must_use]
    pub fn with_tenant(self, tenant: impl Into<String>) -> Self {
        Self {
            tenant: Some(tenant.into()),
            ..self
        }
    }

    /// As it stands in Redis, `<h, n or l><tenant>`; `None` for a normal job without a tenant, which most are.
    pub(crate) fn encode(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let letter = match self.priority {
            Priority::High => 'h',
            Priority::Normal => 'n',
            Priority::Low => 'l',
        };
        Some(format!(
            "{letter}{}",
            self.tenant.as_deref().unwrap_or_default()
        ))
    }

    /// Reads it; anything else is as good as none.
    pub(crate) fn parse(text: &str) -> Self {
        let (priority, tenant) = match text.split_at_checked(1) {
            Some(("h", tenant)) => (Priority::High, tenant),
            Some(("n", tenant)) => (Priority::Normal, tenant),
            Some(("l", tenant)) => (Priority::Low, tenant),
            _ => return Self::default(),
        };
        Self {
            priority,
            tenant: Some(tenant.to_owned()).filter(|tenant| !tenant.is_empty()),
        }
    }
}

/// Checks what a producer says of a job.
///
/// # Errors
/// When the tenant or a tag is empty, longer than 64 characters, or has control characters; or when there are more than
/// ten tags.
pub fn check_labels(tenant: Option<&str>, tags: &[String]) -> Result<(), InvalidLabel> {
    let fits = |text: &str| {
        (1..=MOST_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if tenant.is_some_and(|tenant| !fits(tenant)) {
        return Err(InvalidLabel::Tenant);
    }
    if tags.len() > MOST_TAGS {
        return Err(InvalidLabel::TooManyTags);
    }
    match tags.iter().all(|tag| fits(tag)) {
        true => Ok(()),
        false => Err(InvalidLabel::Tag),
    }
}

/// Tags as they stand in Redis, one after the other; `None` where there are none.
pub(crate) fn encode_tags(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| tags.join("\n"))
}

/// Reads them.
pub(crate) fn parse_tags(text: &str) -> Vec<String> {
    let tags = text.split('\n').filter(|tag| !tag.is_empty());
    tags.map(str::to_owned).collect()
}
