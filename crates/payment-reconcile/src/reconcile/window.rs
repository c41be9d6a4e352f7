//! The time that is compared, and what is read around it.

use crate::ReconcilePayments;
use jiff::Timestamp;
use longshore_job::JobError;

/// How much more is read at both ends, in seconds. The two accounts of a payment do not begin at the same moment, and
/// one may lie within the window when the other does not.
const OVERLAP_SECONDS: i64 = 10 * 60;

/// From a time on, and before another. A payment that neither side has within it is none of this window's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    from: Timestamp,
    to: Timestamp,
    /// What is read begins here, Unix time in seconds.
    pub(super) start: i64,
    /// And ends before this.
    pub(super) end: i64,
}

/// A part of the app's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Whether it belongs to the window, and not only to its overlap.
    pub(super) within: bool,
}

impl Window {
    pub(super) fn of(job: &ReconcilePayments) -> Result<Self, JobError> {
        let time = |field: &str, text: &str| -> Result<Timestamp, JobError> {
            text.parse()
                .map_err(|_| JobError::permanent(format!("{field} is not a time in RFC 3339")))
        };
        let (from, to) = (time("from", &job.from)?, time("to", &job.to)?);
        let part_second = i64::from(to.subsec_nanosecond() > 0);
        let floor = from.as_second() - i64::from(from.subsec_nanosecond() < 0);
        Ok(Self {
            from,
            to,
            start: floor - OVERLAP_SECONDS,
            end: to.as_second() + part_second + OVERLAP_SECONDS,
        })
    }

    /// Whether what was created at this time belongs to the window, Unix time in seconds.
    pub(super) fn holds(&self, created: i64) -> bool {
        let created = time(created);
        self.from <= created && created < self.to
    }

    /// This stretch of time, Unix time in seconds, cut where the window begins and ends.
    pub(super) fn parts(&self, lower: i64, upper: i64) -> Vec<Part> {
        let (lower, upper) = (time(lower), time(upper));
        let cuts = [
            lower,
            self.from.clamp(lower, upper),
            self.to.clamp(lower, upper),
            upper,
        ];
        let parts = cuts.windows(2).enumerate().map(|(n, cut)| Part {
            from: cut[0],
            to: cut[1],
            within: n == 1,
        });
        parts.filter(|part| part.from < part.to).collect()
    }
}

/// A time that Stripe said, or was asked about.
pub(super) fn time(seconds: i64) -> Timestamp {
    let earliest = Timestamp::MIN.as_second();
    Timestamp::from_second(seconds.clamp(earliest, Timestamp::MAX.as_second())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        Window::of(&ReconcilePayments::new(from, to)).expect("a window")
    }

    #[test]
    fn it_is_read_with_an_overlap_and_holds_its_beginning_but_not_its_end() {
        let window = window("1970-01-02T00:00:00Z", "1970-01-03T00:00:00.5Z");
        assert_eq!((window.start, window.end), (86_400 - 600, 172_801 + 600));
        for (created, held) in [
            (86_399, false),
            (86_400, true),
            (172_800, true),
            (172_801, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            assert_eq!(window.holds(created), held, "{created}");
        }
    }

    #[test]
    fn parts_leave_no_gap_and_do_not_meet_twice() {
        let window = window("1970-01-02T00:00:00Z", "1970-01-03T00:00:00Z");
        for (lower, upper, expected) in [
            (
                85_800,
                173_400,
                &[
                    (85_800, 86_400, false),
                    (86_400, 172_800, true),
                    (172_800, 173_400, false),
                ][..],
            ),
            (90_000, 100_000, &[(90_000, 100_000, true)]),
            (86_000, 86_400, &[(86_000, 86_400, false)]),
            (172_800, 173_000, &[(172_800, 173_000, false)]),
            (
                172_000,
                173_000,
                &[(172_000, 172_800, true), (172_800, 173_000, false)],
            ),
        ] {
            let parts = window.parts(lower, upper);
            let parts: Vec<_> = parts
                .iter()
                .map(|part| (part.from.as_second(), part.to.as_second(), part.within))
                .collect();
            assert_eq!(parts, expected);
        }
    }
}
