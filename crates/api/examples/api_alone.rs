//! The API without a datapath, for trying clients on it: `cargo run -p api --example api_alone`.
//!
//! Serves on 127.0.0.1:9696 (or the address given) from an empty store in a temporary directory,
//! until Ctrl-C. The users `admin` and `demo` have the password `secret`.

#![forbid(unsafe_code)]

use std::{error::Error, sync::Arc};

use api::{ApiConfig, Bootstrap, NullWorld, Probes};
use store::Store;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9696".to_owned()).parse()?;
    let directory = std::env::temp_dir().join(format!("baryon-api-alone-{}", std::process::id()));
    let store = Store::open(&directory.join("baryon.db"))?;
    let config = ApiConfig::new(address, directory.join("keys"));
    let wanted = Bootstrap {
        regions: config.region_names(),
        admin_password: "secret".to_owned(),
        demo_password: "secret".to_owned(),
        reset_passwords: false,
    };
    api::bootstrap(&store, wanted).await?;
    let bound = api::bind(config, store, Arc::new(NullWorld), Probes::default()).await?;
    eprintln!("http://{}/identity/v3", bound.address());
    bound
        .run(async {
            // Without the signal there is only the other way to end it.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
