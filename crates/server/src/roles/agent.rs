//! The role `agent`: the host side, a driver of each region, and the socket. It ends with the supervisor; the
//! datapath stays.

use std::sync::Mutex;

use driver_ebpf::{EbpfConfig, EbpfDriver};

use crate::{
    Error,
    agent::{self, Drivers, ServingDriver},
    cli::RoleName,
    error::Result,
    host_side::{self, RegionSide},
    role::{self, AgentSettings, Announcement},
};

/// Serves until the supervisor ends it.
pub(super) fn run() -> Result<()> {
    let settings: AgentSettings = role::settings(RoleName::Agent)?;
    crate::logging::start(&settings.log);
    let host = host_side::ensure(&settings)?;
    let mut drivers = Drivers::new();
    for RegionSide { region, physical_networks, services } in host.regions {
        let part = region.part(settings.instance);
        let name = region.name.to_string();
        let feeder = agent::start_services(name.clone(), services.netns, settings.log.clone())?;
        let driver = EbpfDriver::open(EbpfConfig {
            instance: part.label(),
            run_dir: part.run_dir(&settings.run_dir),
            first_ifindex: part.slot.first_ifindex(),
            physical_networks,
            service_interface: Some(services.device),
            service_mac: services.mac,
            timeouts: settings.timeouts,
            ..EbpfConfig::default()
        })?;
        drivers.insert(name, Mutex::new(ServingDriver::new(driver, feeder)));
    }
    let socket = agent::socket(&settings.run_dir);
    let failed = || Error::io(format!("serve at {}", socket.display()));
    settings.account.let_into(&settings.run_dir)?;
    let listener = agent::bind(&socket, settings.account).map_err(failed())?;
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
    agent::serve(&listener, drivers).map_err(failed())
}
