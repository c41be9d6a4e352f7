//! What happens to one server, and to the network before it.

use std::time::{Duration, Instant};

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::{AppendFsync, RedisServer};
use longshore_tests::{Line, NAMESPACE, Stage, Wire, Worker, gone_by, users};

use crate::cases::Trouble;

/// How long the network is cut: longer than a lease.
const CUT: Duration = Duration::from_secs(20);

/// How long a worker may send without a word of Redis's: two thirds of a lease, and a request's time.
pub(crate) const FENCED: Duration = Duration::from_secs(11);

/// How long Redis takes no more connections.
const CROWDED: Duration = Duration::from_secs(8);

/// How many connections it takes then: there are some fifteen.
const MOST: &str = "6";

/// What reading each of its commands again takes, in microseconds.
const LOAD_DELAY: &str = "300";

/// So long it may read. Beside a build it took 34 s.
const LOADED_WITHIN: Duration = Duration::from_secs(60);

/// The server of a case of one; of others it is not used.
pub(crate) fn server(trouble: Trouble) -> RedisServer {
    let options = RedisServer::options().append_only(AppendFsync::Always);
    let options = options.users(users(NAMESPACE));
    let options = match trouble {
        Trouble::Loads => options
            .set("key-load-delay", LOAD_DELAY)
            .ready_within(LOADED_WITHIN),
        _ => options,
    };
    options.start().expect("a Redis")
}

/// Does it. Returns what did not come as it was to.
pub(crate) async fn happens(
    trouble: Trouble,
    stage: &mut Stage,
    wire: Option<&Wire>,
    workers: &[Worker],
) -> Vec<String> {
    let since = Instant::now();
    match trouble {
        Trouble::Cut(line) => {
            let wire = wire.expect("there is one");
            wire.becomes(line);
            gone_by(CUT, since).await;
            wire.becomes(Line::Open);
            Vec::new()
        }
        Trouble::Crowded => crowded(stage, workers).await,
        Trouble::Loads => {
            stage.redis.kill();
            tokio::task::block_in_place(|| stage.redis.restart()).expect("it comes back");
            not_said(&stage.redis.url(), "LOADING").await
        }
        _ => Vec::new(),
    }
}

/// All lose their connections, and only some get one again for a while.
async fn crowded(stage: &Stage, workers: &[Worker]) -> Vec<String> {
    let since = Instant::now();
    let link = Link::new(&stage.redis.url(), LinkOptions::default()).expect("a URL");
    let tell = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let said: Result<redis::Value, _> = link.command(&command).await;
        said.expect("it does so");
    };
    tell(&["CONFIG", "SET", "maxclients", MOST]).await;
    tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    gone_by(CROWDED, since).await;
    tell(&["CONFIG", "SET", "maxclients", "10000"]).await;
    let words = "max number of clients";
    match workers.iter().any(|worker| worker.says(words)) {
        true => Vec::new(),
        false => vec!["no worker says that Redis has too many clients".to_owned()],
    }
}

/// Whether a server has never answered with this code, in a line.
pub(crate) async fn not_said(url: &str, code: &str) -> Vec<String> {
    let link = Link::new(url, LinkOptions::default()).expect("a URL");
    let mut ask = redis::cmd("INFO");
    ask.arg("errorstats");
    let said: String = link.command(&ask).await.expect("it says");
    match said.contains(&format!("errorstat_{code}:")) {
        true => Vec::new(),
        false => vec![format!("Redis has never answered {code}: {said}")],
    }
}
