//! What we build on: licences that let us ship, and no second library for what one does.

use spdx::{Expression, ParseMode};

use crate::Breach;

/// How `cargo tree` must print a package for [`refused`].
pub const FORMAT: &str = "{p}|{l}";

const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const BANNED: [(&str, &str); 5] = [
    ("openssl", "rustls with aws-lc-rs does TLS"),
    ("openssl-sys", "rustls with aws-lc-rs does TLS"),
    ("native-tls", "rustls with aws-lc-rs does TLS"),
    ("ring", "aws-lc-rs is the one crypto library"),
    ("chrono", "jiff does dates"),
];

/// Packages, printed by `cargo tree` in our [`FORMAT`], whose licence is not on the list or that are banned. (The
/// lock file and `cargo metadata` also name packages that no feature in use asks for.)
#[must_use]
pub fn refused(packages: &str) -> Vec<Breach> {
    let mut packages: Vec<_> = packages
        .lines()
        .filter_map(|line| line.split_once('|'))
        .collect();
    packages.sort_unstable();
    packages.dedup();
    let mut breaches = Vec::new();
    for (package, licence) in packages {
        let name = package.split(' ').next().unwrap_or_default();
        let complain = |why: String| Breach {
            item: Some(name.to_owned()),
            ..Breach::new("licences", "Cargo.lock", 0, format!("{name}: {why}"))
        };
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            breaches.push(complain(format!("banned, {why}")));
        }
        match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) if expression.evaluate(allows) => {}
            Ok(_) => breaches.push(complain(format!("the licence {licence} is not allowed"))),
            Err(_) => breaches.push(complain(format!(
                "the licence {licence:?} is none that can be read"
            ))),
        }
    }
    breaches
}

/// An exception to a licence only adds permissions, so it does not matter which one it is.
fn allows(requirement: &spdx::LicenseReq) -> bool {
    requirement
        .license
        .id()
        .is_some_and(|id| ALLOWED.contains(&id.name))
}
