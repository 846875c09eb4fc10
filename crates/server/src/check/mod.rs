//! `ringback check`: proves every engine that calls would use with a real request.

mod advice;
mod captcha;
mod keys;
mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ringback_session::check::Check;
use ringback_session::provider::Provider;
use ringback_session::scenario::{Catalog, Scenario};
use ringback_session::{EngineConfig, Engines};
use ringback_store::{Location, Store};

use crate::app::engine_config;
use crate::config::{Config, ConfigError, LOCAL_STT, LOCAL_TTS, Layers, Texts};
use crate::scenarios::{Entry, secrets_of};
use crate::vault::Vault;

pub use report::{Report, Row};

/// As `--only` names what is no engine.
const TWILIO: &str = "twilio";
const CAPTCHA: &str = "captcha";

/// What is checked and how.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: ringback check --only deepgram,openai --timeout 5\n\n\
    Settings are those of `ringback serve`. A few words are spoken and a moment of silence is heard, at the providers' usual price.\n\
    Exit status: 0 all that is set up works; 1 something does not; 2 a setting is wrong."
)]
pub struct CheckArgs {
    /// These alone: deepgram, openai, cartesia, elevenlabs, pocketsphinx, pico, twilio, captcha.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// How long each may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Write JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Folder of recordings, scenarios and caches (DATA_DIR).
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Configuration file instead of ringback.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds")?;
    if !(0.1..=600.0).contains(&seconds) {
        return Err("write 0.1 to 600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Checks what is set up, within a runtime.
///
/// # Errors
/// A [`ConfigError`] for a setting that is wrong, anything else for engines that do not start.
pub async fn check(args: &CheckArgs) -> anyhow::Result<Report> {
    let config = configuration(args)?;
    config.make_data_dir()?;
    let catalog = Catalog::load(&config.data_dir.join("scenarios"));
    let default = default_scenario(&config, &catalog).await?;
    let scenarios: Vec<Arc<Scenario>> = catalog.scenarios().cloned().collect();
    let engines = EngineConfig {
        recognizers: usize::from(
            config.engines.wants_decoders() && is_wanted(&args.only, LOCAL_STT),
        ),
        voices: 1,
        ..engine_config(&config)
    };
    let engines = tokio::task::spawn_blocking(move || Engines::start(engines)).await??;
    let engines = Arc::new(engines);
    let mut checks = engines.checks(&default, &scenarios);
    checks.retain(|check| check.engine != LOCAL_STT || config.engines.wants_decoders());
    choose(&args.only, &mut checks, config.captcha.is_some())?;
    let asked = is_wanted(&args.only, CAPTCHA);
    let captcha = async {
        match asked {
            true => captcha::check(&config, args.timeout).await,
            false => Ok(None),
        }
    };
    let (checked, captcha) = tokio::join!(engines.run_checks(checks, args.timeout), captcha);
    let twilio = is_wanted(&args.only, TWILIO);
    let keys = match args.only.is_empty() {
        true => keys::check(&config, args.timeout).await,
        false => None,
    };
    let report = Report::of(checked, &config, twilio);
    Ok(report.with(captcha?).with(keys))
}

fn is_wanted(only: &[String], name: &str) -> bool {
    only.is_empty() || only.iter().any(|wanted| wanted == name)
}

fn configuration(args: &CheckArgs) -> Result<Config, ConfigError> {
    let folder = std::env::current_dir()
        .map_err(|error| ConfigError(format!("the working directory: {error}")))?;
    let flags = args
        .data_dir
        .clone()
        .map(|dir| ("DATA_DIR".to_owned(), dir));
    let flags: Texts = flags.into_iter().collect();
    Config::load(&Layers::gather(flags, &folder, args.config.as_deref())?)
}

async fn default_scenario(config: &Config, catalog: &Catalog) -> anyhow::Result<Arc<Scenario>> {
    let name = &config.calls.default_scenario;
    if let Some(scenario) = catalog.scenario(name) {
        return Ok(Arc::clone(scenario));
    }
    let kept = match config.database()? {
        Location::File(path) if !path.exists() => None,
        location @ (Location::File(_) | Location::Postgres(_)) => {
            stored(config, &Store::open(location)?, name).await?
        }
    };
    let wrong = |what: &str| ConfigError(format!("DEFAULT_SCENARIO={name}: {what}"));
    match kept.map(|entry| entry.read) {
        Some(Ok((scenario, _))) => Ok(scenario),
        Some(Err(problems)) => {
            let why = problems
                .first()
                .map_or_else(String::new, ToString::to_string);
            Err(wrong(&format!("this scenario cannot be used: {why}")).into())
        }
        None => Err(wrong("there is no such scenario").into()),
    }
}

/// The scenario of this slug or id in the database.
async fn stored(config: &Config, store: &Store, name: &str) -> anyhow::Result<Option<Entry>> {
    let Some(row) = store.scenario_find(name).await? else {
        return Ok(None);
    };
    let sealed = store.secret_list(&secrets_of(&row.id)).await?;
    Ok(Some(Entry::read(&Vault::of(config)?, &row, &sealed)))
}

/// Leaves what `--only` names, all of which must be there.
fn choose(only: &[String], checks: &mut Vec<Check>, captcha: bool) -> Result<(), ConfigError> {
    if only.is_empty() {
        return Ok(());
    }
    let providers = Provider::ALL.map(Provider::name);
    for name in only {
        let is_there = name == TWILIO
            || captcha && name == CAPTCHA
            || checks.iter().any(|check| check.engine == name);
        if is_there {
            continue;
        }
        let why = if providers.contains(&name.as_str()) {
            let key = format!("{}_API_KEY", name.to_ascii_uppercase());
            format!("not in use: set {key}, and name it where STT or TTS is set")
        } else if name == CAPTCHA {
            "not in use: set CAPTCHA_PROVIDER, RECAPTCHA_SITE_KEY and RECAPTCHA_SECRET".to_owned()
        } else if [LOCAL_STT, LOCAL_TTS].contains(&name.as_str()) {
            "not in use by these settings".to_owned()
        } else {
            let known = providers
                .into_iter()
                .chain([LOCAL_STT, LOCAL_TTS, TWILIO, CAPTCHA]);
            format!(
                "unknown; there is: {}",
                known.collect::<Vec<_>>().join(", ")
            )
        };
        return Err(ConfigError(format!("--only {name}: {why}")));
    }
    checks.retain(|check| is_wanted(only, check.engine));
    Ok(())
}
