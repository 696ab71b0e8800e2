//! `baryon audit`: who did what.

use std::{thread::sleep, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    Error,
    cli::{AuditArgs, AuditFormat},
    client::{Client, ClientError, Cloud, encode},
    error::Result,
    output::say,
};

/// Events that one request asks for.
const PAGE: usize = 1000;
/// How long `--follow` waits between two questions.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest list of changed attributes in a line of text.
const DETAIL: usize = 160;

/// Prints events, the newest last; with `--follow` goes on as they come.
pub(super) fn audit(args: &AuditArgs) -> Result<()> {
    let filters = filters(args)?;
    let mut session = Session::open(args)?;
    // Asked before the filters are, so that nothing falls between the two questions.
    let known = if args.follow { newest(&mut session, &[], 1)?.first().map_or(0, sequence) } else { 0 };
    let mut events = newest(&mut session, &filters, args.limit)?;
    events.reverse();
    events.iter().try_for_each(|event| print(event, args.format))?;
    if !args.follow {
        return Ok(());
    }
    let mut marker = events.last().map_or(known, sequence);
    loop {
        let page = session.page(&filters, &[("sort_dir", "asc"), ("marker", &marker.to_string())], PAGE)?;
        page.iter().try_for_each(|event| print(event, args.format))?;
        marker = page.last().map_or(marker, sequence);
        if page.len() < PAGE {
            sleep(PERIOD);
        }
    }
}

fn sequence(event: &Value) -> u64 {
    event["sequence"].as_u64().unwrap_or(0)
}

/// A login that is renewed: `--follow` outlives a token.
struct Session {
    cloud: Cloud,
    client: Client,
}

impl Session {
    fn open(args: &AuditArgs) -> Result<Self> {
        let cloud = Cloud::choose(&args.cloud)?;
        let client = Client::login(&cloud)?;
        Ok(Self { cloud, client })
    }

    fn page(&mut self, filters: &[(&str, String)], more: &[(&str, &str)], limit: usize) -> Result<Vec<Value>> {
        let mut path = format!("audit?limit={limit}");
        let filters = filters.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in filters.chain(more.iter().copied()) {
            path.push_str(&format!("&{name}={}", encode(value)));
        }
        let answer = match self.client.get_global(&path) {
            Err(ClientError::Refused { status: 401, .. }) => {
                self.client = Client::login(&self.cloud)?;
                self.client.get_global(&path)?
            }
            other => other?,
        };
        Ok(answer["events"].as_array().cloned().unwrap_or_default())
    }
}

/// The newest events, newest first.
fn newest(session: &mut Session, filters: &[(&str, String)], limit: usize) -> Result<Vec<Value>> {
    let mut events: Vec<Value> = Vec::new();
    while events.len() < limit {
        let wanted = PAGE.min(limit - events.len());
        let marker = events.last().map(|event| sequence(event).to_string());
        let more: Vec<_> = marker.as_deref().map(|marker| ("marker", marker)).into_iter().collect();
        let page = session.page(filters, &more, wanted)?;
        let is_last = page.len() < wanted;
        events.extend(page);
        if is_last {
            break;
        }
    }
    Ok(events)
}

fn filters(args: &AuditArgs) -> Result<Vec<(&'static str, String)>> {
    let mut filters = Vec::new();
    for (name, option, value) in [("since", "--since", &args.since), ("until", "--until", &args.until)] {
        if let Some(text) = value {
            filters.push((name, time(option, text, Timestamp::now())?.to_string()));
        }
    }
    for (name, value) in [
        ("user_id", &args.user),
        ("project_id", &args.project),
        ("target_id", &args.target),
        ("request_id", &args.request),
        ("action", &args.action),
        ("outcome", &args.outcome),
    ] {
        filters.extend(value.clone().map(|value| (name, value)));
    }
    Ok(filters)
}

/// A time, or how long ago: `90s`, `30m`, `2h`, `7d`.
fn time(option: &'static str, text: &str, now: Timestamp) -> Result<Timestamp> {
    let ago = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let past = number.parse::<i64>().ok()?.checked_mul(seconds)?;
        now.checked_sub(SignedDuration::from_secs(past)).ok()
    });
    ago.or_else(|| text.parse().ok()).ok_or_else(|| {
        Error::Usage(format!("{option} {text}: give a time such as 2026-11-22T13:17:02Z, or how long ago, such as 2h"))
    })
}

