//! Static routes of routers.

use model::{Body, ExtraRoute, RequestError, Router, python, validate};
use serde_json::{Value, json};
use store::{Read, Tx};
use types::IpVersion;

use crate::{
    Context, Error,
    note::note_change,
    operations::changeable,
    quota,
    router::{self, Routers},
};

/// Makes the routes of a router these.
pub(crate) fn replace(
    tx: &mut Tx<'_>,
    context: &Context,
    old: Router,
    routes: Vec<ExtraRoute>,
) -> Result<Router, Error> {
    check(tx, context, &old, &routes)?;
    quota::enforce_each(tx, context, &old.project_id, "network.router_routes", routes.len())?;
    let mut new = old.clone();
    new.routes = routes;
    Ok(tx.update_touched(&context.region, &old, new)?)
}

/// `PUT .../add_extraroutes`: adds those that the router does not have.
pub(crate) fn add(tx: &mut Tx<'_>, context: &Context, id: &str, body: &Body) -> Result<Body, Error> {
    edit(tx, context, id, body, "add_extraroutes", |routes, named| {
        for route in named {
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    })
}

/// `PUT .../remove_extraroutes`: removes those that the router has.
pub(crate) fn remove(tx: &mut Tx<'_>, context: &Context, id: &str, body: &Body) -> Result<Body, Error> {
    edit(tx, context, id, body, "remove_extraroutes", |routes, named| {
        routes.retain(|route| !named.contains(route));
    })
}

fn edit(
    tx: &mut Tx<'_>,
    context: &Context,
    id: &str,
    body: &Body,
    action: &str,
    edit: impl FnOnce(&mut Vec<ExtraRoute>, Vec<ExtraRoute>),
) -> Result<Body, Error> {
    let member = body.get("router").and_then(Value::as_object).ok_or(RequestError::NoMember { member: "router" })?;
    let attribute = <Router as model::Resource>::INFO.attribute("routes").ok_or(Error::HTTPNotFound {})?;
    let given = member.get("routes").ok_or(RequestError::Required { name: "routes" })?;
    let named: Vec<ExtraRoute> = serde_json::from_value(validate::value(attribute, given)?)
        .map_err(|error| Error::invalid(format!("routes: {error}")))?;
    let router = changeable::<Routers>(tx, context, id.into(), "update")?;
    let (before, mut routes) = (router.clone(), router.routes.clone());
    edit(&mut routes, named);
    let router = replace(tx, context, router, routes)?;
    note_change(tx, action.to_owned(), &before, &router);
    let mut shown = router::shown(tx, context, &router)?;
    if context.is_admin {
        // The real service shows administrators these with the two actions, and only there.
        shown.insert("enable_snat".to_owned(), json!(router.enable_snat));
        shown.insert("gw_port_id".to_owned(), json!(router.gw_port_id));
        shown.insert("ha_vr_id".to_owned(), json!(0));
        shown.insert("enable_default_route_ecmp".to_owned(), json!(false));
        shown.insert("enable_default_route_bfd".to_owned(), json!(false));
    }
    Ok([("router".to_owned(), Value::Object(shown))].into_iter().collect())
}

/// A next hop must be a neighbour of the router, and not the router itself.
fn check(read: &Read<'_>, context: &Context, router: &Router, routes: &[ExtraRoute]) -> Result<(), Error> {
    if routes.is_empty() {
        return Ok(());
    }
    let ports = router::ports(read, context, router)?;
    let subnets = router::subnets_of(read, context, &ports)?;
    for route in routes {
        let version = if route.nexthop.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        let same_version = route.destination.is_ipv4() == route.nexthop.is_ipv4();
        let connected =
            subnets.iter().any(|subnet| subnet.ip_version == version && subnet.cidr.contains(route.nexthop));
        let is_own = ports.iter().flat_map(|port| &port.fixed_ips).any(|ip| ip.ip_address == route.nexthop);
        let reason = if !connected || !same_version {
            "the nexthop is not connected with router"
        } else if is_own {
            "the nexthop is used by router"
        } else {
            continue;
        };
        return Err(Error::InvalidRoutes { routes: python::repr(&json!(routes)), reason });
    }
    Ok(())
}
