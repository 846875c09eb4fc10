//! The binary as an operator runs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ringback_call::{At, Call, CallSpec, Direction, Event};
use serde_json::json;

/// Run in an empty folder, with nothing of this process's environment.
fn ringback(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(args).current_dir(folder).env_clear();
    command
}

fn run(args: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.toml"), "name = 1\n").unwrap();
    let output = ringback(folder.path(), args)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn every_command_shows_an_example() {
    for command in [
        &["serve"][..],
        &["check"],
        &["health"],
        &["call"],
        &["sim"],
        &["bench"],
        &["replay"],
        &["openapi"],
        &["migrate"],
        &["backup"],
        &["user", "add"],
        &["scenario", "check"],
        &["scenario", "show"],
    ] {
        let (status, help, _) = run(&[command, &["--help"]].concat(), &[]);
        assert_eq!(status, 0);
        assert!(
            help.contains("Example") && help.contains("Exit status"),
            "{help}"
        );
    }
}

#[test]
fn a_built_in_scenario_is_printed_as_a_file_that_can_be_used_and_others_are_named() {
    let (status, text, _) = run(&["scenario", "show", "survey"], &[]);
    assert_eq!(status, 0);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), &text).unwrap();
    let checked = ringback(folder.path(), &["scenario", "check", "mine.toml"]).output();
    let said = String::from_utf8(checked.unwrap().stdout).unwrap();
    assert_eq!(said, "mine.toml: the scenario \"mine\" can be used\n");
    let (status, _, said) = run(&["scenario", "show", "reception"], &[]);
    assert_eq!(status, 2);
    assert!(
        said.contains("there is no built-in scenario \"reception\"; there are guest-relations, "),
        "{said}"
    );
}

#[test]
fn a_secret_that_a_scenario_names_is_found_in_dotenv_and_warned_of_where_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = "prompt = \"p\"\nresponder = [{ provider = \"openai\", model = \"m\", key = \"env:OPENAI_API_KEY\" }]\n";
    std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    let check = || {
        let checked = ringback(folder.path(), &["scenario", "check", "mine.toml"]).output();
        String::from_utf8(checked.unwrap().stdout).unwrap()
    };
    let usable = "mine.toml: the scenario \"mine\" can be used\n";
    let warning = "warning: mine.toml: the model m cannot be used: a secret is not there: set OPENAI_API_KEY\n";
    assert_eq!(check(), format!("{warning}{usable}"));
    std::fs::write(folder.path().join(".env"), "OPENAI_API_KEY=made-up\n").unwrap();
    assert_eq!(check(), usable);
}

