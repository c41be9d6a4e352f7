//! The scripts about what became of messages.

use std::sync::LazyLock;

use super::Script;

script!(
    NOTE_MESSAGE = "note_message",
    " flags=allow-oom",
    ["now", "record", "deliveries"]
);
script!(
    UPDATE_DELIVERY = "update_delivery",
    " flags=allow-oom",
    ["now", "write_or_replace", "record", "deliveries", "notices"]
);
script!(
    FORGET_DELIVERIES = "forget_deliveries",
    " flags=allow-oom",
    ["now", "deliveries"]
);
