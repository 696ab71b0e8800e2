//! `baryon demo`: builds networks through the API, as any client would, and proves with real packets
//! that they do what they should.
//!
//! Everything carries a prefix of its own, so that a demo disturbs nobody and two of them can run at
//! once; everything is taken down at the end, however the end comes. The script of what is shown is
//! [`script`]; [`stage`] makes and removes things; [`server`] is a namespace that plays a server.

mod dhcp;
mod script;
mod server;
mod stage;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{Error, cli::DemoArgs, client::Client, error::Result, output::say, preflight};

use stage::Stage;

/// Runs it; fails when something was not proven.
pub(super) fn demo(args: &DemoArgs) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NotRoot { command: "`baryon demo`", hint: None });
    }
    preflight::program("ping", "iputils-ping")?;
    preflight::program("ip", "iproute2")?;
    dhcp::Client::available()?;
    let client = Client::connect(&args.cloud)?;
    let interrupted = on_interrupt()?;
    let mut stage = Stage::new(client, Arc::clone(&interrupted));
    say!("everything made here has the prefix {}; Ctrl-C tears it down", stage.prefix())?;
    let played = script::play(&mut stage);
    let (proven, failed) = stage.score();
    if args.keep && !interrupted.load(Ordering::Relaxed) {
        say!("left as it is (--keep): the namespaces are those of `ip netns | grep {}`", stage.prefix())?;
    } else {
        stage.tear_down()?;
    }
    played?;
    say!("{proven} proofs, {failed} of them failed")?;
    if failed == 0 { Ok(()) } else { Err(Error::Told) }
}

/// A flag that Ctrl-C and SIGTERM raise; the script looks at it between its steps.
fn on_interrupt() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::io("listen to signals"))?;
    let listen = |kind| {
        let _context = runtime.enter();
        signal(kind).map_err(Error::io("listen to signals"))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                raised.store(true, Ordering::Relaxed);
            }
        });
    });
    Ok(flag)
}
