//! Handing a trust on: a trustee makes a trust with the token that a trust gave.
//!
//! A trust says how many more may follow it. Each is narrower than the one before: it ends no later,
//! gives no other roles, impersonates only if that one did, and is not counted by uses.

use store::identity::Trust;

use crate::identity::{KeystoneError, fields::Fields};

/// The most trusts that may follow one another (`max_redelegation_count`).
const MOST: i64 = 3;

/// How many trusts a body wants to allow after its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// None.
    Last,
    /// As many as there may be.
    Any,
    /// So many.
    Exactly(i64),
}

impl Depth {
    /// What a trust that follows none says.
    pub(super) fn first(self) -> i64 {
        match self {
            Self::Last => 0,
            Self::Any => MOST,
            Self::Exactly(count) => count,
        }
    }
}

/// How often a trust may be used, if that is limited.
pub(super) fn remaining_uses(fields: &mut Fields) -> Result<Option<i64>, KeystoneError> {
    match fields.integer("remaining_uses")? {
        Some(uses) if uses < 1 => {
            Err(KeystoneError::invalid("remaining_uses", uses, format!("{uses} is less than the minimum of 1")))
        }
        uses => Ok(uses),
    }
}

/// How many trusts a body wants to allow after its own.
pub(super) fn depth(fields: &mut Fields, remaining_uses: Option<i64>) -> Result<Depth, KeystoneError> {
    let allowed = fields.nullable_flag("allow_redelegation")?.flatten().unwrap_or(false);
    let count = fields.integer("redelegation_count")?;
    match count {
        Some(count) if count < 0 => {
            let reason = format!("{count} is less than the minimum of 0");
            Err(KeystoneError::invalid("redelegation_count", count, reason))
        }
        Some(0) => Ok(Depth::Last),
        _ if !allowed => Ok(Depth::Last),
        Some(count) if count > MOST => Err(KeystoneError::Denied),
        _ if remaining_uses.is_some() => {
            Err(KeystoneError::BadRequest("remaining_uses must not be set if redelegation is allowed".to_owned()))
        }
        Some(count) => Ok(Depth::Exactly(count)),
        None => Ok(Depth::Any),
    }
}

/// Makes a trust the next after a line of trusts, the nearest first, if every one of them allows it.
pub(super) fn hand_on(new: &mut Trust, line: &[Trust], depth: Depth) -> Result<(), KeystoneError> {
    let Some(parent) = line.first() else { return Ok(()) };
    let left = parent.redelegation_count - 1;
    new.redelegated_trust_id = Some(parent.id.clone());
    new.redelegation_count = match depth {
        Depth::Last => 0,
        Depth::Any => left,
        Depth::Exactly(count) if count == left => left,
        Depth::Exactly(_) => return Err(KeystoneError::Denied),
    };
    if new.expires_at.is_none() {
        new.expires_at = parent.expires_at;
    }
    if line.iter().all(|before| allows(before, new)) { Ok(()) } else { Err(KeystoneError::Denied) }
}

fn allows(before: &Trust, new: &Trust) -> bool {
    let ends_no_later = match (before.expires_at, new.expires_at) {
        (None, _) => true,
        (Some(end), Some(wanted)) => wanted <= end,
        (Some(_), None) => false,
    };
    (1..=MOST).contains(&before.redelegation_count)
        && new.remaining_uses.is_none()
        && ends_no_later
        && new.project_id == before.project_id
        && new.roles.iter().all(|role| before.roles.contains(role))
        && (before.impersonation || !new.impersonation)
}

#[cfg(test)]
mod tests {
    use types::{ProjectId, RoleId, TrustId, UserId};

    use super::*;

    fn trust(role: &RoleId, project: &ProjectId) -> Trust {
        Trust {
            id: TrustId::random(),
            trustor_user_id: UserId::random(),
            trustee_user_id: UserId::random(),
            project_id: Some(project.clone()),
            impersonation: true,
            expires_at: Some(1000),
            remaining_uses: None,
            redelegated_trust_id: None,
            redelegation_count: 2,
            roles: vec![role.clone()],
        }
    }

    #[test]
    fn each_trust_of_a_line_is_narrower_than_the_one_before() {
        let (role, project) = (RoleId::random(), ProjectId::random());
        let parent = trust(&role, &project);
        let next = |change: fn(&mut Trust), depth: Depth| {
            let mut new = trust(&role, &project);
            new.expires_at = None;
            change(&mut new);
            hand_on(&mut new, std::slice::from_ref(&parent), depth).map(|()| new)
        };
        let plain = next(|_| {}, Depth::Any).unwrap();
        assert_eq!((plain.redelegation_count, plain.expires_at), (1, Some(1000)));
        assert_eq!(plain.redelegated_trust_id.as_ref(), Some(&parent.id));
        assert_eq!(next(|_| {}, Depth::Last).unwrap().redelegation_count, 0);
        assert_eq!(next(|new| new.expires_at = Some(10), Depth::Exactly(1)).unwrap().expires_at, Some(10));
        for refused in [
            next(|_| {}, Depth::Exactly(2)),
            next(|new| new.expires_at = Some(1001), Depth::Any),
            next(|new| new.remaining_uses = Some(1), Depth::Any),
            next(|new| new.roles.push(RoleId::random()), Depth::Any),
            next(|new| new.project_id = Some(ProjectId::random()), Depth::Any),
        ] {
            assert!(matches!(refused, Err(KeystoneError::Denied)));
        }
        let mut last = parent.clone();
        last.redelegation_count = 0;
        let mut plain_one = parent.clone();
        plain_one.impersonation = false;
        for before in [last, plain_one] {
            let mut new = trust(&role, &project);
            assert!(hand_on(&mut new, &[before], Depth::Any).is_err());
        }
    }
}
