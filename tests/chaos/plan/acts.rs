//! What is done beside the faults: roles are killed and started again, and operators act. It has dice of its own, so that a fault more or less
//! changes nothing of it.

use std::time::Duration;

use longshore_tests::Dice;

use crate::faults::{Action, Persistence, Step};
use crate::operate::Operation;
use crate::roles::{Role, RoleAction};

/// The pauses between two kills of roles, in ms.
const BETWEEN_KILLS: (usize, usize) = (3000, 9000);

/// The pauses between two acts of operators.
const BETWEEN_ACTS: (usize, usize) = (1000, 2500);

/// How long a role is away.
const AWAY: (usize, usize) = (100, 2000);

/// All of it for one leg. In the last fifth of its time nothing new is done.
pub(super) fn plan(seed: u64, length: Duration, persistence: Persistence) -> Vec<Step> {
    let mut acts = Acts {
        dice: Dice::of(seed ^ ((persistence as u64 + 101) << 48)),
        last: length * 4 / 5,
        steps: Vec::new(),
    };
    acts.roles();
    acts.operators();
    acts.steps
}

struct Acts {
    dice: Dice,
    last: Duration,
    steps: Vec<Step>,
}

impl Acts {
    fn between(&mut self, (from, to): (usize, usize)) -> Duration {
        Duration::from_millis((from + self.dice.roll(to - from)) as u64)
    }

    fn shuffled<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let mut deck = all.to_vec();
        for n in (1..deck.len()).rev() {
            deck.swap(n, self.dice.roll(n + 1));
        }
        deck
    }

    /// Each role is killed in its turn, and comes back.
    fn roles(&mut self) {
        let mut now = Duration::from_secs(4);
        let mut deck = Vec::new();
        while now < self.last {
            if deck.is_empty() {
                deck = self.shuffled(&Role::ALL);
            }
            let role = deck.pop().expect("one is left");
            let back = now + self.between(AWAY);
            for (at, action) in [
                (now, RoleAction::Kill(role)),
                (back, RoleAction::Start(role)),
            ] {
                let action = Action::Role(action);
                self.steps.push(Step { at, action });
            }
            now = back + self.between(BETWEEN_KILLS);
        }
    }

    /// Each act in its turn.
    fn operators(&mut self) {
        let mut now = Duration::from_secs(3);
        let mut deck = Vec::new();
        while now < self.last {
            if deck.is_empty() {
                deck = self.shuffled(&Operation::ALL);
            }
            let operation = deck.pop().expect("one is left");
            let action = Action::Operate(operation);
            self.steps.push(Step { at: now, action });
            now += self.between(BETWEEN_ACTS);
        }
    }
}
