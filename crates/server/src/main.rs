//! The `ringback` binary: reads the command line, builds, runs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ringback_server::accounts::command::{self, UserCommand};
use ringback_server::check::{self, CheckArgs};
use ringback_server::config::{Config, ConfigError, Layers, Texts};
use ringback_server::database::{self, DatabaseArgs, Done};
use ringback_server::telemetry::{self, redact::Redactor};
use ringback_server::{alive, app, openapi};
use ringback_session::Secrets;
use ringback_session::replay::{recover_transcript, replay};
use ringback_session::scenario::{Catalog, built_in, built_in_slugs, check_file};

/// Exit status when something was checked and found wanting.
const WANTING: u8 = 1;
/// Exit status when a command could not be carried out as it was given.
const UNUSABLE: u8 = 2;

/// Telephone agents on your own server: it answers calls, understands, speaks, and can be interrupted.
#[derive(Debug, Parser)]
#[command(name = "ringback", version, arg_required_else_help = true)]
struct Arguments {
    /// End when the standard input does.
    #[arg(long, hide = true)]
    end_with_stdin: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    #[command(
        after_help = "Example: ringback serve --port 8080 --public-url https://phone.example.org\n\n\
        Settings come from these flags, the environment, .env, ringback.toml and defaults, in this order;\n\
        docs/configuration.md names them all.\n\
        Exit status: 0 stopped as told; 1 an error while running; 2 a setting is wrong."
    )]
    Serve(ServeArgs),
    /// Ask every engine and provider that is set up for something small, and say what works.
    Check(CheckArgs),
    /// Ask the server of these settings whether it answers, for containers and service managers.
    #[command(after_help = "Example: ringback health --ready\n\n\
        Settings are those of `ringback serve`: HOST, PORT and TLS_CERT say where it listens.\n\
        Exit status: 0 it answers; 1 it does not; 2 a setting is wrong.")]
    Health {
        /// It must take new calls too: not while it stops.
        #[arg(long)]
        ready: bool,
        /// Where it is, instead of what the settings say.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Telephone a server from this terminal.
    Call(Box<ringback_sim::CallArgs>),
    /// Play the cloud providers on this machine: real protocols, local engines, faults on request.
    Sim(ringback_sim::providers::SimArgs),
    /// Make many calls at once, and show what they cost a server.
    Bench(Box<ringback_sim::bench::BenchArgs>),
    /// Run the traces of calls through this version and report the first difference of each.
    #[command(
        after_help = "Example: ringback replay data/recordings/server_8080_inbound_recording_20261120T091502.123456Z.trace.jsonl\n\n\
        Exit status: 0 no difference; 1 a difference, or a transcript was not written; 2 a trace cannot be read."
    )]
    Replay {
        /// Write the transcript beside each trace that has none: that of a call whose server was killed.
        #[arg(long)]
        transcript: bool,
        /// The traces.
        #[arg(required = true, value_name = "TRACE")]
        traces: Vec<PathBuf>,
    },
    /// Check scenario files.
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    /// Print the document of the API, OpenAPI 3.1: what a server has at /openapi.json.
    #[command(after_help = "Example: ringback openapi > openapi.json\n\nExit status: 0 printed.")]
    Openapi,
    /// Bring the database's tables to what this version needs.
    #[command(
        after_help = "Example: DATABASE_URL=postgres://ringback@db/ringback ringback migrate\n\n\
        Settings are those of `ringback serve`. Running it again does nothing. docs/database.md tells more.\n\
        Exit status: 0 the tables fit; 1 the database is not available, is a newer version's, or has secrets that do not open under\n\
        SECRET_KEY; 2 a setting is wrong."
    )]
    Migrate(DatabaseArgs),
    /// Make accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Write the database, where it is SQLite, into a new file, also while the server runs.
    #[command(
        after_help = "Example: ringback backup backups/ringback-$(date +%F).db\n\n\
        Recordings are files of their own in DATA_DIR. A file that exists is not overwritten.\n\
        Exit status: 0 written; 1 it could not be written; 2 a setting is wrong, or there is no SQLite database."
    )]
    Backup {
        /// The new file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

#[derive(Debug, Subcommand)]
enum ScenarioCommand {
    /// Check scenario files, and name every problem by line and column.
    #[command(
        after_help = "Example: ringback scenario check data/scenarios/*.toml\n\n\
        Exit status: 0 all can be used, perhaps with warnings; 1 one cannot."
    )]
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print a built-in scenario, to make your own of it.
    #[command(
        after_help = "Example: ringback scenario show survey > data/scenarios/survey.toml\n\n\
        Exit status: 0 printed; 2 there is no such scenario."
    )]
    Show {
        /// Its slug.
        #[arg(value_name = "NAME")]
        slug: String,
    },
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address to listen on (HOST).
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on (PORT).
    #[arg(long)]
    port: Option<String>,
    /// How Twilio reaches the server (PUBLIC_URL).
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder of recordings, scenarios and caches (DATA_DIR).
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// What answers calls to `POST /` (DEFAULT_SCENARIO).
    #[arg(long, value_name = "ID")]
    default_scenario: Option<String>,
    /// DEBUG, INFO, WARNING or ERROR (LOG_LEVEL).
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Configuration file instead of ringback.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Debug mode: log all that happens in calls, with what is said in them, and wait longer for slow voices.
    #[arg(long)]
    test: bool,
}

