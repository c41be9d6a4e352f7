//! Redis's users in `deploy/redis/users.acl`: each may do what its role needs, and no more.
//!
//! Every flow runs its processes as these users, and fails where one was refused something. Here is what they have and need
//! not, and what they must not do.

mod file;
mod play;
mod played;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use longshore_tests::{SHIPPED, Stage, User};
use redis::Value;

use file::{Rights, is_of, rules};
use seen::{Done, Watch, called, scripts};

/// Rights that are needed, and that nothing in this test uses.
const NOT_SEEN: &[(&[User], &str, &str)] = &[
    (&User::ALL, "cluster|slots", "redis.mode = \"cluster\""),
    (
        &[User::Operator],
        "cluster|nodes",
        "a primary of a cluster is away",
    ),
    (&User::ALL, "asking", "a slot of a cluster moves"),
    (&User::ALL, "role", "redis.mode = \"sentinel\""),
    (
        &[User::Producer],
        "ping",
        "a subscription that was long silent",
    ),
    (
        &[User::Producer],
        "type",
        "an error names the key that another program has overwritten",
    ),
];

/// Scripts that a role calls, and not in this test.
const SELDOM: &[(User, &str)] = &[
    // Redis forgot the run of a job whose provider is asked what became of it.
    (User::Worker, "first_lookup"),
    // A cause whose letters may have been sent.
    (User::Operator, "dead_deliveries"),
    // A page of the console: the play calls it as that user, over a connection of its own.
    (User::Operator, "shares"),
];

