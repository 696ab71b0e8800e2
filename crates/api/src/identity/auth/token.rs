//! The method `token`: a token for a token, in another scope.

use super::{
    issue::{self, Grant},
    request::Wanted,
    validate::opened,
};
use crate::{
    clock,
    edge::Reply,
    identity::{KeystoneError, authenticate_token, route::Visit, token::Methods},
};

/// A token for somebody who has one.
pub(super) async fn issue(visit: Visit, text: String, wanted: Wanted) -> Result<Reply, KeystoneError> {
    visit
        .read(move |call| {
            let parent = authenticate_token(call.identity, opened(call, &text)?)?;
            let grant = Grant {
                methods: parent.token.methods.and(Methods::TOKEN),
                chain_id: Some(parent.token.chain_id.unwrap_or(parent.token.audit_id)),
                issued_at: clock::now(),
                // A token from a token lives no longer, or it could live for ever.
                expires_at: parent.token.expires_at,
            };
            issue::created(call, &parent.user, &wanted, grant)
        })
        .await
}
