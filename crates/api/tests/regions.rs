//! Three regions with the profiles of the reference service: what each has, and what it says of the
//! rest.

mod common;

use std::sync::Arc;

use api::{NullWorld, Region};
use common::TestApi;
use intent::{DropCount, RegionStatus, Settings, TraceReport, TraceRequest, World, WorldError};
use model::{Feature, Profile, extension::EXTENSIONS};
use serde_json::{Value, json};
use store::ChangeSeq;
use types::PortId;

const REGIONS: [(&str, Profile); 3] = [("cbk", Profile::Cbk), ("dbl", Profile::Dbl), ("fes", Profile::Fes)];

fn cloud(regions: &[(&str, Profile)], world: Arc<dyn World>) -> TestApi {
    let region = |(name, profile): &(&str, Profile)| Region::new(name, *profile, Settings::default());
    TestApi::with(|config| config.regions = regions.iter().map(region).collect(), world)
}

fn base(region: &str) -> String {
    format!("/network/{region}/v2.0")
}

fn error(answer: &common::Answer) -> (u16, Value, Value, Value) {
    let error = &answer.json()["NeutronError"];
    (answer.status, error["type"].clone(), error["message"].clone(), error["detail"].clone())
}

fn elsewhere(feature: Feature) -> String {
    let names: Vec<_> =
        REGIONS.iter().filter(|(_, profile)| profile.features().contains(feature)).map(|(name, _)| *name).collect();
    if names.is_empty() {
        "No region of this cloud offers it.".to_owned()
    } else {
        format!("Regions that offer it: {}.", names.join(", "))
    }
}

#[test]
fn the_list_of_extensions_is_the_profiles() {
    let api = cloud(&REGIONS, Arc::new(NullWorld));
    let demo = api.demo();
    for (region, profile) in REGIONS {
        let list = api.get(&demo, &format!("{}/extensions", base(region))).json();
        let listed: Vec<_> = list["extensions"].as_array().unwrap().iter().map(|one| one["alias"].clone()).collect();
        let expected: Vec<_> = EXTENSIONS
            .iter()
            .filter(|extension| profile.features().offers(extension.alias))
            .map(|extension| json!(extension.alias))
            .collect();
        assert_eq!(listed, expected, "{region}");
    }
}

#[test]
fn every_path_of_an_absent_feature_says_which_region_lacks_what() {
    let api = cloud(&REGIONS, Arc::new(NullWorld));
    let demo = api.demo();
    for (region, profile) in REGIONS {
        for feature in Feature::all() {
            for path in feature.paths() {
                for (method, path) in [("GET", format!("{path}/x")), ("POST", (*path).to_owned())] {
                    let path = format!("{}/{path}", base(region));
                    let answer = api.ask(&demo, method, &path, &json!({}));
                    if profile.features().contains(feature) {
                        // Whether it is built already is another question, with another answer.
                        assert_ne!(answer.json()["NeutronError"]["type"], "FeatureNotOffered", "{}", answer.text);
                        continue;
                    }
                    let message = format!("Region {region} does not offer {feature}.");
                    let expected = (404, json!("FeatureNotOffered"), json!(message), json!(elsewhere(feature)));
                    assert_eq!(error(&answer), expected, "{method} {path}");
                    let stranger = api.send(method, &path, &[], None);
                    assert_eq!(stranger.status, 401, "{method} {path}");
                }
            }
            for alias in feature.aliases().iter().filter(|_| !profile.features().contains(feature)) {
                let answer = api.get(&demo, &format!("{}/extensions/{alias}", base(region)));
                let words =
                    format!("Extension with alias {alias} does not exist. Region {region} does not offer {feature}.");
                assert!(answer.status == 404 && answer.text.contains(&words), "{}", answer.text);
            }
        }
    }
}

#[test]
fn what_is_not_built_yet_is_told_from_what_a_region_lacks() {
    let api = cloud(&[("all", Profile::Full)], Arc::new(NullWorld));
    let demo = api.demo();
    let (status, kind, message, detail) = error(&api.get(&demo, "/network/all/v2.0/sfc/port_pairs"));
    assert_eq!((status, kind, message), (404, json!("HTTPNotFound"), json!("The resource could not be found.")));
    assert_eq!(detail, "Region all is to offer service function chaining [sfc], which this version does not have yet.");
}

