//! The statements of a carrier.

use tokio_postgres::{Client, Error, Statement};

use crate::OutboxTable;

/// Longer args are not read: no kind accepts them.
const MOST_BYTES: i64 = longshore_job::MAX_PAYLOAD_BYTES as i64;

/// The statements of a carrier.
pub(crate) struct Statements {
    /// Rows that wait, locked.
    pub(crate) waiting: Statement,
    /// Their ids alone: those can be read whatever else is in a row.
    pub(crate) waiting_ids: Statement,
    /// One of them.
    pub(crate) waiting_one: Statement,
    pub(crate) mark: Statement,
    pub(crate) unmark: Statement,
    pub(crate) hold: Statement,
    pub(crate) delete: Statement,
}

impl Statements {
    pub(crate) async fn prepare(client: &Client, table: &OutboxTable) -> Result<Self, Error> {
        // What would be too large for a number here is made small enough to be refused with its row, not with all of them.
        let ms = |seconds: &str| {
            // `least` and `greatest` take no notice of a null.
            format!(
                "CASE WHEN {seconds} IS NOT NULL THEN (least(greatest({seconds}, -1e12), 1e12) * 1000)::bigint END"
            )
        };
        let columns = format!(
            "id, kind, v, CASE WHEN octet_length(args::text) <= {MOST_BYTES} THEN args::text END, key, {}, {}, priority, tenant, \
             ARRAY(SELECT tag FROM unnest(tags) AS tag WHERE tag IS NOT NULL), traceparent, tracestate, tried_ms, {}",
            ms("extract(epoch FROM due_at)"),
            ms("extract(epoch FROM expires_in)"),
            // Not of the difference: of an endless time there is none.
            ms(
                "extract(epoch FROM clock_timestamp()) - extract(epoch FROM coalesce(due_at, created_at))"
            ),
        );
        let next = format!(
            "FROM {table} WHERE held_at IS NULL AND kind <> ALL($1::text[]) ORDER BY position LIMIT $2 FOR UPDATE SKIP LOCKED"
        );
        let waiting = format!("SELECT {columns} {next}");
        let waiting_ids = format!("SELECT id {next}");
        let waiting_one = format!("SELECT {columns} FROM {table} WHERE id = $1");
        let mark = format!(
            "UPDATE {table} AS row SET tried_ms = tried.ms FROM unnest($1::text[], $2::bigint[]) AS tried (id, ms) \
             WHERE row.id = tried.id"
        );
        let unmark = format!("UPDATE {table} SET tried_ms = NULL WHERE id = ANY($1::text[])");
        let hold = format!(
            "UPDATE {table} AS row SET held_at = clock_timestamp(), held_code = held.code, held_reason = held.reason \
             FROM unnest($1::text[], $2::text[], $3::text[]) AS held (id, code, reason) WHERE row.id = held.id"
        );
        let delete = format!("DELETE FROM {table} WHERE id = ANY($1::text[])");
        Ok(Self {
            waiting: client.prepare(&waiting).await?,
            waiting_ids: client.prepare(&waiting_ids).await?,
            waiting_one: client.prepare(&waiting_one).await?,
            mark: client.prepare(&mark).await?,
            unmark: client.prepare(&unmark).await?,
            hold: client.prepare(&hold).await?,
            delete: client.prepare(&delete).await?,
        })
    }
}

/// A time in seconds since the epoch, also where it has no end or no beginning.
pub(crate) fn finite(time: &str) -> String {
    format!("least(greatest(extract(epoch FROM {time}), -1e12), 1e12)")
}
