//! The scripts of dead letters.

use std::sync::LazyLock;

use super::Script;

script!(
    DEAD_GROUPS = "dead_groups",
    " flags=no-writes",
    ["now", "write_or_replace", "record", "groups"]
);
script!(
    DEAD_LIST = "dead_list",
    " flags=no-writes",
    [
        "now",
        "write_or_replace",
        "record",
        "groups",
        "header",
        "value",
        "delivery_of"
    ]
);
script!(
    DEAD_DELIVERIES = "dead_deliveries",
    " flags=no-writes",
    ["now", "write_or_replace", "record", "groups", "delivery_of"]
);
script!(
    DEAD_PAGE = "dead_page",
    " flags=no-writes",
    [
        "now",
        "write_or_replace",
        "record",
        "groups",
        "header",
        "value",
        "place",
        "following",
        "delivery_of"
    ]
);
script!(
    DISCARD = "discard",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "groups",
        "header",
        "audit",
        "letters",
        "bring_out",
        "key",
        "discard"
    ]
);
script!(
    DISCARD_BEGIN = "discard_begin",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "groups",
        "audit",
        "letters",
        "operation"
    ]
);
script!(
    DISCARD_STEP = "discard_step",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "groups",
        "header",
        "value",
        "audit",
        "letters",
        "bring_out",
        "key",
        "discard",
        "place",
        "following",
        "delivery_of",
        "meant",
        "operation"
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
        "groups",
        "header",
        "lanes",
        "renew",
        "audit",
        "letters",
        "bring_out",
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
        "groups",
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
        "groups",
        "header",
        "value",
        "lanes",
        "renew",
        "audit",
        "letters",
        "bring_out",
        "revive",
        "place",
        "following",
        "delivery_of",
        "meant",
        "operation"
    ]
);
script!(
    REPLAY_CHANGE = "replay_change",
    " flags=allow-oom",
    ["now", "write_or_replace", "wake", "audit", "operation"]
);
script!(
    REPLAYS = "replays",
    " flags=no-writes",
    ["now", "record", "audit", "operation"]
);
