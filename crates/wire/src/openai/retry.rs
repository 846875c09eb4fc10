//! When to ask again: the headers of a failed answer, and the policy of OpenAI's own libraries.
//!
//! A caller on the telephone cannot wait that long; [`Advice::wait`] says what the server allows, the adapter how much of it is left.

use super::errors::Fault;

/// A server's wait in ms; before [`RETRY_AFTER`].
pub const RETRY_AFTER_MS: &str = "retry-after-ms";
/// A server's wait, in seconds or as a date.
pub const RETRY_AFTER: &str = "retry-after";
/// `true` or `false`: the server's word on whether to ask again.
pub const SHOULD_RETRY: &str = "x-should-retry";
/// A longer wait than this means to give up, in ms.
pub const MAX_WAIT_MS: u64 = 120_000;

/// What the headers of a failed answer say about asking again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Advice {
    /// How long to wait, in ms. 0 where the server's date has passed.
    pub wait_ms: Option<u64>,
    /// The server's own word.
    pub should_retry: Option<bool>,
}

impl Advice {
    /// Reads the headers through `header`, which finds a value by its lower-case name. `now_s` is Unix time in
    /// seconds, for dates.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>, now_s: u64) -> Self {
        let milliseconds = header(RETRY_AFTER_MS).and_then(|text| scaled(text, 1.0));
        let wait_ms = milliseconds.or_else(|| {
            let text = header(RETRY_AFTER)?;
            scaled(text, 1000.0).or_else(|| {
                Some(
                    http_date_s(text)?
                        .saturating_sub(now_s)
                        .saturating_mul(1000),
                )
            })
        });
        let should_retry = match header(SHOULD_RETRY) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) | None => None,
        };
        Self {
            wait_ms,
            should_retry,
        }
    }

    /// How long to wait in ms before asking again after `attempts` failures (from 1), or `None` to give up.
    ///
    /// The server's wait if it is at most [`MAX_WAIT_MS`], else half a second doubled with every attempt, at most 8 s, less up
    /// to a quarter by `jitter` (0 to 1000). A key or an account that is at its end is never asked again, whatever the
    /// server says.
    #[must_use]
    pub fn wait(&self, fault: Fault, attempts: u32, jitter: u16) -> Option<u64> {
        let worth = self.should_retry.unwrap_or_else(|| fault.worth_a_retry());
        if !worth || matches!(fault, Fault::Key | Fault::Quota) {
            return None;
        }
        match self.wait_ms {
            Some(wait) if wait > MAX_WAIT_MS => None,
            Some(wait) if wait > 0 => Some(wait),
            Some(_) | None => {
                let doublings = attempts.saturating_sub(1).min(4);
                let wait = 500_u64 << doublings;
                Some(wait - wait * u64::from(jitter.min(1000)) / 4000)
            }
        }
    }

    /// The headers as the simulator sends them.
    #[must_use]
    pub fn to_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(wait) = self.wait_ms {
            headers.push((RETRY_AFTER_MS, wait.to_string()));
            headers.push((RETRY_AFTER, wait.div_ceil(1000).to_string()));
        }
        if let Some(should_retry) = self.should_retry {
            headers.push((SHOULD_RETRY, should_retry.to_string()));
        }
        headers
    }
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    /// How many fit.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// How long until all are there again, in ms.
    pub reset_ms: Option<u64>,
}

/// The `x-ratelimit-` headers. Servers leave them out, or send -1: both are `None`. At Groq the requests are counted
/// per day, the tokens per minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of requests.
    pub requests: Allowance,
    /// Of tokens.
    pub tokens: Allowance,
}

impl Limits {
    /// Reads the headers through `header`, which finds a value by its lower-case name.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let of = |what: &str| Allowance {
            limit: number(header(&format!("x-ratelimit-limit-{what}"))),
            remaining: number(header(&format!("x-ratelimit-remaining-{what}"))),
            reset_ms: header(&format!("x-ratelimit-reset-{what}")).and_then(duration_ms),
        };
        Self {
            requests: of("requests"),
            tokens: of("tokens"),
        }
    }

    /// The headers as the simulator sends them.
    #[must_use]
    pub fn to_headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for (what, allowance) in [("requests", self.requests), ("tokens", self.tokens)] {
            let values = [
                ("limit", allowance.limit.map(|count| count.to_string())),
                (
                    "remaining",
                    allowance.remaining.map(|count| count.to_string()),
                ),
                ("reset", allowance.reset_ms.map(duration_text)),
            ];
            for (name, value) in values {
                let name = format!("x-ratelimit-{name}-{what}");
                headers.extend(value.map(|value| (name, value)));
            }
        }
        headers
    }
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}

/// A duration such as `6m0s`, `20ms`, `1h0m2.5s` in ms, rounded down. A number without a unit is none.
#[must_use]
pub fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut microseconds = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
        let (digits, after) = rest.split_at(end);
        let end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let scale = match unit {
            "d" => 86_400_000_000,
            "h" => 3_600_000_000,
            "m" => 60_000_000,
            "s" => 1_000_000,
            "ms" => 1000,
            "us" | "µs" => 1,
            _ => return None,
        };
        microseconds = microseconds.checked_add(decimal(digits, scale)?)?;
        rest = after;
    }
    Some(microseconds / 1000)
}

/// `digits`, which may have a fraction, times `scale`, rounded down.
fn decimal(digits: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut sum = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        sum = sum.checked_add(place * u64::from(digit.to_digit(10)?))?;
    }
    Some(sum)
}

fn duration_text(milliseconds: u64) -> String {
    let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
    match (minutes, rest / 1000, rest % 1000) {
        (0, 0, small) => format!("{small}ms"),
        (0, seconds, 0) => format!("{seconds}s"),
        (0, seconds, small) => format!("{seconds}.{small:03}s"),
        (minutes, seconds, 0) => format!("{minutes}m{seconds}s"),
        (minutes, seconds, small) => format!("{minutes}m{seconds}.{small:03}s"),
    }
}

/// A number that may have a fraction, times `scale`; what is negative or none is `None`, what is endless is long.
fn scaled(text: &str, scale: f64) -> Option<u64> {
    let text = text.trim();
    let starts_as_number =
        text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    let value: f64 = text.parse().ok().filter(|_| starts_as_number)?;
    Some((value * scale).ceil() as u64)
}

/// A date of HTTP, `Fri, 20 Nov 2026 12:00:00 GMT`, in seconds of Unix time.
fn http_date_s(text: &str) -> Option<u64> {
    let mut words = text.trim().split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<u64>().ok();
    let day = number()?;
    let month = words.next()?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month).filter(|_| month.len() == 3)? as u64 / 3;
    let in_range = (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range || words.next() != Some("GMT") {
        return None;
    }
    let days = days_before(year) + days_before_month(year, month) + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1970 to the first of the year.
fn days_before(year: u64) -> u64 {
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
}

fn days_before_month(year: u64, month: u64) -> u64 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let lengths = [
        31,
        28 + u64::from(leap),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    lengths.iter().zip(0..month).map(|(length, _)| length).sum()
}
