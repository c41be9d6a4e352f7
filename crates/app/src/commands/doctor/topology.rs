//! What stands where the configuration says: one server, one behind Sentinels, or a cluster.

use longshore_queue::{Link, Node, ServerFacts};

use super::finding::{Finding, Status, error, ok, warning};
use crate::config::{Config, RedisMode, RedisSettings, with_variable};

pub(super) async fn of(facts: &ServerFacts, link: &Link, config: &Config) -> Finding {
    match judge(facts, config.redis.mode) {
        found if found.status == Status::Ok => ok("topology", stands(link, config).await),
        found => found,
    }
}

/// What stands where the configuration says, and it is well.
async fn stands(link: &Link, config: &Config) -> String {
    let of = config.redis.sentinel_master.as_deref().unwrap_or_default();
    match config.redis.mode {
        RedisMode::Single => "a primary, not in a cluster".to_owned(),
        RedisMode::Sentinel => match link.reached().await {
            Ok(server) => format!("the Sentinels say that {server} is the primary {of}"),
            Err(error) => error.to_string(),
        },
        RedisMode::Cluster => match link.nodes().await {
            Ok(nodes) => {
                let nodes: Vec<_> = nodes.iter().map(Node::as_str).collect();
                format!(
                    "a cluster of {} primaries: {}",
                    nodes.len(),
                    nodes.join(", ")
                )
            }
            Err(error) => error.to_string(),
        },
    }
}

/// Whether it is what the configuration calls it.
pub(super) fn judge(facts: &ServerFacts, mode: RedisMode) -> Finding {
    match (facts.role.as_deref(), facts.cluster) {
        (Some("master"), Some(true)) if mode == RedisMode::Cluster => ok("topology", "a cluster"),
        (Some("slave"), _) => error(
            "topology",
            "a replica, which takes no jobs",
            format!("name the primary in {}", with_variable(RedisSettings::URL)),
        ),
        (_, Some(true)) => warning(
            "topology",
            "a node of a Redis Cluster: only the queues in its own slots can be worked",
            format!("set {} = \"cluster\"", with_variable(RedisSettings::MODE)),
        ),
        (Some(_), _) => ok("topology", "a primary, not in a cluster"),
        (None, _) => warning(
            "topology",
            "it does not say",
            "check yourself that it is a primary",
        ),
    }
}
