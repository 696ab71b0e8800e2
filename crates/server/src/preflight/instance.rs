//! What may be wrong with an instance without keeping the datapath from working.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use store::{Store, StoreError};

use crate::{
    config::{Config, PublicUrl},
    data_dir::DataDir,
    error::Result,
};

/// The usages of quotas that are not the number of objects, one line each; none without an instance.
pub fn quota_drift(config: &Config) -> Result<Vec<String>> {
    let Ok(data_dir) = DataDir::open(&config.data_dir) else { return Ok(Vec::new()) };
    let Some(store) = Store::open_current(&data_dir.database())? else { return Ok(Vec::new()) };
    let drift = store.read_blocking::<_, StoreError, _>(|read| read.quotas().drift())?;
    Ok(drift
        .into_iter()
        .map(|drift| {
            let row = drift.recorded;
            format!(
                "quota {} of project {} in region {:?}: {} are recorded as used, {} are there; this is a fault of \
                 baryon: report it with this line, and shift the project's limit by the difference until then",
                row.resource, row.project, row.region, row.number, drift.counted
            )
        })
        .collect())
}

/// The configured services beside us that do not take connections, one line each.
pub fn unreachable_peers(config: &Config) -> Vec<String> {
    let timeout = Duration::from_secs(config.identity.timeout_seconds.into());
    let peers = [
        ("Keystone", "[identity] external", config.identity.external.as_ref()),
        ("Nova", "[nova] endpoint", config.nova.endpoint.as_ref().filter(|_| config.nova.notify)),
    ];
    let problem = |(name, key, url): (&str, &str, Option<&PublicUrl>)| {
        let url = url?.to_string();
        let error = connect(&url, timeout).err()?;
        Some(format!("{name} at {url} cannot be reached ({error}): start it, or correct {key}"))
    };
    peers.into_iter().filter_map(problem).collect()
}

fn connect(url: &str, timeout: Duration) -> std::io::Result<()> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or(rest);
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "https" { 443 } else { 80 };
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let mut last = std::io::Error::other("its name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_keystone_that_is_away_is_named_with_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/identity", listener.local_addr().unwrap());
        let mut config = Config::default();
        assert!(unreachable_peers(&config).is_empty(), "none is configured");
        config.identity.external = Some(url.parse().unwrap());
        assert!(unreachable_peers(&config).is_empty(), "it is there");
        drop(listener);
        let told = unreachable_peers(&config);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with(&format!("Keystone at {url} cannot be reached (")), "{told:?}");
        assert!(told[0].ends_with("): start it, or correct [identity] external"), "{told:?}");
    }
}
