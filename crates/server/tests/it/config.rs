#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use ringback_server::config::variables::{self, LATER, VARIABLES};
use ringback_server::config::{Config, ConfigError, Layers, Texts};
use ringback_server::routes::limited_names;

const KEY: &str = "41f0c3a7b2d95e86f3a1c4d7e2b5a896";

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = texts(pairs);
    Config::load(&Layers {
        environment,
        ..Layers::default()
    })
}

fn check_refused(pairs: &[(&str, &str)], line: &str) {
    assert_eq!(from_environment(pairs).unwrap_err().to_string(), line);
}

#[test]
fn nothing_need_be_set() {
    let config = from_environment(&[]).unwrap();
    assert_eq!(config.http.host.to_string(), "127.0.0.1");
    assert_eq!(config.http.port, 8080);
    assert_eq!(config.data_dir, Path::new("./data"));
    assert_eq!(config.calls.default_scenario, "guest-relations");
    assert_eq!(config.calls.company, "Compass Group");
    assert_eq!(config.calls.drain.as_secs(), 60);
    assert_eq!(config.engines.stt.names, ["pocketsphinx"]);
    assert_eq!(config.log.rotation_bytes, Some(50_000_000));
    assert!(config.calls.recording && config.http.public_url.is_none());
}

#[test]
fn acts_are_kept_for_a_year_and_the_rest_for_ever_unless_it_is_said_otherwise() {
    let days = |pairs: &[(&str, &str)]| {
        let keep = from_environment(pairs).unwrap().retention;
        [
            keep.recording_days,
            keep.transcript_days,
            keep.trace_days,
            keep.audit_days,
        ]
        .map(|days| days.map_or(0, std::num::NonZeroU32::get))
    };
    assert_eq!(days(&[]), [0, 0, 0, 365]);
    let set = [
        ("RECORDING_RETENTION_DAYS", "30"),
        ("TRANSCRIPT_RETENTION_DAYS", "20"),
        ("TRACE_RETENTION_DAYS", "10"),
        ("AUDIT_RETENTION_DAYS", "0"),
    ];
    assert_eq!(days(&set), [30, 20, 10, 0]);
    for odd in ["-1", "36501", "a year"] {
        assert!(from_environment(&[("AUDIT_RETENTION_DAYS", odd)]).is_err());
    }
}

#[test]
fn a_proxy_and_a_key_that_no_request_could_use_stop_the_start() {
    for proxy in ["ftp://x", "zzz", "http://", "socks5://h:1"] {
        let line =
            format!("HTTPS_PROXY={proxy} (environment): write the proxy as http://host:port");
        check_refused(&[("HTTPS_PROXY", proxy)], &line);
    }
    let user = from_environment(&[("HTTPS_PROXY", "ftp://me:pw@x")]);
    let told = user.unwrap_err().to_string();
    assert_eq!(
        told,
        "HTTPS_PROXY (environment): write the proxy as http://host:port"
    );
    for proxy in [
        "http://proxy.example.com:3128",
        "https://h",
        "proxy:80",
        "http://me:pw@h:1/",
    ] {
        let config = from_environment(&[("HTTPS_PROXY", proxy)]).unwrap();
        assert_eq!(config.engines.proxy.as_deref(), Some(proxy));
    }
    for (name, key) in [
        ("CARTESIA_API_KEY", "x y"),
        ("DEEPGRAM_API_KEY", "äö"),
        ("OPENAI_API_KEY", " k"),
    ] {
        let line = format!(
            "{name} (environment): has spaces or characters that no key has: copy it again"
        );
        check_refused(&[(name, key)], &line);
    }
}

#[test]
fn the_highest_layer_that_says_something_wins() {
    let mut layers = Layers {
        flags: texts(&[("PORT", "1")]),
        environment: texts(&[("PORT", "2"), ("HOST", "")]),
        dotenv: texts(&[("PORT", "3"), ("HOST", "::1")]),
        toml: texts(&[("PORT", "4"), ("HOST", "127.0.0.2"), ("MAX_CALLS", "4")]),
    };
    let config = Config::load(&layers).unwrap();
    assert_eq!((config.http.port, config.calls.max_calls), (1, 4));
    assert_eq!(config.http.host.to_string(), "::1");
    for expected in [2, 3, 4] {
        match expected {
            2 => layers.flags.clear(),
            3 => layers.environment.clear(),
            _ => layers.dotenv.clear(),
        }
        assert_eq!(Config::load(&layers).unwrap().http.port, expected);
    }
}

