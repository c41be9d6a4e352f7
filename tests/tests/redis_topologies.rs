//! Redis by TLS and with a password that changes: jobs are done once all the same.

use std::fs;
use std::path::Path;

use longshore_queue::Link;
use longshore_tests::{Stage, Tls, eventually};

async fn tell(link: &Link, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    let _: redis::Value = link.command(&command).await.expect(words[0]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A worker reaches Redis by TLS, with a certificate that only a file of its own vouches for, and as a user whose password is
/// in another file. The password becomes another one under it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changes_under_a_worker_that_uses_tls() {
    let stage = Stage::set().await;
    let tls = Tls::before(&stage.redis.url().replace("redis:", "http:")).await;
    let ca = tls.certificate(stage.dir());
    let url = |password: &str| {
        tls.origin()
            .replace("https://", &format!("rediss://app:{password}@"))
    };
    let kept = stage.dir().join("redis-url");
    let link = stage.queue.link();
    let user = |password| {
        [
            "ACL", "SETUSER", "app", "reset", "on", password, "~*", "&*", "+@all",
        ]
    };
    tell(link, &user(">old")).await;
    fs::write(&kept, url("old")).expect("written");

    let worker = stage.worker().by(format!("file:{}", text(&kept)));
    let worker = worker.set("REDIS__CA_FILE", text(&ca));
    let worker = worker.short_lease().start().await;
    let mut ids = stage.enqueue(20).await;
    stage.completed(20).await;

    fs::write(&kept, url("new")).expect("written");
    tell(link, &user(">new")).await;
    tell(link, &["CLIENT", "KILL", "USER", "app"]).await;
    ids.extend(stage.enqueue(20).await);
    stage.completed(40).await;
    stage.done_once(&ids).await;
    eventually("its connections are back, and named", || async {
        let list: String = link
            .command(redis::cmd("CLIENT").arg("LIST"))
            .await
            .expect("lists");
        let mut theirs = list.lines().filter(|line| line.contains("user=app"));
        let name = "name=longshore:work:";
        theirs.clone().count() > 0 && theirs.all(|line| line.contains(name))
    })
    .await;
    assert!(!worker.says("panicked"), "{}", worker.log());
    let untrusted = [("LONGSHORE_REDIS__URL", url("new"))];
    let untrusted = untrusted
        .each_ref()
        .map(|(name, url)| (*name, url.as_str()));
    let wrong = stage.longshore_with(&["queues"], &untrusted).await;
    assert_eq!(
        wrong.code,
        Some(3),
        "nobody vouches for it here: {}",
        wrong.stderr
    );
}
