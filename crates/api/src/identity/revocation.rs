//! Revocations that nobody asks for any longer, forgotten now and then.
//!
//! A revocation is looked up as long as its token could be asked about: until its end, and the window
//! of `allow_expired` after it. Then it goes, by a task of the API's own and not by somebody's request.
//! Any API process may do it; that several do is no harm.

use std::time::Duration;

use store::{Store, StoreError};

use super::auth::EXPIRED_WINDOW;
use crate::clock;

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(600);
/// The most that one transaction forgets: it holds up the writes of others.
const MOST: u32 = 1000;

/// Forgets, for ever.
pub(crate) async fn run(store: Store) {
    loop {
        if let Err(error) = purge(&store, clock::now()).await {
            tracing::warn!(%error, "old revocations of tokens could not be removed; trying again later");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Forgets all that is over at a time, a bounded number at once. Without any it does not write.
async fn purge(store: &Store, now: i64) -> Result<(), StoreError> {
    let window = i64::try_from(EXPIRED_WINDOW.as_micros()).unwrap_or(i64::MAX);
    let before = now.saturating_sub(window);
    while store.read(move |read| read.identity().has_revocations_before(before)).await? {
        store.write(move |tx| tx.identity().purge_revocations(before, MOST)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_nobody_asks_for_is_forgotten() {
        let directory = std::env::temp_dir().join(format!("baryon-revocation-{}", uuid::Uuid::new_v4().simple()));
        let store = Store::open(&directory.join("baryon.db")).unwrap();
        let hour = 3_600_000_000_i64;
        let now = 1000 * hour;
        store
            .write(move |tx| {
                for old in 0..2500 {
                    tx.identity().revoke_token(&format!("old-{old}"), now - 49 * hour)?;
                }
                tx.identity().revoke_token("asked for with allow_expired", now - 47 * hour)?;
                tx.identity().revoke_token("alive", now + hour)
            })
            .await
            .unwrap();
        purge(&store, now).await.unwrap();
        let left = |id: &'static str| {
            let store = store.clone();
            async move { store.read(move |read| read.identity().is_token_revoked(id)).await.unwrap() }
        };
        assert!(!left("old-0").await && !left("old-2499").await);
        assert!(left("asked for with allow_expired").await && left("alive").await);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
