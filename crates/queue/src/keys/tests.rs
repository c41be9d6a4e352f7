use super::*;

#[test]
fn one_queue_is_one_slot() {
    let keys = Keys::new("longshore", "email").expect("valid");
    assert_eq!(keys.active, "{longshore:email}:active");
    assert_eq!(keys.map_of("users"), "{longshore:email}:map:users");
    assert!(keys.has("{longshore:email}:dead") && !keys.has("{longshore:email}:dead:0a1b"));
}

#[test]
fn names_that_would_break_the_slot_are_refused() {
    for (namespace, queue) in [
        ("", "email"),
        ("a}b", "email"),
        ("a", "e:f"),
        ("A", "email"),
        ("a", "ø"),
    ] {
        assert!(
            Keys::new(namespace, queue).is_err(),
            "{namespace:?} {queue:?}"
        );
    }
}
