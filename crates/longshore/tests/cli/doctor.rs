//! `doctor`, and `config show`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use longshore_sandbox::RedisServer;
use serde_json::Value;

use super::Bench;
use crate::bench::{Ran, fields, text};

fn found<'a>(findings: &'a Value, check: &str) -> &'a Value {
    let all = findings.as_array().expect("an array");
    all.iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("{check} is not looked at: {findings}"))
}

#[test]
fn it_looks_at_redis_and_at_what_is_configured_and_knows_the_cures() {
    let bench = Bench::new();
    let findings = bench.run(&["doctor", "--json"]).json();
    assert_eq!(fields(&findings[0]), ["check", "cure", "finding", "status"]);
    for check in [
        "connection",
        "version",
        "topology",
        "eviction",
        "replicas",
        "memory",
        "latency",
        "clock",
        "writes",
        "keys",
    ] {
        assert_eq!(found(&findings, check)["status"], "ok", "{check}");
    }
    bench.redis(&[b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru"]);
    let args = ["doctor", "--json"];
    let mut command = bench.command(&args);
    command
        .env(
            "LONGSHORE_PROVIDERS__SENDGRID__API_KEY",
            "env:LONGSHORE_TEST_NOT_SET",
        )
        .env(
            "LONGSHORE_PROVIDERS__SENDGRID__BASE_URL",
            "http://127.0.0.1:1",
        )
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    let ran = Ran::of(&args, &mut command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let findings: Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    for check in ["eviction", "secrets", "sendgrid"] {
        let finding = found(&findings, check);
        assert_eq!(finding["status"], "error", "{finding}");
        assert!(finding["cure"].is_string(), "{finding}");
    }
    let said = found(&findings, "sendgrid")["finding"].as_str();
    assert!(
        said.is_some_and(|said| said.contains("high, SLA 99.95 %, owner Backend")),
        "how much depends on it: {said:?}"
    );
}

/// Runs it, and looks at what it finds and how it ends.
fn doctor(bench: &Bench, url: Option<&str>) -> (Option<i32>, Value) {
    let args = ["doctor", "--json"];
    let mut command = bench.command(&args);
    if let Some(url) = url {
        command.env("LONGSHORE_REDIS__URL", url);
    }
    let ran = Ran::of(&args, &mut command);
    let findings = serde_json::from_str(&ran.stdout);
    (
        ran.code,
        findings.unwrap_or_else(|error| panic!("{error}: {ran:#?}")),
    )
}

/// The finding is an error with this text and this cure.
#[track_caller]
fn is_error(findings: &Value, check: &str, text: &str, cure: &str) {
    let finding = found(findings, check);
    assert_eq!(finding["status"], "error", "{finding}");
    let says = |field: &str, what: &str| finding[field].as_str().is_some_and(|s| s.contains(what));
    assert!(says("finding", text), "no {text:?} in {finding}");
    assert!(says("cure", cure), "no {cure:?} in {finding}");
}

#[test]
fn a_queue_is_proved_by_writing_to_it_and_not_by_what_redis_says_of_itself() {
    let bench = Bench::on(RedisServer::options().set("min-replicas-to-write", "1"));
    let (code, findings) = doctor(&bench, None);
    is_error(&findings, "writes", "NOREPLICAS", "min-replicas-to-write");
    assert_eq!(code, Some(1));

    let renamed = RedisServer::options().rename_command("EVALSHA", "xyz");
    let bench = Bench::on(renamed);
    let (code, findings) = doctor(&bench, None);
    is_error(&findings, "writes", "EVALSHA", "rename-command");
    let said = found(&findings, "writes")["finding"].to_string();
    assert!(
        !said.contains("with args"),
        "what all have is said once: {said}"
    );
    assert_eq!(code, Some(1));
    let renamed = RedisServer::options().rename_command("ZREVRANGEBYSCORE", "xyz");
    let (_, findings) = doctor(&Bench::on(renamed), None);
    is_error(
        &findings,
        "writes",
        "use ZREVRANGEBYSCORE",
        "rename-command",
    );

    // It cannot write to its disk: then it refuses even a PING.
    let bench = Bench::on(RedisServer::options().set("save", "3600 1"));
    bench.redis(&[b"SET", b"theirs", b"1"]);
    std::fs::remove_dir_all(bench.redis.dir()).expect("its disk is gone");
    let said = bench.answer(&[b"PING"]);
    assert_eq!(said, "PONG");
    bench.answer(&[b"BGSAVE"]);
    wait_for("it notices", || {
        bench.answer(&[b"PING"]).contains("MISCONF")
    });
    let (code, findings) = doctor(&bench, None);
    is_error(&findings, "connection", "MISCONF", "disk");
    is_error(&findings, "writes", "MISCONF", "disk");
    is_error(&findings, "persistence", "failed", "free space");
    assert_eq!(found(&findings, "latency")["status"], "ok");
    assert_eq!(code, Some(1));
}

#[test]
fn replicas_that_are_waited_for_have_to_be_there() {
    let bench = Bench::new();
    let args = ["doctor", "--json"];
    let waiting = || {
        let mut command = bench.command(&args);
        command.env("LONGSHORE_REDIS__WAIT_REPLICAS", "1");
        let ran = Ran::of(&args, &mut command);
        let findings: Value = serde_json::from_str(&ran.stdout).expect("is JSON");
        (ran.code, findings)
    };
    let (code, findings) = waiting();
    is_error(
        &findings,
        "replicas",
        "redis.wait_replicas is 1",
        "LONGSHORE_REDIS__WAIT_REPLICAS",
    );
    assert_eq!(code, Some(1));
    let _replica = bench.redis.replica().expect("a replica");
    let (_, findings) = waiting();
    let finding = found(&findings, "replicas");
    assert_eq!(finding["status"], "ok", "{finding}");
    // Without it, a failover may lose what was not copied.
    let (_, findings) = doctor(&bench, None);
    let finding = found(&findings, "replicas");
    assert_eq!(finding["status"], "warning", "{finding}");
    assert!(
        text(&finding["cure"])
            .contains("`redis.wait_replicas` (LONGSHORE_REDIS__WAIT_REPLICAS) to 1"),
        "{finding}"
    );
}

#[test]
fn a_cluster_is_said_to_be_one_and_proved_by_its_slots() {
    let port = free_port().to_string();
    let options = RedisServer::options();
    let bench = Bench::on(
        options
            .set("cluster-enabled", "yes")
            .set("cluster-port", &port),
    );
    let (code, findings) = doctor(&bench, None);
    is_error(&findings, "writes", "CLUSTERDOWN", "slots");
    assert_eq!(found(&findings, "topology")["status"], "warning");
    assert_eq!(code, Some(1));
    bench.redis(&[b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383"]);
    wait_for("it has all slots", || {
        let info = bench.answer(&[b"CLUSTER", b"INFO"]);
        info.contains("cluster_state:ok")
    });
    let (code, findings) = doctor(&bench, None);
    assert_eq!(found(&findings, "writes")["status"], "ok", "{findings}");
    assert_eq!(code, Some(0));
}

#[test]
fn what_an_acl_keeps_from_us_is_found_and_what_it_does_not_say_is_no_end() {
    let bench = Bench::new();
    let user = |name: &str, rules: &[&str]| {
        let mut command: Vec<&[u8]> = vec![b"ACL", b"SETUSER", name.as_bytes(), b"on", b">pw"];
        command.extend(rules.iter().map(|rule| rule.as_bytes()));
        bench.redis(&command);
        bench.redis.url().replace("//", &format!("//{name}:pw@"))
    };
    // The braces are forgotten.
    let url = user("braces", &["~longshore:*", "+@all"]);
    let (code, findings) = doctor(&bench, Some(&url));
    is_error(&findings, "writes", "NOPERM", "~{longshore:*");
    assert_eq!(code, Some(1));
    // One key of many is left out, and one command.
    let mut rules = vec!["+@all", "-zadd"];
    let keys = ["a*", "s*", "d*", "m*", "w*", "p*", "q*"];
    let keys: Vec<String> = keys.map(|k| format!("~{{longshore:*:{k}")).into();
    rules.extend(keys.iter().map(String::as_str));
    let (_, findings) = doctor(&bench, Some(&user("keys", &rules)));
    is_error(&findings, "writes", "NOPERM", "~{longshore:*");
    let url = user(
        "command",
        &["~{longshore:*", "&{longshore:*", "+@all", "-zadd"],
    );
    let (_, findings) = doctor(&bench, Some(&url));
    is_error(&findings, "writes", "use ZADD", "deploy/redis/users.acl");
    // What only the other role needs is no finding.
    for (lacks, rights) in [
        ("-ssubscribe", "with an operator's rights"),
        ("-zrevrangebyscore", "with a worker's rights"),
    ] {
        let rules = ["~{longshore:*", "&{longshore:*", "+@all", lacks];
        let (_, findings) = doctor(&bench, Some(&user("one", &rules)));
        let writes = found(&findings, "writes");
        assert_eq!(writes["status"], "ok", "{writes}");
        assert!(text(&writes["finding"]).contains(rights), "{writes}");
    }
    // INFO and CONFIG are dangerous, it is said. Nothing ends for that.
    let url = user(
        "careful",
        &["~{longshore:*", "&{longshore:*", "+@all", "-@dangerous"],
    );
    let (code, findings) = doctor(&bench, Some(&url));
    assert_eq!(found(&findings, "writes")["status"], "ok", "{findings}");
    for check in ["info", "version", "eviction", "persistence", "memory"] {
        assert_eq!(found(&findings, check)["status"], "warning", "{check}");
    }
    assert_eq!(code, Some(0), "{findings}");
    // It answers, and does not let us in.
    let url = bench.redis.url().replace("//", "//nobody:pw@");
    let (code, findings) = doctor(&bench, Some(&url));
    is_error(&findings, "connection", "refuses the user", "redis.url");
    assert_eq!(code, Some(1));
}

#[test]
fn jobs_that_nobody_works_and_keys_that_nobody_reads_are_found() {
    let mut bench = Bench::new();
    bench.redis(&[b"RPUSH", b"{longshore:email}", b"x"]);
    bench.redis(&[b"RPUSH", b"longshore:email:active", b"x"]);
    bench.redis(&[b"RPUSH", b"{longshore:email}:actve", b"x"]);
    bench.redis(&[b"RPUSH", b"{theirs:email}:active", b"x"]);
    let (code, findings) = doctor(&bench, None);
    assert_eq!(code, Some(0), "{findings}");
    let all = findings.as_array().expect("an array");
    let keys = all.iter().filter(|finding| finding["check"] == "keys");
    let keys: Vec<_> = keys.map(|key| text(&key["finding"])).collect();
    assert_eq!(
        keys,
        [
            "3 keys no queue reads",
            "longshore:email:active has no braces around namespace and queue",
            "{longshore:email} ends after the braces",
            "{longshore:email}:actve ends in a word that no queue reads",
        ]
    );

    bench.redis(&[b"RPUSH", b"{longshore:emial}:active", b"x"]);
    let (code, findings) = doctor(&bench, None);
    is_error(
        &findings,
        "workers",
        "emial: NO WORKER serves it, 1 job waits",
        "did its producer mean `email`?",
    );
    assert_eq!(code, Some(1));
    bench.redis(&[b"DEL", b"{longshore:emial}:active"]);
    let claimed = {
        bench.enqueue(3);
        bench.lose_workers();
        let (code, findings) = doctor(&bench, None);
        is_error(
            &findings,
            "workers",
            "email: NO WORKER serves it, 3 jobs wait",
            "longshore work --queue email",
        );
        assert_eq!(code, Some(1));
        bench.claim()
    };
    assert_eq!(claimed.len(), 3);
    let (code, findings) = doctor(&bench, None);
    assert_eq!(found(&findings, "workers")["finding"], "email: 1 worker");
    assert_eq!(code, Some(0), "{findings}");
    // No server answers.
    bench.redis.kill();
    let (code, findings) = doctor(&bench, None);
    is_error(&findings, "connection", "cannot be reached", "redis.url");
    assert_eq!(code, Some(3));
}

#[test]
fn what_workers_say_of_themselves_is_compared() {
    let bench = Bench::new();
    bench.announce("old", &["send_email"], &[]);
    let (code, findings) = doctor(&bench, None);
    let all = findings.as_array().expect("an array");
    assert!(all.iter().all(|finding| finding["check"] != "kinds"));
    assert_eq!(code, Some(0), "{findings}");
    bench.announce(
        "new",
        &["send_email", "send_letter"],
        &["sendgrid: no route"],
    );
    let (_, findings) = doctor(&bench, None);
    let kinds = found(&findings, "kinds");
    assert_eq!(
        kinds["finding"],
        "email: its workers know different kinds: send_letter by 1 of 2"
    );
    let said = findings.to_string();
    assert!(said.contains("email: new: sendgrid: no route"), "{said}");
}

#[test]
fn a_server_that_is_too_old_is_said_to_be_and_valkey_by_its_name() {
    let bench = Bench::new();
    let old = said_to_be("redis_version:6.2.14\r\n");
    let (code, findings) = doctor(&bench, Some(&old));
    is_error(&findings, "version", "Redis 6.2.14 is too old", "Redis 7.0");
    is_error(&findings, "writes", "ompiling script", "Redis 7.0");
    assert_eq!(code, Some(1));
    let mut work = bench.command(&["work"]);
    work.env("LONGSHORE_REDIS__URL", &old)
        .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    Ran::of(&["work"], &mut work).fails(1, "Redis 6.2.14 is too old");
    let valkey = said_to_be("redis_version:7.2.4\r\nvalkey_version:8.1.3\r\n");
    let (_, findings) = doctor(&bench, Some(&valkey));
    assert_eq!(found(&findings, "version")["finding"], "Valkey 8.1.3");
}

/// Something that says so of itself, and cannot compile our scripts. Returns its URL.
fn said_to_be(info: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", listener.local_addr().expect("a port"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer_as(info, stream));
        }
    });
    url
}

/// Answers each command by its name: `*2 $4 INFO …`, without its arguments.
fn answer_as(info: &str, mut stream: TcpStream) -> Option<()> {
    let mut from = BufReader::new(stream.try_clone().ok()?);
    let number = |from: &mut BufReader<TcpStream>, sign| -> Option<usize> {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        line.trim_end().strip_prefix(sign)?.parse().ok()
    };
    loop {
        let parts = number(&mut from, '*')?;
        let mut words = Vec::new();
        for _ in 0..parts {
            // By its length: a script has many lines, and a connection closed on unread ones is reset.
            let mut word = vec![0; number(&mut from, '$')? + 2];
            from.read_exact(&mut word).ok()?;
            words.push(String::from_utf8_lossy(&word).trim_end().to_uppercase());
        }
        let answer = match words.first()?.as_str() {
            "INFO" => format!("${}\r\n{info}\r\n", info.len()),
            "PING" => "+PONG\r\n".to_owned(),
            "EVALSHA" => "-NOSCRIPT No matching script\r\n".to_owned(),
            "SCRIPT" => "-ERR Error compiling script: unexpected symbol near '#'\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a port").port()
}

/// Asks again and again, for ten seconds at the most.
#[track_caller]
fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < until, "in vain: {what}");
    }
}

