//! Regions.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn regions_make_a_hierarchy() {
    let cloud = Cloud::start();
    let north = cloud.make("/regions", "region", json!({ "description": "cold" }));
    assert_eq!(id(&north).len(), 32, "an id is made where none is given");
    assert_eq!(north["parent_region_id"], Value::Null);
    let body = json!({ "region": { "parent_region_id": north["id"] } });
    let answer = cloud.ask("PUT", "/regions/pole", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["region"]["description"], "");
    assert_eq!(cloud.ids(&format!("/regions?parent_region_id={}", id(&north))), ["pole"]);
    let changed = cloud.change("/regions/pole", "region", json!({ "description": null, "parent_region_id": null }));
    assert_eq!((&changed["description"], &changed["parent_region_id"]), (&json!(""), &Value::Null));
    cloud.change("/regions/pole", "region", json!({ "parent_region_id": north["id"] }));
    // A region goes with its parts.
    cloud.done("DELETE", &format!("/regions/{}", id(&north)));
    assert_eq!(cloud.refused("GET", "/regions/pole", &Value::Null), (404, "Could not find region: pole.".to_owned()));
}

#[test]
fn what_is_no_region_is_named() {
    let cloud = Cloud::start();
    assert_eq!(
        cloud.refused("POST", "/regions", &json!({ "region": { "id": "RegionOne" } })),
        (409, "Conflict occurred attempting to store region - Duplicate ID, RegionOne..".to_owned())
    );
    assert_eq!(
        cloud.refused("PUT", "/regions/one", &json!({ "region": { "id": "two" } })),
        (400, "Conflicting region IDs specified: \"one\" != \"two\"".to_owned())
    );
    assert_eq!(
        cloud.refused("POST", "/regions", &json!({ "region": { "parent_region_id": "nope" } })),
        (404, "Could not find region: nope.".to_owned())
    );
    assert_eq!(
        cloud.refused("POST", "/regions", &json!({ "region": { "description": 5 } })),
        (400, "Invalid input for field/attribute description. Value: 5. 5 is not of type 'string', 'null'".to_owned())
    );
    assert_eq!(
        cloud.refused("PATCH", "/regions/RegionOne", &json!({ "region": {} })),
        (400, "Invalid input for field/attribute region. Value: {}. {} should be non-empty".to_owned())
    );
    cloud.make("/regions", "region", json!({ "id": "part", "parent_region_id": "RegionOne" }));
    assert_eq!(
        cloud.refused("PATCH", "/regions/RegionOne", &json!({ "region": { "parent_region_id": "part" } })),
        (400, "The specified parent region RegionOne would create a circular region hierarchy.".to_owned())
    );
    let in_use = "Unable to delete region RegionOne because it or its child regions have associated endpoints.";
    assert_eq!(cloud.refused("DELETE", "/regions/RegionOne", &Value::Null), (403, in_use.to_owned()));
}
