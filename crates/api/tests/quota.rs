//! Quotas in every dialect: the same rows under different names.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{path::Path, sync::Arc};

use api::{NullWorld, Region};
use common::{Answer, TestApi};
use intent::Settings;
use model::{Profile, QuotaDefaults};
use serde_json::{Value, json};

/// Three regions of the reference service, with what is not finished.
fn cloud() -> TestApi {
    let configure = |config: &mut api::ApiConfig| {
        let quotas = QuotaDefaults::with([("network.rbac_policies", 7), ("dns.zones", 12)]).unwrap();
        let region =
            |(name, profile)| Region::new(name, profile, Settings { quotas: quotas.clone(), ..Settings::default() });
        config.regions = [("cbk", Profile::Cbk), ("dbl", Profile::Dbl), ("fes", Profile::Fes)].map(region).to_vec();
        config.preview = true;
    };
    TestApi::with(configure, Arc::new(NullWorld))
}

fn shape(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The names of the members of an object, and what kind of value each has.
fn kinds(value: &Value) -> Vec<(String, &'static str)> {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    let mut kinds: Vec<_> =
        value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), kind(value))).collect();
    kinds.sort();
    kinds
}

fn refusal(answer: &Answer) -> (u16, String) {
    let json = answer.json();
    let places = ["/error/message", "/NeutronError/message", "/faultstring", "/description", "/message", "/type"];
    let text = places.iter().find_map(|place| json.pointer(place)?.as_str());
    (answer.status, text.unwrap_or_default().to_owned())
}

#[test]
fn limits_and_usage_of_all_regions_are_one_answer() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let path = format!("/v3/projects/{project}");
    let network = json!({ "network": { "name": "n" } });
    assert_eq!(api.ask(&demo, "POST", "/network/fes/v2.0/networks", &network).status, 201);

    let limits = api.get(&demo, &format!("{path}/quota"));
    assert_eq!(limits.status, 200, "{}", limits.text);
    assert_eq!(api.get(&demo, &format!("/identity{path}/quota")).text, limits.text);
    let limits = limits.json();
    assert_eq!(limits.as_object().unwrap().keys().collect::<Vec<_>>(), ["cbk", "dbl", "fes"]);
    // What the reference service documents, in its region fes and in one with LBaaSv2.
    let expected = [
        ("dns.zones", 12),
        ("loadbalancer.healthmonitors", 200),
        ("loadbalancer.listeners", 200),
        ("loadbalancer.loadbalancers", 15),
        ("loadbalancer.members", 300),
        ("loadbalancer.pools", 200),
        ("network.floatingips", 50),
        ("network.networks", 1024),
        ("network.ports", 1024),
        ("network.rbac_policies", 7),
        ("network.routers", 128),
        ("network.security_group_rules", 2048),
        ("network.security_groups", 1024),
        ("network.subnet_pools", -1),
        ("network.subnets", 1024),
        ("network.vpn_endpoint_groups", -1),
        ("network.vpn_ikepolicies", -1),
        ("network.vpn_ipsec_site_connections", -1),
        ("network.vpn_ipsecpolicies", -1),
        ("network.vpn_services", -1),
    ];
    for (key, limit) in expected {
        assert_eq!((&limits["fes"][key], &limits["cbk"][key]), (&json!(limit), &json!(limit)), "{key}");
    }
    let older = [
        ("network.lb_healthmonitors", 1024),
        ("network.lb_listeners", 1024),
        ("network.lb_members", 128),
        ("network.lb_pools", 128),
        ("network.loadbalancers", 1024),
    ];
    for (key, limit) in older {
        assert_eq!((&limits["fes"][key], &limits["cbk"][key]), (&Value::Null, &json!(limit)), "{key}");
    }
    assert_eq!((&limits["fes"]["network.trunks"], &limits["cbk"]["network.trunks"]), (&json!(-1), &Value::Null));

    let usage = api.get(&demo, &format!("{path}/current_usage")).json();
    assert_eq!((&usage["fes"]["network.networks"], &usage["cbk"]["network.networks"]), (&json!(1), &json!(0)));
    assert_eq!(usage["fes"]["dns.zones"], 0);
    // A limit of each router, or of each zone, is nothing that a project uses.
    assert_eq!(
        (&limits["fes"]["network.router_routes"], &limits["fes"]["dns.zone_records"]),
        (&json!(30), &json!(500))
    );
    assert_eq!(
        (&usage["fes"]["network.router_routes"], &usage["fes"]["dns.zone_records"]),
        (&Value::Null, &Value::Null)
    );

    let some = api.get(&admin, &format!("{path}/current_usage?regions=fes,cbk&filter=network.networks,dns")).json();
    let numbers = |networks: u64| json!({ "network.networks": networks, "dns.zones": 0 });
    assert_eq!(some, json!({ "cbk": numbers(0), "fes": numbers(1) }));
    // As in the reference service, `network` is without load balancers and VPN, which have names of their own.
    let vpn = api.get(&demo, &format!("{path}/quota?regions=cbk&filter=network.vpn")).json();
    assert_eq!(vpn["cbk"].as_object().unwrap().len(), 5);
    let plain = api.get(&demo, &format!("{path}/quota?regions=cbk&filter=network")).json();
    assert!(plain["cbk"]["network.ports"].is_number() && plain["cbk"]["network.vpn_services"].is_null());
}

