//! The scripts of dead letters.

use std::sync::LazyLock;

use super::Script;

script!(DEAD_GROUPS = "dead_groups", " flags=no-writes", ["record"]);
script!(
    DEAD_LIST = "dead_list",
    " flags=no-writes",
    ["now", "record", "header", "value"]
);
script!(
    DEAD_PAGE = "dead_page",
    " flags=no-writes",
    ["record", "header", "value", "place"]
);
script!(
    DISCARD = "discard",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "header",
        "audit",
        "letters",
        "key"
    ]
);
script!(
    REPLAY = "replay",
    "",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "lanes",
        "renew",
        "audit",
        "letters",
        "revive"
    ]
);
script!(
    REPLAY_BEGIN = "replay_begin",
    "",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "audit",
        "letters",
        "operation"
    ]
);
script!(
    REPLAY_STEP = "replay_step",
    "",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "lanes",
        "renew",
        "audit",
        "letters",
        "revive",
        "place",
        "operation"
    ]
);
script!(
    REPLAY_CHANGE = "replay_change",
    " flags=allow-oom",
    ["now", "write_or_replace", "wake", "audit", "operation"]
);
script!(REPLAYS = "replays", " flags=no-writes", ["record"]);
