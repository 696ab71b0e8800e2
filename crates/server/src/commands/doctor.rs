//! `baryon doctor`: everything that the datapath needs, one line each.

use serde_json::json;

use crate::{
    Error,
    cli::DoctorArgs,
    error::Result,
    output::say,
    preflight::{self, find_program},
};

/// Programs that only `baryon demo` needs, and the packages that bring them.
const FOR_DEMO: [(&str, &str); 2] = [("udhcpc", "udhcpc"), ("ping", "iputils-ping")];

/// Looks at everything; fails when something that is needed is missing.
pub(super) fn doctor(args: &DoctorArgs) -> Result<()> {
    let checks = preflight::datapath();
    let missing = checks.iter().filter(|check| check.result.is_err()).count();
    if args.json {
        let rows: Vec<_> = checks
            .iter()
            .map(|check| match &check.result {
                Ok(found) => json!({"name": check.name, "ok": true, "text": found}),
                Err(error) => json!({"name": check.name, "ok": false, "text": error.to_string()}),
            })
            .collect();
        say!("{}", json!({"ok": missing == 0, "checks": rows}))?;
    } else {
        for check in &checks {
            match &check.result {
                Ok(found) => say!("ok       {}: {found}", check.name)?,
                Err(error) => say!("MISSING  {}: {error}", check.name)?,
            }
        }
        for (program, package) in FOR_DEMO {
            if find_program(program).is_none() {
                say!("optional program {program}: missing, for `baryon demo`; Debian: apt-get install {package}")?;
            }
        }
        match missing {
            0 => say!("this machine has what the datapath needs: `baryon up`")?,
            1 => say!("1 thing is missing; without it: `baryon up --driver null`")?,
            several => say!("{several} things are missing; without them: `baryon up --driver null`")?,
        }
    }
    if missing == 0 { Ok(()) } else { Err(Error::Told) }
}
