//! Now, in the units that tokens and answers use.

use jiff::Timestamp;

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// `2026-11-22T13:17:02.000000Z`, as Keystone writes times.
pub(crate) fn keystone(micros: i64) -> String {
    match Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        // Beyond the year 9999: no time that we issue.
        Err(_) => String::new(),
    }
}

/// `2026-11-22T13:17:02.000007`: Keystone writes some times without their zone, which is UTC.
pub(crate) fn keystone_without_zone(micros: i64) -> String {
    keystone(micros).trim_end_matches('Z').to_owned()
}

/// The time that a client wrote: `2026-11-22T13:17:02.000007Z`, the `Z` or the time of day left out
/// if they like. Any zone but UTC is none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    // A date has two dashes; another one, a plus or a bracket begins a zone.
    if text.matches('-').count() != 2 || text.contains(['+', '[']) {
        return None;
    }
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.as_microsecond())
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_six_digits_of_a_second() {
        assert_eq!(super::keystone(1_700_000_000_000_007), "2023-11-14T22:13:20.000007Z");
        assert_eq!(super::keystone_without_zone(1_700_000_000_000_007), "2023-11-14T22:13:20.000007");
    }

    #[test]
    fn times_are_read_as_clients_write_them() {
        let time = 1_700_000_000_000_007;
        for text in ["2023-11-14T22:13:20.000007Z", "2023-11-14T22:13:20.000007", "2023-11-14 22:13:20.000007"] {
            assert_eq!(super::parse(text), Some(time), "{text}");
        }
        assert_eq!(super::parse("2023-11-14T22:13:20Z"), Some(1_700_000_000_000_000));
        assert_eq!(super::parse("2023-11-14"), Some(1_699_920_000_000_000));
        for text in ["bad.123Z", "", "Z", "2023-11-14T22:13:20+02:00", "2023-11-14T22:13:20-02:00Z", "2023-13-14"] {
            assert_eq!(super::parse(text), None, "{text}");
        }
    }
}
