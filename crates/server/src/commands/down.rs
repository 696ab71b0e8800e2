//! `baryon down` and `baryon purge`: what `baryon up` made goes, in the opposite order.

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, kill};

use crate::{
    Error,
    cli::{DownArgs, PurgeArgs},
    config::DEFAULT_RUN_DIR,
    data_dir::DataDir,
    error::Result,
    host_side,
    output::say,
    region::{Register, Slot},
};

/// How long a running instance may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the processes and removes the instance from the kernel.
pub(super) fn down(args: &DownArgs) -> Result<()> {
    let data_dir = DataDir::open(&args.data_dir.data_dir)?;
    let run_dir = args.run_dir.clone().or_else(|| data_dir.run_dir()).unwrap_or_else(|| DEFAULT_RUN_DIR.into());
    let run_dir = data_dir.instance().run_dir(&run_dir);
    let in_kernel = run_dir.exists();
    if in_kernel {
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::NotRoot { command: "`baryon down`", hint: None });
        }
        host_side::require_own_namespace(data_dir.instance(), &run_dir)?;
    }
    stop(&data_dir)?;
    // Nothing may be started while it is taken apart.
    let _lock = data_dir.lock()?;
    if !in_kernel {
        return say!("instance {} has nothing in the kernel", data_dir.instance());
    }
    let removed = remove(&data_dir, &run_dir)?;
    say!("instance {} is removed from the kernel:", data_dir.instance())?;
    removed.iter().try_for_each(|thing| say!("  {thing}"))?;
    say!("its data is kept in {}; `baryon purge --yes` deletes that too", data_dir.path().display())
}

/// `down`, and the data.
pub(super) fn purge(args: &PurgeArgs) -> Result<()> {
    let path = &args.down.data_dir.data_dir;
    // Only what is ours is deleted, whatever the option names.
    let data_dir = DataDir::open(path)?;
    if !args.yes {
        return Err(Error::NotConfirmed { path: path.clone() });
    }
    down(&args.down)?;
    let failed = |path: &std::path::Path| Error::io(format!("delete {}", path.display()));
    for entry in fs::read_dir(path).map_err(failed(path))? {
        let entry = entry.map_err(failed(path))?.path();
        let deleted = if entry.is_dir() { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
        deleted.map_err(failed(&entry))?;
    }
    match fs::remove_dir(path) {
        // A mount point stays, empty.
        Ok(()) | Err(_) => say!("the data of instance {} is deleted from {}", data_dir.instance(), path.display()),
    }
}

/// Tells a running supervisor to end and waits for it.
fn stop(data_dir: &DataDir) -> Result<()> {
    let Some(pid) = data_dir.running()? else { return Ok(()) };
    say!("stopping `baryon up` (pid {pid})")?;
    kill(pid, Signal::SIGTERM).map_err(|errno| Error::io(format!("stop process {pid}"))(errno.into()))?;
    let begin = Instant::now();
    while data_dir.running()?.is_some() {
        if begin.elapsed() > PATIENCE {
            return Err(Error::Usage(format!(
                "process {pid} did not end within {} s: end it, then try again",
                PATIENCE.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn remove(data_dir: &DataDir, run_dir: &std::path::Path) -> Result<Vec<String>> {
    let register = Register::read(data_dir.path())?;
    // The first region's place was used before places were written down.
    let slots = register.known().iter().map(|known| known.slot).chain([Slot::FIRST]).collect();
    let mut removed = host_side::remove(data_dir.instance(), &slots, run_dir)?;
    fs::remove_dir_all(run_dir).map_err(Error::io(format!("remove {}", run_dir.display())))?;
    removed.push(format!("directory {}", run_dir.display()));
    Ok(removed)
}
