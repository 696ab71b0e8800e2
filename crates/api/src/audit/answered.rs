//! Events of requests that had no effect: refusals, failed writes, logins.

use std::{net::IpAddr, sync::Arc};

use hyper::{Method, StatusCode};
use serde_json::Value;
use store::audit::{Event, Outcome};

use super::{
    Subject, Witness,
    bound::{ID, REASON, shortened},
};
use crate::{
    Api, clock, dns,
    edge::{Reply, Request, RequestId},
    identity, load_balancer, network,
};

/// Longer bodies are no errors.
const LONGEST_ERROR: usize = 64 << 10;

/// What the trail needs of a request after it was answered.
pub(crate) struct Asked {
    id: RequestId,
    global_id: Option<RequestId>,
    method: Method,
    path: String,
    source: IpAddr,
    witness: Arc<Witness>,
}

impl Asked {
    /// Of a request.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            id: request.id,
            global_id: request.global_id(),
            method: request.method.clone(),
            path: request.path.clone(),
            source: request.source,
            witness: Arc::clone(&request.witness),
        }
    }

    /// Has the trail remember the answer, if it is one to remember.
    pub(crate) fn answered(&self, api: &Api, reply: &Reply) {
        if let Some(outcome) = self.outcome(reply.status) {
            api.trail.later(self.event(outcome, reply));
        }
    }

    fn is_login(&self) -> bool {
        self.method == Method::POST && identity::is_login(&self.path)
    }

    fn outcome(&self, status: StatusCode) -> Option<Outcome> {
        let reads = matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => Some(Outcome::Refused),
            // Its transaction was committed; what went wrong afterwards, waiting mostly, is not its failure.
            _ if reads || self.witness.is_recorded() => None,
            status if status.is_client_error() || status.is_server_error() => Some(Outcome::Failure),
            status if status.is_success() && self.is_login() => Some(Outcome::Success),
            _ => None,
        }
    }

    fn event(&self, outcome: Outcome, reply: &Reply) -> Event {
        let segments = Request::segments_of(&self.path);
        let parts: Vec<_> = segments.iter().map(String::as_str).collect();
        let (service, subject) = match parts.as_slice() {
            ["identity", rest @ ..] => ("identity", identity::subject(&self.method, rest)),
            ["network", rest @ ..] => ("network", network::subject(&self.method, rest)),
            ["load-balancer", rest @ ..] => ("load-balancer", load_balancer::subject(&self.method, rest)),
            ["dns", rest @ ..] => ("dns", dns::subject(&self.method, rest)),
            ["v3", ..] => ("identity", identity::subject(&self.method, &parts)),
            ["baryon", ..] => ("baryon", Subject { action: "list_audit_events".to_owned(), ..Subject::default() }),
            _ => ("unknown", Subject { action: "unknown".to_owned(), ..Subject::default() }),
        };
        let mut event = blank(service, &subject, self.id, self.global_id, self.source);
        self.witness.sign(&mut event);
        event.outcome = outcome;
        event.status = Some(reply.status.as_u16());
        event.reason = (outcome != Outcome::Success).then(|| reason(reply));
        event
    }
}

/// The words of an error body, or HTTP's.
fn reason(reply: &Reply) -> String {
    let body = reply.body.get(..reply.body.len().min(LONGEST_ERROR)).unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let told = ["/error/message", "/NeutronError/message", "/computeFault/message", "/faultstring", "/message"]
        .into_iter()
        .find_map(|place| body.pointer(place)?.as_str());
    let text = told.or(reply.status.canonical_reason()).unwrap_or_default();
    shortened(without_value(text), REASON)
}

/// What identity says of a value that it does not take, without that value: a body in which things are in
/// the wrong place may have a password anywhere.
fn without_value(text: &str) -> &str {
    text.split_once(" Value: ").map_or(text, |(attribute, _)| attribute)
}

/// An event without outcome and initiator.
pub(super) fn blank(
    service: &str,
    subject: &Subject,
    id: RequestId,
    global_id: Option<RequestId>,
    source: IpAddr,
) -> Event {
    Event {
        sequence: 0,
        time: clock::now(),
        request_id: id.to_string(),
        global_request_id: global_id.map(|id| id.to_string()),
        region: subject.region.as_deref().map(|region| shortened(region, ID)),
        service: service.to_owned(),
        action: format!("{service}:{}", subject.action),
        outcome: Outcome::Success,
        status: None,
        user_id: None,
        user_name: None,
        user_domain_id: None,
        project_id: None,
        application_credential_id: None,
        trust_id: None,
        source: Some(source.to_string()),
        target_type: subject.target_type.clone(),
        target_id: subject.target_id.as_deref().map(|id| shortened(id, ID)),
        before: None,
        after: None,
        reason: None,
    }
}