#[test]
fn the_address_of_a_provider_has_no_path_but_that_of_a_model_may() {
    for name in ["DEEPGRAM_URL", "CARTESIA_URL", "ELEVENLABS_URL"] {
        for address in ["http://127.0.0.1:9/v1", "wss://speech.example.org/a/b/"] {
            let url: Vec<&str> = address.trim_end_matches('/').splitn(4, '/').collect();
            let line = format!(
                "{name}={address} (environment): leave out the path /{}: the provider's own is put behind the host",
                url[3]
            );
            check_refused(&[(name, address)], &line);
        }
        for address in ["http://127.0.0.1:9", "wss://speech.example.org/"] {
            from_environment(&[(name, address)]).unwrap();
        }
    }
    let set = [
        ("OPENAI_API_KEY", "a-key"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/openai/v1/"),
    ];
    let account = from_environment(&set).unwrap().engines.accounts.openai;
    assert_eq!(account.unwrap().access.url.path(), "/openai/v1");
}

#[test]
fn a_captcha_is_whole_or_off() {
    use ringback_wire::captcha::Kind;
    let keys = [
        ("RECAPTCHA_SITE_KEY", "site"),
        ("RECAPTCHA_SECRET", "secret"),
    ];
    let with = |more: &[(&'static str, &'static str)]| {
        let all: Vec<_> = keys.iter().chain(more).copied().collect();
        from_environment(&all).unwrap().captcha
    };
    assert!(from_environment(&[]).unwrap().captcha.is_none());
    assert!(with(&[("CAPTCHA_PROVIDER", "off")]).is_none());
    let captcha = with(&[]).unwrap();
    assert_eq!((captcha.kind, captcha.min_score), (Kind::RecaptchaV3, 0.5));
    assert_eq!(captcha.url.as_str(), "https://www.google.com/");
    assert!(captcha.hostnames.is_empty());
    let captcha = with(&[
        ("CAPTCHA_PROVIDER", "Turnstile"),
        ("PUBLIC_URL", "https://phone.example.org:8443"),
        ("CORS_ORIGINS", "https://console.example.org"),
        ("CAPTCHA_URL", "http://127.0.0.1:8090"),
    ]);
    let captcha = captcha.unwrap();
    assert_eq!(
        captcha.hostnames,
        ["phone.example.org", "console.example.org"]
    );
    assert_eq!(captcha.url.as_str(), "http://127.0.0.1:8090/");
    let named = with(&[("CAPTCHA_HOSTNAMES", "a.example, b.example")]).unwrap();
    assert_eq!(named.hostnames, ["a.example", "b.example"]);
    let secrets = from_environment(&keys).unwrap();
    assert!(secrets.secrets().any(|secret| secret.expose() == "secret"));
    for (pairs, line) in [
        (
            [("RECAPTCHA_SECRET", "s"), ("PORT", "1")],
            "RECAPTCHA_SITE_KEY is not set: the captcha recaptcha-v3 wants RECAPTCHA_SITE_KEY and RECAPTCHA_SECRET, whosever it is; or set CAPTCHA_PROVIDER=off",
        ),
        (
            [
                ("CAPTCHA_PROVIDER", "hcaptcha"),
                ("RECAPTCHA_SITE_KEY", "s"),
            ],
            "RECAPTCHA_SECRET is not set: the captcha hcaptcha wants RECAPTCHA_SITE_KEY and RECAPTCHA_SECRET, whosever it is; or set CAPTCHA_PROVIDER=off",
        ),
        (
            [("CAPTCHA_PROVIDER", "mcaptcha"), ("PORT", "1")],
            "CAPTCHA_PROVIDER=mcaptcha (environment): write recaptcha-v2, recaptcha-v3, hcaptcha, turnstile, off or auto",
        ),
        (
            [("CAPTCHA_MIN_SCORE", "1.5"), ("PORT", "1")],
            "CAPTCHA_MIN_SCORE=1.5 (environment): write a number from 0 to 1",
        ),
        (
            [("RATE_LIMITS", "auth.login=often"), ("PORT", "1")],
            "RATE_LIMITS=auth.login=often (environment): `often`: write it like 5/min, 200/s, 30/h, 100/day or off",
        ),
    ] {
        check_refused(&pairs, line);
    }
}

#[test]
fn malformed_values_stop_with_one_line_that_names_them() {
    check_refused(
        &[("PORT", "70000")],
        "PORT=70000 (environment): write a port number from 0 to 65535",
    );
    check_refused(
        &[("HOST", "example.org")],
        "HOST=example.org (environment): write an IP address, such as 127.0.0.1, 0.0.0.0 or ::",
    );
    check_refused(
        &[("RECORDING", "maybe")],
        "RECORDING=maybe (environment): write on or off",
    );
    check_refused(
        &[("REGISTRATION", "everybody")],
        "REGISTRATION=everybody (environment): write first-user, open or closed",
    );
    check_refused(
        &[
            ("HOST", "0.0.0.0"),
            ("SECRET_KEY", "41f0c3a7b2d95e86f3a1c4d7e2b5a896"),
            ("API_AUTH", "off"),
        ],
        "API_AUTH=off (environment): it can be off on loopback alone, and HOST=0.0.0.0 is beyond: bring tokens or API keys",
    );
    check_refused(
        &[("ACCESS_TOKEN_MINUTES", "0")],
        "ACCESS_TOKEN_MINUTES=0 (environment): write a whole number from 1 to 1440",
    );
    check_refused(
        &[("MAX_CALLS", "0")],
        "MAX_CALLS=0 (environment): write a whole number from 1 to 100000",
    );
    check_refused(
        &[("TRUSTED_PROXIES", "10.0.0.0/8, proxy")],
        "TRUSTED_PROXIES=10.0.0.0/8, proxy (environment): `proxy` is no network: write it like 10.0.0.0/8",
    );
    check_refused(
        &[("STT", "deepgram")],
        "STT=deepgram (environment): deepgram has no key: set DEEPGRAM_API_KEY",
    );
    check_refused(
        &[("RESPONDER", "script,openai")],
        "RESPONDER=script,openai (environment): openai has no key: set OPENAI_API_KEY",
    );
    check_refused(
        &[("PUBLIC_URL", "https://user@host")],
        "PUBLIC_URL (environment): has '@' in it; write it like https://phone.example.org",
    );
    check_refused(
        &[("LOG_LEVEL", "LOUD")],
        "LOG_LEVEL=LOUD (environment): write DEBUG, INFO, WARNING or ERROR (or TRACE, OFF)",
    );
    check_refused(
        &[("LOG_ROTATION", "5XB")],
        "LOG_ROTATION=5XB (environment): write a size of at least 1KB, such as 50MB, or off",
    );
    check_refused(
        &[("TWILIO_ACCOUNT_SID", "AC12")],
        "TWILIO_ACCOUNT_SID=AC12 (environment): an account SID is AC and 32 hexadecimal digits",
    );
    check_refused(
        &[("INSTANCE_NAME", "a/b")],
        "INSTANCE_NAME=a/b (environment): must be 1 to 40 letters, digits or hyphens: it is part of file names",
    );
}

#[test]
fn what_answers_has_an_order_of_its_own() {
    let names = |settings: &[(&str, &str)]| {
        let responder = from_environment(settings).unwrap().engines.responder;
        (responder.names.join(","), responder.named)
    };
    let key = ("OPENAI_API_KEY", "a-key");
    assert_eq!(names(&[]), ("script".into(), false));
    assert_eq!(names(&[key]), ("openai,script".into(), false));
    let script = ("RESPONDER", "script");
    assert_eq!(names(&[key, script]), ("script".into(), true));
}

#[test]
fn a_secret_is_never_in_a_message() {
    let error = from_environment(&[("TWILIO_AUTH_TOKEN", "hidden token ")]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("TWILIO_AUTH_TOKEN (environment): ")
    );
    assert!(!error.to_string().contains("hidden"));
    let config =
        from_environment(&[("TWILIO_AUTH_TOKEN", "hidden"), ("SECRET_KEY", "hidden")]).unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "from the file\n").unwrap();
    let name = path.to_str().unwrap();
    let config = from_environment(&[("TWILIO_AUTH_TOKEN_FILE", name)]).unwrap();
    assert_eq!(config.twilio.auth_token.unwrap().expose(), "from the file");
    check_refused(
        &[("TWILIO_AUTH_TOKEN", "x"), ("TWILIO_AUTH_TOKEN_FILE", name)],
        "TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set (environment): keep one",
    );
    let missing = from_environment(&[("SECRET_KEY_FILE", "no/such/file")])
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with("SECRET_KEY_FILE (environment): cannot read no/such/file"));
}