impl ServeArgs {
    fn texts(&self) -> Texts {
        let flags = [
            ("HOST", &self.host),
            ("PORT", &self.port),
            ("PUBLIC_URL", &self.public_url),
            ("DATA_DIR", &self.data_dir),
            ("DEFAULT_SCENARIO", &self.default_scenario),
            ("LOG_LEVEL", &self.log_level),
        ];
        flags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.end_with_stdin {
        ringback_sim::bench::end_with_stdin();
    }
    match arguments.command {
        Command::Serve(args) => serve(&args),
        Command::Check(args) => check(&args),
        Command::Health { ready, url } => health(ready, url),
        Command::Call(args) => call(*args),
        Command::Sim(args) => sim(args),
        Command::Bench(args) => bench(&args),
        Command::Replay { transcript, traces } => run_replays(&traces, transcript),
        Command::Openapi => tell(async { Ok(openapi::text()?) }),
        Command::User(user) => tell(command::run(&user)),
        Command::Migrate(args) => run(database::migrate(&args)),
        Command::Backup { file, database } => tell(database::backup(&database, &file)),
        Command::Scenario(ScenarioCommand::Check { files }) => check_scenarios(&files),
        Command::Scenario(ScenarioCommand::Show { slug }) => show_scenario(&slug),
    }
}

fn serve(args: &ServeArgs) -> ExitCode {
    let (config, notices) = match configuration(args) {
        Ok(loaded) => loaded,
        Err(error) => return complain(&error.to_string(), UNUSABLE),
    };
    let redactor = Redactor::new(config.secrets().cloned());
    let log = match telemetry::start(&config, redactor) {
        Ok(guard) => guard,
        Err(error) => return complain(&error.to_string(), UNUSABLE),
    };
    if config.operation.test {
        tracing::warn!("{}", telemetry::TEST_MODE);
    }
    for notice in notices.into_iter().chain(config.weak_key()) {
        tracing::warn!("{notice}");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime does not start: {error}"), WANTING),
    };
    let served = runtime.block_on(app::serve(config, &program(), say));
    let status = match served {
        Ok(()) => 0,
        Err(error) => {
            let status = if error.is::<ConfigError>() {
                UNUSABLE
            } else {
                WANTING
            };
            complain(&format!("{error:#}"), status);
            status
        }
    };
    // The log is written to its end. Threads that still speak or listen have nobody to do it for: they are not waited for.
    drop(log);
    std::process::exit(status.into())
}

fn check(args: &CheckArgs) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime does not start: {error}"), WANTING),
    };
    let status = match runtime.block_on(check::check(args)) {
        Ok(report) => {
            say(&if args.json {
                report.to_json()
            } else {
                report.to_text()
            });
            if report.works { 0 } else { WANTING }
        }
        Err(error) => {
            let status = if error.is::<ConfigError>() {
                UNUSABLE
            } else {
                WANTING
            };
            complain(&format!("{error:#}"), status);
            status
        }
    };
    // What is still connecting, hearing or speaking has nobody to do it for: it is not waited for.
    std::process::exit(status.into())
}

fn health(ready: bool, url: Option<String>) -> ExitCode {
    let base = url.map_or_else(own_address, Ok);
    let base = match base {
        Ok(base) => base,
        Err(error) => return complain(&error.to_string(), UNUSABLE),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let asked = match runtime {
        Ok(runtime) => runtime.block_on(alive::ask(&base, ready)),
        Err(error) => Err(format!("the runtime does not start: {error}")),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => complain(&why, WANTING),
    }
}

fn own_address() -> Result<String, ConfigError> {
    let folder = std::env::current_dir()
        .map_err(|error| ConfigError(format!("the working directory: {error}")))?;
    let layers = Layers::gather(Texts::new(), &folder, None)?;
    Ok(alive::address(&Config::load(&layers)?.http))
}

/// Carries out what answers one line.
fn tell(what: impl Future<Output = anyhow::Result<String>>) -> ExitCode {
    run(async { what.await.map(Done::of) })
}

/// Carries out what may find something wanting.
fn run(what: impl Future<Output = anyhow::Result<Done>>) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime does not start: {error}"), WANTING),
    };
    match runtime.block_on(what) {
        Ok(Done { line, wanting }) => {
            say(&line);
            wanting.map_or(ExitCode::SUCCESS, |what| complain(&what, WANTING))
        }
        Err(error) if error.is::<ConfigError>() => complain(&format!("{error:#}"), UNUSABLE),
        Err(error) => complain(&format!("{error:#}"), WANTING),
    }
}

