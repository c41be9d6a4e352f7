//! Which action ends which fault.

use longshore_tests::Line;

use crate::facts::Mend;
use crate::faults::{
    Action, AppAction, LinkAction, ProviderAction, RedisAction, RowsAction, ServersAction,
    WorkerAction,
};
use crate::produce::now_ms;

/// The fault that is over now, if this action ends one.
pub(crate) fn mend(action: Action) -> Option<Mend> {
    let mut queue = None;
    let fault = match action {
        Action::Worker(WorkerAction::Start(_)) => "worker killed or deployed",
        Action::Worker(WorkerAction::Thaw(_)) => "worker frozen",
        Action::Worker(WorkerAction::StopSick) => "worker sick",
        Action::Redis(RedisAction::Start) => "Redis killed",
        Action::Redis(RedisAction::Thaw) => "Redis frozen",
        Action::Redis(RedisAction::CutConnections) => "connections cut",
        Action::Servers(ServersAction::StartKilled) => "primary killed",
        Action::Servers(ServersAction::ThawPrimary) => "primary frozen",
        Action::Servers(ServersAction::FailOver(_)) => "failover",
        Action::Servers(ServersAction::MoveSlot(_)) => "slot moved",
        Action::Rows(RowsAction::StartPostgres) => "Postgres killed",
        Action::Provider(ProviderAction::Mend(act)) => {
            queue = Some(act.queue());
            "provider troubled"
        }
        Action::Worker(WorkerAction::StopPoor) => "worker without descriptors",
        Action::Redis(RedisAction::TakeAgain) => "Redis refused writes",
        Action::Redis(RedisAction::SetClock(0)) => "Redis's clock stepped",
        Action::Redis(RedisAction::StartFromAside) => "snapshot restored",
        Action::Link(LinkAction::Redis(Line::Open)) => "way to Redis cut or slow",
        Action::Link(LinkAction::Provider(act, Line::Open)) => {
            queue = Some(act.queue());
            "way to a provider cut or slow"
        }
        // Jobs do not wait for the app that is told of them.
        Action::App(AppAction::Mend) => return None,
        _ => return None,
    };
    Some(Mend {
        fault,
        queue,
        at_ms: now_ms(),
    })
}
