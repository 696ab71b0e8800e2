use std::collections::BTreeSet;

use serde_json::json;

use super::*;

/// Every extension of the real service with its features' plug-ins installed, and whose it is.
const UPSTREAM: &str = include_str!("upstream.txt");

#[test]
fn the_table_is_in_the_order_of_the_features() {
    for (index, about) in ABOUT.iter().enumerate() {
        assert_eq!(about.feature as usize, index, "{}", about.name);
        assert_eq!(about.name.parse(), Ok(about.feature));
    }
}

#[test]
fn every_extension_belongs_to_one_feature() {
    let mut seen = BTreeSet::new();
    for line in UPSTREAM.lines() {
        let (alias, feature) = line.split_once(' ').unwrap();
        assert!(seen.insert(alias), "{alias} twice");
        assert_eq!(Feature::of_alias(alias).name(), feature, "{alias}");
    }
    let owned: Vec<_> = Feature::all().flat_map(Feature::aliases).collect();
    assert_eq!(owned.iter().collect::<BTreeSet<_>>().len(), owned.len(), "an alias belongs to two features");
    // The older load balancing is not in today's release any more.
    let unknown: Vec<_> = owned.iter().filter(|alias| !seen.contains(**alias)).copied().collect();
    assert_eq!(unknown, Feature::Lbaas.aliases().iter().collect::<Vec<_>>());
}

#[test]
fn what_is_offered_is_upstreams_or_our_own() {
    for extension in crate::extension::EXTENSIONS {
        let upstream = UPSTREAM.lines().any(|line| line.split(' ').next() == Some(extension.alias));
        assert!(upstream || extension.alias == "baryon", "{}", extension.alias);
    }
}

#[test]
fn paths_services_and_quotas_lead_to_their_feature() {
    let cases = [
        (Feature::of_path("trunks"), Feature::Trunk),
        (Feature::of_path("vpn"), Feature::Vpn),
        (Feature::of_path("bgp-speakers"), Feature::Bgp),
        (Feature::of_path("ndp_proxies"), Feature::Ipv6),
        (Feature::of_path("trunks.json"), Feature::Trunk),
        (Feature::of_path("networks"), Feature::Basic),
        (Feature::of_service("load-balancer"), Feature::Octavia),
        (Feature::of_service("network"), Feature::Basic),
        (Feature::of_quota("firewall_rule"), Feature::Fwaas),
        (Feature::of_quota("port"), Feature::Basic),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

/// The published matrix, row by row: cbk, dbl, fes.
#[test]
fn the_profiles_are_the_published_matrix() {
    let rows = [
        (Feature::Basic, [true, true, true]),
        (Feature::Vpn, [true, true, true]),
        (Feature::Byoip, [true, true, true]),
        (Feature::Lbaas, [true, true, false]),
        (Feature::Octavia, [true, true, true]),
        (Feature::Dns, [true, true, true]),
        (Feature::Trunk, [false, false, true]),
        (Feature::Ipv6, [false, false, true]),
        (Feature::Fwaas, [false, false, false]),
        (Feature::Bgp, [false, false, false]),
        (Feature::Metering, [false, false, false]),
        (Feature::Qos, [false, false, false]),
        (Feature::Sfc, [false, false, false]),
    ];
    assert_eq!(rows.map(|(feature, _)| feature).to_vec(), Feature::all().collect::<Vec<_>>());
    for (feature, expected) in rows {
        let found = [Profile::Cbk, Profile::Dbl, Profile::Fes].map(|profile| profile.features().contains(feature));
        assert_eq!(found, expected, "{feature}");
        assert!(Profile::Full.features().contains(feature), "{feature}");
    }
}

#[test]
fn profiles_are_read_as_they_are_written() {
    let list = Profile::List([Feature::Vpn, Feature::Ipv6].into_iter().collect());
    for (profile, text, written) in [
        (Profile::Full, "full", json!("full")),
        (Profile::Cbk, "cbk", json!("cbk")),
        (list, "basic+vpn+ipv6", json!(["basic", "vpn", "ipv6"])),
    ] {
        assert_eq!(profile.to_string(), text);
        assert_eq!(text.parse(), Ok(profile));
        assert_eq!(serde_json::to_value(profile).unwrap(), written);
        assert_eq!(serde_json::from_value::<Profile>(written).unwrap(), profile);
    }
    assert_eq!("vpn+ipv6".parse(), Ok(list));
    assert_eq!(serde_json::from_value::<Profile>(json!(["ipv6", "vpn"])).unwrap(), list);
    assert_eq!(serde_json::from_value::<Profile>(json!([])).unwrap(), Profile::List(Features::BASIC));
    assert_eq!("vpn".parse::<Profile>().unwrap().features(), [Feature::Vpn].into_iter().collect());
}

#[test]
fn errors_name_the_value_and_the_choices() {
    const FEATURES: &str = "basic, vpn, byoip, lbaas, octavia, dns, trunk, ipv6, fwaas, bgp, metering, qos, sfc";
    assert_eq!(
        "xyz".parse::<Profile>().unwrap_err().to_string(),
        format!("'xyz' is no profile: give one of full, cbk, dbl, fes, or a list of the features {FEATURES}")
    );
    let no_feature = format!("'wifi' is no feature: give one of {FEATURES}");
    assert_eq!("vpn+wifi".parse::<Profile>().unwrap_err().to_string(), no_feature);
    assert_eq!(serde_json::from_value::<Profile>(json!(["vpn", "wifi"])).unwrap_err().to_string(), no_feature);
    assert_eq!(
        serde_json::from_value::<Profile>(json!(7)).unwrap_err().to_string(),
        "a profile's name, or a list of features"
    );
}

#[test]
fn a_feature_is_named_for_people_and_for_the_configuration() {
    assert_eq!(Feature::Trunk.to_string(), "port trunking [trunk]");
    assert_eq!(Feature::Ipv6.to_string(), "IPv6");
    assert_eq!(Feature::Lbaas.to_string(), "L4 load balancing (Neutron LBaaSv2) [lbaas]");
}

#[test]
fn basic_networking_is_never_missing() {
    assert!(Features::all().without(Feature::Basic).contains(Feature::Basic));
    assert!(!Features::all().without(Feature::Qos).contains(Feature::Qos));
    assert_eq!(format!("{:?}", Features::BASIC), "{Basic}");
}
