use std::fmt::{self, Display};

use longshore_client::ClientError;

/// Why a job was not written into the table. Its `Debug` says the same as its `Display`, and what to do about it, since a `main` or
/// a test that returns it prints that.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError<E> {
    /// Its args or its options are wrong. Nothing was sent to the database: the transaction goes on.
    #[error(transparent)]
    Refused(ClientError),
    /// The database refused it, or is away. As after any failed statement, the transaction can only be rolled back.
    #[error("the job cannot be written into the outbox: {0}")]
    Database(E),
}

impl<E: Display> fmt::Debug for OutboxError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => fmt::Debug::fmt(error, f),
            Self::Database(_) => write!(
                f,
                "{self}; roll the transaction back, and check that the database has the table of `longshore_outbox::SCHEMA`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_it_says_what_to_do() {
        let error = OutboxError::Database("relation \"longshore_outbox\" does not exist");
        let said = format!("{error:?}");
        assert!(
            said.starts_with("the job cannot be written into the outbox: relation"),
            "{said}"
        );
        assert!(
            said.ends_with("table of `longshore_outbox::SCHEMA`"),
            "{said}"
        );
        let error = OutboxError::<String>::Refused(ClientError::InvalidOption("no key"));
        assert_eq!(
            format!("{error:?}"),
            "the job was refused: no key; correct the option: the same call would be refused again"
        );
    }
}
