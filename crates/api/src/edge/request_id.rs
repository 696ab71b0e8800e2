//! Request ids: what an error report and the log have in common.

use std::fmt;

use hyper::{HeaderMap, header::HeaderName};
use uuid::Uuid;

/// Carries the id of a request, in answers, and that of a chain of requests, in requests.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// `req-` and a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// A new id.
    pub(super) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id that a client gave to a chain of requests. Anything but a request id is ignored: the
    /// value goes to the log, where free text of a stranger has no place.
    pub(super) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?.strip_prefix("req-")?;
        if text.len() == 36 { Uuid::try_parse(text).ok().map(Self) } else { None }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req-{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_id_of_a_client_is_taken() {
        let parse = |text: &'static str| {
            let headers = HeaderMap::from_iter([(HEADER, hyper::header::HeaderValue::from_static(text))]);
            RequestId::from_headers(&headers).map(|id| id.to_string())
        };
        let good = "req-519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33";
        assert_eq!(parse(good).as_deref(), Some(good));
        for bad in
            ["", "req-", "519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33", "req-519e3f7a8a8b4c8ead82bc6f4f7f0a33", "req-x y"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
