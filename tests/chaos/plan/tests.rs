//! Plans by seeds.

use std::collections::BTreeSet;

use longshore_tests::Line;

use super::*;
use crate::faults::{
    AppAction, LinkAction, ProviderAction, RedisAction, RowsAction, ServersAction, VaultAction,
    WorkerAction,
};
use crate::roles::{Role, RoleAction};

/// What a leg of the run in CI has.
const SHORT: Duration = Duration::from_secs(40);

const TOPOLOGIES: [Topology; 3] = [Topology::Single, Topology::Sentinel, Topology::Cluster];

#[test]
fn a_seed_always_gives_the_same_plan_and_another_seed_another() {
    let length = Duration::from_secs(60);
    for topology in TOPOLOGIES {
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
                    Action::Servers(
                        ServersAction::KillPrimary(_) | ServersAction::FreezePrimary(_),
                    ) => down += 1,
                    Action::Servers(ServersAction::StartKilled | ServersAction::ThawPrimary) => {
                        down -= 1;
                    }
                    _ => {}
                }
                assert!((0..=1).contains(&down), "{seed}: {steps:?}");
                if let Action::Servers(ServersAction::KillPrimary(_) | ServersAction::FailOver(_)) =
                    action
                {
                    begun.push(*at);
                }
                let of_one = matches!(
                    action,
                    Action::Redis(RedisAction::Kill | RedisAction::Freeze)
                        | Action::Link(LinkAction::Redis(_))
                );
                assert!(!of_one, "{seed}: {action:?}");
            }
            assert_eq!(down, 0, "{seed}");
            assert!(begun.len() > 1, "{seed}: {begun:?}");
        }
    }
}

/// What sort of fault a step begins, if it begins one: without its place, its provider and its length.
fn sort(action: &Action) -> Option<String> {
    let sort = match action {
        Action::Worker(WorkerAction::Start(_) | WorkerAction::Thaw(_)) => return None,
        Action::Worker(WorkerAction::EmptyOutput(_) | WorkerAction::StopSick) => return None,
        Action::Worker(WorkerAction::StopPoor | WorkerAction::StartPoor) => return None,
        Action::Worker(WorkerAction::StopBy(_, signals)) => format!("{signals:?}"),
        Action::Redis(RedisAction::Start | RedisAction::Thaw | RedisAction::Save) => return None,
        Action::Redis(RedisAction::TakeAgain | RedisAction::PutAside) => return None,
        Action::Redis(RedisAction::SetClock(0)) => return None,
        Action::Redis(RedisAction::SetClock(_)) => "clock".to_owned(),
        Action::Servers(ServersAction::StartKilled | ServersAction::ThawPrimary) => return None,
        Action::Rows(RowsAction::StartCarrier(_) | RowsAction::ThawCarrier(_)) => return None,
        Action::Rows(RowsAction::StartPostgres) | Action::App(AppAction::Mend) => return None,
        Action::App(AppAction::Begin(_)) => "app".to_owned(),
        Action::Provider(ProviderAction::Mend(_)) => return None,
        Action::Provider(ProviderAction::Begin(_, trouble)) => format!("{trouble:?}"),
        Action::Link(LinkAction::Redis(Line::Open) | LinkAction::Provider(_, Line::Open)) => {
            return None;
        }
        Action::Link(LinkAction::Redis(line)) => format!("to Redis {line:?}"),
        Action::Link(LinkAction::Provider(_, line)) => format!("to a provider {line:?}"),
        Action::Vault(VaultAction::StartInVain | VaultAction::Unseal) => return None,
        other => format!("{other:?}"),
    };
    let place = sort.find(|char: char| char.is_ascii_digit() && !sort.contains(" {"));
    Some(match place {
        Some(_) => sort.replace(|char: char| char.is_ascii_digit(), "n"),
        None => sort,
    })
}

/// The sorts that the legs of a run meet together.
fn met(seed: u64, length: Duration, topology: Topology) -> BTreeSet<String> {
    let legs = topology.legs().iter();
    let steps = legs.flat_map(|persistence| plan(seed, length, topology, *persistence));
    steps.filter_map(|step| sort(&step.action)).collect()
}

#[test]
fn the_short_legs_of_the_run_in_ci_meet_every_sort_together() {
    let mut there = BTreeSet::new();
    for seed in 0..4 {
        there.extend(met(seed, Duration::from_secs(600), Topology::Single));
    }
    assert!(there.len() > 45, "{there:?}");
    let met = met(1, SHORT, Topology::Single);
    let missed: Vec<_> = there.difference(&met).collect();
    assert_eq!(missed, [""; 0], "of {}", there.len());
}

#[test]
fn a_longer_run_meets_every_sort_where_it_can_be() {
    for topology in TOPOLOGIES {
        let long = |seed| met(seed, Duration::from_secs(600), topology);
        let first = long(1);
        for seed in 2..4 {
            assert_eq!(long(seed), first, "{topology:?}, {seed}");
        }
    }
}

#[test]
fn a_short_leg_meets_the_usual_faults() {
    for seed in 0..20 {
        let steps = plan(seed, SHORT, Topology::Single, Persistence::EverySecond);
        let count = |wanted: fn(&Action) -> bool| {
            let all = steps.iter().map(|step| &step.action);
            all.filter(|action| wanted(action)).count()
        };
        let of_workers = count(|action| matches!(action, Action::Worker(_)));
        assert!(of_workers > 8, "{seed}: {of_workers}");
        let of_providers = count(|action| matches!(action, Action::Provider(_)));
        assert!(of_providers > 8, "{seed}: {of_providers}");
        let of_redis = count(|action| matches!(action, Action::Redis(_) | Action::Link(_)));
        assert!(of_redis > 3, "{seed}: {of_redis}");
    }
}

