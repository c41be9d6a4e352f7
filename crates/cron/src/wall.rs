//! A time on the wall, without a time zone, for croner to search on.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;

/// A time on the wall. Every one of them happens once here: what a time zone makes of it comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WallTime(pub(crate) DateTime);

impl CronDateTime for WallTime {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0;
        // jiff keeps every part in its range.
        let date = CivilDate::from_parts_unchecked(
            time.year().into(),
            time.month().unsigned_abs().into(),
            time.day().unsigned_abs().into(),
        );
        let of_day = CivilTime::from_parts_unchecked(
            time.hour().unsigned_abs().into(),
            time.minute().unsigned_abs().into(),
            time.second().unsigned_abs().into(),
        );
        CivilDateTime::new(date, of_day)
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        // Every part of the time of day is below 60, of the date below 32.
        let small = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let time = DateTime::new(
            year,
            small(civil.month())?,
            small(civil.day())?,
            small(civil.hour())?,
            small(civil.minute())?,
            small(civil.second())?,
            0,
        );
        time.map(|time| Resolution::Single(Self(time)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}