/// Scripts that no role calls: only tests.
const NOBODYS: &[&str] = &["due", "seed"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_has_the_rights_that_its_role_uses_and_no_others() {
    let mut stage = Stage::set().await;
    let watch = Watch::on(&stage.redis.url());
    play::all_of_it(&mut stage).await;
    let mut seen = watch.end();
    // MONITOR does not show commands of administrators.
    for command in administrators(&stage).await {
        seen.by(User::Operator).commands.insert(command);
    }
    let texts = std::mem::take(&mut seen.texts);
    let loaded = loaded(&stage, &texts).await;
    let mut wrong = Vec::new();
    let mut never: BTreeSet<String> = scripts().into_keys().collect();
    for user in User::ALL {
        let done = seen.by(user);
        let mut called_scripts: BTreeSet<&str> = BTreeSet::new();
        let mut needed = done.commands.clone();
        let seldom = SELDOM.iter().filter(|(whose, _)| *whose == user);
        let seldom = seldom.map(|(_, name)| *name);
        called_scripts.extend(done.scripts.iter().map(|sha| loaded[sha].as_str()));
        called_scripts.extend(seldom);
        for name in called_scripts {
            never.remove(name);
            let whole = texts.iter().find(|text| is_script(text, name));
            needed.extend(called(name, whole.map_or("", String::as_str)));
        }
        let also = NOT_SEEN.iter().filter(|(users, ..)| users.contains(&user));
        needed.extend(also.map(|(_, command, _)| (*command).to_owned()));
        wrong.extend(compared(user, done, &needed));
    }
    for name in NOBODYS {
        never.remove(*name);
    }
    assert!(never.is_empty(), "no role calls these scripts: {never:?}");
    assert!(
        wrong.is_empty(),
        "deploy/redis/users.acl:\n{}",
        wrong.join("\n")
    );
}

/// What a user lacks, and what it has and nobody needs.
fn compared(user: User, done: &Done, needed: &BTreeSet<String>) -> Vec<String> {
    let rights = Rights::of(user);
    let name = user.name();
    let mut wrong: Vec<String> = Vec::new();
    let mut say = |what: String| wrong.push(format!("{name} {what}"));
    for command in done.inside.difference(needed) {
        say(format!(
            "called {command} in a script in which this test does not find it"
        ));
    }
    for command in needed.difference(&rights.commands) {
        say(format!("lacks +{command}"));
    }
    for command in rights.commands.difference(needed) {
        say(format!("does not need +{command}"));
    }
    for (what, used, allowed) in [
        ("~", &done.keys, &rights.keys),
        ("&", &done.channels, &rights.channels),
    ] {
        let is_allowed = |name: &&String| allowed.iter().any(|pattern| is_of(name, pattern));
        for key in used.iter().filter(|key| !is_allowed(key)) {
            say(format!("lacks {what}{key}"));
        }
        let is_used = |pattern: &&String| used.iter().any(|name| is_of(name, pattern));
        for pattern in allowed.iter().filter(|pattern| !is_used(pattern)) {
            say(format!("does not need {what}{pattern}"));
        }
    }
    if !wrong.is_empty() {
        let all = needed.iter().map(|command| format!(" +{command}"));
        wrong.push(format!("its commands:{}", all.collect::<String>()));
    }
    wrong
}

/// Commands of administrators that somebody has used since the server was started.
async fn administrators(stage: &Stage) -> BTreeSet<String> {
    let mut info = redis::cmd("INFO");
    info.arg("commandstats");
    let info: String = stage.queue.link().command(&info).await.expect("says");
    let used = info
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_"));
    let used = used.filter_map(|line| line.split(':').next());
    let theirs = ["config|", "acl|", "client|kill", "debug", "shutdown"];
    let used = used.filter(|name| theirs.iter().any(|begin| name.starts_with(begin)));
    // `Stage::redis` tells its own replica to come at once.
    used.filter(|name| *name != "config|set")
        .map(str::to_owned)
        .collect()
}

/// Whether a script's text ends as this file of `crates/queue/lua`: before it are the parts that it uses.
fn is_script(text: &str, name: &str) -> bool {
    let files = scripts();
    files
        .get(name)
        .is_some_and(|file| text.ends_with(file.as_str()))
}

/// The names of the scripts that were loaded, by their SHA-1.
async fn loaded(stage: &Stage, texts: &BTreeSet<String>) -> BTreeMap<String, String> {
    let files = scripts();
    let mut names = BTreeMap::new();
    for text in texts {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(text);
        let sha: String = stage.queue.link().command(&load).await.expect("is loaded");
        let mut found = files
            .iter()
            .filter(|(_, file)| text.ends_with(file.as_str()));
        let name = found.next().map(|(name, _)| name.clone());
        names.insert(sha, name.unwrap_or_else(|| panic!("whose is {text}")));
    }
    names
}

/// What docs/production.md says that a producer can do all the same.
const STILL: &[&str] = &["HGETALL {flow:email}:data", "DEL {flow:email}:audit"];

/// What none of them may do, by itself or in a script.
const NEVER: &[&str] = &[
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG SET maxmemory 1",
    "KEYS *",
    "ACL LIST",
    "ACL SETUSER me on nopass ~* +@all",
    "SHUTDOWN NOSAVE",
    "SCRIPT FLUSH",
    "SCRIPT KILL",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "REPLICAOF NO ONE",
    "MONITOR",
    "SAVE",
    "MIGRATE 127.0.0.1 1 k 0 1",
    "EVAL return 0",
    "FUNCTION FLUSH",
    "RESTORE {flow:email}:data 0 x",
    "GET another:key",
    "GET {other:email}:data",
    "HSET {other:email}:gate paused 1",
    "SPUBLISH {other:email}:idle:x stop",
    "SSUBSCRIBE {other:email}:idle:x",
];

/// What producers and the listener may not do, since none of it is theirs: pauses, limits, breakers, the list of those that get
/// no mail, cron, operations, who works.
const NOT_THEIRS: &[&str] = &[
    "HSET {flow:email}:gate paused 1",
    "HSET {flow:email}:limits l 1",
    "HDEL {flow:email}:breakers sendgrid",
    "HSET {flow:email}:cron:paused e 1",
    "ZADD {flow:email}:workers 1 w",
    "HSET {flow:email}:operations f 1",
    "HSET {flow:payment-reconcile}:map:customers user-1 cus_9",
    "SCAN 0",
    "INFO",
    "CONFIG GET *",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_may_do_what_is_for_the_servers_administrator_or_for_others() {
    let redis = RedisServer::options().users(longshore_tests::users("flow"));
    let redis = redis.start().expect("a Redis");
    for user in User::ALL {
        let link = to(&user.at(&redis.url()));
        let mut tries: Vec<&str> = NEVER.to_vec();
        if matches!(user, User::Producer | User::Webhooks) {
            tries.extend(NOT_THEIRS);
        }
        if user != User::Operator {
            tries.extend(["CONFIG GET *", "GET {other:email}:data"]);
        }
        for line in STILL.iter().filter(|_| user == User::Producer) {
            let said = link.command::<Value>(&command(line)).await;
            said.unwrap_or_else(|refused| {
                panic!("the docs say that a producer can: {line}: {refused}")
            });
        }
        for line in tries {
            let said = link.command::<Value>(&command(line)).await;
            let refused = said.expect_err(line).to_string();
            assert!(refused.contains("NOPERM"), "{user:?}: {line}: {refused}");
        }
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD");
        load.arg("return redis.call('HSET', '{other:email}:gate', 'paused', '1')");
        let sha: String = link.command(&load).await.expect("is loaded");
        let mut call = redis::cmd("EVALSHA");
        call.arg(sha).arg(0);
        let said = link.command::<Value>(&call).await;
        let refused = said.expect_err("is another's").to_string();
        assert!(
            ["NOPERM", "can't access", "ACL failure"]
                .iter()
                .any(|words| refused.contains(words)),
            "{refused}"
        );
    }
}

fn command(line: &str) -> redis::Cmd {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        command.arg(word);
    });
    command
}

