//! Consumers: programs that ask users for their rights by OAuth. They are kept and listed; the flows
//! by which they ask are not there.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Consumer;
use types::ConsumerId;

use super::{KeystoneError, fields::Fields, list, route::Call, sealed};
use crate::edge::Reply;

fn view(call: &Call<'_>, consumer: &Consumer) -> Value {
    let mut view = Value::Object(consumer.extra.clone());
    view["id"] = json!(consumer.id);
    view["description"] = json!(consumer.description);
    view["links"] = json!({ "self": call.url(&format!("/OS-OAUTH1/consumers/{}", consumer.id)) });
    view
}

fn find(call: &Call<'_>) -> Result<Consumer, KeystoneError> {
    let id = call.parameter("consumer_id");
    let found = match id.parse() {
        Ok(id) => call.identity.consumer(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "Consumer", id: id.to_owned() })
}

/// `GET /OS-OAUTH1/consumers`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let items = call.identity.consumers()?.iter().map(|consumer| view(call, consumer)).collect();
    Ok(list::reply(call.request(), "consumers", items))
}

/// `GET /OS-OAUTH1/consumers/{consumer_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "consumer": view(call, &find(call)?) })))
}

/// `POST /OS-OAUTH1/consumers`: with a secret, which is shown this once.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "consumer")?;
    fields.ignore(&["id", "links", "secret"]);
    let id = ConsumerId::random();
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let new = Consumer {
        sealed: sealed::seal(&call.api().secret_keys, id.as_str(), &secret)?,
        id,
        description: fields.nullable_text("description")?.flatten(),
        extra: fields.rest(),
    };
    call.identity.put_consumer(&new)?;
    let mut view = view(call, &new);
    view["secret"] = json!(secret);
    Ok(Reply::json(StatusCode::CREATED, &json!({ "consumer": view })))
}

/// `PATCH /OS-OAUTH1/consumers/{consumer_id}`. The secret stays.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = find(call)?;
    let mut fields = Fields::of(call.request(), "consumer")?;
    if fields.has("secret") {
        return Err(KeystoneError::BadRequest("The secret of a consumer cannot be changed.".to_owned()));
    }
    fields.same_id(found.id.as_str())?;
    fields.ignore(&["links"]);
    if let Some(description) = fields.nullable_text("description")? {
        found.description = description;
    }
    found.extra.extend(fields.rest());
    call.identity.put_consumer(&found)?;
    Ok(Reply::ok(&json!({ "consumer": view(call, &found) })))
}

/// `DELETE /OS-OAUTH1/consumers/{consumer_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    call.identity.delete_consumer(&find(call)?.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
