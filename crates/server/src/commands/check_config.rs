//! `baryon check-config`.

use crate::{
    cli::CheckConfigArgs,
    config::{ApiConfig, EXAMPLE, load},
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
            say!("{}: ok", file.display())
        }
        None => say!("{}", EXAMPLE.trim_end()),
    }
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
