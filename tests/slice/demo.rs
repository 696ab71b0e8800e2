//! 10. `baryon demo` does the first six by itself, proves them, and leaves nothing behind.

use serde_json::Value;

use crate::failure::{Result, ensure, same};
use crate::world::World;

/// Runs it and compares what there is before and after.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let before = (objects(world)?, namespaces(world)?);
    let finished = world.host.baryon(&["demo"])?;
    let said = finished.stdout.clone();
    finished.success()?;
    ensure(said.lines().count() > 10, || format!("it proves without a word: {said:?}"))?;
    world.admin.wait_until_applied()?;
    let after = (objects(world)?, namespaces(world)?);
    same("what the demo leaves in the cloud", after.0, before.0)?;
    same("what the demo leaves on the host", after.1, before.1)
}

/// Every object of the network API that a tenant can make, by id.
fn objects(world: &World) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for collection in ["networks", "subnets", "ports", "routers", "floatingips", "security-groups"] {
        let answer = world.admin.get(&format!("/{collection}"))?;
        let list = answer[collection.replace('-', "_")].as_array().cloned().unwrap_or_default();
        ids.extend(list.iter().filter_map(|o: &Value| Some(format!("{collection} {}", o["id"].as_str()?))));
    }
    ids.sort();
    Ok(ids)
}

/// The host's devices, and the namespaces that a demo of this host may have made.
fn namespaces(world: &World) -> Result<Vec<String>> {
    let links = world.host.netns().sh("ip -o link show")?;
    let mut names: Vec<String> =
        links.lines().filter_map(|line| Some(line.split(": ").nth(1)?.split('@').next()?.to_owned())).collect();
    names.sort();
    Ok(names)
}
