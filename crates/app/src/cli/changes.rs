//! Which commands change something: those name their target first, and ask in production.

use super::{
    Command, Cron, DeadCommand, JobsCommand, MappingsCommand, OperationsCommand, OutboxCommand,
    ReplayChange, Suppressions,
};

/// What a command does to jobs, or to what holds for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only looks.
    None,
    /// It shows what it would change.
    Rehearsed,
    /// It changes something.
    Change {
        /// It need not be asked about.
        yes: bool,
    },
}

impl Command {
    /// Whether it stays, and has its stderr collected.
    pub(crate) fn is_role(&self) -> bool {
        match self {
            Self::Work(_) | Self::Webhooks => true,
            Self::Api(args) => !args.openapi,
            Self::Outbox(args) => args.command.is_none(),
            Self::Console(args) => args.command.is_none(),
            _ => false,
        }
    }

    /// What it does. Exhaustive, so that a new command has to say it.
    pub(crate) fn effect(&self) -> Effect {
        let change = |yes: bool| Effect::Change { yes };
        match self {
            Self::Enqueue(args) => change(args.yes),
            Self::Jobs(command) => of_jobs(command),
            Self::Operations(args) => match &args.command {
                None | Some(OperationsCommand::List(_) | OperationsCommand::Show { .. }) => {
                    Effect::None
                }
                Some(
                    OperationsCommand::Cancel { change: how, .. }
                    | OperationsCommand::Resume { change: how, .. },
                ) => change(how.yes),
            },
            Self::Pause(args) => change(args.yes),
            Self::Resume(args) => change(args.yes),
            Self::Limit(args) => change(args.yes),
            Self::Forget(args) if args.dry_run => Effect::Rehearsed,
            Self::Forget(args) => change(args.yes),
            Self::Dead(command) => of_dead(command),
            Self::Cron(command) => match command {
                Cron::List(_) => Effect::None,
                Cron::Run { yes, .. } => change(*yes),
                Cron::Pause(args) | Cron::Resume(args) => change(args.yes),
            },
            Self::Outbox(args) => match &args.command {
                None | Some(OutboxCommand::Schema | OutboxCommand::Held(_)) => Effect::None,
                Some(OutboxCommand::Retry(args)) => change(args.yes),
                Some(OutboxCommand::Discard(args)) => change(args.yes),
            },
            Self::Mappings(MappingsCommand::Import(args)) => change(args.yes),
            Self::Suppressions(Suppressions::Add(args) | Suppressions::Remove(args)) => {
                change(args.yes)
            }
            Self::Mappings(MappingsCommand::Export(_) | MappingsCommand::Count(_))
            | Self::Suppressions(Suppressions::List { .. })
            | Self::Work(_)
            | Self::Job(_)
            | Self::Queues(_)
            | Self::Kinds(_)
            | Self::Providers(_)
            | Self::Workers(_)
            | Self::Audit(_)
            | Self::Presign(_)
            | Self::Config(_)
            | Self::Doctor(_)
            | Self::Healthcheck(_)
            | Self::Webhooks
            | Self::Api(_)
            | Self::Console(_)
            | Self::Smoke(_)
            | Self::Completions { .. }
            | Self::Man { .. } => Effect::None,
        }
    }
}

fn of_jobs(command: &JobsCommand) -> Effect {
    match command {
        JobsCommand::List(_) | JobsCommand::Find(_) | JobsCommand::Lost(_) => Effect::None,
        JobsCommand::Cancel(args) if args.dry_run => Effect::Rehearsed,
        JobsCommand::Cancel(args) => Effect::Change { yes: args.yes },
        JobsCommand::Reschedule(args) if args.dry_run => Effect::Rehearsed,
        JobsCommand::Reschedule(args) => Effect::Change { yes: args.yes },
        JobsCommand::Run(args) => Effect::Change {
            yes: args.change.yes,
        },
        JobsCommand::Edit(args) if args.dry_run => Effect::Rehearsed,
        JobsCommand::Edit(args) => Effect::Change { yes: args.yes },
    }
}

fn of_dead(command: &DeadCommand) -> Effect {
    match command {
        DeadCommand::Groups { .. } | DeadCommand::List { .. } | DeadCommand::Show(_) => {
            Effect::None
        }
        DeadCommand::Replays { change, .. } => match change {
            None => Effect::None,
            Some(ReplayChange::Cancel { yes, .. } | ReplayChange::Resume { yes, .. }) => {
                Effect::Change { yes: *yes }
            }
        },
        DeadCommand::Replay(args) if args.dry_run => Effect::Rehearsed,
        DeadCommand::Replay(args) => Effect::Change { yes: args.yes },
        DeadCommand::Edit(args) if args.dry_run => Effect::Rehearsed,
        DeadCommand::Edit(args) => Effect::Change { yes: args.yes },
        // What is only written to a file is no change of the fleet's, and is named all the same: it is personal data.
        DeadCommand::Export(args) if !args.discard => Effect::Rehearsed,
        DeadCommand::Export(args) => Effect::Change { yes: args.yes },
        DeadCommand::Discard(args) if args.dry_run => Effect::Rehearsed,
        DeadCommand::Discard(args) => Effect::Change { yes: args.yes },
    }
}