/// How a fault that begins is ended, by words of both.
const MENDS: [(&str, &str); 16] = [
    ("Worker(Kill", "Worker(Start("),
    ("Worker(Stop", "Worker(Start("),
    ("Worker(StartSick", "Worker(StopSick"),
    ("Worker(StartPoor", "Worker(StopPoor"),
    ("Worker(Freeze", "Worker(Thaw"),
    ("Worker(FillOutput", "Worker(EmptyOutput"),
    ("Redis(Kill", "Redis(Start"),
    ("Redis(Freeze", "Redis(Thaw"),
    ("Redis(Refuse", "Redis(TakeAgain"),
    ("Rows(KillCarrier", "Rows(StartCarrier"),
    ("Rows(FreezeCarrier", "Rows(ThawCarrier"),
    ("Rows(KillPostgres", "Rows(StartPostgres"),
    ("App(Begin", "App(Mend"),
    ("Provider(Begin", "Provider(Mend"),
    ("Vault(Seal", "Vault(Unseal"),
    ("Servers(KillPrimary", "Servers(StartKilled"),
];

#[test]
fn what_is_broken_is_mended_and_what_is_stopped_goes_on() {
    for (seed, topology) in (0..50).zip(TOPOLOGIES.into_iter().cycle()) {
        for persistence in topology.legs() {
            let steps = plan(seed, Duration::from_secs(120), topology, *persistence);
            let said: Vec<_> = steps
                .iter()
                .map(|step| format!("{:?}", step.action))
                .collect();
            let count = |word: &str| said.iter().filter(|said| said.starts_with(word)).count();
            let mut mends = std::collections::BTreeMap::new();
            for (begins, ends) in MENDS {
                let (begun, _) = mends.entry(ends).or_insert((0, begins));
                *begun += count(begins);
            }
            for (ends, (begun, begins)) in mends {
                // A worker that is one more has words of its own.
                let more = if ends == "Worker(Start(" {
                    count("Worker(StopSick") + count("Worker(StopPoor")
                } else {
                    0
                };
                assert_eq!(begun - more, count(ends), "{seed}: {begins}");
            }
            let lines = said.iter().filter(|said| said.starts_with("Link("));
            let (open, other): (Vec<_>, Vec<_>) = lines.partition(|said| said.contains("Open"));
            assert_eq!(open.len(), other.len(), "{seed}: {other:?}");
            let clocks = said.iter().filter(|said| said.contains("SetClock"));
            let (right, wrong): (Vec<_>, Vec<_>) =
                clocks.partition(|said| said.contains("SetClock(0)"));
            assert_eq!(right.len(), wrong.len(), "{seed}: {wrong:?}");
            // A snapshot before each kill: what it comes back with is known.
            if *persistence == Persistence::Snapshots {
                let saved = count("Redis(Save") + count("Redis(PutAside");
                assert_eq!(count("Redis(Kill"), saved, "{seed}");
            }
        }
    }
}

#[test]
fn redis_has_one_trouble_at_a_time_and_nobody_starts_meanwhile() {
    for (seed, topology) in (0..60).zip(TOPOLOGIES.into_iter().cycle()) {
        for persistence in topology.legs() {
            let mut troubles = 0;
            for Step { action, .. } in plan(seed, Duration::from_secs(120), topology, *persistence)
            {
                match action {
                    Action::Redis(
                        RedisAction::Kill | RedisAction::Freeze | RedisAction::Refuse(_),
                    ) => troubles += 1,
                    Action::Redis(RedisAction::SetClock(off)) if off != 0 => troubles += 1,
                    Action::Link(LinkAction::Redis(line)) if line != Line::Open => troubles += 1,
                    Action::Redis(
                        RedisAction::Start
                        | RedisAction::StartFromAside
                        | RedisAction::Thaw
                        | RedisAction::TakeAgain
                        | RedisAction::SetClock(_),
                    )
                    | Action::Link(LinkAction::Redis(_)) => troubles -= 1,
                    Action::Worker(
                        WorkerAction::Start(_) | WorkerAction::StartSick | WorkerAction::StartPoor,
                    ) => assert_eq!(troubles, 0, "{seed}: {action:?}"),
                    _ => {}
                }
                assert!((0..=1).contains(&troubles), "{seed}: {action:?}");
            }
        }
    }
}

#[test]
fn nothing_keeps_workers_from_redis_while_the_fleet_repairs_what_it_forgot() {
    for seed in 0..60 {
        let steps = plan(
            seed,
            Duration::from_secs(300),
            Topology::Single,
            Persistence::Snapshots,
        );
        let mut repaired = Duration::ZERO;
        for Step { at, action } in steps {
            match action {
                Action::Redis(RedisAction::Start | RedisAction::StartFromAside) => {
                    repaired = at + QUIET;
                }
                Action::Redis(RedisAction::Refuse(_)) => assert!(at >= repaired, "{seed}"),
                Action::Redis(RedisAction::SetClock(off)) if off != 0 => {
                    assert!(at >= repaired, "{seed}");
                }
                Action::Link(LinkAction::Redis(line)) if line != Line::Open => {
                    assert!(at >= repaired, "{seed}");
                }
                _ => {}
            }
        }
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