#[test]
fn attributes_of_absent_features_are_refused_in_the_same_words_and_left_out_of_answers() {
    let basic = Profile::List(model::Features::BASIC);
    let api = cloud(&[("cbk", Profile::Cbk), ("fes", Profile::Fes), ("bare", basic)], Arc::new(NullWorld));
    let demo = api.demo();
    let make =
        |region: &str, path: &str, body: Value| api.ask(&demo, "POST", &format!("{}/{path}", base(region)), &body);
    let network = |region: &str| {
        let made = make(region, "networks", json!({ "network": { "name": "n" } }));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["network"].clone()
    };
    let subnet = |network: &Value| json!({ "subnet": { "network_id": network["id"], "ip_version": 6, "cidr": "2001:db8::/64" } });

    let refused = error(&make("cbk", "subnets", subnet(&network("cbk"))));
    let detail = json!("field: ip_version. Regions that offer it: fes.");
    assert_eq!(refused, (400, json!("FeatureNotOffered"), json!("Region cbk does not offer IPv6."), detail));
    assert_eq!(make("fes", "subnets", subnet(&network("fes"))).status, 201);

    let policy = "11111111-1111-4111-8111-111111111111";
    let refused = error(&make("cbk", "networks", json!({ "network": { "qos_policy_id": policy } })));
    let message = json!("Region cbk does not offer quality of service [qos].");
    let detail = json!("field: qos_policy_id. No region of this cloud offers it.");
    assert_eq!(refused, (400, json!("FeatureNotOffered"), message, detail));

    let shown = network("bare");
    assert!(shown.get("qos_policy_id").is_none() && shown.get("dns_domain").is_none(), "{shown}");
    assert!(network("cbk").get("dns_domain").is_some());
    let id = shown["id"].as_str().unwrap().to_owned();
    let changed = api.ask(
        &demo,
        "PUT",
        &format!("{}/networks/{id}", base("bare")),
        &json!({ "network": { "dns_domain": "example.org." } }),
    );
    let (status, _, message, detail) = error(&changed);
    assert_eq!((status, message), (400, json!("Region bare does not offer DNS integration and PTR records [dns].")));
    assert_eq!(detail, "field: dns_domain. Regions that offer it: cbk, fes.");
    let harmless = json!({ "network": { "name": "n", "qos_policy_id": null } });
    assert_eq!(make("bare", "networks", harmless).status, 201, "a value that says: not used");
}

#[test]
fn objects_of_one_region_are_unknown_in_another() {
    let api = cloud(&REGIONS, Arc::new(NullWorld));
    let demo = api.demo();
    let made = api.ask(&demo, "POST", &format!("{}/networks", base("cbk")), &json!({ "network": { "name": "here" } }));
    let id = made.json()["network"]["id"].as_str().unwrap().to_owned();
    let show = |region: &str| api.get(&demo, &format!("{}/networks/{id}", base(region))).status;
    assert_eq!((show("cbk"), show("dbl"), show("fes")), (200, 404, 404));
    // The same addresses may be used in each.
    let subnet = |network: &str| json!({ "subnet": { "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24" } });
    assert_eq!(api.ask(&demo, "POST", &format!("{}/subnets", base("cbk")), &subnet(&id)).status, 201);
    let elsewhere = api.ask(&demo, "POST", &format!("{}/subnets", base("dbl")), &subnet(&id));
    assert_eq!(elsewhere.status, 404, "a subnet of another region's network: {}", elsewhere.text);
}

/// A datapath that cannot do DNS integration.
struct Limited;

impl World for Limited {
    fn wait_applied(&self, _: &str, _: ChangeSeq, _: std::time::Duration) -> Result<(), WorldError> {
        Ok(())
    }

    fn trace(&self, region: &str, _: &TraceRequest) -> Result<TraceReport, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }

    fn drops(&self, region: &str, _: PortId) -> Result<Vec<DropCount>, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }

    fn supports(&self, region: &str, extension: &str) -> Result<bool, WorldError> {
        Ok(region != "fes" || !extension.starts_with("dns-"))
    }

    fn status(&self, region: &str) -> Result<RegionStatus, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }
}

#[test]
fn what_the_datapath_cannot_do_is_not_offered() {
    let api = cloud(&REGIONS, Arc::new(Limited));
    let demo = api.demo();
    let has = |region: &str, alias: &str| {
        let list = api.get(&demo, &format!("{}/extensions", base(region))).json();
        list["extensions"].as_array().unwrap().iter().any(|one| one["alias"] == alias)
    };
    assert!(has("cbk", "dns-integration") && !has("fes", "dns-integration") && has("fes", "security-group"));
    assert_eq!(api.get(&demo, &format!("{}/extensions/dns-integration", base("fes"))).status, 404);
}
