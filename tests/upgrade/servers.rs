//! What Redis is, and what happens to it in the middle of a case.

use std::fmt;
use std::time::Duration;

use longshore_client::Client;
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_tests::{Act, NAMESPACE, Place, Stage};

/// How long writes are held: longer than until the old primary is told that it is none.
const HELD: Duration = Duration::from_secs(15);

/// What Redis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Topology {
    /// One server, which is killed and comes back.
    Single,
    /// A primary with two replicas and three Sentinels; a replica takes its place.
    Sentinel,
    /// Three primaries with a replica each; one replica takes the place of its primary.
    Cluster,
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "one Redis",
            Self::Sentinel => "a Redis with two replicas and three Sentinels",
            Self::Cluster => "a Redis Cluster of three primaries with a replica each",
        })
    }
}

/// Several servers; `None` where Redis is the stage's own.
pub(crate) struct Servers(Option<Place>);

impl Servers {
    /// Starts them, and has the stage use them.
    pub(crate) fn start(stage: &mut Stage, topology: Topology) -> Self {
        let place = match topology {
            Topology::Single => return Self(None),
            Topology::Sentinel => Place::with_sentinels(),
            Topology::Cluster => Place::cluster(|nodes| {
                let key = format!("{{{NAMESPACE}:{}}}", Act::Email.queue());
                nodes.slot(&key).expect("a node says")
            }),
        };
        for (name, value) in place.settings() {
            stage.set_for_all(name, value);
        }
        let link = Link::open_later(place.address(), LinkOptions::default()).expect("an address");
        stage.client = Client::connect(place.address(), NAMESPACE).expect("an address");
        stage.queue = Queue::new(link, NAMESPACE, Act::Email.queue()).expect("good names");
        Self(Some(place))
    }

    /// One is killed and comes back, or a replica takes its place.
    pub(crate) async fn change(&mut self, stage: &mut Stage) {
        let Some(place) = &mut self.0 else {
            stage.redis.kill();
            return stage.redis.restart().expect("Redis comes back");
        };
        place.hold_writes(HELD).await;
        place.fail_over();
        place.replaced(0).await;
    }
}
