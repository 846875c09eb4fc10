//! The providers' own Python packages as clients, where they are installed.

use std::path::Path;
use std::process::Command;

use crate::deepgram::script;
use crate::twins::start_with;

/// The Python that has the packages; `SDK_PYTHON` names another.
fn python() -> String {
    std::env::var("SDK_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

#[tokio::test]
async fn official_packages_accept_the_twins() {
    let twins = start_with(script(&["I would like a table."])).await;
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/sdk_check.py");
    let (python, url) = (python(), twins.url());
    let ran =
        tokio::task::spawn_blocking(move || Command::new(python).arg(check).arg(url).output());
    let output = match ran.await.unwrap() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("no Python, so no official package was asked: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    eprint!("{said}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{why}");
    assert_eq!(said.lines().count(), 3, "{said}");
}