#[test]
fn beyond_loopback_a_weak_previous_secret_key_is_refused_too() {
    let good = "kP4vX9sLq2Zt7Wm1Rb6Yc3Nd8Hf5Jg0a";
    let with = |host: &str, previous: &str| {
        let keys = [("SECRET_KEY", good), ("SECRET_KEY_PREVIOUS", previous)];
        from_environment(&[&[("HOST", host)][..], &keys].concat()).map(|_| ())
    };
    let why = with("0.0.0.0", "changeme").unwrap_err().to_string();
    assert!(
        why.starts_with("SECRET_KEY_PREVIOUS is shorter than 32"),
        "{why}"
    );
    assert!(!why.contains("changeme"));
    with("0.0.0.0", "8sPq1Wd5Rk7Zx3Vb9Nm2Lt6Yc4Hg0Jf1").unwrap();
    with("127.0.0.1", "changeme").unwrap();
}

#[test]
fn behind_a_proxy_a_weak_secret_key_is_refused_and_on_this_machine_it_is_warned_of() {
    let load = |url: &str, keys: &[(&str, &str)]| {
        from_environment(&[&[("PUBLIC_URL", url)][..], keys].concat())
    };
    let public = "https://phone.example.org";
    let good = "kP4vX9sLq2Zt7Wm1Rb6Yc3Nd8Hf5Jg0a";
    for keys in [
        &[("SECRET_KEY", "changeme")][..],
        &[("SECRET_KEY", good), ("SECRET_KEY_PREVIOUS", "changeme")],
    ] {
        let (name, _) = keys[keys.len() - 1];
        let refused = load(public, keys).unwrap_err().to_string();
        let expected = format!(
            "{name} is shorter than 32 characters, and PUBLIC_URL={public} is beyond loopback: make one with: openssl rand -hex 32"
        );
        assert_eq!(refused, expected);
        for local in [
            "",
            "http://localhost:8080",
            "http://127.0.0.1",
            "[::1]:9000",
        ] {
            let warned = load(local, keys).unwrap().weak_key().unwrap();
            assert!(
                warned.starts_with(&format!("{name} is shorter")),
                "{warned}"
            );
            assert!(!warned.contains("changeme"));
        }
    }
    // One that is missing is made, and is as good as any.
    for keys in [&[][..], &[("SECRET_KEY", good)]] {
        assert_eq!(load(public, keys).unwrap().weak_key(), None);
    }
}

