//! `baryon rotate-keys`.

use std::time::Duration;

use crate::{cli::RotateKeysArgs, data_dir::DataDir, error::Result, output::say};

/// How long tokens last. Not a setting of the server.
const LIFETIME: Duration = Duration::from_secs(3600);
/// How long a service may ask for an expired token, as Keystone has it.
const WINDOW: Duration = Duration::from_secs(48 * 3600);

/// Makes a new key for tokens, and removes those that no token needs any longer.
pub(super) fn rotate_keys(args: &RotateKeysArgs) -> Result<()> {
    let keys = DataDir::open(&args.data_dir.data_dir)?.keys();
    let rotation = api::rotate_keys(&keys, LIFETIME, WINDOW)?;
    say!("token key {} is new; running processes take it up within seconds", rotation.new)?;
    for id in &rotation.removed {
        say!("token key {id} is removed: its last token has long expired")?;
    }
    for id in &rotation.kept {
        say!("token key {id} stays until nobody asks for its tokens any longer")?;
    }
    Ok(())
}
