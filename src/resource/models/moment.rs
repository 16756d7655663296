//! A moment in UTC, to the microsecond: `2026-11-21T04:38:36.000000Z`.
//!
//! From 1970 to the end of 9999; earlier and later clocks are held at these ends. Leap seconds are those of the system's
//! clock, which has none.

use super::fields::{Field, field_from_outside};
use super::invalid::Violation;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// When something was created or changed.
///
/// ```
/// use fairpool::resource::models::Moment;
///
/// let moment: Moment = "2026-11-21T04:38:36.000000Z".parse()?;
/// assert_eq!(moment.to_string(), "2026-11-21T04:38:36.000000Z");
/// assert!(moment < "2026-11-21T04:38:36.000001Z".parse()?);
/// # Ok::<(), fairpool::resource::models::Violation>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment {
    /// Microseconds since the beginning of 1970, below [`END`].
    micros: u64,
}

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;
/// The beginning of the year 10,000.
const END: u64 = (days_before(10_000) - days_before(1970)) * DAY;
const TEMPLATE: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
const FORM: &str = "a moment such as 2026-11-21T04:38:36.000000Z";

impl Moment {
    /// By the system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// As the standard library has it.
    pub fn to_system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.micros)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        Moment {
            micros: micros.min(END - 1),
        }
    }
}

impl Moment {
    /// Its text. Digit by digit, since a page has thirty of them and a formatter would be half of its cost.
    fn text(self) -> Text {
        let (year, month, day) = date(self.micros / DAY);
        let of_day = self.micros % DAY;
        let (seconds, micros) = (of_day / SECOND, of_day % SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = *TEMPLATE;
        let fields = [
            (year, 4),
            (month, 7),
            (day, 10),
            (hour, 13),
            (minute, 16),
            (second, 19),
            (micros, 26),
        ];
        for (mut rest, end) in fields {
            for digit in text[..end].iter_mut().rev().take_while(|byte| byte.is_ascii_digit()) {
                *digit += (rest % 10) as u8;
                rest /= 10;
            }
        }
        Text(text)
    }
}

struct Text([u8; TEMPLATE.len()]);

impl Text {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("bug: digits are ASCII")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl FromStr for Moment {
    type Err = Violation;

    /// This one form only, which is what this library writes.
    fn from_str(text: &str) -> Result<Self, Violation> {
        parsed(text).ok_or(Violation::NotA(FORM))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl Field for Moment {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_str().ok_or(Violation::NotAString)?.parse()
    }
}

field_from_outside!(Moment);

fn parsed(text: &str) -> Option<Moment> {
    let form = TEMPLATE;
    let fits = |(&byte, &form): (&u8, &u8)| {
        if form == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == form
        }
    };
    if text.len() != form.len() || !text.as_bytes().iter().zip(form).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_date = year >= 1970 && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let months: u64 = (1..month).map(|month| days_of(year, month)).sum();
    let days = days_before(year) - days_before(1970) + months + day - 1;
    let seconds = hour * 3600 + minute * 60 + second;
    Some(Moment {
        micros: days * DAY + seconds * SECOND + number(20, 26)?,
    })
}

/// How many days there are before a year, from the year 1 of the calendar.
const fn days_before(year: u64) -> u64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

const fn days_of(year: u64, month: u64) -> u64 {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// The date so many days after the first of January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + days_before(1970);
    // The average year's length gives the year or the one before it.
    let guess = days * 400 / days_before(401) + 1;
    let year = (guess.saturating_sub(1).max(1)..=guess + 1)
        .rev()
        .find(|&year| days_before(year) <= days)
        .expect("bug: a year is guessed to one");
    let mut day = days - days_before(year);
    let mut month = 1;
    while day >= days_of(year, month) {
        day -= days_of(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_until_the_year_10000_follows_the_one_before_it_and_is_read_back() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..END / DAY {
            assert_eq!(date(days), (year, month, day));
            if day == 1 || day > 27 {
                let moment = Moment {
                    micros: days * DAY + days,
                };
                assert_eq!(moment.to_string().parse(), Ok(moment));
            }
            day += 1;
            if day > days_of(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }

    #[test]
    fn known_moments_have_their_known_texts() {
        // By `date -u -d @SECONDS`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_795_235_916, "2026-11-21T04:38:36.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000000Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Moment::from(time).to_string(), text);
            assert_eq!(text.parse::<Moment>().unwrap().to_system_time(), time);
        }
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        assert_eq!(Moment::from(far).to_string(), "9999-12-31T23:59:59.999999Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Moment::from(before).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn a_text_that_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T04:38:36Z",
            "2026-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-01-00T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01T00:60:00.000000Z",
            "2026-01-01T00:00:60.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-01-01 00:00:00.000000Z",
            "2026-01-01T00:00:00.00000éZ",
            "+026-01-01T00:00:00.000000Z",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(Violation::NotA(FORM)), "{text}");
        }
    }
}
