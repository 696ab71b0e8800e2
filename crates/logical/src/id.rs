//! Keys of logical rows. They are opaque UUIDs; where a row stems from one API object the compiler
//! gives it that object's UUID, which keeps keys stable across compilations.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// A logical switch.
    SwitchId,
    /// A port of a logical switch.
    PortId,
    /// A logical router.
    RouterId,
    /// A group of access control rules that ports refer to.
    AclGroupId,
    /// One access control rule.
    AclId,
    /// A set of addresses that rules refer to.
    AddressSetId,
}