#[test]
fn beyond_loopback_a_weak_secret_key_is_refused() {
    let refused = |key: &str| {
        let error = from_environment(&[("HOST", "0.0.0.0"), ("SECRET_KEY", key)]);
        error.err().map(|error| error.to_string())
    };
    assert_eq!(
        refused("").unwrap(),
        "SECRET_KEY is not set, and HOST=0.0.0.0 is beyond loopback: make one with: openssl rand -hex 32"
    );
    assert!(refused("short").unwrap().contains("shorter than 32"));
    assert!(refused(&"a".repeat(40)).unwrap().contains("example"));
    assert!(
        refused("your-secret-key-goes-here-please-0123")
            .unwrap()
            .contains("example")
    );
    for guessed in [
        "passw0rd-passw0rd-passw0rd-passw0rd",
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba98765432100",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "correct-horse-correct-horse-correct-horse",
    ] {
        let why = refused(guessed).unwrap();
        assert!(
            why.contains("can be guessed") && why.ends_with("openssl rand -hex 32"),
            "{why}"
        );
        assert!(!why.contains(guessed));
    }
    for few in ["passwordpasswordpasswordpassword", &"1234567".repeat(5)] {
        let why = refused(few).unwrap();
        assert!(
            why.contains("example") && why.ends_with("openssl rand -hex 32"),
            "{why}"
        );
    }
    assert_eq!(refused(KEY), None);
}