#[test]
fn questions_that_cannot_be_answered_are_told_why() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let path = format!("/v3/projects/{project}/quota");
    let ask = |query: &str| refusal(&api.get(&demo, &format!("{path}?{query}")));
    let unknown = "There is no region 'xyz' here; the regions are: cbk, dbl, fes.";
    assert_eq!(ask("regions=cbk,xyz"), (400, unknown.to_owned()));
    let (status, text) = ask("filter=compute");
    assert_eq!(status, 400);
    assert_eq!(
        text,
        "Filter 'compute' is no component and no quota. The components are: dns, loadbalancer, network, network.lb, \
         network.vpn; a quota is, for example, network.floatingips."
    );
    let other = api.made.admin_project.clone();
    let (status, text) = refusal(&api.get(&demo, &format!("/v3/projects/{other}/quota")));
    assert_eq!(
        (status, text.as_str()),
        (403, "You are not authorized to perform the requested action: identity:get_project_quota.")
    );
    let answer = api.get(&admin, "/v3/projects/00000000000000000000000000000000/quota");
    assert_eq!(refusal(&answer), (404, "Could not find project: 00000000000000000000000000000000.".to_owned()));
    assert_eq!(api.get(&demo, "/v3/projects").status, 404, "the rest of Keystone is not at the root");
    assert_eq!(api.ask(&admin, "POST", &path, &json!({})).status, 405);
    assert_eq!(api.ask(&demo, "PATCH", &path, &json!({ "cbk": { "network.ports": 1 } })).status, 403);
    let set = |body: Value| refusal(&api.ask(&admin, "PATCH", &path, &body));
    let form = "The body must be an object per region: {\"REGION\": {\"network.floatingips\": 50}}.";
    for body in [json!([]), json!({}), json!({ "cbk": 5 })] {
        assert_eq!(set(body), (400, form.to_owned()));
    }
    assert_eq!(set(json!({ "xyz": {} })), (400, unknown.to_owned()));
    let no_quota = "'network.prots' is no quota; GET shows those there are.";
    assert_eq!(set(json!({ "cbk": { "network.prots": 1 } })), (400, no_quota.to_owned()));
    let lacks = "Region fes does not offer L4 load balancing (Neutron LBaaSv2) [lbaas], so it has no network.lb_pools.";
    assert_eq!(set(json!({ "fes": { "network.lb_pools": 1 } })), (400, lacks.to_owned()));
    for value in [json!(-2), json!(2_147_483_648_u64), json!("5"), json!(1.5), json!(true)] {
        let (status, text) = set(json!({ "cbk": { "network.ports": value } }));
        assert_eq!(status, 400);
        assert_eq!(
            text,
            format!(
                "Invalid input for field/attribute network.ports. Value: {value}. Give a number from 0 to 2147483647, -1 \
                 for no limit, or null for the default."
            )
        );
    }
    let two = json!({ "cbk": { "dns.zones": 1 }, "fes": { "dns.zones": 2 } });
    let text = "'dns.zones' is one limit for all regions, and cannot differ between cbk and fes.";
    assert_eq!(set(two), (400, text.to_owned()));
}

