//! Proving that a queue can be worked, instead of judging by what its server says of itself.

use crate::keys::KeyName;
use crate::{Queue, QueueError, script};

/// For whom is asked what our user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A worker.
    Worker,
    /// An operator at the command line.
    Operator,
}

impl Caller {
    /// What `deploy/redis/users.acl` calls the user.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Operator => "operator",
        }
    }
}

impl Queue {
    /// Writes to the queue by a script with the keys that all scripts are given, and removes it again. Returns the
    /// commands of this caller that our user may not use, or that somebody has renamed; none where all is well.
    ///
    /// # Errors
    /// When Redis cannot be reached, or refuses: then no script may write here, and the reason says why.
    pub async fn prove(&self, caller: Caller) -> Result<Vec<String>, QueueError> {
        let k = &self.keys;
        let mut keys: Vec<&str> = vec![&k.probe, &k.gate, &k.idle];
        let all: Vec<String> = k.all().iter().map(KeyName::example).collect();
        keys.extend(all.iter().map(String::as_str));
        let proof = script::PROVE.on(&keys).arg(caller.as_str());
        proof.run(&self.link).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The commands that Lua sources call.
    fn called(dir: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).expect("the scripts are there") {
            let path = entry.expect("is read").path();
            if path.is_dir() {
                called(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("is read");
            for (at, _) in text.match_indices("call('") {
                let name: String = text[at + 6..].chars().take_while(|c| *c != '\'').collect();
                found.insert(name);
            }
        }
    }

    #[test]
    fn the_proof_asks_for_every_command_that_a_script_calls() {
        let mut found = BTreeSet::new();
        let lua = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
        called(&lua, &mut found);
        assert!(found.len() > 30, "{found:?}");
        let proof = include_str!("../lua/prove.lua");
        for command in found {
            assert!(
                proof.contains(&format!("{{ '{command}'")),
                "lua/prove.lua does not ask for {command}"
            );
        }
    }
}