#[test]
fn on_loopback_a_key_is_made_once_and_kept() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = from_environment(&[("DATA_DIR", data.to_str().unwrap())]).unwrap();
    let key = config.signing_key().unwrap();
    assert!(key.expose().len() == 64);
    assert_eq!(config.signing_key().unwrap().expose(), key.expose());
    let file = data.join("secret_key");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    // Nothing is written where there is a key: a full disk keeps no server from starting.
    let draft = data.join(format!("secret_key.{}", std::process::id()));
    fs::create_dir(&draft).unwrap();
    assert_eq!(config.signing_key().unwrap().expose(), key.expose());
    fs::remove_file(&file).unwrap();
    let failed = config.signing_key().unwrap_err();
    assert!(
        failed.downcast_ref::<ConfigError>().is_none(),
        "it may pass: {failed}"
    );
    fs::remove_dir(&draft).unwrap();
    fs::write(&file, "damaged").unwrap();
    assert!(
        config
            .signing_key()
            .unwrap_err()
            .downcast::<ConfigError>()
            .unwrap()
            .to_string()
            .contains("is damaged")
    );
}

#[test]
fn the_data_folder_is_made_for_its_user_alone_and_left_alone_where_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("ours/data");
    let config = from_environment(&[("DATA_DIR", data.to_str().unwrap())]).unwrap();
    let mode = || fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    config.make_data_dir().unwrap();
    assert_eq!(mode(), 0o700);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).unwrap();
    config.make_data_dir().unwrap();
    assert_eq!(mode(), 0o750);
    fs::write(data.join("file"), "").unwrap();
    let below = data.join("file/data");
    let config = from_environment(&[("DATA_DIR", below.to_str().unwrap())]).unwrap();
    let refused = config.make_data_dir().unwrap_err().to_string();
    assert!(
        refused.starts_with(&format!("DATA_DIR={}: ", below.display())),
        "{refused}"
    );
}

fn gather(dotenv: &str, toml: &str) -> Result<Layers, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".env"), dotenv).unwrap();
    fs::write(dir.path().join("ringback.toml"), toml).unwrap();
    let mut layers = Layers::gather(Texts::new(), dir.path(), None)
        .map_err(|error| ConfigError(error.0.replace(dir.path().to_str().unwrap(), "DIR")))?;
    layers.environment.clear();
    Ok(layers)
}

#[test]
fn files_are_read_from_the_folder() {
    let dotenv = "# a comment\nPORT=9000\nCOMPANY_NAME=\"The Company\"\n";
    let toml = "host = \"127.0.0.3\"\nport = 1\nrecording = false\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n";
    let config = Config::load(&gather(dotenv, toml).unwrap()).unwrap();
    assert_eq!((config.http.port, config.calls.recording), (9000, false));
    assert_eq!(config.calls.company, "The Company");
    assert_eq!(config.http.trusted_proxies.len(), 2);
}