#[test]
fn limits_are_set_in_all_regions_or_in_none() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let path = format!("/v3/projects/{project}/quota");
    let filtered = || api.get(&demo, &format!("{path}?filter=network.networks,network.ports,dns.zones")).json();
    let numbers = |networks: i64, ports: i64, zones: i64| json!({ "network.networks": networks, "network.ports": ports, "dns.zones": zones });
    let body = json!({ "cbk": { "network.networks": 1, "dns.zones": 30 }, "fes": { "network.ports": -1 } });
    let set = api.ask(&admin, "PATCH", &path, &body);
    assert_eq!(set.status, 200, "{}", set.text);
    let answer = set.json();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["cbk", "fes"], "the regions of the body");
    assert_eq!((&answer["cbk"]["network.networks"], &answer["fes"]["network.ports"]), (&json!(1), &json!(-1)));
    let expected = json!({ "cbk": numbers(1, 1024, 30), "dbl": numbers(1024, 1024, 30), "fes": numbers(1024, -1, 30) });
    assert_eq!(filtered(), expected);
    // The same rows in the services' own APIs.
    let neutron =
        |region: &str| api.get(&demo, &format!("/network/{region}/v2.0/quotas/{project}")).json()["quota"].clone();
    assert_eq!((&neutron("cbk")["network"], &neutron("fes")["port"]), (&json!(1), &json!(-1)));
    assert_eq!(api.get(&demo, "/dns/v2/quotas").json()["zones"], 30);

    // Below what is used, in one of the regions: nothing changes in any.
    let network = json!({ "network": { "name": "n" } });
    assert_eq!(api.ask(&demo, "POST", "/network/cbk/v2.0/networks", &network).status, 201);
    let body = json!({ "cbk": { "network.networks": 0 }, "fes": { "network.networks": 0 } });
    let text = "Quota limit 0 for network.networks in region cbk must be greater than or equal to already used 1; repeat \
                it with ?force=true to set it.";
    assert_eq!(refusal(&api.ask(&admin, "PATCH", &path, &body)), (400, text.to_owned()));
    assert_eq!(filtered(), expected);
    assert_eq!(api.ask(&admin, "PATCH", &format!("{path}?force=true"), &body).status, 200);
    assert_eq!(filtered()["fes"], numbers(0, -1, 30));
    assert_eq!(api.ask(&demo, "POST", "/network/fes/v2.0/networks", &network).status, 409);

    // Null is the default again; PUT makes these the only ones of its regions, and of what is global.
    assert_eq!(api.ask(&admin, "PATCH", &path, &json!({ "fes": { "network.networks": null } })).status, 200);
    assert_eq!(filtered()["fes"], numbers(1024, -1, 30));
    assert_eq!(api.ask(&admin, "PUT", &path, &json!({ "fes": { "network.networks": 3 } })).status, 200);
    let expected = json!({ "cbk": numbers(0, 1024, 12), "dbl": numbers(1024, 1024, 12), "fes": numbers(3, 1024, 12) });
    assert_eq!(filtered(), expected);
}

