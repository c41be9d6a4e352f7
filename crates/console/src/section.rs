//! The parts of the console that the navigation leads to.

/// A part of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    DeadLetters,
    Operations,
    Workers,
    Cron,
    Audit,
    Suppressions,
    /// A page that the navigation does not name.
    Other,
}

impl Section {
    /// Those that the navigation names, in its order: each with its path and the key that leads there after `g`.
    pub(crate) const ALL: [(Self, &'static str, &'static str, char); 7] = [
        (Self::Overview, "Overview", "/", 'o'),
        (Self::DeadLetters, "Dead letters", "/dead", 'd'),
        (Self::Operations, "Operations", "/operations", 'p'),
        (Self::Workers, "Workers", "/workers", 'w'),
        (Self::Cron, "Cron", "/cron", 'c'),
        (Self::Audit, "Audit", "/audit", 'a'),
        (Self::Suppressions, "Suppressions", "/suppressions", 's'),
    ];
}
