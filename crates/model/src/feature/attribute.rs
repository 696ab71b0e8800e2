//! Which attributes belong to a feature, and which requests use one.
//!
//! An attribute belongs to the feature of the extension that it came with. IPv6 came with none: it is
//! a value of attributes that were always there.

use serde_json::Value;

use super::{Feature, Features};
use crate::{Body, ResourceInfo};

/// The attributes of a resource that a region without a feature does not have.
#[must_use]
pub fn absent(info: &ResourceInfo, features: Features) -> Vec<&'static str> {
    let attributes = info.attributes.iter().map(|attribute| (attribute.name, attribute.since));
    let constants = info.constants.iter().map(|constant| (constant.name, constant.since));
    let mut known: Vec<(&str, bool)> = Vec::new();
    let mut lacks = |since: &'static str| match known.iter().find(|(alias, _)| *alias == since) {
        Some((_, lacks)) => *lacks,
        None => {
            let lacks = !since.is_empty() && !features.offers(since);
            known.push((since, lacks));
            lacks
        }
    };
    attributes.chain(constants).filter(|(_, since)| lacks(since)).map(|(name, _)| name).collect()
}

/// The attributes of a request that came with extensions of which a region shows no preview.
#[must_use]
pub fn previews<'b>(info: &ResourceInfo, body: &'b Body, features: Features) -> Vec<&'b str> {
    let unseen = |name: &&str| {
        let since = info.attribute(name).map(|attribute| attribute.since);
        since.is_some_and(|since| crate::extension::is_preview(since) && !features.offers(since))
    };
    body.keys().map(String::as_str).filter(unseen).collect()
}

/// The first attribute of a request that a region with these features cannot heed, and the feature
/// that it would need. A value that says "not used" needs none.
#[must_use]
pub fn needed<'b>(info: &ResourceInfo, body: &'b Body, features: Features) -> Option<(&'b str, Feature)> {
    if features == Features::all() {
        return None;
    }
    body.iter().find_map(|(name, value)| {
        let feature = feature_of(info, name, value);
        (!features.contains(feature)).then_some((name.as_str(), feature))
    })
}

/// The feature that a value uses.
fn feature_of(info: &ResourceInfo, name: &str, value: &Value) -> Feature {
    let (since, unused) = match (info.attribute(name), info.constant(name)) {
        (Some(attribute), _) => (attribute.since, attribute.default),
        (None, Some(constant)) => (constant.since, Some(constant.value)),
        (None, None) => return Feature::Basic,
    };
    let unused = unused.and_then(|json| serde_json::from_str::<Value>(json).ok());
    if value.is_null() || value == "" || Some(value) == unused.as_ref() {
        return Feature::Basic;
    }
    match name {
        "ip_version" if *value == 6 || value == "6" => Feature::Ipv6,
        "ipv6_ra_mode" | "ipv6_address_mode" => Feature::Ipv6,
        _ => Feature::of_alias(since),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Network, Port, Profile, Resource, Subnet};

    fn check(info: &ResourceInfo, profile: Profile, body: &Value) -> Option<(String, Feature)> {
        let body = body.as_object().unwrap();
        needed(info, body, profile.features()).map(|(name, feature)| (name.to_owned(), feature))
    }

    #[test]
    fn values_that_use_a_missing_feature_are_found() {
        let v6 = |name: &str| Some((name.to_owned(), Feature::Ipv6));
        assert_eq!(check(Subnet::INFO, Profile::Cbk, &json!({"ip_version": 6})), v6("ip_version"));
        assert_eq!(check(Subnet::INFO, Profile::Cbk, &json!({"ip_version": "6"})), v6("ip_version"));
        assert_eq!(check(Subnet::INFO, Profile::Cbk, &json!({"ipv6_ra_mode": "slaac"})), v6("ipv6_ra_mode"));
        assert_eq!(check(Subnet::INFO, Profile::Fes, &json!({"ip_version": 6, "ipv6_ra_mode": "slaac"})), None);
        let qos = Some(("qos_policy_id".to_owned(), Feature::Qos));
        assert_eq!(check(Port::INFO, Profile::Fes, &json!({"name": "a", "qos_policy_id": "b"})), qos);
        let basic = Profile::List(Features::BASIC);
        let dns = Some(("dns_domain".to_owned(), Feature::Dns));
        assert_eq!(check(Network::INFO, basic, &json!({"dns_domain": "example.org."})), dns);
    }

    #[test]
    fn values_that_use_nothing_pass() {
        let basic = Profile::List(Features::BASIC);
        for body in [
            json!({"qos_policy_id": null, "dns_name": "", "name": "a"}),
            json!({"dns_domain": null}),
            json!({"unheard_of": 1}),
        ] {
            assert_eq!(check(Port::INFO, basic, &body), None, "{body}");
        }
        assert_eq!(check(Subnet::INFO, basic, &json!({"ip_version": 4, "dns_publish_fixed_ip": false})), None);
    }

    #[test]
    fn absent_attributes_are_those_of_absent_features() {
        assert_eq!(absent(Port::INFO, Features::all()), [""; 0]);
        assert_eq!(
            absent(Port::INFO, Profile::Cbk.features()),
            ["qos_network_policy_id", "qos_policy_id", "resource_request"]
        );
        assert_eq!(
            absent(Port::INFO, Features::BASIC),
            ["dns_name", "dns_domain", "qos_network_policy_id", "qos_policy_id", "resource_request"]
        );
    }
}
