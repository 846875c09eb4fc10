//! What processes use, by proc(5), and on which cores they run. Linux.

use std::io;
use std::process::{Child, Command};

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Ticks of a second in `/proc/PID/stat`; Linux shows them to programs at this rate everywhere.
const TICKS: f64 = 100.0;

/// What a process has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Processor time, user and system, in seconds.
    pub cpu_s: f64,
    /// Resident memory in KiB.
    pub rss_kib: u64,
}

impl Usage {
    /// Of a process of this machine.
    ///
    /// # Errors
    /// When it is gone.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/{file}"))
                .with_context(|| format!("the process {pid} is gone"))
        };
        Self::parse(&read("stat")?, &read("status")?).context("what /proc says of a process")
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The second field is the program's name in brackets, which may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let rss = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(Self {
            cpu_s: (ticks(14)? + ticks(15)?) / TICKS,
            rss_kib: rss.split_whitespace().next()?.parse().ok()?,
        })
    }
}

/// How many cores this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps this thread, and all threads and processes that it begins, off a core.
///
/// # Errors
/// When there is no such core, or no other.
pub fn keep_off(core: usize) -> anyhow::Result<()> {
    let mut set = sched_getaffinity(None).context("the cores of this process")?;
    ensure!(
        core < CpuSet::MAX_CPU && set.is_set(core),
        "--core {core}: this process may not use such a core"
    );
    set.unset(core);
    ensure!(
        set.count() > 0,
        "--core {core} leaves no core for the callers and the providers"
    );
    sched_setaffinity(None, &set).context("choosing cores")
}

/// Starts a program on this core alone, or wherever this process may run.
pub fn spawn_on(core: Option<usize>, command: &mut Command) -> io::Result<Child> {
    let Some(core) = core else {
        return command.spawn();
    };
    // A process begins on the cores of the thread that starts it.
    let spawned = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut set = CpuSet::new();
            set.set(core);
            sched_setaffinity(None, &set)?;
            command.spawn()
        });
        thread.join()
    });
    spawned.unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
}

/// Allows as many open files as the system lets this process and those it starts have.
pub fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    // What is not allowed shows itself when a socket cannot be opened.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse_the_fields() {
        let stat =
            "42 (a) b (c)) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 4 0 100 1000 500";
        let usage = Usage::parse(stat, "Name:\tx\nVmRSS:\t  1234 kB\n").unwrap();
        assert_eq!((usage.cpu_s, usage.rss_kib), (3.0, 1234));
        assert_eq!(Usage::parse("42 (x) S", "VmRSS: 1 kB"), None);
    }

    #[test]
    fn this_process_is_found() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_kib > 1000, "{usage:?}");
        assert!(Usage::of(u32::MAX).is_err());
    }

    #[test]
    fn a_program_runs_on_the_core_it_is_started_on() {
        let own = sched_getaffinity(None).unwrap();
        let core = (0..CpuSet::MAX_CPU).find(|&core| own.is_set(core)).unwrap();
        let mut command = Command::new("grep");
        command
            .args(["Cpus_allowed_list", "/proc/self/status"])
            .stdout(std::process::Stdio::piped());
        let child = spawn_on(Some(core), &mut command).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(
            said.split_whitespace().last(),
            Some(core.to_string().as_str())
        );
        assert_eq!(sched_getaffinity(None).unwrap().count(), own.count());
    }
}
