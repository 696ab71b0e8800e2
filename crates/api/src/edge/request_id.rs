//! Request ids: what an error report and the log have in common.

use std::fmt;

use hyper::{HeaderMap, header::HeaderName};
use rand::RngCore as _;
use uuid::Uuid;

use crate::clock;

/// Carries the id of a request, in answers, and that of a chain of requests, in requests.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// `req-` and a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// A new id: a UUID of version 7, whose beginning is the time. So ids come in order, and the index
    /// that finds them in the audit trail grows at its end, in place of everywhere.
    pub(super) fn random() -> Self {
        let mut random = [0; 10];
        rand::rng().fill_bytes(&mut random);
        let millis = u64::try_from(clock::now() / 1000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
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
