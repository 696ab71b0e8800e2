//! `GET /baryon/v1/audit`: the trail for people.
//!
//! Whoever has `admin`, or `reader` in the whole cloud, sees all of it. A token of a project with a
//! role that may read sees what was done in that project. Others see nothing.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use store::audit::{AuditQuery, Event, Outcome};

use super::{
    bound::{ID, shortened},
    show,
};
use crate::{
    Api,
    edge::{Reply, Request, html_not_found},
    identity::{self, Caller, KeystoneError, Scope},
};

/// Events of a page when the client does not say.
const LIMIT: usize = 100;
/// Events of a page, at most.
const MOST: usize = 1000;
/// The roles that may read, in their project.
const READERS: [&str; 6] = ["admin", "manager", "member", "operator", "reader", "viewer"];

/// Answers a request under `/baryon`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let answer = match request.parts_after(1).as_slice() {
        ["v1", "audit"] if matches!(request.method, Method::GET | Method::HEAD) => list(api, request).await,
        ["v1", "audit"] => Err(KeystoneError::MethodNotAllowed),
        _ => return html_not_found(""),
    };
    let reply = answer.unwrap_or_else(|error| error.into_reply(request));
    if request.method == Method::HEAD { reply.without_body() } else { reply }
}

async fn list(api: &Arc<Api>, request: &Arc<Request>) -> Result<Reply, KeystoneError> {
    let presented = identity::presented(api, request).await?;
    let asked = Arc::clone(request);
    let (events, limit) = api
        .store
        .read(move |read| {
            let caller = identity::authenticate(read.identity(), presented)?;
            asked.witness.caller(&caller);
            let mut query = parse(&asked)?;
            restrict(&caller, &mut query)?;
            Ok::<_, KeystoneError>((read.audit(&query)?, query.limit))
        })
        .await?;
    Ok(Reply::json(StatusCode::OK, &page(request, &events, limit)))
}

/// Makes a query one that the caller may ask.
fn restrict(caller: &Caller, query: &mut AuditQuery) -> Result<(), KeystoneError> {
    const ACTION: &str = "baryon:list_audit_events";
    let sees_all = caller.is_admin() || (matches!(caller.scope, Scope::System) && caller.has_role("reader"));
    if sees_all {
        return Ok(());
    }
    let project = caller.project().ok_or(KeystoneError::Forbidden(ACTION))?;
    let reads = caller.role_names().iter().any(|role| READERS.contains(&role.to_ascii_lowercase().as_str()));
    let asks_for_own = query.project_id.as_deref().is_none_or(|wanted| wanted == project.id.as_str());
    if !reads || !asks_for_own {
        return Err(KeystoneError::Forbidden(ACTION));
    }
    query.project_id = Some(project.id.to_string());
    Ok(())
}

fn parse(request: &Request) -> Result<AuditQuery, KeystoneError> {
    let mut query = AuditQuery { limit: LIMIT, ..AuditQuery::default() };
    for (name, value) in request.query.pairs() {
        let bad = |wanted: &str| {
            let shown = shortened(value, ID);
            KeystoneError::BadRequest(format!(
                "Invalid input for query parameter {name}. Value: {shown}. It is not {wanted}."
            ))
        };
        match name {
            "since" => query.since = Some(time(value).ok_or_else(|| bad("a time such as 2026-11-22T13:17:02Z"))?),
            "until" => query.until = Some(time(value).ok_or_else(|| bad("a time such as 2026-11-22T13:17:02Z"))?),
            "user_id" => query.user_id = Some(value.to_owned()),
            "project_id" => query.project_id = Some(value.to_owned()),
            "target_id" => query.target_id = Some(value.to_owned()),
            "request_id" => query.request_id = Some(value.to_owned()),
            "action" => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
                if !value.chars().all(plain) {
                    return Err(bad("the beginning of an action such as network:create_port"));
                }
                query.action = Some(value.to_owned());
            }
            "outcome" => {
                query.outcome = Some(Outcome::parse(value).ok_or_else(|| bad("success, failure or refused"))?);
            }
            "marker" => query.marker = Some(value.parse().map_err(|_| bad("the sequence of an event"))?),
            "limit" => {
                let limit: usize = value.parse().map_err(|_| bad("a number"))?;
                query.limit = if limit == 0 { LIMIT } else { limit.min(MOST) };
            }
            "sort_dir" => {
                query.ascending = match value {
                    "asc" => true,
                    "desc" => false,
                    _ => return Err(bad("asc or desc")),
                };
            }
            // A misspelt filter would otherwise answer everything.
            _ => {
                return Err(KeystoneError::BadRequest(format!(
                    "There is no query parameter {}; there are: since, until, user_id, project_id, target_id, \
                     request_id, action, outcome, marker, limit, sort_dir.",
                    shortened(name, ID)
                )));
            }
        }
    }
    Ok(query)
}

fn time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

fn page(request: &Request, events: &[Event], limit: usize) -> serde_json::Value {
    let url = format!("{}{}", request.public_url, request.path);
    // A page that is not full is the last one.
    let next = events.last().filter(|_| events.len() == limit).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(request.query.pairs().filter(|(name, _)| *name != "marker"));
        query.append_pair("marker", &last.sequence.to_string());
        format!("{url}?{}", query.finish())
    });
    let events: Vec<_> = events.iter().map(show::view).collect();
    json!({ "events": events, "links": { "self": url, "next": next, "previous": null } })
}