#[test]
fn mistakes_in_files_are_named_without_their_text() {
    let refused = |dotenv: &str, toml: &str| gather(dotenv, toml).unwrap_err().to_string();
    assert_eq!(
        refused("", "prot = 1\n"),
        "DIR/ringback.toml: unknown key `prot`"
    );
    assert_eq!(
        refused("", "max_call = 1\n"),
        "DIR/ringback.toml: unknown key `max_call`; did you mean max_calls?"
    );
    assert_eq!(
        refused("", "PORT = 1\n"),
        "DIR/ringback.toml: unknown key `PORT`"
    );
    assert_eq!(
        refused("", "port = { a = 1 }\n"),
        "DIR/ringback.toml: `port` must be text, a number, true or false, or a list of texts"
    );
    assert!(refused("", "host = \"::1\"\nport = \n").starts_with("DIR/ringback.toml: line 2: "));
    let line = refused("TWILIO_AUTH_TOKEN hidden\n", "");
    assert!(
        line.starts_with("DIR/.env: ") && !line.contains("hidden"),
        "{line}"
    );
    let line = refused("# a comment\nPORT=1\nhidden\nHOST=::1\n", "");
    assert!(
        line.starts_with("DIR/.env: line 3 is not NAME=value"),
        "{line}"
    );
    let line = refused("PORT=1\nHOST=\"hidden\nSTT=none\n", "");
    assert_eq!(line, "DIR/.env: line 2: the quote is not closed");
}

#[test]
fn a_named_file_must_exist() {
    let missing = Layers::gather(
        Texts::new(),
        Path::new("."),
        Some(Path::new("no-such.toml")),
    );
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .starts_with("no-such.toml: ")
    );
}

#[test]
fn slips_and_settings_of_later_versions_are_named_once() {
    let layers = Layers {
        environment: texts(&[
            ("TWILLIO_AUTH_TOKEN", "hidden"),
            ("PUBLICURL", "x"),
            ("RINGBACK_DATA_DIR", "x"),
            ("GOOGLE_CLIENT_SECRET", "hidden"),
            ("REGISTRATION", ""),
            ("HOME", "/"),
            ("TTY", "1"),
            ("SECRET_KEY_FILE", "x"),
            ("HOSTNAME", "x"),
        ]),
        dotenv: texts(&[("GOOGLE_CLIENT_SECRET", "hidden")]),
        ..Layers::default()
    };
    let expected = [
        "PUBLICURL (environment) is not a setting: did you mean PUBLIC_URL?",
        "RINGBACK_DATA_DIR (environment) is not a setting: did you mean DATA_DIR?",
        "TWILLIO_AUTH_TOKEN (environment) is not a setting: did you mean TWILIO_AUTH_TOKEN?",
        "GOOGLE_CLIENT_SECRET is set, but not yet used by this version",
    ];
    assert_eq!(layers.notices(), expected);
}

#[test]
fn names_that_no_setting_has_are_warned_of_where_one_may_be_meant() {
    let environment = [
        "ACCESS_TOKEN",
        "DATA",
        "DATABASE_URL_TEST",
        "HOST_IP",
        "LOG",
        "OPENAI",
        "OPENAI_MODEL_NAME",
        "PATH",
        "PORT_RANGE",
        "RECORDING_RETENTION",
        "REGISTRATON",
        "SECRET_KEY_BASE",
        "TRACE",
        "TWILIO_ACCOUNT_SID",
    ];
    let dotenv = [
        "COMPOSE_PROFILES",
        "POSTGRES_PASSWORD",
        "RECORDING_RETENTION",
        "REGISTRATON",
        "RUST_LOG",
        "SECRET_KEY_FILE",
        "TABLES_KEY",
        "TZ",
    ];
    let layer = |names: &[&str]| texts(&names.iter().map(|name| (*name, "x")).collect::<Vec<_>>());
    let layers = Layers {
        environment: layer(&environment),
        dotenv: layer(&dotenv),
        ..Layers::default()
    };
    let told: Vec<String> = layers.strange().iter().map(ToString::to_string).collect();
    let expected = [
        "OPENAI_MODEL_NAME (environment) is not a setting: did you mean OPENAI_MODEL?",
        "RECORDING_RETENTION (environment) is not a setting: did you mean RECORDING_RETENTION_DAYS?",
        "RECORDING_RETENTION (.env) is not a setting: did you mean RECORDING_RETENTION_DAYS?",
        "TABLES_KEY (.env) is not a setting, and no scenario names it: it has no effect",
    ];
    assert_eq!(told, expected);
    assert_eq!(layers.notices().len(), 2, "{:?}", layers.notices());
}

