//! Days of the Gregorian calendar and seconds since 1970, both ways. Pure.

use std::fmt;

const DAY: u64 = 86_400;

/// A day of the calendar, from seconds since 1970.
pub struct Day(pub u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days
        let days = self.0 / DAY + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let (month, next) = match month {
            0..10 => (month + 3, 0),
            _ => (month - 9, 1),
        };
        write!(f, "{}-{month:02}-{date:02}", year + era * 400 + next)
    }
}

/// Seconds since 1970 of year, month and day, and hour, minute and second in UTC; none if there is no such moment, none of seconds
/// if it was before 1970.
pub fn seconds(date: [u64; 3], time: [u64; 3]) -> Option<Option<u64>> {
    let [year, month, day] = date;
    let [hour, minute, second] = time;
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && year <= 9999
        && hour < 24
        && minute < 60
        && second < 60;
    fits.then(|| days(year, month, day).map(|days| days * DAY + (hour * 60 + minute) * 60 + second))
}

/// Days from 1970-01-01; with years that begin in March, so that a leap day is the last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    let whole = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    whole.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (at, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_354_810, "2026-11-22"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(Day(at).to_string(), day);
            let date: Vec<u64> = day
                .split('-')
                .map(|part| part.parse().expect("a number"))
                .collect();
            let [year, month, date] = date[..] else {
                panic!("three parts")
            };
            let midnight = seconds([year, month, date], [0; 3]);
            assert_eq!(midnight, Some(Some(at / DAY * DAY)), "{day}");
        }
    }

    #[test]
    fn no_moment_and_one_too_early_are_told_apart() {
        assert_eq!(seconds([1969, 12, 31], [23, 59, 59]), Some(None));
        assert_eq!(seconds([0, 1, 1], [0; 3]), Some(None));
        for (date, time) in [
            ([2026, 13, 1], [0; 3]),
            ([2026, 0, 1], [0; 3]),
            ([2026, 1, 32], [0; 3]),
            ([10_000, 1, 1], [0; 3]),
            ([2026, 1, 1], [24, 0, 0]),
            ([2026, 1, 1], [0, 60, 0]),
            ([2026, 1, 1], [0, 0, 60]),
        ] {
            assert_eq!(seconds(date, time), None, "{date:?} {time:?}");
        }
    }
}
