//! Plans by seeds.

use super::*;
use crate::faults::{AppAction, ProviderAction, RowsAction, ServersAction, WorkerAction};
use crate::roles::{Role, RoleAction};

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
                    Action::Servers(ServersAction::KillPrimary(_))
                    | Action::Servers(ServersAction::FreezePrimary(_)) => down += 1,
                    Action::Servers(ServersAction::StartKilled)
                    | Action::Servers(ServersAction::ThawPrimary) => down -= 1,
                    _ => {}
                }
                assert!((0..=1).contains(&down), "{seed}: {steps:?}");
                if let Action::Servers(ServersAction::KillPrimary(_))
                | Action::Servers(ServersAction::FailOver(_)) = action
                {
                    begun.push(*at);
                }
                assert!(!matches!(
                    action,
                    Action::Redis(RedisAction::Kill) | Action::Redis(RedisAction::Freeze)
                ));
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
        assert!(
            has(|a| matches!(a, Action::Worker(WorkerAction::Kill(_)))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::Redis(RedisAction::Kill))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::Rows(RowsAction::KillCarrier(_)))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::Rows(RowsAction::KillPostgres))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::App(AppAction::Begin(_)))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::Worker(WorkerAction::StartSick))),
            "{seed}"
        );
        assert!(
            has(|a| matches!(a, Action::Provider(ProviderAction::Begin(..)))),
            "{seed}"
        );
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
            count(|a| matches!(
                a,
                Action::Worker(WorkerAction::Kill(_)) | Action::Worker(WorkerAction::Stop(_))
            )),
            count(|a| matches!(a, Action::Worker(WorkerAction::Start(_)))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::Redis(RedisAction::Kill))),
            count(|a| matches!(a, Action::Redis(RedisAction::Start))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::Worker(WorkerAction::Freeze(_)))),
            count(|a| matches!(a, Action::Worker(WorkerAction::Thaw(_)))),
        );
        assert_eq!(
            count(|a| matches!(
                a,
                Action::Rows(RowsAction::KillCarrier(_))
                    | Action::Rows(RowsAction::FreezeCarrier(_))
            )),
            count(|a| matches!(
                a,
                Action::Rows(RowsAction::StartCarrier(_))
                    | Action::Rows(RowsAction::ThawCarrier(_))
            )),
        );
        assert_eq!(
            count(|a| matches!(a, Action::Rows(RowsAction::KillPostgres))),
            count(|a| matches!(a, Action::Rows(RowsAction::StartPostgres))),
        );
        assert_eq!(
            count(|a| matches!(a, Action::App(AppAction::Begin(_)))),
            count(|a| matches!(a, Action::App(AppAction::Mend))),
        );
        // A snapshot before each kill: what it comes back with is known.
        assert_eq!(
            count(|a| matches!(a, Action::Redis(RedisAction::Kill))),
            count(|a| matches!(a, Action::Redis(RedisAction::Save))),
        );
    }
}

#[test]
fn a_short_leg_has_every_act_or_nearly_and_kills_every_role() {
    for seed in 0..20 {
        let length = Duration::from_secs(40);
        let plan = || plan(seed, length, Topology::Single, Persistence::Always);
        let (steps, mut acts) = (plan(), Vec::new());
        let (mut killed, mut started) = (Vec::new(), Vec::new());
        for Step { at, action } in &steps {
            match action {
                Action::Operate(operation) if !acts.contains(operation) => acts.push(*operation),
                Action::Role(RoleAction::Kill(role)) => killed.push(*role),
                Action::Role(RoleAction::Start(role)) => started.push(*role),
                _ => {}
            }
            let is_act = matches!(action, Action::Operate(_));
            assert!(
                !is_act || *at < length * 4 / 5,
                "{seed}: {action:?} at {at:?}"
            );
        }
        assert_eq!(steps, plan());
        assert!(acts.len() > 11, "{seed}: {acts:?}");
        assert_eq!(killed, started, "{seed}");
        let is_killed = |role: &Role| killed.contains(role);
        assert!(Role::ALL.iter().all(is_killed), "{seed}: {killed:?}");
    }
}
