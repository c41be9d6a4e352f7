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
script!(
    RESCHEDULE = "reschedule",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "value",
        "lanes",
        "renew",
        "letters",
        "audit",
        "parked",
        "homes",
        "waiting_keys"
    ]
);
script!(
    RUN_NOW = "run_now",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "lanes",
        "letters",
        "audit",
        "parked",
        "homes",
        "waiting_keys"
    ]
);
script!(
    EDIT = "edit",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "header",
        "value",
        "letters",
        "audit",
        "parked",
        "homes",
        "waiting_keys"
    ]
);
