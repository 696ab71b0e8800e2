//! Which tokens Keystone revoked lately.
//!
//! Keystone keeps a list of events, each a pattern: "tokens of this user issued before then", "the
//! token with this audit id". It can be asked for those since a time.
//!
//! Here an event is a hint, not a verdict: a token that one may mean is forgotten, and Keystone asked
//! about it again at its next use. So [`Event::concerns`] may match too much, never too little, and
//! what of an event we do not know (it was written by a newer Keystone) cannot make us believe a
//! revoked token.

use std::collections::BTreeSet;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    CloudError, Session, ValidToken,
    token::{TokenScope, time},
};

/// Events within this time of the newest one known are asked for again: Keystone's times are whole
/// seconds, and several Keystones' clocks differ a little.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);

/// A pattern of revoked tokens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    audit_id: Option<String>,
    audit_chain_id: Option<String>,
    user_id: Option<String>,
    project_id: Option<String>,
    domain_id: Option<String>,
    role_id: Option<String>,
    issued_before: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Event {
    /// Reads an event.
    #[must_use]
    pub fn from_body(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Self {
            audit_id: text("audit_id"),
            audit_chain_id: text("audit_chain_id"),
            user_id: text("user_id"),
            project_id: text("project_id"),
            // The scope's domain alone, or any domain of the token: for a hint both are the same.
            domain_id: text("domain_id").or_else(|| text("domain_scope_id")),
            role_id: text("role_id"),
            issued_before: time(&body["issued_before"]),
            revoked_at: time(&body["revoked_at"]),
        }
    }

    /// Whether the event may mean the token.
    #[must_use]
    pub fn concerns(&self, token: &ValidToken) -> bool {
        let is = |wanted: &Option<String>, candidates: &[&str]| {
            wanted.as_ref().is_none_or(|wanted| candidates.contains(&wanted.as_str()))
        };
        let audit_ids: Vec<&str> = token.audit_ids.iter().map(String::as_str).collect();
        let mut users = vec![token.user.id.as_str()];
        if let Some((trustor, trustee)) = &token.trust {
            users.extend([trustor.as_str(), trustee.as_str()]);
        }
        let mut domains = vec![token.user_domain.id.as_str()];
        let mut projects = Vec::new();
        match &token.scope {
            TokenScope::Project(project, domain) => {
                projects.push(project.id.as_str());
                domains.push(domain.id.as_str());
            }
            TokenScope::Domain(domain) => domains.push(domain.id.as_str()),
            TokenScope::System | TokenScope::Unscoped => {}
        }
        let roles: Vec<&str> = token.roles.iter().map(|role| role.id.as_str()).collect();
        is(&self.audit_id, &audit_ids)
            && is(&self.audit_chain_id, &audit_ids)
            && is(&self.user_id, &users)
            && is(&self.project_id, &projects)
            && is(&self.domain_id, &domains)
            && is(&self.role_id, &roles)
            && self.issued_before.is_none_or(|before| token.issued_at <= before)
    }
}

/// Follows Keystone's list of events.
#[derive(Debug, Default)]
pub struct Revocations {
    since: Option<Timestamp>,
    /// What the last answer held, to tell what is new in the next.
    seen: BTreeSet<Event>,
}

impl Revocations {
    /// The events that were not there the last time. The first time those since the session's login,
    /// by Keystone's own clock: what was revoked before then Keystone has never called good since.
    pub async fn news(&mut self, session: &Session) -> Result<Vec<Event>, CloudError> {
        let since = match self.since {
            Some(since) => since,
            None => session.access().await?.issued_at.saturating_sub(OVERLAP).unwrap_or_default(),
        };
        let url = session.user().url(&format!("/OS-REVOKE/events?since={}", since.strftime("%Y-%m-%dT%H:%M:%SZ")));
        let answer = session.ask(Method::GET, &url, &[], None).await?.success()?;
        let body = answer.json()?;
        let events = body["events"].as_array().ok_or_else(|| answer.strange("it holds no list of events"))?;
        Ok(self.take(since, events.iter().map(Event::from_body).collect()))
    }

    fn take(&mut self, since: Timestamp, events: BTreeSet<Event>) -> Vec<Event> {
        let new = events.difference(&self.seen).cloned().collect();
        let newest = events.iter().filter_map(|event| event.revoked_at).max();
        let from = newest.and_then(|newest| newest.saturating_sub(OVERLAP).ok()).unwrap_or(since);
        self.since = Some(from.max(since));
        self.seen = events;
        new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::token::tests::body;

    fn event(body: Value) -> Event {
        Event::from_body(&body)
    }

    #[test]
    fn an_event_means_the_tokens_that_fit_all_of_it() {
        let token = ValidToken::from_body(&body()).unwrap();
        let user = "8645065e395449f18bb0d864c3097230";
        for (concerns, described) in [
            (true, json!({ "audit_id": "2kch3dXgTsyUtHLwqCYOaA" })),
            (false, json!({ "audit_id": "AHVqmEnFScSgmtZHQRBzoQ" })),
            (true, json!({ "user_id": user, "issued_before": "2026-11-22T19:08:24.000000Z" })),
            (false, json!({ "user_id": user, "issued_before": "2026-11-22T19:08:23.000000Z" })),
            (false, json!({ "user_id": user, "project_id": "other" })),
            (true, json!({ "project_id": "858f4e9fb2514910baeb0d4afdc64a02" })),
            (true, json!({ "domain_id": "default" })),
            (false, json!({ "domain_scope_id": "other" })),
            (true, json!({ "role_id": "a743201cdf9043d9aca17fdd584246f8" })),
            (false, json!({ "role_id": "other" })),
            // What a newer Keystone may say.
            (true, json!({ "something_else": "x" })),
        ] {
            assert_eq!(event(described.clone()).concerns(&token), concerns, "{described}");
        }
    }

    #[test]
    fn an_event_is_new_once() {
        let mut revocations = Revocations::default();
        let start: Timestamp = "2026-11-22T19:00:00Z".parse().unwrap();
        let at = |audit: &str, time: &str| event(json!({ "audit_id": audit, "revoked_at": time }));
        let first = at("a", "2026-11-22T19:08:00.000000Z");
        assert_eq!(revocations.take(start, [first.clone()].into()), std::slice::from_ref(&first));
        assert_eq!(revocations.since, Some("2026-11-22T19:07:55Z".parse().unwrap()));
        let second = at("b", "2026-11-22T19:08:00.000000Z");
        let since = revocations.since.unwrap();
        assert_eq!(revocations.take(since, [first, second.clone()].into()), [second]);
        assert_eq!(revocations.take(since, BTreeSet::new()), []);
        assert_eq!(revocations.since, Some(since));
    }
}
