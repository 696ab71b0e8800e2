//! An answer, as the dialects give it.

use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body; empty for none.
    pub(crate) body: Bytes,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// An answer in JSON.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::of_type(status, "application/json", body.to_string())
    }

    /// An answer whose JSON is written already.
    pub(crate) fn json_text(status: StatusCode, text: Vec<u8>) -> Self {
        Self::of_type(status, "application/json", text)
    }

    /// 200 and JSON.
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// A JSON object of one member, which is moved into it: `json!` would copy a list of thousands.
    pub(crate) fn wrapped(status: StatusCode, member: &str, value: Value) -> Self {
        Self::json(status, &Value::Object(Map::from_iter([(member.to_owned(), value)])))
    }

    /// An answer of some other media type.
    pub(crate) fn of_type(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        Self { status, headers, body: body.into() }
    }

    /// The same with one more header. A value that HTTP cannot carry is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same answer without its body: to HEAD.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = Bytes::new();
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The page that OpenStack's web framework gives for what no application is responsible for.
pub(crate) fn html_not_found(detail: &str) -> Reply {
    let body = format!(
        "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
         The resource could not be found.<br /><br />\n{detail}\n\n\n </body>\n</html>"
    );
    Reply::of_type(StatusCode::NOT_FOUND, "text/html; charset=UTF-8", body)
}
