//! Starts a built server, telephones it many times and prints what it holds from /proc: memory and file descriptors should be in
//! the end where they were once every decoder had heard its first calls.
//!
//! `cargo run --release -p ringback-sim --example calls_in_a_row -- target/release/ringback CALLS AT_ONCE ARGUMENTS...`
//! The arguments are those of `ringback call`. The server has a folder of its own and otherwise the environment of this program.
//! A decoder is made ready after each call, so `RECOGNIZERS` should be twice AT_ONCE; a call that failed, or found none free, is
//! counted and made again.
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A row is printed whenever so many calls more are over.
const EVERY: usize = 100;
/// How long after a call that failed it is made again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the last files and threads have to come to rest.
const CALM: Duration = Duration::from_secs(8);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binary, calls, at_once, call @ ..] = arguments.as_slice() else {
        bail!("usage: calls_in_a_row BINARY CALLS AT_ONCE ARGUMENTS...");
    };
    let (calls, at_once): (usize, usize) = (calls.parse()?, at_once.parse()?);
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    println!("  calls  failed  resident KiB  descriptors  seconds");
    let row = |over: usize, failed: usize, begun: Instant| {
        let (resident, descriptors) = server.holds()?;
        let seconds = begun.elapsed().as_secs();
        println!("{over:7} {failed:7} {resident:13} {descriptors:12} {seconds:8}");
        anyhow::Ok(())
    };
    let begun = Instant::now();
    row(0, 0, begun)?;
    let (next, over, failed) = <(AtomicUsize, AtomicUsize, AtomicUsize)>::default();
    let made = || {
        while let Err(error) = telephone(binary, &server.url, call, folder.path()) {
            eprintln!("{error:#}");
            let failed = failed.fetch_add(1, Ordering::Relaxed);
            anyhow::ensure!(failed < calls, "too many calls failed");
            std::thread::sleep(AGAIN);
        }
        let over = over.fetch_add(1, Ordering::Relaxed) + 1;
        if over.is_multiple_of(EVERY) {
            row(over, failed.load(Ordering::Relaxed), begun)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..at_once)
            .map(|_| {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::Relaxed) < calls {
                        made()?;
                    }
                    Ok(())
                })
            })
            .collect();
        let mut ended = callers.into_iter().map(|caller| caller.join());
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| bail!("a caller panicked")))
    })?;
    std::thread::sleep(CALM);
    println!("and {} s later", CALM.as_secs());
    row(
        over.load(Ordering::Relaxed),
        failed.load(Ordering::Relaxed),
        begun,
    )
}

fn telephone(binary: &str, url: &str, arguments: &[String], folder: &Path) -> Result<()> {
    let output = Command::new(binary)
        .args(["call", "--quiet", "--url", url])
        .args(arguments)
        .env("XDG_CACHE_HOME", folder)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!(
            "a call failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// The server under test. Dropped, it is killed.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Starts it and waits until its fixed lines are spoken.
    fn start(binary: &str, folder: &Path) -> Result<Self> {
        let process = Command::new(binary)
            .arg("serve")
            .envs([("HOST", "127.0.0.1"), ("PORT", "0")])
            .env("DATA_DIR", folder.join("data"))
            .env("LOG_DIR", folder.join("logs"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{binary} does not start"))?;
        let mut server = Self {
            process,
            url: String::new(),
        };
        let said = server.process.stdout.take().context("no output")?;
        let logged = server.process.stderr.take().context("no log")?;
        let mut said = BufReader::new(said).lines();
        let first = said.next().context("the server says nothing")??;
        let address = first.split("http://").nth(1).context(first.clone())?;
        server.url = format!("http://{}", address.trim());
        let (told, ready) = mpsc::channel();
        std::thread::spawn(move || said.for_each(drop));
        std::thread::spawn(move || {
            for line in BufReader::new(logged).lines().map_while(Result::ok) {
                if line.contains("spoken in advance") {
                    let _ = told.send(());
                }
            }
        });
        ready
            .recv_timeout(Duration::from_secs(120))
            .context("the fixed lines were not spoken")?;
        Ok(server)
    }

    /// Resident memory in KiB, and open file descriptors.
    fn holds(&self) -> Result<(u64, usize)> {
        let own = Path::new("/proc").join(self.process.id().to_string());
        let status = std::fs::read_to_string(own.join("status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("no VmRSS")?;
        Ok((
            resident.parse()?,
            std::fs::read_dir(own.join("fd"))?.count(),
        ))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
