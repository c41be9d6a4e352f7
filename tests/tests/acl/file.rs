//! What `deploy/redis/users.acl` allows, read.

use std::collections::BTreeSet;

use longshore_tests::{NAMESPACE, NO_HASH, SHIPPED, User};

/// What one user may do.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    /// `get`, `config|get`.
    pub(crate) commands: BTreeSet<String>,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) channels: BTreeSet<String>,
}

impl Rights {
    /// Those of a user of the file, in the namespace of flows.
    pub(crate) fn of(user: User) -> Self {
        let mut rights = Self::default();
        for word in rules(user.name()) {
            let pattern = |rest: &str| rest.replace("{longshore:", &format!("{{{NAMESPACE}:"));
            match word.split_at(1) {
                ("+", command) => rights.commands.insert(command.to_owned()),
                ("~", keys) => rights.keys.insert(pattern(keys)),
                // To be read only.
                ("%", keys) if keys.starts_with("R~") => rights.keys.insert(pattern(&keys[2..])),
                ("&", channels) => rights.channels.insert(pattern(channels)),
                // Nobody has the password that is none, and nothing is allowed but what follows.
                _ if ["on", NO_HASH, "resetchannels", "-@all"].contains(&word) => true,
                _ => panic!("{}: this test does not know {word}", user.name()),
            };
        }
        rights
    }
}

/// What the file says of a user.
pub(crate) fn rules(user: &str) -> Vec<&'static str> {
    let mut lines = SHIPPED.lines().map(|line| line.split(' '));
    let line = lines.find(|words| words.clone().nth(1) == Some(user));
    line.unwrap_or_else(|| panic!("no user {user}"))
        .skip(2)
        .collect()
}

/// Whether a name is of a pattern whose `*` stand for anything.
pub(crate) fn is_of(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}