#[test]
fn every_value_is_shown_with_its_origin_and_no_secret() {
    let bench = Bench::new();
    let args = ["config", "show", "--json"];
    let mut command = bench.command(&args);
    command
        .env("LONGSHORE_REDIS__URL", "redis://user:hunter2@127.0.0.1:1")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.hunter2")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1")
        .env("LONGSHORE_WORKER__DRAIN_SECONDS", "7");
    let ran = Ran::of(&args, &mut command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("hunter2"), "{ran:?}");
    let values: Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    assert_eq!(fields(&values[0]), ["key", "origin", "value"]);
    let of = |key: &str| {
        let all = values.as_array().expect("an array");
        let shown = all.iter().find(|shown| shown["key"] == key);
        let shown = shown.unwrap_or_else(|| panic!("{key} is not shown"));
        (shown["value"].clone(), shown["origin"].clone())
    };
    assert_eq!(
        of("worker.drain_seconds"),
        (7.into(), "LONGSHORE_WORKER__DRAIN_SECONDS".into())
    );
    assert_eq!(
        of("worker.heartbeat_seconds"),
        (5.into(), "built-in".into())
    );
    assert_eq!(of("providers.sendgrid.api_key").0, "***");
    assert_eq!(
        of("providers.sendgrid.rate_per_second"),
        (100.into(), "built-in".into())
    );
    assert_eq!(of("redis.url").0, "redis://user:***@127.0.0.1:1");
}