/// The first word of this very command line: the file need not be on PATH.
fn program() -> String {
    std::env::args_os()
        .next()
        .filter(|word| !word.is_empty())
        .map_or_else(
            || "ringback".to_owned(),
            |word| word.to_string_lossy().into_owned(),
        )
}

fn configuration(args: &ServeArgs) -> Result<(Config, Vec<String>), ConfigError> {
    let folder = std::env::current_dir()
        .map_err(|error| ConfigError(format!("the working directory: {error}")))?;
    let layers = Layers::gather(args.texts(), &folder, args.config.as_deref())?;
    let config = Config::load(&layers)?;
    let config = if args.test {
        config.in_test_mode()
    } else {
        config
    };
    Ok((config, layers.notices()))
}

/// All are replayed, whatever becomes of one; the worst decides.
fn run_replays(traces: &[PathBuf], transcript: bool) -> ExitCode {
    let statuses = traces.iter().map(|trace| match replay(trace) {
        Ok(verdict) => {
            say(&format!("{}: {verdict}", trace.display()));
            if transcript {
                match recover_transcript(trace, &verdict) {
                    Ok(path) => say(&format!("{}: written", path.display())),
                    Err(error) => {
                        let why =
                            format!("{}: no transcript was written: {error}", trace.display());
                        complain(&why, WANTING);
                        return WANTING;
                    }
                }
            }
            if verdict.same() { 0 } else { WANTING }
        }
        Err(error) => {
            complain(&format!("{}: {error}", trace.display()), UNUSABLE);
            UNUSABLE
        }
    });
    ExitCode::from(statuses.max().unwrap_or(0))
}

fn check_scenarios(files: &[PathBuf]) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    let secrets = secrets();
    for file in files {
        match check_file(file) {
            Ok((scenario, warnings)) => {
                for warning in &warnings {
                    say(&format!("warning: {warning}"));
                }
                let folder = file
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                let beside = Catalog::load(folder.unwrap_or(Path::new(".")));
                for absent in beside.absent(&scenario, &file.to_string_lossy()) {
                    say(&format!("warning: {absent}"));
                }
                for missing in secrets.missing(&scenario) {
                    say(&format!("warning: {}: {missing}", file.display()));
                }
                say(&format!(
                    "{}: the scenario \"{}\" can be used",
                    file.display(),
                    scenario.slug
                ));
            }
            Err(problems) => {
                for problem in &problems {
                    complain(&problem.to_string(), WANTING);
                }
                status = ExitCode::from(WANTING);
            }
        }
    }
    status
}

/// Where `ringback serve` would look for secrets, if it were started here.
fn secrets() -> Secrets {
    let layers = std::env::current_dir()
        .map_err(|error| ConfigError(format!("the working directory: {error}")))
        .and_then(|folder| Layers::gather(Texts::new(), &folder, None));
    match layers {
        Ok(layers) => layers.secrets(),
        Err(error) => {
            complain(&error.to_string(), UNUSABLE);
            Secrets::default()
        }
    }
}

fn show_scenario(slug: &str) -> ExitCode {
    let Some(text) = built_in(slug) else {
        let known: Vec<&str> = built_in_slugs().collect();
        let known = known.join(", ");
        let what = format!("there is no built-in scenario \"{slug}\"; there are {known}");
        return complain(&what, UNUSABLE);
    };
    say(text.trim_end());
    ExitCode::SUCCESS
}

/// A reader that went away, such as `| head`, has read enough.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str, status: u8) -> ExitCode {
    eprintln!("ringback: {text}");
    ExitCode::from(status)
}

fn call(args: ringback_sim::CallArgs) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime does not start: {error}"), WANTING),
    };
    let called = runtime.block_on(ringback_sim::call(args));
    // A thread that waits for a line on standard input cannot be stopped; it is left.
    runtime.shutdown_background();
    match called {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => complain(&format!("{error:#}"), WANTING),
    }
}

fn sim(args: ringback_sim::providers::SimArgs) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime does not start: {error}"), WANTING),
    };
    let played = runtime.block_on(ringback_sim::providers::sim(args));
    // Sockets that are held half-open are not waited for.
    runtime.shutdown_background();
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), WANTING),
    }
}

fn bench(args: &ringback_sim::bench::BenchArgs) -> ExitCode {
    match ringback_sim::bench::bench(args) {
        Ok(report) => ExitCode::from(report.exit_code()),
        Err(error) => complain(&format!("{error:#}"), WANTING),
    }
}