#[test]
fn the_network_services_quotas_answer_as_neutrons() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let base = "/network/cbk/v2.0/quotas";
    let path = format!("{base}/{project}");
    let set = |quota: Value| api.ask(&admin, "PUT", &path, &json!({ "quota": quota }));
    let network = json!({ "network": { "name": "n" } });
    assert_eq!(api.ask(&demo, "POST", "/network/cbk/v2.0/networks", &network).status, 201);
    // Upstream checks what is used unless it is told not to; check_limit is what older clients send.
    let text = "Quota limit 0 for network must be greater than or equal to already used 1";
    for quota in
        [json!({ "network": 0 }), json!({ "network": 0, "check_limit": true }), json!({ "network": 0, "force": false })]
    {
        assert_eq!(refusal(&set(quota)), (400, text.to_owned()));
    }
    assert_eq!(set(json!({ "network": 0, "force": true })).status, 200);
    for (quota, text) in [
        (json!({ "network": 1, "nets": 1 }), "Unrecognized attribute(s) 'nets'"),
        (json!({ "trunk": 1 }), "Unrecognized attribute(s) 'trunk'"),
        (json!({ "port": "x" }), "Invalid input for operation: 'x' is not an integer."),
        (json!({ "port": -2 }), "Invalid input for port. Reason: '-2' is too small - must be at least '-1'."),
        (
            json!({ "port": 2_147_483_648_u64 }),
            "Invalid input for port. Reason: '2147483648' is too large - must be no larger than '2147483647'.",
        ),
    ] {
        assert_eq!(refusal(&set(quota)), (400, text.to_owned()));
    }
    // Nothing of a refused request holds.
    let shown = api.get(&demo, &path).json()["quota"].clone();
    assert_eq!((&shown["network"], &shown["port"]), (&json!(0), &json!(1024)));
    assert_eq!(api.get(&demo, &format!("{path}/default")).json()["quota"]["network"], 1024);
    let details = api.get(&demo, &format!("{path}/details")).json()["quota"].clone();
    assert_eq!(details["network"], json!({ "limit": 0, "used": 1, "reserved": 0 }));
    assert_eq!(details["router_route"], json!({ "limit": 30, "used": 0, "reserved": 0 }));
    let listed = api.get(&admin, base).json()["quotas"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["project_id"], &listed[0]["network"]), (&json!(project.to_string()), &json!(0)));
    // Of others, and of all, only administrators hear.
    let other = format!("{base}/{}", api.made.admin_project);
    let rule = (403, "rule:get_quota is disallowed by policy".to_owned());
    for path in [base.to_owned(), other.clone(), format!("{other}/default")] {
        assert_eq!(refusal(&api.get(&demo, &path)), rule, "{path}");
    }
    let text = "User does not have admin privileges: Only admin is authorized to access quotas for another project.";
    assert_eq!(refusal(&api.get(&demo, &format!("{other}/details"))), (403, text.to_owned()));
    let own = json!({ "tenant": { "tenant_id": project.to_string() } });
    assert_eq!(api.get(&demo, &format!("{base}/tenant")).json(), own);
    assert_eq!(api.ask(&demo, "DELETE", &path, &Value::Null).status, 403);
    assert_eq!(api.ask(&admin, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "DELETE", &path, &Value::Null).status, 404);
}

