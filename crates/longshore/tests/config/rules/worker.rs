//! `worker.*`, and how a process is watched: `log.*`, `telemetry.*`.

use super::check;
use crate::good;

#[test]
fn heartbeats_and_addresses() {
    check(
        &[
            (
                "worker.heartbeat_seconds = 0",
                "worker.heartbeat_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "worker.heartbeat_seconds = '5s'",
                "worker.heartbeat_seconds",
                "is a text, not a number of seconds",
                "without quotes or unit",
            ),
            (
                "worker.heartbeat_seconds = nan",
                "worker.heartbeat_seconds",
                "is NaN s",
                "set 0.001 to",
            ),
            (
                "worker.lost_after_seconds = 14.9",
                "worker.lost_after_seconds",
                "less than three heartbeats of 5 s, so a worker that misses a beat",
                "set at least 15",
            ),
            (
                "worker.heartbeat_seconds = 6",
                "worker.lost_after_seconds",
                "is 15 s, less than three heartbeats of 6 s",
                "set at least 18, or a shorter worker.heartbeat_seconds",
            ),
            (
                "worker.lost_after_seconds = 15000000",
                "worker.lost_after_seconds",
                "is 15000000 s",
                "to 2592000 seconds",
            ),
            (
                "worker.drain_seconds = -1",
                "worker.drain_seconds",
                "is -1 s",
                "set 0 to 2592000",
            ),
            (
                "worker.http_addr = 'localhost:9464'",
                "worker.http_addr",
                "`localhost:9464` is not an address",
                "such as 127.0.0.1:9464",
            ),
            (
                "worker.http_addr = '9464'",
                "worker.http_addr",
                "not an address",
                "an IP address and a port",
            ),
        ],
        "",
    );
    let lost_after = "worker = { heartbeat_seconds = 0.1, lost_after_seconds = 0.3 }";
    good(lost_after, &[]);
}

#[test]
fn how_a_process_is_watched() {
    check(
        &[
            (
                "telemetry.otlp_endpoint = 'http://collector:4318'",
                "telemetry.otlp_endpoint",
                "plain http to a host that is not loopback",
                "https://otlp.example.com",
            ),
            (
                "telemetry.otlp_endpoint = 'https://ada:s3cret@otlp.example.com'",
                "telemetry.otlp_endpoint",
                "has credentials in it",
                "base URL",
            ),
            (
                "telemetry.otlp_endpoint = 'https://otlp.example.com/v1/traces'",
                "telemetry.otlp_endpoint",
                "ends with /v1/traces",
                "base URL",
            ),
            (
                "telemetry.sample_ratio = 2",
                "telemetry.sample_ratio",
                "is 2",
                "set 0 to 1",
            ),
            (
                "log.format = 'JSON'",
                "log.format",
                "is `JSON`",
                "use text or json",
            ),
        ],
        "",
    );
}
