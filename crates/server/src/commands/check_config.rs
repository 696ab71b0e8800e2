//! `baryon check-config`.

use cloud_client::Http;

use crate::{
    Error,
    account::Account,
    cli::CheckConfigArgs,
    config::{ApiConfig, CloudSettings, Config, EXAMPLE, load},
    error::Result,
    output::say,
    tls::{PairFiles, check_authority},
};

/// Checks a file, or prints the example.
pub(super) fn check_config(args: &CheckConfigArgs) -> Result<()> {
    match &args.file {
        Some(file) => {
            let config = load(file)?;
            certificates(&config.api)?;
            others(&config)?;
            say!("{}: ok", file.display())
        }
        None => say!("{}", EXAMPLE.trim_end()),
    }
}

/// What else the configuration names and a start would miss: the user of the role `api`, the service
/// user's password, the authorities of the cloud around.
fn others(config: &Config) -> Result<()> {
    if config.api.user.is_some() {
        Account::choose(config.api.user.as_deref())?;
    }
    let own_identity = format!("{}/identity", config.api.local_url());
    if let Some(cloud) = CloudSettings::read(&config.identity, &config.nova, &own_identity)? {
        Http::new(cloud.http()).map_err(|error| Error::Usage(format!("identity.cacert: {error}")))?;
    }
    Ok(())
}

/// The files of the listener's certificate, as a client would judge them: also one that a start bears,
/// because it has expired, is an error here.
fn certificates(api: &ApiConfig) -> Result<()> {
    if let Some(files) = PairFiles::of(api) {
        let (_, certificate) = files.read()?;
        files.read_valid()?;
        say!("certificate: good until {}", certificate.not_after())?;
    }
    if let Some(file) = &api.ca_certificate {
        check_authority(file)?;
    }
    Ok(())
}
