//! `baryon rotate-keys`.

use std::time::Duration;

use store::Store;

use crate::{Error, cli::RotateKeysArgs, data_dir::DataDir, error::Result, output::say};

/// How long tokens last. Not a setting of the server.
const LIFETIME: Duration = Duration::from_secs(3600);
/// How long a service may ask for an expired token, as Keystone has it.
const WINDOW: Duration = Duration::from_secs(48 * 3600);

/// Makes new keys for tokens and for secrets, and removes those that nothing needs any longer.
pub(super) fn rotate_keys(args: &RotateKeysArgs) -> Result<()> {
    let data_dir = DataDir::open(&args.data_dir.data_dir)?;
    let keys = data_dir.keys();
    let rotation = api::rotate_keys(&keys, LIFETIME, WINDOW)?;
    say!("token key {} is new; running processes take it up within seconds", rotation.new)?;
    for id in &rotation.removed {
        say!("token key {id} is removed: its last token has long expired")?;
    }
    for id in &rotation.kept {
        say!("token key {id} stays until nobody asks for its tokens any longer")?;
    }
    say!("secrets are encrypted anew; this takes some seconds")?;
    let rotation = api::rotate_secret_keys(&keys, &Store::open(&data_dir.database())?)?;
    say!("secret key {} is new; {} secrets are encrypted with it now", rotation.new, rotation.moved)?;
    for id in &rotation.removed {
        say!("secret key {id} is removed: it encrypts nothing any longer")?;
    }
    for id in &rotation.kept {
        say!("secret key {id} stays: secrets name it that cannot be decrypted")?;
    }
    match rotation.unreadable {
        0 => Ok(()),
        unreadable => Err(Error::UnreadableSecrets { unreadable }),
    }
}
