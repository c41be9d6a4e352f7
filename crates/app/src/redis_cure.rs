//! What to do about an answer of Redis's that refuses a call.

use crate::config::{RedisSettings, with_variable};

/// What to do about a user that may not do all that its role does.
const RIGHTS: &str = "let its ACL user have what deploy/redis/users.acl gives to its role: to a worker and an operator the keys \
    `~{NAMESPACE:*` and the channels `&{NAMESPACE:*`, with the braces, and the commands that are named there";

/// The cure for a refusal, by Redis's own words.
#[must_use]
pub(crate) fn cure(reason: &str) -> String {
    const CURES: &[(&str, &str)] = &[
        (
            "NOREPLICAS",
            "bring its replicas back, or lower `min-replicas-to-write` there",
        ),
        (
            "MISCONF",
            "it cannot write to its disk: look at its log and at the free space there",
        ),
        (
            "OOM",
            "it is full: raise `maxmemory` there, and see which queue grows: `longshore queues`",
        ),
        (
            "READONLY",
            "it is a replica: name the primary in REDIS_URL, or set REDIS_MODE = \"sentinel\" and name the Sentinels",
        ),
        (
            "CLUSTERDOWN",
            "some slots of the cluster have no node: `redis-cli --cluster check` there says which",
        ),
        (
            "MOVED",
            "it is a node of a Redis Cluster, and this queue is on another: set REDIS_MODE = \"cluster\"",
        ),
        (
            "CROSSSLOT",
            "a proxy or cluster splits the keys of one queue: it has to leave what stands in braces together",
        ),
        (
            "LOADING",
            "it is reading its data from disk: wait until it is through",
        ),
        (
            "BUSY",
            "a script of somebody else's runs there: wait, or `SCRIPT KILL`",
        ),
        ("NOPERM", RIGHTS),
        // Where it is inside of a script: Redis 7.0's words, and those of later ones and Valkey.
        ("The user executing the script can't", RIGHTS),
        ("ACL failure in script", RIGHTS),
        (
            "unknown command",
            "a command is renamed or disabled there: take `rename-command` out of its configuration",
        ),
        (
            "ompiling script",
            "its scripts know no flags: use Redis 7.0 or newer, or Valkey",
        ),
        (
            "WRONGTYPE",
            "another program writes to the keys of this queue: let it have a Redis of its own",
        ),
    ];
    CURES
        .iter()
        .find(|(words, _)| reason.contains(words))
        .map_or("look at its log", |(_, cure)| *cure)
        .replace("REDIS_MODE", RedisSettings::MODE)
        .replace("REDIS_URL", &with_variable(RedisSettings::URL))
}

#[cfg(test)]
mod tests {
    use super::cure;

    #[test]
    fn a_right_that_is_missing_leads_to_the_file_of_users_in_whatever_words() {
        for words in [
            "NOPERM this user has no permissions to run the 'get' command",
            "ERR The user executing the script can't run this command or subcommand script: 386f",
            "ERR ACL failure in script: No permissions to access a key script: on @user_script:1.",
        ] {
            assert!(cure(words).contains("deploy/redis/users.acl"), "{words}");
        }
        assert_eq!(cure("ERR something else"), "look at its log");
    }
}
