//! A server of PostgreSQL for one test, in a temporary folder, reached by a socket there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Runs the server until its own input ends: so it dies with the test, however that dies.
const GUARD: &str = r#""$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=100 \
    >>"$2/log" 2>&1 & server=$!; read -r line; kill -INT "$server"; wait "$server""#;

pub struct Cluster {
    dir: TempDir,
    programs: PathBuf,
    /// PostgreSQL refuses to run as root.
    user: Option<(u32, u32)>,
    server: Mutex<Option<Child>>,
}

impl Cluster {
    pub fn start() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("ringback-pg-")
            .tempdir()
            .unwrap();
        let user = rustix::process::geteuid().is_root().then(unprivileged);
        if let Some((uid, gid)) = user {
            chown(dir.path(), Some(uid), Some(gid)).unwrap();
        }
        let cluster = Self {
            dir,
            programs: programs(),
            user,
            server: Mutex::new(None),
        };
        let mut initdb = cluster.command("initdb");
        let arguments = [
            "-A",
            "trust",
            "-U",
            "ringback",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ];
        initdb
            .args(arguments)
            .arg("-D")
            .arg(cluster.path().join("data"));
        let made = initdb.output().unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        cluster.up();
        cluster
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, program: &str) -> Command {
        self.as_user(Command::new(self.programs.join(program)))
    }

    fn as_user(&self, mut command: Command) -> Command {
        command.current_dir(self.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Starts the server again after [`Cluster::down`].
    pub fn up(&self) {
        let mut command = self.as_user(Command::new("sh"));
        command
            .args(["-c", GUARD, "sh"])
            .arg(&self.programs)
            .arg(self.path());
        let child = command.stdin(Stdio::piped()).spawn().unwrap();
        *self.server.lock().unwrap() = Some(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut ready = self.command("pg_isready");
            ready.args(["-q", "-U", "ringback", "-h"]).arg(self.path());
            if ready.status().unwrap().success() {
                return;
            }
            let log = || std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "PostgreSQL does not start: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server at once; its connections break.
    pub fn down(&self) {
        if let Some(mut child) = self.server.lock().unwrap().take() {
            if let Some(mut input) = child.stdin.take() {
                let _ = input.write_all(b"stop\n");
            }
            let _ = child.wait();
        }
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://ringback@localhost/{database}?host={}",
            self.path().display()
        )
    }

    /// Makes a database and answers its URL.
    pub fn create(&self, name: &str) -> String {
        let mut createdb = self.command("createdb");
        createdb.args(["-U", "ringback", "-h"]).arg(self.path());
        assert!(createdb.arg(name).status().unwrap().success(), "{name}");
        self.url(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.down();
    }
}

/// The folder with `initdb` and `postgres`.
fn programs() -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut debian: Vec<_> = debian
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths).chain(debian.into_iter().rev());
    let found = folders.find(|folder| {
        ["initdb", "postgres", "pg_isready", "createdb"]
            .iter()
            .all(|program| folder.join(program).exists())
    });
    found.expect("PostgreSQL's server is missing: scripts/setup.sh test installs it")
}

/// Who runs the server where the tests run as root.
fn unprivileged() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let id = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    id("postgres")
        .or_else(|| id("nobody"))
        .expect("a user that is not root")
}
