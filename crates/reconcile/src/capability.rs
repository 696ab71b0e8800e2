//! What extensions ask of a datapath.
//!
//! An extension promises behaviour. Where its promise is about packets, the driver must be able to
//! keep it; everything else (tags, pages, names) is the API's alone and asks nothing.

use logical::Capability;

/// The capabilities that an extension cannot do without.
pub(crate) fn needed(extension: &str) -> &'static [Capability] {
    use Capability::{Filter4, Nat4, Route4, Services4};
    match extension {
        "port-security"
        | "security-group"
        | "allowed-address-pairs"
        | "aap-reject-multicast"
        | "stateful-security-group" => &[Filter4],
        "extraroute" | "extraroute-atomic" => &[Route4],
        "router" | "external-net" | "ext-gw-mode" | "fip-port-details" => &[Route4, Nat4],
        "extra_dhcp_opt" => &[Services4],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_extensions_that_are_known_ask_for_anything() {
        let asking: Vec<_> = model::extension::EXTENSIONS
            .iter()
            .filter(|extension| !needed(extension.alias).is_empty())
            .map(|extension| extension.alias)
            .collect();
        // A misspelt alias above would be missing here.
        assert_eq!(asking.len(), 12, "{asking:?}");
    }
}
