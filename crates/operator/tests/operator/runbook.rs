//! The alerts, the runbook and the list of what needs somebody lead to each other.

use longshore_operator::Concern;

/// Others than those that Redis cannot tell of have a line here.
#[test]
fn each_alert_that_redis_can_tell_of_has_a_line_and_each_line_its_section() {
    const NOT_IN_REDIS: [&str; 10] = [
        "LongshoreSeesNothing",
        "LongshoreRedisReplicaLost",
        "LongshoreClockJumped",
        "LongshoreOutboxLags",
        "LongshoreOutboxGone",
        "LongshoreOutboxHeld",
        "LongshoreApiUnavailable",
        "LongshoreApiSlow",
        "LongshoreApiThrottled",
        // How many there were is in Redis, but not since when.
        "LongshoreEventsDropped",
    ];
    let rules = include_str!("../../../../deploy/prometheus/rules.yaml");
    let alerts = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let sections: Vec<_> = Concern::ALL
        .iter()
        .map(|concern| concern.section())
        .collect();
    for alert in alerts {
        assert!(
            sections.contains(&alert) || NOT_IN_REDIS.contains(&alert),
            "{alert} has no line"
        );
    }
    let runbook = include_str!("../../../../docs/runbook.md");
    let headings: Vec<_> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    for section in sections {
        assert!(headings.contains(&section), "the runbook lacks {section}");
    }
}