fn repository_file(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    fs::read_to_string(Path::new(root).join(path)).unwrap()
}

#[test]
fn the_example_file_lists_every_variable_with_its_default() {
    let file = repository_file(".env.example");
    let listed: Vec<&str> = file
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect();
    let expected: Vec<String> = VARIABLES
        .iter()
        .map(|variable| match variable.default.contains(' ') {
            true => format!("{}=\"{}\"", variable.name, variable.default),
            false => format!("{}={}", variable.name, variable.default),
        })
        .collect();
    assert_eq!(listed, expected);
    for name in LATER {
        assert!(file.contains(&format!("# {name}\n")), "{name} is missing");
    }
}

#[test]
fn the_example_file_is_what_an_empty_one_means() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example"));
    let dir = tempfile::tempdir().unwrap();
    fs::copy(path, dir.path().join(".env")).unwrap();
    let mut layers = Layers::gather(Texts::new(), dir.path(), None).unwrap();
    layers.environment.clear();
    assert_eq!(layers.notices(), Vec::<String>::new());
    assert_eq!(layers.strange(), Vec::new());
    let empty = Config::load(&Layers::default()).unwrap();
    assert_eq!(
        format!("{:?}", Config::load(&layers).unwrap()),
        format!("{empty:?}")
    );
}

#[test]
fn the_documentation_lists_every_variable_with_its_default() {
    let page = repository_file("docs/configuration.md");
    for variable in VARIABLES {
        let default = match variable.default {
            "" => "–".to_owned(),
            default => format!("`{default}`"),
        };
        let row = format!("| `{}` | {default} |", variable.name);
        assert!(page.contains(&row), "docs/configuration.md lacks: {row}");
    }
    for name in LATER {
        assert!(page.contains(&format!("`{name}`")), "{name} is missing");
    }
}

/// What stands for a value in the text about a setting: `name=rate`, an address with its scheme.
fn examples(about: &str) -> impl Iterator<Item = &str> {
    let words = about.split(|c: char| c.is_whitespace() || c == '`');
    let words = words.map(|word| word.trim_matches([',', '.', ':', ';', '(', ')']));
    words.filter(|word| word.contains("://") || word.contains('='))
}

