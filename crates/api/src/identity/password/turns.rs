//! Whose turn it is to have a hash computed.
//!
//! There are a few places, and a short queue for them. The queue is fair between sources, not
//! between requests: places go round the sources that wait, and when the queue is full, the newest
//! request of the source with the most of them gives way to a source with fewer. So one that sends
//! logins by the hundred waits behind itself, and somebody else's one login is next.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use types::Cidr;

/// Places, and who waits for one.
#[derive(Debug)]
pub(super) struct Turns {
    places: usize,
    most_waiting: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// The most that were ever taken.
    peak: usize,
    refused: u64,
    waiting: usize,
    /// Never an empty one among them.
    queues: BTreeMap<Cidr, VecDeque<Waiter>>,
    /// Sources that wait, the next one first.
    round: VecDeque<Cidr>,
    next_id: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    /// Gets the place; dropped without one, it is a refusal.
    called: oneshot::Sender<Place>,
}

/// What was counted, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) taken: usize,
    pub(super) peak: usize,
    pub(super) waiting: usize,
    pub(super) refused: u64,
}

/// The right to compute one hash; the next waiter gets it when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Option<Arc<Turns>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            Turns::leave(&turns);
        }
    }
}

/// Removes a waiter whose request was given up.
struct Leaving<'a> {
    turns: &'a Turns,
    source: Cidr,
    id: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.turns.lock().forget(self.source, self.id);
    }
}

impl State {
    fn enqueue(&mut self, source: Cidr, called: oneshot::Sender<Place>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let queue = self.queues.entry(source).or_default();
        if queue.is_empty() {
            self.round.push_back(source);
        }
        queue.push_back(Waiter { id, called });
        self.waiting += 1;
        id
    }

    /// The oldest request of the source whose turn it is; the source goes to the end of the round.
    fn call_next(&mut self) -> Option<Waiter> {
        let source = self.round.pop_front()?;
        let queue = self.queues.get_mut(&source)?;
        let waiter = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&source);
        } else {
            self.round.push_back(source);
        }
        self.waiting -= 1;
        Some(waiter)
    }

    /// Makes room for a request of a source, at the cost of one that has two more than it has.
    fn make_room(&mut self, source: Cidr) -> bool {
        let own = self.queues.get(&source).map_or(0, VecDeque::len);
        let Some((&fullest, _)) = self.queues.iter().max_by_key(|(_, queue)| queue.len()) else { return false };
        let Some(queue) = self.queues.get_mut(&fullest).filter(|queue| queue.len() > own + 1) else { return false };
        // Not its last one, so the source stays in the round.
        if queue.pop_back().is_none() {
            return false;
        }
        self.waiting -= 1;
        self.refused += 1;
        true
    }

    fn forget(&mut self, source: Cidr, id: u64) {
        let Some(queue) = self.queues.get_mut(&source) else { return };
        let before = queue.len();
        queue.retain(|waiter| waiter.id != id);
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.queues.remove(&source);
            self.round.retain(|other| *other != source);
        }
    }
}

impl Turns {
    /// With so many places, and so many that may wait for one.
    pub(super) fn new(places: usize, most_waiting: usize) -> Arc<Self> {
        Arc::new(Self { places: places.max(1), most_waiting, state: Mutex::default() })
    }

