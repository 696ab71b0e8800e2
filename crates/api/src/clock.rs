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

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_six_digits_of_a_second() {
        assert_eq!(super::keystone(1_700_000_000_000_007), "2023-11-14T22:13:20.000007Z");
    }
}
