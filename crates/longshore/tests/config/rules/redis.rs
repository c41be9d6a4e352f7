//! `redis.*`.

use super::check;
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
                "keys allow_eviction_unknown, namespace, url, wait_replicas",
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
    let too_long = finding(&format!("redis.namespace = '{longest}a'"), &[]);
    assert_eq!(too_long.key, "redis.namespace");
}