#[test]
fn the_simulator_prints_settings_and_names_an_address_that_is_taken() {
    let (status, settings, _) = run(
        &["sim", "--env", "--port", "9", "--key", "cartesia=mine"],
        &[],
    );
    assert_eq!(status, 0);
    for line in [
        "DEEPGRAM_URL=http://127.0.0.1:9",
        "OPENAI_BASE_URL=http://127.0.0.1:9/v1",
        "CARTESIA_API_KEY=mine",
    ] {
        assert!(
            settings.lines().any(|one| one == line),
            "{line} is not in {settings}"
        );
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (status, _, complaint) = run(&["sim", "--port", &address.port().to_string()], &[]);
    assert_eq!(status, 1);
    let expected = format!("ringback: {address} cannot be listened on: ");
    assert!(
        complaint.starts_with(&expected) && complaint.lines().count() == 1,
        "{complaint}"
    );
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line_and_status_2() {
    let serve = |environment: &[(&str, &str)], expected: &str| {
        let (status, _, complaint) = run(&["serve"], environment);
        assert_eq!((status, complaint.as_str()), (2, expected));
    };
    serve(
        &[("PORT", "x")],
        "ringback: PORT=x (environment): write a port number from 0 to 65535\n",
    );
    let beyond = "ringback: SECRET_KEY is not set, and HOST=0.0.0.0 is beyond loopback: make one with: openssl rand -hex 32\n";
    serve(&[("HOST", "0.0.0.0")], beyond);
    let (status, _, complaint) = run(
        &["serve", "--port", "0", "--default-scenario", "nobody"],
        &[("LOG_LEVEL", "off"), ("STT", "none")],
    );
    assert_eq!(status, 2, "{complaint}");
    assert!(
        complaint.starts_with(
            "ringback: DEFAULT_SCENARIO=nobody: there is no such scenario; there is: "
        ),
        "{complaint}"
    );
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    std::fs::create_dir_all(&scenarios).unwrap();
    std::fs::write(scenarios.join("desk.toml"), "promt = \"Be kind.\"\n").unwrap();
    let (status, _, complaint) = run(
        &["serve", "--port", "0", "--default-scenario", "desk"],
        &[
            ("LOG_LEVEL", "off"),
            ("STT", "none"),
            ("DATA_DIR", folder.path().to_str().unwrap()),
        ],
    );
    assert_eq!(status, 2, "{complaint}");
    let why = "ringback: DEFAULT_SCENARIO=desk: its file cannot be used: ";
    assert!(
        complaint.starts_with(why) && complaint.contains("promt"),
        "{complaint}"
    );
}

#[test]
fn what_is_checked_and_found_wanting_has_status_1_and_what_cannot_be_read_2() {
    let (status, _, complaint) = run(&["replay", "no-such.trace"], &[]);
    assert_eq!(status, 2);
    assert!(
        complaint.starts_with("ringback: no-such.trace: "),
        "{complaint}"
    );
    let (status, _, complaint) = run(&["scenario", "check", "broken.toml", "no-such.toml"], &[]);
    assert_eq!(status, 1);
    assert!(
        complaint.contains("broken.toml") && complaint.contains("no-such.toml"),
        "{complaint}"
    );
}

#[test]
fn an_account_is_made_from_the_command_line_and_its_password_is_no_argument() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "a good long sentence\nnot this\n").unwrap();
    let run = |args: &[&str], typed: &str| {
        let mut command = ringback(folder.path(), &[&["user", "add"], args].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // A command that wants no password has gone by now.
        let _ = input.write_all(typed.as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        let texts = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), texts.concat())
    };
    let typed = "another good sentence\n";
    let database = folder.path().join("data/ringback.db");
    let there_is_none = format!("there is no database at {}: ", database.display());
    let made = |who: &str| format!("made the {who} in SQLite, {}\n", database.display());
    let (ada, bob) = (made("admin ada@example.org"), made("user bob@example.org"));
    for (args, typed, status, says) in [
        (&["ada@example.org"][..], typed, 2, &*there_is_none),
        (&["ada@example.org"], typed, 2, "--create"),
        (&["ada@example.org", "--create"], typed, 0, &*ada),
        (&["bob@example.org"], typed, 0, &*bob),
        (&["BOB@example.org"], typed, 1, "already"),
        (
            &["eve@example.org", "--admin", "--password-file", "password"],
            "",
            0,
            "made the admin eve",
        ),
        (
            &["joe@example.org", "--password-file", "nothing"],
            "",
            2,
            "nothing: ",
        ),
        (&["joe@example.org"], "password1\n", 2, "commonest"),
        (&["joe@example.org"], "", 2, "8 to 128 characters"),
        (&["joe"], typed, 2, "e-mail address"),
        (
            &["joe@example.org", "a good long sentence"],
            "",
            2,
            "unexpected argument",
        ),
    ] {
        let (got, said) = run(args, typed);
        assert_eq!(got, status, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(!said.contains("another good sentence"), "{said}");
    }
    let database = std::fs::metadata(database).unwrap();
    assert_eq!(database.mode() & 0o77, 0);
}

#[test]
fn what_root_makes_before_the_first_start_belongs_to_the_owner_of_the_folder() {
    const SERVICE: u32 = 10_001;
    for command in [
        &[
            "user",
            "add",
            "ada@example.org",
            "--create",
            "--password-file",
            "password",
        ][..],
        &["migrate"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::write(folder.path().join("password"), "a good long sentence").unwrap();
        if std::os::unix::fs::chown(folder.path(), Some(SERVICE), Some(SERVICE)).is_err() {
            // Only root has files to give away.
            return;
        }
        let output = ringback(folder.path(), command).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let files = std::fs::read_dir(&data).unwrap();
        let files = files.map(|file| file.unwrap().path());
        for file in files.chain([data]) {
            let found = std::fs::metadata(&file).unwrap();
            assert_eq!(
                (found.uid(), found.gid()),
                (SERVICE, SERVICE),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn the_database_is_migrated_and_copied_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str], url: &str| {
        let mut command = ringback(folder.path(), args);
        let output = command.env("DATABASE_URL", url).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    };
    let (status, complaint) = run(&["backup", "copy.db"], "");
    assert_eq!(status, 2, "{complaint}");
    assert!(complaint.contains("there is no database at"), "{complaint}");
    let (status, done) = run(&["migrate"], "");
    assert_eq!(status, 0, "{done}");
    assert!(
        done.starts_with("SQLite, ./data/ringback.db: done: 0001_accounts, "),
        "{done}"
    );
    let (status, again) = run(&["migrate"], "");
    assert_eq!(status, 0, "{again}");
    assert!(
        again.starts_with("SQLite, ./data/ringback.db: nothing to do; "),
        "{again}"
    );
    let (status, copied) = run(&["backup", "copy.db"], "");
    assert_eq!(status, 0, "{copied}");
    let (status, refused) = run(&["backup", "copy.db"], "");
    assert_eq!(status, 1, "{refused}");
    assert!(
        refused.starts_with("ringback: copy.db: backup: "),
        "{refused}"
    );
    let (_, same) = run(&["migrate"], "sqlite:copy.db");
    assert!(
        same.starts_with("SQLite, copy.db: nothing to do; "),
        "{same}"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let nowhere = format!("postgres://ann:correcthorse@127.0.0.1:{port}/phone");
    let (status, refused) = run(&["migrate"], &nowhere);
    assert_eq!(status, 1, "{refused}");
    assert_eq!(
        refused.trim_end(),
        format!("ringback: the database is not available: 127.0.0.1:{port}: connection refused")
    );
    let (status, unfound) = run(
        &["migrate"],
        "postgres://ann:correcthorse@nowhere.invalid/phone",
    );
    assert_eq!(status, 1, "{unfound}");
    assert!(
        unfound.starts_with("ringback: the database is not available: nowhere.invalid:5432: "),
        "{unfound}"
    );
    let (status, unsupported) = run(&["backup", "other.db"], &nowhere);
    assert_eq!(status, 2, "{unsupported}");
    assert!(unsupported.contains("pg_dump"), "{unsupported}");
    let (status, unknown) = run(&["migrate"], "mysql://ann:correcthorse@db/phone");
    assert_eq!(status, 2, "{unknown}");
    for text in [refused, unfound, unsupported, unknown] {
        assert!(
            !text.contains("correcthorse") && !text.contains("ann"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// A trace of the first moment of a call, with what the core does then, or with nothing.
fn write_trace(path: &Path, whole: bool) {
    let (at, event) = (At::default(), Event::Answered { marks: true });
    let spec = CallSpec::new(Direction::Inbound);
    let head = json!({ "ringback_trace": 1, "program": "a test", "spec": &spec });
    let mut call = Call::new(spec);
    call.handle(at, &event);
    let mut actions: Vec<_> = std::iter::from_fn(|| call.poll_action()).collect();
    assert!(!actions.is_empty(), "the core greets");
    if !whole {
        actions.clear();
    }
    let record = json!({ "t": at, "e": event, "a": actions });
    std::fs::write(path, format!("{head}\n{record}\n")).unwrap();
}

#[test]
fn each_of_several_traces_is_replayed_and_the_worst_decides_the_status() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(&folder.path().join("same.trace.jsonl"), true);
    write_trace(&folder.path().join("other.trace.jsonl"), false);
    let replayed = |traces: &[&str]| {
        let output = ringback(folder.path(), &[&["replay"], traces].concat())
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), lines)
    };
    let (status, lines) = replayed(&["same.trace.jsonl", "same.trace.jsonl"]);
    assert_eq!((status, lines.lines().count()), (0, 2), "{lines}");
    assert!(
        lines
            .lines()
            .all(|line| line.starts_with("same.trace.jsonl: 1 events, ")
                && line.ends_with(" actions: no difference")),
        "{lines}"
    );
    let (status, lines) = replayed(&["other.trace.jsonl", "same.trace.jsonl"]);
    assert_eq!(status, 1);
    assert!(
        lines.starts_with("other.trace.jsonl: 1 events, 1 actions: first difference in line 2")
            && lines.contains("\nsame.trace.jsonl: "),
        "{lines}"
    );
    let (status, lines) = replayed(&["no-such.trace.jsonl", "other.trace.jsonl"]);
    assert_eq!(status, 2);
    assert!(lines.starts_with("other.trace.jsonl: "), "{lines}");
    let (_, help) = replayed(&["--help"]);
    let example = help.lines().find(|line| line.contains("Example")).unwrap();
    assert!(example.ends_with(".trace.jsonl"), "{example}");
}

#[test]
fn the_server_starts_without_settings_and_stops_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ringback(folder.path(), &["serve", "--port", "0"])
        .env("STT", "none")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let first = lines.next().unwrap();
    let address = first
        .strip_prefix("Ringback is listening: http://")
        .unwrap()
        .to_owned();
    let call = format!("  {} call --url ", env!("CARGO_BIN_EXE_ringback"));
    let rest: Vec<String> = lines
        .by_ref()
        .take_while(|line| !line.starts_with(&call))
        .collect();
    assert!(
        rest.iter().any(|line| line.contains("only local callers"))
            && rest
                .iter()
                .any(|line| line.contains("pocketsphinx: NOT IN USE: switched off by STT=none;")),
        "{rest:?}"
    );

    let mut http = TcpStream::connect(&address).unwrap();
    write!(
        http,
        "GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"status":"ready"}"#),
        "{answer}"
    );

    assert!(
        Command::new("kill")
            .arg(server.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let data = folder.path().join("data");
    assert!(data.join("ringback.db").exists());
    assert!(
        !data.join("ringback.db-wal").exists(),
        "all is in the database"
    );
    let logs: Vec<_> = std::fs::read_dir(folder.path().join("logs"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let log = std::fs::read_to_string(logs[0].path()).unwrap();
    assert!(
        log.contains("server started") && log.contains("server stopped"),
        "{log}"
    );
}

#[test]
fn the_start_warns_of_names_in_its_file_that_neither_it_nor_a_scenario_reads() {
    let folder = tempfile::tempdir().unwrap();
    let dotenv = "STT=none\nHOOK=shared\nRECORDING_RETENTION=3\nTABLES_KEY=hidden\n";
    std::fs::write(folder.path().join(".env"), dotenv).unwrap();
    let scenarios = folder.path().join("data/scenarios");
    std::fs::create_dir_all(&scenarios).unwrap();
    let desk = "[[responder]]\nprovider = \"webhook\"\nurl = \"https://example.com/turn\"\nsecret = \"env:HOOK\"\n";
    std::fs::write(scenarios.join("desk.toml"), desk).unwrap();
    let mut server = ringback(folder.path(), &["serve", "--port", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let lines = lines.map(Result::unwrap);
    let said: Vec<String> = lines
        .take_while(|line| !line.contains("server started"))
        .collect();
    let pid = server.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(
        sent.success() && server.try_wait().unwrap().is_none(),
        "SIGHUP ends no server"
    );
    server.kill().unwrap();
    server.wait().unwrap();
    let warned = |what: &str| said.iter().any(|line| line.contains(what));
    for (what, expected) in [
        (
            "RECORDING_RETENTION (.env) is not a setting: did you mean RECORDING_RETENTION_DAYS?",
            true,
        ),
        ("TABLES_KEY (.env) is not a setting", true),
        ("HOOK (.env)", false),
        ("STT (.env)", false),
        ("hidden", false),
        ("scenario not loaded", false),
    ] {
        assert_eq!(warned(what), expected, "{what}: {said:#?}");
    }
}

#[test]
fn the_start_warns_where_a_stranger_might_become_admin() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ringback(folder.path(), &["serve", "--port", "0"])
        .envs([
            ("STT", "none"),
            ("PUBLIC_URL", "https://agent.example.test"),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let warned = lines.find_map(|line| {
        let line = line.unwrap();
        line.contains("nobody has an account yet").then_some(line)
    });
    server.kill().unwrap();
    server.wait().unwrap();
    let warned = warned.expect("the start says nothing of it");
    let data = folder.path().join("data");
    let command = format!(
        "ringback user add you@example.org --data-dir {}",
        data.display()
    );
    assert!(warned.contains(&command), "{warned}");
}
