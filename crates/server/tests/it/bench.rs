//! The bench, its server and its providers: all by the binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

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
