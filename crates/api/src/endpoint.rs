//! Every endpoint of every service, from the tables by which the services find their handlers.
//!
//! Nothing answers that is not in a table, so the sweep of unauthorised calls in `tests/` walks all
//! there is: an endpoint without an expectation cannot come in by a side door.

use crate::{absent, audit, discovery, dns, identity, identity::Access, load_balancer, network};

/// A method and a path that something answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The method. What GET answers, HEAD does.
    pub method: &'static str,
    /// The path from the root of the listener; a part in braces stands for any text.
    pub path: String,
    /// Who may call it.
    pub access: Access,
}

impl Endpoint {
    /// An endpoint.
    pub(crate) fn new(method: &'static str, path: impl Into<String>, access: Access) -> Self {
        Self { method, path: path.into(), access }
    }
}

/// Every endpoint. Regions are `{region}`.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [
        discovery::endpoints(),
        identity::endpoints(),
        network::endpoints(),
        load_balancer::endpoints(),
        dns::endpoints(),
        audit::endpoints(),
        absent::endpoints(),
    ]
    .concat()
}

/// The parts of a path that a pattern names, when the path fits: `{project_id}` of `/quotas/{project_id}`.
pub(crate) fn parameters(pattern: &'static str, parts: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let pattern: Vec<&'static str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    if pattern.len() != parts.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (wanted, part) in pattern.into_iter().zip(parts) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => parameters.push((name, (*part).to_owned())),
            None if wanted == *part => {}
            None => return None,
        }
    }
    Some(parameters)
}

/// What a table says to a path.
pub(crate) enum Found<R: 'static> {
    /// This line, and the parts of the path that it names.
    Line(&'static R, Vec<(&'static str, String)>),
    /// The path, but not by this method.
    OtherMethod,
    /// Nothing.
    Nothing,
}

/// Finds a line of a table, whose method and pattern `of` tells.
pub(crate) fn find<R>(
    table: &'static [R],
    of: impl Fn(&R) -> (&'static str, &'static str),
    method: &hyper::Method,
    parts: &[&str],
) -> Found<R> {
    let method = if *method == hyper::Method::HEAD { "GET" } else { method.as_str() };
    let mut found = Found::Nothing;
    for line in table {
        let (its_method, pattern) = of(line);
        let Some(parameters) = parameters(pattern, parts) else { continue };
        if its_method == method {
            return Found::Line(line, parameters);
        }
        found = Found::OtherMethod;
    }
    found
}
