//! `redis.*`.

use super::check;
use longshore_app::config::{RedisMode, Severity};

use crate::{finding, good};

#[test]
fn urls_and_namespaces() {
    check(
        &[
            ("redis.url = ''", "redis.url", "not a URL", "redis://"),
            (
                "redis.url = 6379",
                "redis.url",
                "is a number, not a text",
                "quotes",
            ),
            (
                "redis.url = 'env:'",
                "redis.url",
                "reference to nothing",
                "env:NAME",
            ),
            (
                "redis.url = 'redis://:hunter2#@host'",
                "redis.url",
                "names no host",
                "percent-encoded",
            ),
            (
                "redis.namespace = ''",
                "redis.namespace",
                "cannot be part",
                "1 to 64 characters of a-z",
            ),
            (
                "redis.namespace = 'a:b'",
                "redis.namespace",
                "cannot be part",
                "a-z, 0-9, _ and -",
            ),
            (
                "redis.namespace = '{a}'",
                "redis.namespace",
                "cannot be part",
                "a-z, 0-9, _ and -",
            ),
            (
                "redis.namespace = 'Upper'",
                "redis.namespace",
                "cannot be part",
                "a-z, 0-9, _ and -",
            ),
            (
                "redis.allow_eviction_unknown = 'yes'",
                "redis.allow_eviction_unknown",
                "not true or false",
                "write true or false",
            ),
            (
                "redis.wait_replicas = -1",
                "redis.wait_replicas",
                "is -1",
                "set 0 to 10",
            ),
            (
                "redis.wait_replicas = true",
                "redis.wait_replicas",
                "not a whole number",
                "write a number",
            ),
            (
                "redis = 5",
                "redis",
                "is a number, not a table",
                "keys allow_eviction_unknown, ca_file, client_cert_file, client_key_file, mode, namespace, sentinel_master",
            ),
        ],
        "",
    );
    let longest = "a".repeat(64);
    let config = good(&format!("redis.namespace = '{longest}'"), &[]);
    assert_eq!(config.redis.namespace, longest);
    assert!(!config.redis.allow_eviction_unknown);
    assert_eq!(config.redis.wait_replicas, 0);
    let config = good("redis.wait_replicas = 2", &[]);
    assert_eq!(config.redis.wait_replicas, 2);
    let config = good("redis.allow_eviction_unknown = true", &[]);
    assert!(config.redis.allow_eviction_unknown);
    let config = good("redis.url = 'unix:///run/redis.sock?db=1'", &[]);
    assert_eq!(config.redis.mode, RedisMode::Single);
    let too_long = finding(&format!("redis.namespace = '{longest}a'"), &[]);
    assert_eq!(too_long.key, "redis.namespace");
}

#[test]
fn what_does_not_fit_together_is_found() {
    check(
        &[
            (
                "redis.mode = 'sentinels'",
                "redis.mode",
                "is `sentinels`",
                "single, sentinel or cluster",
            ),
            (
                "redis.mode = 'sentinel'",
                "redis.sentinel_master",
                "is needed",
                "mymaster",
            ),
            (
                "redis.sentinel_master = 'm'",
                "redis.sentinel_master",
                "of no use while redis.mode is single",
                "redis.mode = \"sentinel\"",
            ),
            (
                "redis = { mode = 'cluster', sentinel_password = 'hunter2' }",
                "redis.sentinel_password",
                "of no use while redis.mode is cluster",
                "leave it out",
            ),
        ],
        "",
    );
}

#[test]
fn urls_that_do_not_fit_the_mode_are_found() {
    check(
        &[
            (
                "redis.url = 'redis://:hunter2@a,redis://:hunter2@b'",
                "redis.url",
                "several URLs",
                "redis.mode to sentinel or cluster",
            ),
            (
                "redis = { url = 'redis://a/3', mode = 'cluster' }",
                "redis.url",
                "names a database",
                "redis.namespace",
            ),
            (
                "redis = { url = 'redis://:hunter2@a,redis://b', mode = 'cluster' }",
                "redis.url",
                "differ in more than host and port",
                "the same scheme",
            ),
        ],
        "",
    );
}

#[test]
fn files_that_do_not_fit_together_are_found() {
    check(
        &[
            (
                "redis = { url = 'rediss://a', ca_file = '/nowhere/ca.pem' }",
                "redis.ca_file",
                "/nowhere/ca.pem, which cannot be read",
                "PEM file",
            ),
            (
                "redis = { url = 'rediss://a', client_cert_file = '/dev/null' }",
                "redis.client_key_file",
                "redis.client_cert_file is set",
                "set both",
            ),
            (
                "redis = { url = 'rediss://a', client_key_file = '/dev/null' }",
                "redis.client_cert_file",
                "redis.client_key_file is set",
                "set both",
            ),
        ],
        "",
    );
    let config = good("redis.ca_file = '/dev/null'", &[]);
    let found: Vec<_> = config
        .warnings()
        .iter()
        .filter(|found| found.key == "redis.ca_file")
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].severity, Severity::Warning);
    let config = good(
        "redis = { url = 'redis://a,redis://b', mode = 'sentinel', sentinel_master = 'm' }",
        &[],
    );
    assert_eq!(config.redis.mode, RedisMode::Sentinel);
    assert_eq!(config.redis.sentinel_master.as_deref(), Some("m"));
}