fn print(event: &Value, format: AuditFormat) -> Result<()> {
    match format {
        AuditFormat::Json => say!("{event}"),
        AuditFormat::Text => say!("{}", line(event)),
    }
}

/// An event for people: when, how it ended, what, about which object, by whom, and what changed or
/// why not.
fn line(event: &Value) -> String {
    let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or("-");
    let user = match text("/initiator/user_name") {
        "-" => text("/initiator/user_id"),
        name => name,
    };
    let time = text("/time");
    let target = match (text("/target/type"), text("/target/id")) {
        (kind, "-") => kind.to_owned(),
        (kind, id) => format!("{kind} {id}"),
    };
    // To the millisecond is enough for people.
    let time = time.get(..23).map_or_else(|| time.to_owned(), |short| format!("{short}Z"));
    let mut line = format!(
        "{time}  {:<7}  {:<30}  {target}  by {user} from {}",
        text("/outcome"),
        text("/action"),
        text("/initiator/address"),
    );
    if let Some(detail) = detail(event) {
        line.push_str("  ");
        line.push_str(&detail);
    }
    line
}

fn detail(event: &Value) -> Option<String> {
    if let Some(reason) = event.pointer("/reason/text").and_then(Value::as_str) {
        let code = event.pointer("/reason/code").and_then(Value::as_u64);
        return Some(code.map_or_else(|| reason.to_owned(), |code| format!("{code} {reason}")));
    }
    let (before, after) = (event["before"].as_object(), event["after"].as_object());
    let mut parts = Vec::new();
    for (name, value) in after.into_iter().flatten() {
        let old = before.and_then(|before| before.get(name));
        parts.push(old.map_or_else(|| format!("{name}={value}"), |old| format!("{name}={old}->{value}")));
    }
    for (name, value) in before.into_iter().flatten() {
        if after.is_none_or(|after| !after.contains_key(name)) {
            parts.push(format!("{name} was {value}"));
        }
    }
    let text = parts.join(" ");
    if text.is_empty() {
        return None;
    }
    let short: String = text.chars().take(DETAIL).collect();
    Some(if short.len() < text.len() { format!("{short}...") } else { text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_given_as_such_or_as_ages() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let given = |text: &str| time("--since", text, now).map(|time| time.to_string());
        for (text, expected) in [
            ("90s", "2026-11-22T11:58:30Z"),
            ("30m", "2026-11-22T11:30:00Z"),
            ("2h", "2026-11-22T10:00:00Z"),
            ("7d", "2026-11-15T12:00:00Z"),
            ("2026-11-22T13:17:02+01:00", "2026-11-22T12:17:02Z"),
        ] {
            assert_eq!(given(text).unwrap(), expected);
        }
        for bad in ["", "h", "yesterday", "9y", "99999999999999999999d"] {
            let error = given(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--since {bad}: give a time such as")), "{error}");
        }
    }

    #[test]
    fn a_line_says_who_did_what_and_what_changed() {
        let event = json!({
            "time": "2026-11-22T12:00:00.123456Z", "outcome": "success", "action": "network:update_port",
            "initiator": { "user_name": "alice", "user_id": "u", "address": "192.0.2.1" },
            "target": { "type": "port", "id": "p" },
            "before": { "name": "a" }, "after": { "name": "b", "description": "d" }, "reason": null,
        });
        assert_eq!(
            line(&event),
            "2026-11-22T12:00:00.123Z  success  network:update_port             port p  by alice from 192.0.2.1  \
             description=\"d\" name=\"a\"->\"b\""
        );
        let refused = json!({
            "time": "2026-11-22T12:00:00.123456Z", "outcome": "refused", "action": "identity:authenticate",
            "initiator": { "user_name": null, "user_id": null, "address": "192.0.2.1" },
            "target": { "type": null, "id": null }, "before": null, "after": null,
            "reason": { "code": 401, "text": "No." },
        });
        assert_eq!(
            line(&refused),
            "2026-11-22T12:00:00.123Z  refused  identity:authenticate           -  by - from 192.0.2.1  401 No."
        );
    }
}
