//! Conntrack helpers of routers.

use model::{ConntrackHelper, ConntrackHelperPatch, Router};
use serde_json::json;
use store::{Read, Tx};

use crate::{
    Context, Error,
    error::refusals,
    operations::{Behaviour, visible},
};

/// The behaviour of conntrack helpers.
pub(crate) struct ConntrackHelpers;

refusals! { ConntrackHelperError:
    /// No such helper at this router.
    ConntrackHelperNotFound { id: String } 404 "Conntrack Helper {id} could not be found."
        => "field: id, value: {id}; 'openstack network l3 conntrack helper list ROUTER' shows those of a router.";
    /// The router has the very same.
    ConntrackHelperExists as "BadRequest" { conflict: String } 400
        "Bad conntrack_helper request: A duplicate conntrack helper entry with same attributes already exists, conflicting values are {conflict}."
        => "The router has it: nothing is left to do.";
}

impl Behaviour for ConntrackHelpers {
    type Of = ConntrackHelper;

    fn not_found(id: &str) -> Error {
        ConntrackHelperError::ConntrackHelperNotFound { id: id.to_owned() }.into()
    }

    fn check_parent(read: &Read<'_>, context: &Context, id: &str) -> Result<(), Error> {
        let missing = || Error::RouterNotFound { id: id.to_owned() };
        let router = id.parse().map_err(|_| missing())?;
        visible::<Router>(read, context, router)?.map(drop).ok_or_else(missing)
    }

    fn check(
        tx: &mut Tx<'_>,
        context: &Context,
        _old: Option<&ConntrackHelper>,
        new: &mut ConntrackHelper,
        _patch: &ConntrackHelperPatch,
    ) -> Result<(), Error> {
        let values = [
            ("router_id", json!(new.router_id)),
            ("protocol", json!(new.protocol)),
            ("port", json!(new.port)),
            ("helper", json!(new.helper)),
        ];
        let twins: Vec<ConntrackHelper> = tx.find(&context.region, &values)?;
        if twins.iter().any(|twin| twin.id != new.id) {
            let shown: Vec<_> = values[1..].iter().map(|(name, value)| format!("'{name}': {value}")).collect();
            let conflict = format!("{{{}, 'router_id': '{}'}}", shown.join(", ").replace('"', "'"), new.router_id);
            return Err(ConntrackHelperError::ConntrackHelperExists { conflict }.into());
        }
        Ok(())
    }
}
