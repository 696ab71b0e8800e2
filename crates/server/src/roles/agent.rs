//! The role `agent`: the host side, the driver, and the socket. It ends with the supervisor; the
//! datapath stays.

use driver_ebpf::{EbpfConfig, EbpfDriver};

use crate::{
    Error,
    agent::{self, ServingDriver},
    cli::RoleName,
    error::Result,
    host_side,
    role::{self, AgentSettings, Announcement},
};

/// Serves until the supervisor ends it.
pub(super) fn run() -> Result<()> {
    let settings: AgentSettings = role::settings(RoleName::Agent)?;
    crate::logging::start(&settings.log);
    let host = host_side::ensure(&settings)?;
    let services = agent::start_services(host.services.netns, settings.log)?;
    let driver = EbpfDriver::open(EbpfConfig {
        instance: settings.instance.to_string(),
        run_dir: settings.run_dir.clone(),
        physical_networks: host.physical_networks,
        service_interface: Some(host.services.device),
        service_mac: host.services.mac,
        timeouts: settings.timeouts,
        ..EbpfConfig::default()
    })?;
    let socket = agent::socket(&settings.run_dir);
    let failed = || Error::io(format!("serve at {}", socket.display()));
    let listener = agent::bind(&socket).map_err(failed())?;
    std::thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(|| {
            role::wait_for_end();
            // A verb that is cut off here is like one that a kill cut off: the next start's full
            // pass puts it right.
            std::process::exit(0);
        })
        .map_err(Error::io("start a thread"))?;
    Announcement::Ready { notes: host.notes }.send()?;
    agent::serve(&listener, ServingDriver::new(driver, services)).map_err(failed())
}
