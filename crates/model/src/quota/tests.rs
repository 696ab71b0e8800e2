use std::collections::BTreeSet;

use super::*;

#[test]
fn every_key_and_every_name_of_a_service_is_there_once() {
    let keys: BTreeSet<_> = QUOTAS.iter().map(|quota| quota.key).collect();
    assert_eq!(keys.len(), QUOTAS.len());
    let names: Vec<_> =
        QUOTAS.iter().flat_map(|quota| [Some(quota.name), quota.alias].map(|name| (quota.service, name))).collect();
    let names: Vec<_> = names.into_iter().filter(|(_, name)| name.is_some()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for quota in &QUOTAS {
        assert!(quota.key.starts_with(quota.service.prefix()), "{}", quota.key);
        assert!(quota.component.starts_with(quota.service.prefix().trim_end_matches('.')), "{}", quota.key);
    }
}

#[test]
fn the_names_of_features_are_in_the_table() {
    let network: BTreeSet<_> =
        QUOTAS.iter().filter(|quota| quota.service == Service::Network).map(|quota| quota.name).collect();
    for name in Feature::all().flat_map(Feature::quotas) {
        assert!(network.contains(name), "{name} of {} is no quota", Feature::of_quota(name));
    }
}

#[test]
fn what_tenants_create_is_limited() {
    // How many parts an object may have is that object's affair, as upstream has it.
    let whole = |info: &&&ResourceInfo| !info.admin_only && !info.path.contains('{');
    for info in registry::RESOURCES.iter().filter(whole) {
        let quota = of_resource(info).unwrap_or_else(|| panic!("nothing limits {}", info.collection));
        assert_eq!(quota.resource().map(|counted| counted.member), Some(info.member));
    }
}

#[test]
fn a_region_without_a_feature_has_no_quota_of_it() {
    let fes = crate::Profile::Fes.features();
    let names: Vec<_> = of_service(Service::Network, fes).map(|quota| quota.name).collect();
    assert!(names.contains(&"trunk") && names.contains(&"vpnservice"));
    assert!(!names.contains(&"loadbalancer") && !names.contains(&"firewall_rule"));
    assert_eq!(of_service(Service::Dns, Features::BASIC).count(), 5);
    assert_eq!(of_service(Service::LoadBalancer, Features::BASIC).count(), 0);
}

#[test]
fn a_default_of_the_configuration_goes_before_the_tables() {
    let floating = by_key("network.floatingips").unwrap();
    let ports = by_key("network.ports").unwrap();
    let defaults = QuotaDefaults::with([("network.floatingips", 3)]).unwrap();
    assert_eq!((defaults.of(floating), defaults.of(ports)), (3, 1024));
    let refused = QuotaDefaults::with([("network.ports", -2)]).unwrap_err();
    let text = "network.ports = -2: give a number from 0 to 2147483647, or -1 for no limit";
    assert_eq!(refused.to_string(), text);
    let refused = QuotaDefaults::with([("network.prots", 2)]).unwrap_err().to_string();
    assert!(refused.starts_with("'network.prots' is no quota; the quotas are: network.networks, "), "{refused}");
}
