//! The scripts about who is alive, and whose jobs are taken over.

use std::sync::LazyLock;

use super::Script;

script!(
    BEAT = "beat",
    " flags=allow-oom",
    ["now", "hold", "timeline"]
);
script!(
    SWEEP = "sweep",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "hold",
        "record",
        "header",
        "lost"
    ]
);
script!(
    LEAVE = "leave",
    " flags=allow-oom",
    ["write_or_replace", "wake"]
);
script!(
    ADOPT = "adopt",
    " flags=allow-oom",
    ["now", "record", "header", "value"]
);
