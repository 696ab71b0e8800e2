//! `baryon doctor`: everything that the datapath needs, one line each.

use driver_ebpf::{EbpfConfig, EbpfDriver, remove_instance};
use hostnet::Netns;
use serde_json::json;

use crate::{
    Error,
    cli::DoctorArgs,
    config::Config,
    error::Result,
    output::say,
    preflight::{self, Check, find_program, instance, open_files},
};

/// Programs that only `baryon demo` needs, and the packages that bring them.
const FOR_DEMO: [(&str, &str); 2] = [("udhcpc", "udhcpc"), ("ping", "iputils-ping")];

/// Looks at everything; fails when something that is needed is missing.
pub(super) fn doctor(args: &DoctorArgs) -> Result<()> {
    let mut checks = preflight::datapath();
    if checks.iter().all(|check| check.result.is_ok()) {
        checks.push(Check { name: "programs of the datapath", result: try_datapath() });
    }
    let open_files = Config::of_file(None).map_err(Error::from).and_then(|config| open_files::check(&config.api));
    let warnings = warnings().unwrap_or_else(|error| vec![error.to_string()]);
    let missing = checks.iter().filter(|check| check.result.is_err()).count();
    if args.json {
        let rows: Vec<_> = checks
            .iter()
            .map(|check| match &check.result {
                Ok(found) => json!({"name": check.name, "ok": true, "text": found}),
                Err(error) => json!({"name": check.name, "ok": false, "text": error.to_string()}),
            })
            .collect();
        let (ok, text) = match &open_files {
            Ok(text) => (true, text.clone()),
            Err(error) => (false, error.to_string()),
        };
        say!(
            "{}",
            json!({"ok": missing == 0, "checks": rows, "open_files": {"ok": ok, "text": text}, "warnings": warnings})
        )?;
    } else {
        for check in &checks {
            match &check.result {
                Ok(found) => say!("ok       {}: {found}", check.name)?,
                Err(error) => say!("MISSING  {}: {error}", check.name)?,
            }
        }
        // Less than is needed does not keep the datapath from working.
        match &open_files {
            Ok(found) => say!("ok       open files: {found}")?,
            Err(error) => say!("FEW      open files: {error}")?,
        }
        for warning in &warnings {
            say!("WARNING  {warning}")?;
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

/// What is wrong with the instance and beside it, without keeping the datapath from working.
fn warnings() -> Result<Vec<String>> {
    let config = Config::of_file(None)?;
    let mut warnings = instance::quota_drift(&config)?;
    warnings.extend(instance::unreachable_peers(&config));
    Ok(warnings)
}

/// Loads everything once, in a namespace and a directory that go again: what no list of features says
/// for certain.
fn try_datapath() -> Result<String> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("baryon-doctor-{}", unique.get(..8).unwrap_or(&unique));
    let run_dir = std::env::temp_dir().join(&name);
    let config = EbpfConfig { instance: name.clone(), run_dir: run_dir.clone(), ..EbpfConfig::default() };
    let netns = Netns::create(&name)?;
    let tried =
        std::fs::create_dir(&run_dir).map_err(Error::io(format!("make {}", run_dir.display()))).and_then(|()| {
            let tried = netns.run(|| {
                let opened = EbpfDriver::open(config.clone()).map(drop);
                // Taken down whether it came up or not; the first error is the one to tell.
                opened.and(remove_instance(&config).map(drop))
            });
            std::fs::remove_dir_all(&run_dir).map_err(Error::io(format!("remove {}", run_dir.display())))?;
            Ok(tried??)
        });
    Netns::delete(&name)?;
    tried.map(|()| "this kernel takes them".to_owned())
}
