//! Plans by seeds.

use super::*;

#[test]
fn a_seed_always_gives_the_same_plan_and_another_seed_another() {
    let length = Duration::from_secs(60);
    for topology in [Topology::Single, Topology::Sentinel, Topology::Cluster] {
        for persistence in topology.legs() {
            let plan = |seed| plan(seed, length, topology, *persistence);
            let first = plan(7);
            assert!(first.len() > 20, "{} steps", first.len());
            assert_eq!(first, plan(7));
            assert_ne!(first, plan(8));
        }
    }
}

#[test]
fn servers_are_replaced_one_at_a_time_and_come_back() {
    for topology in [Topology::Sentinel, Topology::Cluster] {
        for seed in 0..20 {
            let steps = plan(seed, Duration::from_secs(90), topology, Persistence::Waited);
            let (mut down, mut begun) = (0, Vec::new());
            for Step { at, action } in &steps {
                match action {
                    Action::KillPrimary(_) | Action::FreezePrimary(_) => down += 1,
                    Action::StartKilled | Action::ThawPrimary => down -= 1,
                    _ => {}
                }
                assert!((0..=1).contains(&down), "{seed}: {steps:?}");
                if let Action::KillPrimary(_) | Action::FailOver(_) = action {
                    begun.push(*at);
                }
                assert!(!matches!(action, Action::KillRedis | Action::FreezeRedis));
            }
            assert_eq!(down, 0, "{seed}");
            assert!(begun.len() > 1, "{seed}: {begun:?}");
        }
    }
}

#[test]
fn a_short_leg_meets_every_sort_of_fault() {
    for seed in 0..20 {
        let steps = plan(
            seed,
            Duration::from_secs(40),
            Topology::Single,
            Persistence::Snapshots,
        );
        let has = |wanted: fn(&Action) -> bool| steps.iter().any(|step| wanted(&step.action));
        assert!(has(|a| matches!(a, Action::KillWorker(_))), "{seed}");
        assert!(has(|a| matches!(a, Action::KillRedis)), "{seed}");
        assert!(has(|a| matches!(a, Action::KillCarrier(_))), "{seed}");
        assert!(has(|a| matches!(a, Action::KillPostgres)), "{seed}");
        assert!(has(|a| matches!(a, Action::BeginApp(_))), "{seed}");
        assert!(has(|a| matches!(a, Action::StartSickWorker)), "{seed}");
        assert!(has(|a| matches!(a, Action::Begin(..))), "{seed}");
    }
}

#[test]
fn what_is_broken_is_mended_and_what_is_stopped_goes_on() {
    for seed in 0..50 {
        let steps = plan(
            seed,
            Duration::from_secs(120),
            Topology::Single,
            Persistence::Snapshots,
        );
        let count =
            |wanted: fn(&Action) -> bool| steps.iter().filter(|step| wanted(&step.action)).count();
        assert_eq!(
            count(|a| matches!(a, Action::KillWorker(_) | Action::StopWorker(_))),
            count(|a| matches!(a, Action::StartWorker(_))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::KillRedis)),
            count(|a| matches!(a, Action::StartRedis)),
        );
        assert_eq!(
            count(|a| matches!(a, Action::FreezeWorker(_))),
            count(|a| matches!(a, Action::ThawWorker(_))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::KillCarrier(_) | Action::FreezeCarrier(_))),
            count(|a| matches!(a, Action::StartCarrier(_) | Action::ThawCarrier(_))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::KillPostgres)),
            count(|a| matches!(a, Action::StartPostgres)),
        );
        assert_eq!(
            count(|a| matches!(a, Action::BeginApp(_))),
            count(|a| matches!(a, Action::MendApp)),
        );
        // A snapshot before each kill: what it comes back with is known.
        assert_eq!(
            count(|a| matches!(a, Action::KillRedis)),
            count(|a| matches!(a, Action::Save)),
        );
    }
}
