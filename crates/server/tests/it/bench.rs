//! The bench, its server and its providers: all by the binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[test]
fn a_bench_of_three_calls_measures_every_stage() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Command::new(env!("CARGO_BIN_EXE_ringback"))
        .args(["bench", "--calls", "3", "--seconds", "8"])
        .args(["--stagger", "100", "--speech", "0.9", "--json", "-"])
        .args(["--keep", "kept"])
        .env_clear()
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&bench.stderr);
    let report: Value = serde_json::from_slice(&bench.stdout).expect(&complaint);
    let run = &report["runs"][0];
    assert_eq!(run["failures"], serde_json::json!([]), "{run:#}");
    // Beside other tests the times are doubtful, and it says so.
    let status = if run["void"].is_null() { 0 } else { 3 };
    assert_eq!(bench.status.code(), Some(status), "{run:#}");
    let stages = &run["stages"];
    for stage in ["stt_to_llm", "llm_to_tts", "tts_to_carrier", "added"] {
        assert!(stages[stage]["count"].as_u64() > Some(0), "{stage} {run:#}");
        assert!(stages[stage]["p50"].as_f64() < Some(2000.0), "{run:#}");
    }
    assert!(run["reply"]["count"].as_u64() > Some(0), "{run:#}");
    assert!(run["cost"]["rss_peak_kib"].as_u64() > Some(1000), "{run:#}");
    assert!(run["speech"].as_f64() > Some(0.05), "{run:#}");
    let recordings = folder.path().join("kept/3-calls/data/recordings");
    let waves = std::fs::read_dir(recordings).unwrap().flatten();
    let waves = waves.filter(|file| file.path().extension().is_some_and(|end| end == "wav"));
    assert_eq!(waves.count(), 3, "recording was on");
}

/// Whether a process runs, and the one that started it. A dead one that nobody has asked after yet runs no more.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

fn children(of: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent(pid) == Some(of)).collect()
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < patience, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_a_bench_started_ends_with_it_even_if_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_ringback"))
        .args(["bench", "--calls", "1", "--seconds", "600", "--json", "-"])
        .args(["--keep", "kept"])
        .env_clear()
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = until("the bench starts providers and a server", || {
        let children = children(bench.id());
        (children.len() == 2).then_some(children)
    });
    bench.kill().unwrap();
    bench.wait().unwrap();
    until("both end", || {
        let run = started.iter().any(|&pid| parent(pid).is_some());
        (!run).then_some(())
    });
}
