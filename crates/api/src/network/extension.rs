//! What the region offers beyond the core: the extensions that this program knows, whose feature the
//! region's profile has, and that the region's datapath can carry out.

use model::{
    Feature,
    extension::{EXTENSIONS, Extension, by_alias},
};
use serde_json::json;

use super::{NetworkError, Visit};
use crate::edge::Reply;

/// `GET /v2.0/extensions`.
pub(super) async fn list(visit: &Visit) -> Result<Reply, NetworkError> {
    visit.read(|_, _| Ok(())).await?;
    let offered: Vec<_> = EXTENSIONS.iter().filter(|extension| offers(visit, extension)).collect();
    Ok(Reply::ok(&json!({ "extensions": offered })))
}

/// `GET /v2.0/extensions/{alias}`.
pub(super) async fn show(visit: &Visit, alias: &str) -> Result<Reply, NetworkError> {
    visit.read(|_, _| Ok(())).await?;
    match by_alias(alias) {
        Some(extension) if offers(visit, extension) => Ok(Reply::ok(&json!({ "extension": extension }))),
        _ => {
            let absence = Absence::of(visit, Feature::of_alias(alias));
            Err(NetworkError::UnknownExtension { alias: alias.to_owned(), absence })
        }
    }
}

fn offers(visit: &Visit, extension: &Extension) -> bool {
    visit.settings.features.offers(extension.alias) && can(visit, extension.alias)
}

/// A region that is served is known to the world, so that no answer is "no region".
fn can(visit: &Visit, alias: &str) -> bool {
    visit.api.world.supports(&visit.region, alias).unwrap_or(false)
}

/// Why a region does not have a feature, in words.
#[derive(Debug)]
pub(super) struct Absence {
    /// `Region cbk does not offer port trunking [trunk].`
    pub(super) message: String,
    /// The reason, and where to go.
    pub(super) detail: String,
}

impl Absence {
    /// `None` when nothing but this program's age keeps the feature from being there.
    pub(super) fn of(visit: &Visit, feature: Feature) -> Option<Self> {
        let message = format!("Region {} does not offer {feature}.", visit.region);
        let elsewhere = visit.settings.regions_with(feature);
        if !visit.settings.features.contains(feature) {
            return Some(Self { message, detail: elsewhere });
        }
        let known: Vec<_> = feature.aliases().iter().filter(|alias| by_alias(alias).is_some()).collect();
        if known.is_empty() || known.iter().any(|alias| can(visit, alias)) {
            return None;
        }
        let detail = format!("The region's profile has it, but its datapath cannot do it. {elsewhere}");
        Some(Self { message, detail })
    }
}
