use longshore_client::ClientError;

/// Why a job was not written into the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError<E> {
    /// Its args or its options are wrong. Nothing was sent to the database: the transaction goes on.
    #[error(transparent)]
    Refused(ClientError),
    /// The database refused it, or is away. As after any failed statement, the transaction can only be rolled back.
    #[error("the job cannot be written into the outbox: {0}")]
    Database(E),
}
