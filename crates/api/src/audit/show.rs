//! An event as clients and the log see it.

use serde_json::{Value, json};
use store::audit::Event;

use crate::clock;

/// An event as JSON.
pub(super) fn view(event: &Event) -> Value {
    let object = |text: &Option<String>| text.as_deref().map(|text| serde_json::from_str::<Value>(text).ok());
    let reason = (event.status.is_some() || event.reason.is_some())
        .then(|| json!({ "code": event.status, "text": event.reason }));
    json!({
        "sequence": event.sequence,
        "time": clock::keystone(event.time),
        "request_id": event.request_id,
        "global_request_id": event.global_request_id,
        "observer": { "service": event.service, "region": event.region },
        "action": event.action,
        "outcome": event.outcome.as_str(),
        "initiator": {
            "user_id": event.user_id,
            "user_name": event.user_name,
            "domain_id": event.user_domain_id,
            "project_id": event.project_id,
            "application_credential_id": event.application_credential_id,
            "trust_id": event.trust_id,
            "address": event.source,
        },
        "target": { "type": event.target_type, "id": event.target_id },
        "before": object(&event.before),
        "after": object(&event.after),
        "reason": reason,
    })
}

/// Writes an event to the log: one line, one field per member, those left out that are null.
pub(super) fn log(event: &Event) {
    tracing::info!(
        target: "baryon::audit",
        sequence = event.sequence,
        time = %clock::keystone(event.time),
        request_id = event.request_id,
        global_request_id = event.global_request_id,
        service = event.service,
        region = event.region,
        action = event.action,
        outcome = event.outcome.as_str(),
        status = event.status,
        user_id = event.user_id,
        user_name = event.user_name,
        user_domain_id = event.user_domain_id,
        project_id = event.project_id,
        application_credential_id = event.application_credential_id,
        trust_id = event.trust_id,
        source = event.source,
        target_type = event.target_type,
        target_id = event.target_id,
        before = event.before,
        after = event.after,
        reason = event.reason,
    );
}