#[test]
fn examples_of_settings_are_taken_as_they_stand() {
    let (file, page) = (
        repository_file(".env.example"),
        repository_file("docs/configuration.md"),
    );
    let mut tried = 0;
    for variable in VARIABLES {
        let name = variable.name;
        let before = file.split(&format!("\n{name}=")).next().unwrap();
        let comment = before.lines().last().unwrap();
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap().rsplit(" | ").next().unwrap();
        for example in examples(comment).chain(examples(row)) {
            let taken = from_environment(&[(name, example), ("SECRET_KEY", KEY)]);
            assert!(taken.is_ok(), "{name}={example}: {taken:?}");
            tried += 1;
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[test]
fn settings_that_pages_write_out_are_taken_as_they_stand() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"));
    let pages = fs::read_dir(folder)
        .unwrap()
        .map(|page| page.unwrap().path());
    let mut tried = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        for word in text.split(|c: char| c.is_whitespace() || "`()|,;".contains(c)) {
            let Some((name, value)) = word.split_once('=') else {
                continue;
            };
            if variables::find(name).is_none() || value.contains("...") || value.contains('$') {
                continue;
            }
            // The certificate and its key go together.
            let pair = [("TLS_CERT", "cert.pem"), ("TLS_KEY", "key.pem")];
            let pair = pair.iter().filter(|_| name.starts_with("TLS_"));
            let mut set = texts(&[("SECRET_KEY", KEY), ("OPENAI_API_KEY", "a-key")]);
            set.extend(pair.map(|(name, file)| ((*name).to_owned(), (*file).to_owned())));
            set.insert(name.to_owned(), value.trim_matches('"').to_owned());
            let layers = Layers {
                environment: set,
                ..Layers::default()
            };
            let taken = Config::load(&layers);
            assert!(taken.is_ok(), "{}: {word}: {taken:?}", page.display());
            tried += 1;
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[test]
fn the_documentation_names_the_routes_that_have_a_limit_and_no_others() {
    let page = repository_file("docs/configuration.md");
    let known = limited_names();
    let about = page.split("These have a\nlimit: ").nth(1).unwrap();
    let about = about.split(';').next().unwrap();
    let told: Vec<&str> = about.split('`').skip(1).step_by(2).collect();
    assert_eq!(told, known);
}

#[test]
fn no_name_is_twice_in_the_table() {
    let mut names: Vec<&str> = VARIABLES
        .iter()
        .map(|variable| variable.name)
        .chain(LATER.iter().copied())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(
        VARIABLES
            .iter()
            .all(|v| variables::near_miss(v.name) == Some(v.name) || v.name.len() < 5)
    );
}

#[test]
fn the_files_of_deployment_set_only_what_can_be_set() {
    let others = [
        "PHONE_HOST",
        "POSTGRES_DB",
        "POSTGRES_PASSWORD",
        "POSTGRES_USER",
        "RINGBACK",
    ];
    let known = |name: &str| {
        let name = name.strip_suffix("_FILE").unwrap_or(name);
        variables::find(name).is_some() || LATER.contains(&name) || others.contains(&name)
    };
    let setting = |word: &str| {
        let (name, _) = word.split_once(['=', ':'])?;
        let capital = |c: char| c.is_ascii_uppercase() || c == '_';
        (name.len() > 3 && name.chars().all(capital)).then(|| name.to_owned())
    };
    for (path, least) in [
        ("Dockerfile", 4),
        ("deploy/compose.yaml", 15),
        ("deploy/compose.env.example", 12),
        ("deploy/ringback.service", 4),
    ] {
        let text = repository_file(path).replace("Environment=", "");
        let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
        let names: Vec<String> = lines
            .flat_map(str::split_whitespace)
            .filter_map(setting)
            .collect();
        assert!(names.len() >= least, "{path}: {names:?}");
        for name in names {
            assert!(known(&name), "{path} sets {name}");
        }
    }
}

#[test]
fn the_compose_file_hands_every_setting_on_and_overrides_only_what_it_decides() {
    let text = repository_file("deploy/compose.yaml");
    let server = text.split("\n  ringback:\n").nth(1).unwrap();
    let server = server.split("\n  postgres:\n").next().unwrap();
    let lines: Vec<&str> = server.lines().collect();
    assert!(lines.contains(&"    env_file: .env"), "{server}");
    let begin = lines
        .iter()
        .position(|line| *line == "    environment:")
        .unwrap()
        + 1;
    let set = lines[begin..]
        .iter()
        .take_while(|line| line.starts_with("      "));
    let set = set.filter_map(|line| line.trim().split_once(": "));
    let set: Vec<(&str, &str)> = set.filter(|(name, _)| !name.starts_with('#')).collect();
    let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
    let own = [
        "HOST",
        "PORT",
        "TLS_CERT",
        "TLS_KEY",
        "DATA_DIR",
        "LOG_DIR",
        "PUBLIC_URL",
        "TRUSTED_PROXIES",
        "DATABASE_URL",
        "DRAIN_SECONDS",
    ];
    let wanted = ["SECRET_KEY", "TWILIO_AUTH_TOKEN"];
    assert_eq!(names, [&own[..], &wanted].concat());
    for (name, value) in set {
        // An empty default here would take the place of what the file says.
        assert!(!value.contains(":-"), "{name}: {value}");
        let handed_on = value.starts_with(&format!("${{{name}:?"));
        assert_eq!(handed_on, wanted.contains(&name), "{name}: {value}");
    }
    let example = repository_file("deploy/compose.env.example");
    let told = example.split("compose.yaml sets itself: ").nth(1).unwrap();
    let told = told.split('.').next().unwrap();
    let told: Vec<&str> = told
        .split([',', ' ', '\n', '#'])
        .filter(|word| !word.is_empty() && *word != "and")
        .collect();
    assert_eq!(told, own);
}
