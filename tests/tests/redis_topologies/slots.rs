//! What the trials do to a cluster's slots.

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use longshore_tests::{Place, eventually};

/// What this node answers to this command on the key.
async fn said(node: &RedisServer, command: &str, arguments: &[&str]) -> Result<String, String> {
    let link = Link::new(&node.url(), LinkOptions::default()).expect("a URL");
    let mut ask = redis::cmd(command);
    ask.arg("{moves}:key").arg(arguments);
    let answer = link.command(&ask).await;
    answer.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_though_its_node_still_takes_the_cluster_for_down() {
    let place = Place::cluster(|nodes| nodes.slot("{moves}").expect("a node says"));
    let Place::Cluster(nodes, from) = &place else {
        unreachable!("a cluster was asked for");
    };
    let (from, to) = (*from, (*from + 1) % 3);
    let (source, target) = (&place.servers()[from], &place.servers()[to]);
    let slot = nodes.slot("{moves}").expect("a node says");
    said(source, "SET", &["here"]).await.expect("it is taken");
    for other in [to, (from + 2) % 3] {
        place.servers()[other].pause().expect("it runs");
    }
    eventually("the node sees that it is alone", || async {
        said(source, "GET", &[])
            .await
            .is_err_and(|error| error.contains("CLUSTERDOWN"))
    })
    .await;
    place.wake();
    let once = nodes.migrate(slot, from, to, || {});
    let refusal = once.expect_err("it does not move yet").to_string();
    assert!(refusal.contains("CLUSTERDOWN"), "{refusal}");
    place.move_slot(slot, from, to).await;
    assert_eq!(said(target, "GET", &[]).await.as_deref(), Ok("here"));
}
