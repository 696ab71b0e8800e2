//! The eBPF programs as a datapath of the packet table.

use std::{error::Error, fs, path::PathBuf, process};

use driver_ebpf::{EbpfConfig, remove_instance, test_run::TestRun};
use hostnet::Netns;
use logical::{LogicalNetwork, Point, Timeouts};
use testkit::packet_table::{Answer, Datapath, DatapathError};

/// A network namespace that plays the host, which this thread is in until the end; removed when dropped.
pub(crate) struct Host {
    name: String,
    config: EbpfConfig,
}

impl Host {
    /// Makes the namespace and enters it.
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let name = format!("baryon-diff-{}", process::id());
        let run_dir = PathBuf::from("/run").join(&name);
        let netns = Netns::create(&name)?;
        // The collector walks the whole table each time that time passes: a large one would only cost time.
        let config = EbpfConfig { instance: name.clone(), run_dir, max_flows: 4096, ..EbpfConfig::default() };
        let host = Self { name, config };
        netns.enter()?;
        Ok(host)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What cannot be removed is named after this run and disturbs no other.
        let _ = remove_instance(&self.config);
        let _ = Netns::delete(&self.name);
        let _ = fs::remove_dir(self.config.run_dir.join("bpf"));
        let _ = fs::remove_dir(&self.config.run_dir);
    }
}

/// The programs.
pub(crate) struct Programs {
    run: TestRun,
    /// Packets that they were given.
    pub(crate) packets: u64,
    /// Those of them that a connection's remembered action decided.
    pub(crate) remembered: u64,
}

impl Programs {
    /// Loads them.
    pub(crate) fn open(host: &Host) -> Result<Self, Box<dyn Error>> {
        Ok(Self { run: TestRun::open(host.config.clone())?, packets: 0, remembered: 0 })
    }
}

fn failed(error: driver_ebpf::Error) -> DatapathError {
    DatapathError(error.to_string())
}

impl Datapath for Programs {
    fn name(&self) -> &'static str {
        "ebpf"
    }

    fn reset(&mut self, timeouts: Timeouts) -> Result<(), DatapathError> {
        self.run.reset(timeouts).map_err(failed)
    }

    fn load(&mut self, network: &LogicalNetwork) -> Result<(), DatapathError> {
        self.run.load(network).map_err(failed)
    }

    fn advance(&mut self, seconds: u32) -> Result<(), DatapathError> {
        self.run.advance(seconds).map_err(failed)
    }

    fn process(&mut self, point: Point, frame: &[u8]) -> Result<Answer, DatapathError> {
        let decision = self.run.process(point, frame).map_err(failed)?;
        self.packets += 1;
        self.remembered += u64::from(decision.fast);
        Ok(Answer { verdict: decision.verdict, outputs: decision.outputs, steps: Vec::new() })
    }

    fn sees_flooding(&self) -> bool {
        false
    }
}
