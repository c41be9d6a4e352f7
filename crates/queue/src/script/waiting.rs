//! The scripts of what operators do to jobs that wait.

use std::sync::LazyLock;

use super::Script;

script!(
    CANCEL = "cancel",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "header",
        "value",
        "key",
        "letters",
        "audit",
        "parked",
        "homes",
        "prune",
        "prune_cancelled",
        "cancel",
        "waiting_keys"
    ]
);
