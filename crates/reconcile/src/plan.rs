//! The difference between what shall be and what is known to be.

use std::collections::BTreeSet;

use logical::{Change, LogicalNetwork, Observed, RowKey, RowState};

/// The changes that bring the rows with these keys to their desired state: removals in the opposite
/// order of putting, then puts. A row that is unknown is put, or removed, once more.
pub(crate) fn plan(desired: &LogicalNetwork, observed: &Observed, keys: &BTreeSet<RowKey>) -> Vec<Change> {
    let gone = |key: &&RowKey| desired.get(key).is_none();
    let removals = keys.iter().rev().filter(gone).copied().map(Change::Remove);
    let puts = keys.iter().filter_map(|key| {
        let row = desired.get(key)?;
        let settled = observed.get(key).is_some_and(|o| o.state == RowState::Applied && o.digest == row.digest());
        (!settled).then_some(Change::Put(row))
    });
    removals.chain(puts).collect()
}

/// Every row that is desired or known.
pub(crate) fn all_keys(desired: &LogicalNetwork, observed: &Observed) -> BTreeSet<RowKey> {
    desired.rows().map(|row| row.key()).chain(observed.keys().copied()).collect()
}

#[cfg(test)]
mod tests {
    use logical::{Observation, Origin, Router, RouterId, Row};
    use types::RouterId as Id;

    use super::*;

    fn router(enabled: bool) -> Row {
        let id = "11111111-1111-4111-8111-111111111111".parse::<Id>().unwrap().0;
        Row::from(Router { id: RouterId(id), origin: Origin::new("router", id), enabled })
    }

    fn observed(row: &Row, state: RowState) -> Observed {
        [(row.key(), Observation { digest: row.digest(), state })].into()
    }

    fn plan_all(desired: &[Row], observed: &Observed) -> Vec<Change> {
        let mut network = LogicalNetwork::default();
        desired.iter().cloned().for_each(|row| network.put(row));
        plan(&network, observed, &all_keys(&network, observed))
    }

    #[test]
    fn an_applied_row_is_left_alone_and_any_other_is_put() {
        let row = router(true);
        assert_eq!(plan_all(std::slice::from_ref(&row), &observed(&row, RowState::Applied)), []);
        let waiting = RowState::Waiting { reason: "x".into() };
        for known in [Observed::new(), observed(&row, waiting), observed(&router(false), RowState::Applied)] {
            assert_eq!(plan_all(std::slice::from_ref(&row), &known), [Change::Put(row.clone())]);
        }
    }

    #[test]
    fn what_is_observed_but_not_desired_is_removed() {
        let row = router(true);
        assert_eq!(plan_all(&[], &observed(&row, RowState::Applied)), [Change::Remove(row.key())]);
    }
}
