//! `baryon check-config`.

use crate::{
    cli::CheckConfigArgs,
    config::{EXAMPLE, load},
    error::Result,
    output::say,
};

/// Checks a file, or prints the example.
pub(super) fn check_config(args: &CheckConfigArgs) -> Result<()> {
    match &args.file {
        Some(file) => {
            load(file)?;
            say!("{}: ok", file.display())
        }
        None => say!("{}", EXAMPLE.trim_end()),
    }
}