/// A Redis that anybody may use, until it reads a file of users.
fn open_to_all() -> RedisServer {
    let redis = RedisServer::options().users("user default on nopass ~* &* +@all\n");
    redis.start().expect("a Redis")
}

/// Has it read this file, as its administrator would.
async fn reads(redis: &RedisServer, file: &str) {
    std::fs::write(redis.dir().join("users.acl"), file).expect("is written");
    let mut load = redis::cmd("ACL");
    load.arg("LOAD");
    let said: Result<String, _> = to(&redis.url()).command(&load).await;
    said.expect("the file is sound");
}

fn to(url: &str) -> Link {
    Link::new(url, LinkOptions::default()).expect("a URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_lets_nobody_in_before_it_has_passwords() {
    let redis = open_to_all();
    reads(&redis, SHIPPED).await;
    let place = format!("127.0.0.1:{}", redis.port());
    for url in [
        redis.url(),
        format!("redis://worker:worker@{place}"),
        format!("redis://admin:admin@{place}"),
    ] {
        let refused = to(&url).ping().await.expect_err("nobody is let in");
        assert!(
            refused.to_string().contains("does not let us in"),
            "{refused}"
        );
    }
    let health = ["on", "nopass", "resetchannels", "-@all", "+ping"];
    assert_eq!(rules("health"), health);
    // Redis loads its append-only file as this user: without rights it leaves out what scripts have written.
    assert_eq!(rules("default"), ["off", "~*", "&*", "+@all"]);
    let health = to(&format!("redis://health:any@{place}"));
    health.ping().await.expect("says that it is alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_makes_passwords_and_does_not_lose_those_that_are_in_use() {
    let redis = open_to_all();
    let dir = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/redis/users.sh");
    let makes = || {
        let mut make = Command::new("bash");
        make.arg(&script).arg(dir.path());
        make.arg(format!("127.0.0.1:{}", redis.port()));
        make.output().expect("runs").status.success()
    };
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("is there");
    assert!(makes());
    let made = read("users.acl");
    assert!(!makes());
    assert_eq!(read("users.acl"), made);
    reads(&redis, &made).await;
    let mut urls = BTreeSet::new();
    for user in User::ALL.map(User::name).into_iter().chain(["admin"]) {
        let url = read(&format!("redis-url-{user}"));
        let link = to(&url);
        let ping = link.ping().await;
        ping.unwrap_or_else(|error| panic!("{user}: {error}"));
        urls.insert(url);
    }
    assert_eq!(urls.len(), 5);
    let admin = to(&read("redis-url-admin"));
    let _: String = admin
        .command(&redis::cmd("FLUSHALL"))
        .await
        .expect("may do all");
}
