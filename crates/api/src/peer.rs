//! How the other services of the cloud are doing, as monitors and `baryon status` see it.

use std::{fmt::Write as _, sync::Arc};

use cloud_client::Health;
use serde_json::{Value, json};

/// In the text format of Prometheus.
pub(crate) fn metrics(peers: &[Arc<Health>]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(peers, &mut text);
    text
}

fn write(peers: &[Arc<Health>], text: &mut String) -> std::fmt::Result {
    if peers.is_empty() {
        return Ok(());
    }
    writeln!(text, "# HELP baryon_peer_up Whether the last exchange with another service of the cloud worked.")?;
    writeln!(text, "# TYPE baryon_peer_up gauge")?;
    for peer in peers {
        writeln!(text, "baryon_peer_up{{peer=\"{}\"}} {}", peer.name(), u8::from(peer.problem().is_none()))?;
    }
    writeln!(text, "# HELP baryon_peer_exchanges_total Exchanges with other services of the cloud.")?;
    writeln!(text, "# TYPE baryon_peer_exchanges_total counter")?;
    for peer in peers {
        let (worked, failed) = peer.counts();
        for (result, count) in [("worked", worked), ("failed", failed)] {
            writeln!(text, "baryon_peer_exchanges_total{{peer=\"{}\",result=\"{result}\"}} {count}", peer.name())?;
        }
    }
    Ok(())
}

/// For `baryon status`.
pub(crate) fn view(peers: &[Arc<Health>]) -> Value {
    peers.iter().map(|peer| json!({ "name": peer.name(), "problem": peer.problem() })).collect()
}