    /// A place, after a wait if need be; none when too many wait.
    pub(super) async fn take(self: &Arc<Self>, source: Cidr) -> Option<Place> {
        let (called, place) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            if state.taken < self.places {
                state.taken += 1;
                state.peak = state.peak.max(state.taken);
                return Some(Place(Some(Arc::clone(self))));
            }
            if state.waiting >= self.most_waiting && !state.make_room(source) {
                state.refused += 1;
                return None;
            }
            state.enqueue(source, called)
        };
        let _leaving = Leaving { turns: self, source, id };
        place.await.ok()
    }

    /// Hands a place on, or frees it.
    fn leave(this: &Arc<Self>) {
        loop {
            let mut state = this.lock();
            let Some(waiter) = state.call_next() else {
                state.taken -= 1;
                return;
            };
            drop(state);
            // Given up at this very moment: the place comes back and goes to the next one.
            match waiter.called.send(Place(Some(Arc::clone(this)))) {
                Ok(()) => return,
                Err(mut place) => place.0 = None,
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let State { taken, peak, waiting, refused, .. } = *self.lock();
        Counts { taken, peak, waiting, refused }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between two changes of the state can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, task::Poll};

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Option<Place>> + Send>>;

    fn source(last: u8) -> Cidr {
        Cidr::host([192, 0, 2, last].into())
    }

    fn ask(turns: &Arc<Turns>, last: u8) -> Waiting {
        let turns = Arc::clone(turns);
        Box::pin(async move { turns.take(source(last)).await })
    }

    async fn poll(waiting: &mut Waiting) -> Poll<Option<Place>> {
        std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await
    }

    /// Asks for so many and gets each as far as the queue.
    async fn queue(turns: &Arc<Turns>, last: u8, count: usize) -> Vec<Waiting> {
        let mut all = Vec::new();
        for _ in 0..count {
            let mut waiting = ask(turns, last);
            assert!(poll(&mut waiting).await.is_pending());
            all.push(waiting);
        }
        all
    }

    #[tokio::test]
    async fn places_go_round_the_sources() {
        let turns = Turns::new(1, 10);
        let mut place = turns.take(source(0)).await;
        let mut many = queue(&turns, 1, 3).await;
        let mut one = queue(&turns, 2, 1).await;
        let mut order = Vec::new();
        for _ in 0..4 {
            drop(place.take());
            let all = many.iter_mut().map(|waiting| (1, waiting)).chain(one.iter_mut().map(|waiting| (2, waiting)));
            for (last, waiting) in all {
                if let Poll::Ready(Some(called)) = poll(waiting).await {
                    *waiting = Box::pin(std::future::pending());
                    order.push(last);
                    place = Some(called);
                    break;
                }
            }
        }
        assert_eq!(order, [1, 2, 1, 1]);
        drop(place);
        assert_eq!(turns.counts(), Counts { taken: 0, peak: 1, waiting: 0, refused: 0 });
    }

    #[tokio::test]
    async fn a_full_queue_makes_room_at_the_cost_of_whom_has_most() {
        let turns = Turns::new(1, 4);
        let _place = turns.take(source(0)).await;
        let mut many = queue(&turns, 1, 4).await;
        assert!(turns.take(source(1)).await.is_none(), "no more of the same source");
        let mut others = queue(&turns, 2, 1).await;
        assert!(matches!(poll(&mut many[3]).await, Poll::Ready(None)), "the newest of the fullest gave way");
        others.extend(queue(&turns, 3, 1).await);
        assert!(matches!(poll(&mut many[2]).await, Poll::Ready(None)));
        // Left are two of the first and one of two others: a fourth source gets in, and then all are equal.
        others.extend(queue(&turns, 4, 1).await);
        assert!(turns.take(source(5)).await.is_none());
        let counts = turns.counts();
        assert_eq!((counts.waiting, counts.refused), (4, 5));
        let state = turns.lock();
        assert_eq!((state.round.len(), state.queues.len()), (4, 4));
    }

    #[tokio::test]
    async fn a_request_that_was_given_up_leaves_nothing() {
        let turns = Turns::new(1, 2);
        let place = turns.take(source(0)).await;
        let mut waiting = queue(&turns, 1, 2).await;
        waiting.pop();
        assert_eq!(turns.counts().waiting, 1);
        // Called, and given up before it noticed: the place is free all the same.
        drop(place);
        drop(waiting);
        let counts = turns.counts();
        assert_eq!((counts.taken, counts.waiting), (0, 0));
        assert!(turns.lock().round.is_empty() && turns.lock().queues.is_empty());
    }
}
