//! Our side: the API over a store in a temporary directory, on a free port of the loopback.

use std::{error::Error, net::SocketAddr, path::PathBuf, sync::Arc, thread};

use api::{ApiConfig, Bootstrap, Bootstrapped, NullWorld, Probes};
use intent::Settings;
use store::Store;
use tokio::sync::oneshot;

/// The password of both users.
pub(crate) const PASSWORD: &str = "***";

/// The running service; dropping it ends it.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) made: Bootstrapped,
    directory: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Service {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let directory = std::env::temp_dir().join(format!("baryon-shapes-{}", std::process::id()));
        let store = Store::open(&directory.join("baryon.db"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut config = ApiConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), directory.join("keys"));
        let physical_networks = vec!["public".to_owned(), "physnet1".to_owned()];
        config.regions[0].settings = Arc::new(Settings { physical_networks, ..Settings::default() });
        let wanted = Bootstrap {
            regions: config.region_names(),
            admin_password: PASSWORD.to_owned(),
            demo_password: PASSWORD.to_owned(),
            reset_passwords: false,
        };
        let made = runtime.block_on(api::bootstrap(&store, wanted))?;
        let bound = runtime.block_on(api::bind(config, store, Arc::new(NullWorld), Probes::default()))?;
        let address = bound.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            runtime.block_on(bound.run(async {
                // Either way it is the end.
                let _ = stopped.await;
            }));
        });
        Ok(Self { address, made, directory, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed already.
            let _ = thread.join();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
