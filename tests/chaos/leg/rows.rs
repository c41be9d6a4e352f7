//! Carried out on Postgres, and on those who carry its rows.

use super::Leg;
use crate::faults::RowsAction;

impl Leg {
    /// What is done to Postgres and to those who carry its rows.
    pub(super) async fn on_rows(&mut self, action: RowsAction) {
        match action {
            RowsAction::KillCarrier(place) => {
                if let Some(carrier) = self.carriers[place].take() {
                    self.count("carriers killed");
                    carrier.kill().await;
                }
            }
            RowsAction::StartCarrier(place) => {
                let carrier = self.stage.outbox(&self.postgres).spawn();
                self.carriers[place] = Some(carrier);
            }
            RowsAction::FreezeCarrier(place) => {
                self.count("carriers frozen");
                if let Some(carrier) = &self.carriers[place] {
                    carrier.freeze();
                }
            }
            RowsAction::ThawCarrier(place) => {
                if let Some(carrier) = &self.carriers[place] {
                    carrier.thaw();
                }
            }
            RowsAction::KillPostgres => {
                self.count("Postgres killed");
                self.postgres.kill();
            }
            RowsAction::StartPostgres => self.postgres.restart().expect("Postgres comes back"),
        }
    }
}
