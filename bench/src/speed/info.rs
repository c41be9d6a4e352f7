//! What Redis says of itself.

use longshore_queue::Link;

use super::Failure;

/// One answer to `INFO`.
#[derive(Debug)]
pub(crate) struct Info(String);

impl Info {
    /// Asks. The call itself is counted by the next one.
    pub(crate) async fn read(link: &Link) -> Result<Self, Failure> {
        let text = link.command(redis::cmd("INFO").arg("everything")).await?;
        Ok(Self(text))
    }

    /// A field that is a number.
    pub(crate) fn number(&self, field: &str) -> f64 {
        let value = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(f64::NAN)
    }

    /// Commands carried out, those inside scripts too.
    pub(crate) fn commands(&self) -> f64 {
        self.number("total_commands_processed")
    }

    /// Bytes that Redis has allocated.
    pub(crate) fn memory(&self) -> f64 {
        self.number("used_memory")
    }

    /// Redis's own CPU time since it was started.
    pub(crate) fn cpu_micros(&self) -> f64 {
        1e6 * (self.number("used_cpu_user") + self.number("used_cpu_sys"))
    }

    /// How often one command was called.
    pub(crate) fn calls(&self, command: &str) -> f64 {
        let prefix = format!("cmdstat_{command}:calls=");
        let line = self.0.lines().find_map(|line| line.strip_prefix(&prefix));
        line.and_then(|rest| rest.split(',').next()?.parse().ok())
            .unwrap_or(0.0)
    }
}
