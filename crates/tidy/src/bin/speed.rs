//! Compares what the benches measured with what is asked of them: fails only at three times the figure, so that a busy machine
//! does not. Run the benches first: `make budgets` does both.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::path::Path;
use std::process::ExitCode;

/// What is tolerated of a busy machine.
const SLACK: f64 = 3.0;

/// Benches whose medians add up to a figure, in nanoseconds.
const FIGURES: [(&str, &[&str], f64); 4] = [
    (
        "a media frame in",
        &["media in: parse and decode 160 bytes"],
        300.0,
    ),
    ("a media frame out", &["media out: write 160 bytes"], 100.0),
    ("36,000 events through a call", &["call/ten_minutes"], 50e6),
    (
        "audio and call work for a silent frame",
        &["detector/silent frame", "mulaw/decode 160", "call/pace_due"],
        2000.0,
    ),
];

fn main() -> ExitCode {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let measured = medians(&Path::new(&target).join("criterion"));
    let mut failed = 0;
    for (what, benches, asked) in FIGURES {
        let mut sum = 0.0;
        for bench in benches {
            match measured.iter().find(|(name, _)| name == bench) {
                Some((_, median)) => sum += median,
                None => {
                    println!("{what}: the bench \"{bench}\" was not run");
                    failed += 1;
                }
            }
        }
        let verdict = if sum > asked * SLACK {
            failed += 1;
            "TOO SLOW"
        } else if sum > asked {
            "over the figure, tolerated"
        } else {
            "ok"
        };
        println!("{what}: {sum:.0} ns, asked {asked:.0} ns: {verdict}");
    }
    println!(
        "{} passed, {failed} failed",
        FIGURES.len().saturating_sub(failed)
    );
    ExitCode::from(u8::from(failed > 0))
}

/// The median of each bench, in nanoseconds, by its full name.
fn medians(folder: &Path) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let new = path.join("new");
        if let (Some(bench), Some(estimates)) = (
            json(&new.join("benchmark.json")),
            json(&new.join("estimates.json")),
        ) {
            if let (Some(name), Some(median)) = (
                bench["full_id"].as_str(),
                estimates["median"]["point_estimate"].as_f64(),
            ) {
                found.push((name.to_owned(), median));
            }
        } else if path.is_dir() {
            found.extend(medians(&path));
        }
    }
    found
}

fn json(path: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}
