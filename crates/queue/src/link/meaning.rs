//! What an error of Redis's means: the one place that says so.

use redis::{ErrorKind, RedisError};

use crate::QueueError;

/// What is to be done about an error that Redis answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It passes: nothing was done, and the same call may go well in a moment.
    Passing,
    /// It passes as well, but not over this connection: its server is not, or no longer, the one to ask.
    Elsewhere,
    /// Our user or our password is not, or no longer, accepted.
    NoEntry,
    /// It will not be otherwise in a moment.
    Final,
}

impl Meaning {
    /// By the code that the error begins with.
    pub(super) fn of(code: &str, detail: &str) -> Self {
        match code {
            // Another node of the cluster has the slot, or none at the moment, or its keys are on their way; a script of
            // somebody else's runs; too few replicas are there; the disk does not take what is written.
            "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "BUSY" | "NOREPLICAS" | "MISCONF" => {
                Self::Passing
            }
            // Starting, or no longer the primary.
            "LOADING" | "READONLY" | "MASTERDOWN" | "UNBLOCKED" => Self::Elsewhere,
            "WRONGPASS" | "NOAUTH" => Self::NoEntry,
            // Answered instead of letting us in.
            "ERR" if detail.contains("max number of clients") => Self::Elsewhere,
            _ => Self::Final,
        }
    }

    /// Of what came instead of an answer. One without a code is no answer at all: the connection broke, or is silent.
    pub(super) fn of_error(error: &RedisError) -> Self {
        match error.code() {
            Some(code) => Self::of(code, error.detail().unwrap_or_default()),
            None if error.kind() == ErrorKind::UnexpectedReturnType => Self::Final,
            None => Self::Elsewhere,
        }
    }
}

/// Whether the server refuses our user or our password while a connection is opened.
pub(super) fn refuses_credentials(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || error.code().is_some_and(|code| {
            let detail = error.detail().unwrap_or_default();
            Meaning::of(code, detail) == Meaning::NoEntry
        })
}

/// The error of a call on the connection to `server`.
pub(super) fn explain(server: &str, error: &RedisError) -> QueueError {
    let server = server.to_owned();
    if error.kind() == ErrorKind::UnexpectedReturnType {
        return QueueError::Unexpected(error.to_string());
    }
    let reason = words(error);
    match Meaning::of_error(error) {
        Meaning::Passing | Meaning::Elsewhere if error.code().is_some() => {
            QueueError::Passing { server, reason }
        }
        Meaning::Passing | Meaning::Elsewhere => QueueError::Unreachable { server, reason },
        Meaning::NoEntry => QueueError::NoEntry { server, reason },
        Meaning::Final => QueueError::Refused { server, reason },
    }
}

/// What went wrong with opening a connection to `server`.
pub(super) fn explain_entry(server: &str, error: &RedisError) -> QueueError {
    let no_entry = |reason: &str| QueueError::NoEntry {
        server: server.to_owned(),
        reason: reason.to_owned(),
    };
    let meaning = error
        .code()
        .map(|code| Meaning::of(code, error.detail().unwrap_or_default()));
    match error.kind() {
        _ if meaning == Some(Meaning::NoEntry) => no_entry("it refuses the user or the password"),
        ErrorKind::AuthenticationFailed => no_entry("it refuses the user or the password"),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            no_entry("what listens there is not a Redis")
        }
        ErrorKind::InvalidClientConfig => no_entry(&error.to_string()),
        _ => match explain(server, error) {
            QueueError::Refused { server, reason } => QueueError::NoEntry { server, reason },
            error => error,
        },
    }
}

/// Redis's own words, with the code before them: `NOREPLICAS Not enough good replicas to write.`
///
/// What it quotes of an unknown command's arguments is left out: they may be somebody's.
pub(super) fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => {
            let said = detail.split(", with args beginning with").next();
            format!("{code} {}", said.unwrap_or_default())
        }
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    }
}

/// The first error of a pipeline's; any other as it is. A pipeline's own error does not say its code.
pub(super) fn first_of(error: RedisError) -> RedisError {
    if error.code().is_some() && error.detail().is_some() {
        return error;
    }
    let first = error.clone().into_server_errors();
    match first.as_deref() {
        Some([(_, first), ..]) => first.clone().into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_waited_out_and_the_rest_is_not() {
        for code in [
            "MOVED",
            "ASK",
            "TRYAGAIN",
            "CLUSTERDOWN",
            "LOADING",
            "READONLY",
            "NOREPLICAS",
            "MASTERDOWN",
            "BUSY",
            "MISCONF",
        ] {
            let error = redis::make_extension_error(code.to_owned(), Some("words".to_owned()));
            assert!(explain("there", &error).may_pass(), "{code}");
        }
        for code in ["OOM", "WRONGTYPE", "NOPERM", "CROSSSLOT", "ERR", "BUSYKEY"] {
            let error = redis::make_extension_error(code.to_owned(), Some("words".to_owned()));
            let error = explain("there", &error);
            assert!(matches!(error, QueueError::Refused { .. }), "{code}");
        }
        for code in ["WRONGPASS", "NOAUTH"] {
            let error = redis::make_extension_error(code.to_owned(), Some("words".to_owned()));
            let error = explain("there", &error);
            assert!(matches!(error, QueueError::NoEntry { .. }), "{code}");
        }
    }

    #[test]
    fn too_many_clients_pass() {
        let words = Some("max number of clients reached".to_owned());
        let error = redis::make_extension_error("ERR".to_owned(), words);
        assert!(explain_entry("there", &error).may_pass());
    }
}
