//! The measurements, one to a file, each on Redis servers of its own.

mod acts;
mod cost;
mod dead;
mod depth;
mod due;
mod fleet;
mod idle;
mod info;
mod lanes;
mod load;
mod ours;
mod peers;
mod pickup;
pub(crate) mod report;
mod slow;
mod throughput;
mod trickle;
mod wait;

use report::Section;

/// Why something could not be measured.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The measurements, in the order they are made.
pub(crate) const MEASURES: [&str; 13] = [
    "throughput",
    "pickup",
    "trickle",
    "wait",
    "cost",
    "slow",
    "depth",
    "lanes",
    "due",
    "dead",
    "acts",
    "idle",
    "fleet",
];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
}

impl Scale {
    /// This many, or a tenth.
    pub(crate) fn of(self, n: usize) -> usize {
        match self.quick {
            true => (n / 10).max(1),
            false => n,
        }
    }

    /// How often it is repeated.
    pub(crate) fn runs(self) -> usize {
        match self.quick {
            true => 1,
            false => 3,
        }
    }
}

/// Makes one of [`MEASURES`].
pub(crate) async fn run(measure: &str, scale: Scale) -> Result<Section, Failure> {
    match measure {
        "throughput" => throughput::measure(scale).await,
        "pickup" => pickup::measure(scale).await,
        "trickle" => trickle::measure(scale).await,
        "wait" => wait::measure(scale).await,
        "cost" => cost::measure(scale).await,
        "slow" => slow::measure(scale).await,
        "depth" => depth::measure(scale).await,
        "lanes" => lanes::measure(scale).await,
        "due" => due::measure(scale).await,
        "dead" => dead::measure(scale).await,
        "acts" => acts::measure(scale).await,
        "idle" => idle::measure(scale).await,
        "fleet" => fleet::measure(scale).await,
        other => Err(format!("there is no measure called {other}").into()),
    }
}
