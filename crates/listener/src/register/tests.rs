use super::*;

fn register(connections: usize, per_peer: usize, bodies_bytes: usize) -> Arc<Register> {
    let bounds = Bounds {
        connections,
        per_peer,
        bodies_bytes,
        ..Bounds::private("test")
    };
    Register::new(bounds, &Metrics::default())
}

fn addr(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

/// A connection of a peer that waits for its header.
fn admit(register: &Arc<Register>, peer: u8) -> Place {
    register.admit(addr(peer)).expect("there is room")
}

fn told_to_close(place: &mut Place) -> bool {
    place.closed.try_recv().is_ok()
}

fn receives(place: &Place, peer: u8, bytes: usize) -> bool {
    place.handle.has_header(Peer::of(addr(peer)), true);
    place.handle.grow(bytes)
}

#[tokio::test(start_paused = true)]
async fn when_it_is_full_the_oldest_of_the_peer_with_the_most_has_to_go() {
    let register = register(4, 9, 1);
    let mut lone = admit(&register, 1);
    let (mut oldest, mut other) = (admit(&register, 2), admit(&register, 2));
    let complete = admit(&register, 3);
    complete.handle.has_header(Peer::of(addr(3)), false);
    assert!(register.admit(addr(4)).is_none(), "it is full");
    assert!(register.admit(addr(5)).is_none(), "one is on its way out");
    let told = [&mut oldest, &mut other, &mut lone].map(told_to_close);
    assert_eq!(told, [true, false, false]);
    drop(oldest);
    register.left.notified().await;
    let _newest = admit(&register, 4);
}

#[tokio::test(start_paused = true)]
async fn a_complete_request_goes_for_nobody_unless_its_client_lets_the_answer_wait() {
    let register = register(2, 9, 1);
    let mut answering = [admit(&register, 1), admit(&register, 1)];
    for place in &answering {
        place.handle.has_header(Peer::of(addr(1)), false);
    }
    assert!(register.admit(addr(2)).is_none());
    assert_eq!(answering.each_mut().map(told_to_close), [false, false]);
    // An answer may take as long as it takes to be made.
    tokio::time::advance(GONE_AFTER * 2).await;
    assert!(register.admit(addr(2)).is_none());
    assert_eq!(answering.each_mut().map(told_to_close), [false, false]);
    let slow = &answering[0].handle;
    slow.is_to_be_taken(1);
    assert!(!slow.is_stuck());
    tokio::time::advance(TAKEN_WITHIN + Duration::from_secs(1)).await;
    assert!(register.admit(addr(2)).is_none());
    assert_eq!(answering.each_mut().map(told_to_close), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_answer_slowly_gives_its_memory_to_a_body_that_comes() {
    let register = register(9, 9, 100);
    let mut slow = admit(&register, 1);
    assert!(receives(&slow, 1, 80));
    slow.handle.has_body();
    // A byte a second.
    for _ in 0..12 {
        let other = admit(&register, 2);
        assert!(!receives(&other, 2, 50), "it may take it for ten seconds");
        slow.handle.is_working();
        slow.handle.is_to_be_taken(1);
        tokio::time::advance(Duration::from_secs(1)).await;
        if slow.handle.is_stuck() {
            unreachable!("it takes something");
        }
        if register.lock().open[&0].is_slow() {
            break;
        }
    }
    let other = admit(&register, 2);
    assert!(receives(&other, 2, 50));
    assert!(told_to_close(&mut slow));

    // Who takes a lot may take longer.
    let register = self::register(9, 9, 100);
    let mut busy = admit(&register, 1);
    assert!(receives(&busy, 1, 80));
    busy.handle.has_body();
    busy.handle.is_to_be_taken(10 * TAKEN_PER_SECOND as usize);
    tokio::time::advance(TAKEN_WITHIN + Duration::from_secs(5)).await;
    let other = admit(&register, 2);
    assert!(!receives(&other, 2, 50));
    assert!(!told_to_close(&mut busy));
    tokio::time::advance(GONE_AFTER).await;
    assert!(busy.handle.is_stuck());
}

#[tokio::test(start_paused = true)]
async fn one_peer_has_its_share_of_unfinished_requests() {
    let register = register(9, 2, 1);
    let mut places = [
        admit(&register, 1),
        admit(&register, 1),
        admit(&register, 2),
        admit(&register, 1),
    ];
    let told = places.each_mut().map(told_to_close);
    assert_eq!(told, [true, false, false, false], "its own oldest");
    places[1].handle.has_header(Peer::of(addr(1)), false);
    let _more = admit(&register, 1);
    assert!(!told_to_close(&mut places[1]), "that one is complete");
    assert!(!told_to_close(&mut places[3]), "there are two again");
    tokio::time::advance(Duration::from_millis(1)).await;
    places[1].handle.is_answered();
    let _last = admit(&register, 1);
    assert!(told_to_close(&mut places[3]), "it waited the longest");
    assert!(!told_to_close(&mut places[1]), "it has just been answered");
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_a_peer_is_whom_the_proxy_names() {
    let bounds = Bounds {
        per_peer: 2,
        proxies: crate::TrustedProxies::parse(["192.0.2.9"]).expect("an address"),
        ..Bounds::private("test")
    };
    let register = Register::new(bounds, &Metrics::default());
    let mut places = [(); 5].map(|()| admit(&register, 9));
    assert_eq!(places.each_mut().map(told_to_close), [false; 5]);
    for (place, peer) in places.iter().zip([1, 2, 1, 1, 2]) {
        place.handle.has_header(Peer::of(addr(peer)), true);
    }
    let told = places.each_mut().map(told_to_close);
    assert_eq!(told, [true, false, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn the_memory_for_bodies_is_taken_from_the_peer_that_holds_the_most() {
    let register = register(9, 9, 100);
    let mut greedy = [admit(&register, 1), admit(&register, 1)];
    for place in &greedy {
        assert!(receives(place, 1, 40));
    }
    let mut honest = admit(&register, 2);
    assert!(receives(&honest, 2, 20), "as much as there is");
    let next = admit(&register, 3);
    assert!(receives(&next, 3, 10));
    assert_eq!(greedy.each_mut().map(told_to_close), [true, false]);
    assert!(!greedy[0].handle.grow(1), "it gets no more");
    assert!(!told_to_close(&mut honest));
    // What is complete is not taken away, and what is given back is there again.
    for place in [&greedy[1], &honest, &next] {
        place.handle.has_body();
    }
    let late = admit(&register, 4);
    assert!(!receives(&late, 4, 40));
    next.handle.release();
    assert!(receives(&late, 4, 40));
    // The one that holds the most gives way itself.
    assert!(!late.handle.grow(1_000));
}

#[tokio::test(start_paused = true)]
async fn a_descriptor_is_taken_from_who_has_waited_for_a_while() {
    let register = register(9, 9, 1);
    let mut idle = admit(&register, 1);
    register.free_descriptor();
    assert!(!told_to_close(&mut idle), "it has just come");
    tokio::time::advance(IDLE_FOR + Duration::from_millis(1)).await;
    let mut fresh = admit(&register, 2);
    register.free_descriptor();
    register.free_descriptor();
    assert_eq!([&mut idle, &mut fresh].map(told_to_close), [true, false]);
}
