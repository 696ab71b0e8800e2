//! The body of a request: bounded in size, in time, and in memory over all that are on their way.
//!
//! It arrives before its request takes a turn among those that are worked on: who sends slowly holds a
//! connection, and nothing that others wait for. Small bodies, which nearly all are, may arrive on every
//! connection at once. A larger one takes one of a few places when it turns out to be that, and keeps it
//! as long as its request lasts.

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::Refusal;
use crate::Limits;

/// Bytes that need no place.
const SMALL: usize = 64 << 10;

/// A body that is here, and the place that it takes.
#[derive(Debug)]
pub(super) struct Arrived<'a> {
    pub(super) bytes: Bytes,
    pub(super) place: Option<SemaphorePermit<'a>>,
}

/// Waits for a body.
pub(super) async fn arrive<'a, B>(body: B, limits: &Limits, places: &'a Semaphore) -> Result<Arrived<'a>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    timeout(limits.read_time, collect(body, limits, places)).await.unwrap_or(Err(Refusal::BodyTooSlow))
}

async fn collect<'a, B>(mut body: B, limits: &Limits, places: &'a Semaphore) -> Result<Arrived<'a>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (mut bytes, mut place) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BodyBroken)?.into_data() else {
            // Trailers, which nobody here reads.
            continue;
        };
        let length = bytes.len() + data.len();
        if length > limits.body_bytes {
            return Err(Refusal::BodyTooLarge { limit: limits.body_bytes });
        }
        if length > SMALL && place.is_none() {
            let free = timeout(limits.queue_time, places.acquire()).await;
            place = Some(free.map_err(|_| Refusal::BodyBusy)?.map_err(|_| Refusal::BodyBusy)?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Arrived { bytes: bytes.into(), place })
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Poll, time::Duration};

    use http_body_util::{Empty, Full};

    use super::*;

    fn limits() -> Limits {
        Limits { queue_time: Duration::from_millis(50), ..Limits::default() }
    }

    #[tokio::test]
    async fn large_bodies_take_places_and_small_ones_need_none() {
        let (limits, places) = (limits(), Semaphore::new(1));
        let of = |length: usize| arrive(Full::new(Bytes::from(vec![0; length])), &limits, &places);
        let first = of(SMALL + 1).await.unwrap();
        assert_eq!((first.bytes.len(), first.place.is_some()), (SMALL + 1, true));
        assert!(matches!(of(SMALL + 1).await, Err(Refusal::BodyBusy)));
        let small = of(SMALL).await.unwrap();
        assert_eq!((small.bytes.len(), small.place.is_some()), (SMALL, false));
        assert_eq!(arrive(Empty::new(), &limits, &places).await.unwrap().bytes.len(), 0);
        drop(first);
        assert!(of(SMALL + 1).await.is_ok());
        assert!(
            matches!(of(limits.body_bytes + 1).await, Err(Refusal::BodyTooLarge { limit }) if limit == limits.body_bytes)
        );
    }

    /// A body of which nothing ever comes.
    struct Never;

    impl Body for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn what_does_not_come_is_not_waited_for_long() {
        let limits = Limits { read_time: Duration::from_millis(50), ..limits() };
        let places = Semaphore::new(1);
        let late = pin!(arrive(Never, &limits, &places));
        assert!(matches!(late.await, Err(Refusal::BodyTooSlow)));
        assert_eq!(places.available_permits(), 1);
    }
}
