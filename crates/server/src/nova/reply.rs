//! What Nova's answer to events means.

use cloud_client::{Answer, CloudError, StatusCode};
use serde_json::Value;

/// An answer that ends the matter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nova took the events, but for some: of servers that it does not know or has not placed yet.
    Taken {
        /// Those, in short.
        refused: Vec<String>,
    },
    /// Nova knows none of the servers.
    Unknown,
    /// Nova does not understand the events.
    Refused {
        /// Its words.
        message: String,
    },
}

/// What an answer means; an error is worth another try.
pub(super) fn understand(answer: &Answer) -> Result<Reply, CloudError> {
    match answer.status {
        StatusCode::OK | StatusCode::MULTI_STATUS => {
            let body = answer.json()?;
            let events = body["events"].as_array().ok_or_else(|| answer.strange("it names no events"))?;
            // Nova leaves the code out of an event that it took, in some versions.
            let refused = events.iter().filter(|event| event["code"].as_u64().is_some_and(|code| code != 200));
            Ok(Reply::Taken { refused: refused.map(short).collect() })
        }
        StatusCode::NOT_FOUND => Ok(Reply::Unknown),
        // The service user's role or its token: the operator's to mend, and then the events still count.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(answer.refusal()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(answer.refusal()),
        status if status.is_client_error() => Ok(Reply::Refused { message: answer.message() }),
        _ => Err(answer.refusal()),
    }
}

fn short(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    format!("{} of server {}: {}", text("name"), text("server_uuid"), event["code"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            url: "http://nova/os-server-external-events".to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            headers: cloud_client::HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn answers_mean_what_they_mean_to_neutron() {
        let taken = |refused: &[&str]| Ok(Reply::Taken { refused: refused.iter().map(|s| (*s).to_owned()).collect() });
        let mixed = r#"{"events": [{"name": "network-changed", "server_uuid": "s", "code": 200},
                        {"name": "network-vif-plugged", "server_uuid": "t", "code": 422}]}"#;
        assert_eq!(understand(&answer(200, r#"{"events": [{"code": 200}]}"#)), taken(&[]));
        assert_eq!(understand(&answer(207, mixed)), taken(&["network-vif-plugged of server t: 422"]));
        let gone = r#"{"itemNotFound": {"code": 404, "message": "No instances found for any event"}}"#;
        assert_eq!(understand(&answer(404, gone)), Ok(Reply::Unknown));
        let bad = r#"{"badRequest": {"code": 400, "message": "Invalid input"}}"#;
        assert_eq!(understand(&answer(400, bad)), Ok(Reply::Refused { message: "Invalid input".to_owned() }));
        for again in [401, 403, 408, 429, 500, 503] {
            assert!(matches!(understand(&answer(again, "")), Err(CloudError::Refused { .. })), "{again}");
        }
    }
}
