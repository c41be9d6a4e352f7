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
        "waiters",
        "minutes",
        "stop",
        "notices",
        "operation",
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
        "reschedule",
        "waiting_keys"
    ]
);
script!(
    RESCHEDULE_BEGIN = "reschedule_begin",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "audit",
        "operation"
    ]
);
script!(
    RESCHEDULE_STEP = "reschedule_step",
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
        "operation",
        "parked",
        "homes",
        "reschedule",
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
script!(
    SCAN = "scan",
    " flags=no-writes",
    [
        "now",
        "record",
        "header",
        "value",
        "parked",
        "homes",
        "place",
        "scan",
        "waiting_keys"
    ]
);
script!(
    CANCEL_BEGIN = "cancel_begin",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "audit",
        "operation"
    ]
);
script!(
    CANCEL_STEP = "cancel_step",
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
        "waiters",
        "minutes",
        "stop",
        "notices",
        "operation",
        "cancel",
        "waiting_keys"
    ]
);
#[cfg(feature = "forget")]
script!(
    FORGET_BEGIN = "forget_begin",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "audit",
        "operation"
    ]
);
#[cfg(feature = "forget")]
script!(
    FORGET_STEP = "forget_step",
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
        "waiters",
        "minutes",
        "stop",
        "notices",
        "operation",
        "cancel",
        "deliveries",
        "forget",
        "waiting_keys"
    ]
);