#[test]
fn what_a_group_brings_along_is_counted_and_refused_as_upstream_does() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let base = "/network/cbk/v2.0";
    let path = format!("{base}/quotas/{project}");
    let set = |quota: Value| assert_eq!(api.ask(&admin, "PUT", &path, &json!({ "quota": quota })).status, 200);
    let details = || api.get(&admin, &format!("{path}/details")).json()["quota"].clone();
    let over = |resource: &str| (409, format!("Quota exceeded for resources: ['{resource}']."));
    let group =
        || api.ask(&demo, "POST", &format!("{base}/security-groups"), &json!({ "security_group": { "name": "g" } }));
    // The project's first group brings four rules with it.
    set(json!({ "security_group_rule": 3 }));
    assert_eq!(refusal(&api.get(&demo, &format!("{base}/security-groups"))), over("security_group_rule"));
    assert_eq!(details()["security_group"]["used"], 0);
    // The default group goes beyond the limit of groups; those that are asked for do not.
    set(json!({ "security_group_rule": 5, "security_group": 0 }));
    assert_eq!(api.get(&demo, &format!("{base}/security-groups")).status, 200);
    assert_eq!(
        (&details()["security_group"]["used"], &details()["security_group_rule"]["used"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(refusal(&group()), over("security_group"));
    set(json!({ "security_group": -1 }));
    assert_eq!(refusal(&group()), over("security_group_rule"));
    set(json!({ "security_group_rule": 6 }));
    assert_eq!(group().status, 201);
    // A rule is counted for the owner of its group, whoever adds it.
    let groups = api.get(&demo, &format!("{base}/security-groups?name=g")).json();
    let rule = json!({ "security_group_rule": {
        "security_group_id": groups["security_groups"][0]["id"], "direction": "ingress", "protocol": "tcp"
    } });
    assert_eq!(
        refusal(&api.ask(&admin, "POST", &format!("{base}/security-group-rules"), &rule)),
        over("security_group_rule")
    );
    assert_eq!(details()["security_group_rule"]["used"], 6);
}

#[test]
fn octavias_quotas_have_the_recorded_form_and_words() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let base = "/load-balancer/fes/v2/lbaas/quotas";
    let path = format!("{base}/{project}");
    let shown = api.get(&demo, &path);
    assert_eq!(kinds(&shown.json()["quota"]), kinds(&shape("octavia-quota.json")["body"]["quota"]));
    assert_eq!(shown.json()["quota"]["load_balancer"], 15);
    for alias in
        ["/load-balancer/fes/v2.0/lbaas/quotas", "/load-balancer/fes/v2/quotas", "/load-balancer/fes/v2.0/quotas"]
    {
        assert_eq!(api.get(&demo, &format!("{alias}/{project}")).text, shown.text);
    }
    let recorded = shape("octavia-quota-update.json");
    let set = |body: Value| api.ask(&admin, "PUT", &path, &body);
    let answer = set(recorded["request"]["body"].clone());
    assert_eq!(answer.status, recorded["status"]);
    let (mut ours, mut theirs) = (answer.json()["quota"].clone(), recorded["body"]["quota"].clone());
    for name in ["project_id", "tenant_id"] {
        assert_eq!(ours[name].take(), json!(project.to_string()));
        theirs[name].take();
    }
    assert_eq!(ours, theirs);
    let across =
        api.get(&demo, &format!("/v3/projects/{project}/quota?regions=cbk,fes&filter=loadbalancer.members")).json();
    assert_eq!(across, json!({ "cbk": { "loadbalancer.members": 300 }, "fes": { "loadbalancer.members": 100 } }));
    // The list shows what is set, and null for the rest; it is of those that have something set.
    assert_eq!(set(json!({ "quota": { "pool": null } })).json()["quota"]["pool"], 200);
    let listed = api.get(&admin, base).json();
    assert_eq!(kinds(&listed), kinds(&shape("octavia-quotas-list.json")["body"]));
    assert_eq!((&listed["quotas"][0]["pool"], &listed["quotas"][0]["listener"]), (&Value::Null, &json!(50)));
    assert_eq!(api.get(&demo, base).json()["quotas"].as_array().unwrap().len(), 1);
    let forbidden = (403, "Policy does not allow this request to be performed.".to_owned());
    assert_eq!(refusal(&api.get(&demo, &format!("{base}?project_id={}", api.made.admin_project))), forbidden);
    assert_eq!(refusal(&api.get(&demo, &format!("{base}/{}", api.made.admin_project))), forbidden);
    assert_eq!(refusal(&api.get(&demo, &format!("{base}/defaults"))), forbidden);
    assert_eq!(refusal(&api.ask(&demo, "PUT", &path, &json!({ "quota": { "pool": 1 } }))), forbidden);
    assert_eq!(refusal(&api.ask(&demo, "DELETE", &path, &Value::Null)), forbidden);
    let defaults = api.get(&admin, &format!("{base}/defaults")).json();
    assert_eq!(kinds(&defaults["quota"]), kinds(&shape("octavia-quota-defaults.json")["body"]["quota"]));
    assert_eq!((&defaults["quota"]["project_id"], &defaults["quota"]["member"]), (&json!("defaults"), &json!(300)));
    assert_eq!(api.get(&demo, &format!("{path}/default")).json()["quota"]["listener"], 200);
    for (body, text) in [
        (json!({ "quota": { "pools": 1 } }), "Unknown attribute for argument quotas.quota: pools"),
        (json!({ "quotas": {} }), "Unknown attribute for argument quotas: quotas"),
        (
            json!({ "quota": { "pool": -2 } }),
            "Invalid input for field/attribute pool. Value: '-2'. Value should be greater or equal to -1",
        ),
        (
            json!({ "quota": { "pool": 2_000_000_001 } }),
            "Invalid input for field/attribute pool. Value: '2000000001'. Value should be lower or equal to 2000000000",
        ),
        (
            json!({ "quota": { "pool": "many" } }),
            "Invalid input for field/attribute quotas. Value: '{'quota': {'pool': 'many'}}'. invalid literal for int() with \
             base 10: 'many'",
        ),
    ] {
        assert_eq!(refusal(&set(body)), (400, text.to_owned()));
    }
    let broken = api.send("PUT", &path, &[("X-Auth-Token", admin.as_str())], Some("{not json"));
    assert_eq!(refusal(&broken), (400, "Request is not in valid JSON format".to_owned()));
    assert_eq!(api.ask(&admin, "DELETE", &path, &Value::Null).status, 202);
    let gone = (404, format!("Quotas {project} not found."));
    assert_eq!(refusal(&api.ask(&admin, "DELETE", &path, &Value::Null)), gone);
    assert_eq!(api.get(&demo, &path).text, shown.text);
}

#[test]
fn designates_quotas_have_the_recorded_form_and_words() {
    let api = cloud();
    let (admin, demo, project) = (api.admin(), api.demo(), api.made.demo_project.clone());
    let path = format!("/dns/v2/quotas/{project}");
    let send = |token: &str, method: &str, headers: &[(&str, &str)], body: &Value| {
        let mut all = vec![("X-Auth-Token", token)];
        all.extend(headers);
        api.send(method, &path, &all, Some(&body.to_string()))
    };
    let all = ("X-Auth-All-Projects", "true");
    let sudo = ("X-Auth-Sudo-Project-Id", project.as_str());
    let shown = api.get(&demo, "/dns/v2/quotas");
    assert_eq!(kinds(&shown.json()), kinds(&shape("designate-quota.json")["body"]));
    assert_eq!((&shown.json()["zones"], api.get(&demo, &path).text), (&json!(12), shown.text.clone()));
    let recorded = shape("designate-quota-update.json");
    let wanted = &recorded["request"]["body"];
    // Another project's, only with one of the headers.
    let forbidden = (403, "forbidden".to_owned());
    assert_eq!(refusal(&send(&admin, "GET", &[], &Value::Null)), forbidden);
    assert_eq!(refusal(&send(&admin, "PATCH", &[], wanted)), forbidden);
    assert_eq!(send(&admin, "GET", &[sudo], &Value::Null).text, shown.text);
    for header in [all, sudo] {
        let set = send(&admin, "PATCH", &[header], wanted);
        assert_eq!((set.status, set.json()), (200, recorded["body"].clone()));
    }
    // Who is no administrator may neither set nor send the headers.
    assert_eq!(refusal(&send(&demo, "PATCH", &[], wanted)), forbidden);
    assert_eq!(refusal(&send(&demo, "DELETE", &[], &Value::Null)), forbidden);
    for header in [all, sudo] {
        assert_eq!(send(&demo, "GET", &[header], &Value::Null).status, 403);
    }
    let invalid = "Provided object is not valid. Got a ValueError error with message";
    for (body, text) in [
        (json!({ "zones": 1, "cows": 777 }), "Field value cows is invalid"),
        (json!({ "zones": "many" }), "invalid literal for int() with base 10: 'many'"),
        (json!({ "zones": -2 }), "Value must be >= -1 for field hard_limit"),
        (json!({ "zones": 2_147_483_648_u64 }), "Value too high for hard_limit"),
    ] {
        let answer = send(&admin, "PATCH", &[all], &body);
        assert_eq!(refusal(&answer), (400, format!("{invalid} {text}")));
        assert_eq!(answer.json()["type"], "invalid_object");
        assert_eq!(answer.json()["request_id"], answer.header("x-openstack-request-id").unwrap());
    }
    let nobody = "/dns/v2/quotas/project-that-does-not-exist";
    let answer = api.send("PATCH", nobody, &[("X-Auth-Token", &admin), all], Some(r#"{"zones": 1}"#));
    assert_eq!(refusal(&answer), (400, "project-that-does-not-exist is not a valid project ID.".to_owned()));
    let reset = send(&admin, "DELETE", &[], &Value::Null);
    assert_eq!((reset.status, reset.text.as_str()), (204, ""));
    assert_eq!(api.get(&demo, &path).text, shown.text);
}

#[test]
fn the_two_services_are_there_only_as_a_preview() {
    let api = cloud();
    let admin = api.admin();
    let endpoint = format!("http://{}", api.address);
    let document = |name: &str, at: &str| {
        let text = shape(name)["body"].to_string().replace("{endpoint}", &format!("{endpoint}{at}"));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let versions = api.send("GET", "/load-balancer/fes/", &[], None);
    assert_eq!(versions.json(), document("octavia-versions-root.json", "/load-balancer/fes"));
    assert_eq!(api.send("GET", "/dns/", &[], None).json(), document("designate-versions-root.json", "/dns"));
    assert_eq!(api.get(&admin, "/load-balancer/fes/v2").json(), "v2");
    let unknown = api.get(&admin, "/load-balancer/fes/v2/lbaas/nosuch");
    assert_eq!(
        (unknown.status, unknown.json()),
        (404, json!({ "code": 404, "title": "Not Found", "description": "" }))
    );
    let here = "There is no region 'xyz' here; the regions are: cbk, dbl, fes.";
    assert_eq!(refusal(&api.get(&admin, "/load-balancer/xyz/v2/lbaas/quotas")), (404, here.to_owned()));
    for path in ["/dns/v2", "/dns/v2/zones", "/dns/v2/quotas/x/y"] {
        assert_eq!(refusal(&api.get(&admin, path)), (404, "resource not found".to_owned()), "{path}");
    }
    assert_eq!(refusal(&api.ask(&admin, "POST", "/dns/v2/quotas", &json!({}))), (405, "method_not_allowed".to_owned()));
    assert_eq!(api.ask(&admin, "POST", "/load-balancer/fes/v2/lbaas/quotas", &json!({})).status, 405);
    let types = |api: &TestApi, token: &str| {
        let catalog = api.get(token, "/identity/v3/auth/catalog").json();
        let mut types: Vec<_> = catalog["catalog"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
        types.retain(|kind| kind == "dns" || kind == "load-balancer");
        types.len()
    };
    assert_eq!(types(&api, &admin), 2);

    let without = TestApi::start();
    let admin = without.admin();
    assert_eq!(types(&without, &admin), 0);
    for path in ["/load-balancer/RegionOne/", "/load-balancer/RegionOne/v2/lbaas/quotas", "/dns", "/dns/v2/quotas"] {
        let answer = without.get(&admin, path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("text/html; charset=UTF-8")), "{path}");
    }
}
