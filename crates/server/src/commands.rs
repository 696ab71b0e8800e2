//! What each subcommand does.

mod attach;
mod audit;
mod check_config;
mod demo;
mod doctor;
mod down;
mod register_endpoints;
mod rotate_keys;
mod status;
mod trace;

use crate::{cli::Command, error::Result};

/// Runs one subcommand.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => crate::supervisor::up(&args),
        Command::Attach(args) => attach::attach(&args),
        Command::Detach(args) => attach::detach(&args),
        Command::Trace(args) => trace::trace(&args),
        Command::Status(args) => status::status(&args),
        Command::Audit(args) => audit::audit(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::CheckConfig(args) => check_config::check_config(&args),
        Command::RegisterEndpoints(args) => register_endpoints::register_endpoints(&args),
        Command::RotateKeys(args) => rotate_keys::rotate_keys(&args),
        Command::Down(args) => down::down(&args),
        Command::Purge(args) => down::purge(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Role(args) => crate::roles::run(args.role),
    }
}
