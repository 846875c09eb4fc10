//! The configuration: typed, each field with its variable.
//!
//! A setting is looked for on the command line, in the environment, in `.env`, in `ringback.toml`, and last in the table
//! of [`variables`]. A malformed value or an unknown key in the TOML file stops the start with one line; an empty value
//! counts as not set.

pub mod accounts;
pub mod browsers;
pub mod captcha;
mod layers;
mod providers;
mod read;
pub mod retention;
mod secret_key;
mod slips;
pub mod variables;

use std::fs::DirBuilder;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tracing::level_filters::LevelFilter;
use url::Url;

pub use layers::{Found, Layers, Origin, Strange, Texts};
pub use providers::Order;
pub use ringback_session::Secret;
use ringback_session::Secrets;
use ringback_session::prices::Prices;
use ringback_session::provider::Accounts;
use ringback_store::Location;

use crate::hooks::public_url::PublicBase;
use crate::rates::Rates;
use crate::routes;
use crate::tls::TlsFiles;
use accounts::AccountsConfig;
use browsers::{Origins, SecurityHeaders};
use captcha::CaptchaConfig;
use read::Reader;
use retention::RetentionConfig;

/// Why the server does not start: one line that names the setting and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATA_DIR`: recordings, scenarios, caches.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`: the database. See [`Config::database`].
    pub database_url: Option<Secret>,
    /// `SECRET_KEY`: signs the tokens in TwiML. See [`Config::signing_key`].
    pub secret_key: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`: the key before it, of which tokens and sealed secrets are still taken.
    pub secret_key_previous: Option<Secret>,
    /// Listening, and how the world sees us.
    pub http: HttpConfig,
    /// Who may use it.
    pub accounts: AccountsConfig,
    /// What who registers or signs in must have solved.
    pub captcha: Option<CaptchaConfig>,
    /// Twilio's account.
    pub twilio: TwilioConfig,
    /// Calls and their limits.
    pub calls: CallsConfig,
    /// What hears, answers and speaks.
    pub engines: EnginesConfig,
    /// How long what was recorded and said is kept.
    pub retention: RetentionConfig,
    /// Logs.
    pub log: LogConfig,
    /// What operators look at besides.
    pub operation: OperationConfig,
}

/// Listening, and how the world sees us.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `HOST`: the address to listen on.
    pub host: IpAddr,
    /// `PORT`: the port to listen on; 0 takes any.
    pub port: u16,
    /// `PUBLIC_URL`: how Twilio reaches this server.
    pub public_url: Option<PublicBase>,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `ENABLE_SECURITY_HEADERS` and the headers: what browsers are told with every answer.
    pub security_headers: SecurityHeaders,
    /// `CORS_ORIGINS`: other sites whose pages may read our answers.
    pub origins: Origins,
    /// `TLS_CERT` and `TLS_KEY`: where the server does TLS itself.
    pub tls: Option<TlsFiles>,
    /// `RATE_LIMITS`: how often routes may be used, where it is not as the table of routes says.
    pub rates: Rates,
    /// `MAX_CONNECTIONS`: connections at once, media sockets included.
    pub max_connections: usize,
}

/// Twilio's account.
#[derive(Clone, Debug)]
pub struct TwilioConfig {
    /// `TWILIO_ACCOUNT_SID`: the account; requests of others are noted in the log.
    pub account_sid: Option<String>,
    /// `TWILIO_AUTH_TOKEN`: checks Twilio's signatures; without it only local callers are accepted.
    pub auth_token: Option<Secret>,
    /// `TWILIO_API_URL`: where its REST API is.
    pub api_url: Url,
}

impl TwilioConfig {
    /// Account and token, where both are known: its REST API can be asked.
    pub fn account(&self) -> Option<(&str, &Secret)> {
        self.account_sid.as_deref().zip(self.auth_token.as_ref())
    }
}

/// Calls and their limits.
#[derive(Clone, Debug)]
pub struct CallsConfig {
    /// `DEFAULT_SCENARIO`: id or slug of what answers `POST /`.
    pub default_scenario: String,
    /// `COMPANY_NAME`: in whose name the built-in scenarios speak.
    pub company: String,
    /// `MAX_CALLS`: calls at once, those about to connect included.
    pub max_calls: usize,
    /// `MAX_FOREIGN_STREAMS`: of those, streams that TwiML of others opened.
    pub max_foreign_streams: usize,
    /// `DRAIN_SECONDS`: how long live calls may go on after SIGTERM, their last sentence included.
    pub drain: Duration,
    /// `RECORDING`: whether calls are recorded.
    pub recording: bool,
    /// `INSTANCE_NAME`: first word of recordings' names.
    pub instance: String,
}

/// The local recogniser, as `STT` names it.
pub const LOCAL_STT: &str = "pocketsphinx";

/// What answers without a provider, as `RESPONDER` names it.
pub const LOCAL_RESPONDER: &str = "script";

/// The local voice, as `TTS` names it.
pub const LOCAL_TTS: &str = "pico";

/// What hears, answers and speaks.
#[derive(Clone, Debug)]
pub struct EnginesConfig {
    /// `DEEPGRAM_API_KEY` and the like: the providers that are set up.
    pub accounts: Accounts,
    /// `HTTPS_PROXY`: through which providers are asked over HTTP.
    pub proxy: Option<String>,
    /// `STT`: recognisers; none for keypads alone.
    pub stt: Order,
    /// `RESPONDER`: what answers, of what a scenario has.
    pub responder: Order,
    /// `TTS`: voices.
    pub tts: Order,
    /// `OPENAI_TRANSCRIBE_MODEL`: OpenAI's model for recordings.
    pub transcribe_model: String,
    /// `RECOGNIZERS`: decoders of the local recogniser.
    pub recognizers: usize,
    /// `POCKETSPHINX_DIR`: the folder of its library; `None`: where the system keeps it.
    pub recognizer_library: Option<PathBuf>,
    /// `PRICES`: what providers cost.
    pub prices: Prices,
    /// Where the secrets are that scenarios name: all that was set, in its order.
    pub secrets: Secrets,
    /// `VOICES`: threads of the local voice.
    pub voices: usize,
    /// `ALLOW_PRIVATE_WEBHOOKS`: whether the webhook responder may call private addresses.
    pub allow_private_webhooks: bool,
}

impl EnginesConfig {
    /// Whether callers are to be heard, and not to answer by keypad alone.
    pub fn wants_ears(&self) -> bool {
        self.wants_decoders() || self.stt.names.iter().any(|name| name != LOCAL_STT)
    }

    /// Whether decoders of this machine are to be started.
    pub fn wants_decoders(&self) -> bool {
        self.recognizers > 0 && self.stt.names.iter().any(|name| name == LOCAL_STT)
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What operators look at besides logs.
#[derive(Clone)]
pub struct OperationConfig {
    /// `METRICS_TOKEN`: lets others than local callers read `/metrics`.
    pub metrics_token: Option<Secret>,
    /// `serve --test`: what is said in calls is logged, and slow providers are waited for.
    pub test: bool,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector that traces are sent to, without a slash at its end.
    pub otlp_endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what is sent along, by name.
    pub otlp_headers: Vec<(String, String)>,
    /// Names that were set and that no setting has; a scenario may name them.
    pub strange: Vec<Strange>,
}

impl std::fmt::Debug for OperationConfig {
    /// Headers may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperationConfig")
            .field("metrics_token", &self.metrics_token)
            .field("test", &self.test)
            .field("otlp_endpoint", &self.otlp_endpoint)
            .field("otlp_headers", &self.otlp_headers.len())
            .field("strange", &self.strange)
            .finish()
    }
}

/// Logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// `LOG_LEVEL`: what is written.
    pub level: LevelFilter,
    /// `LOG_FORMAT`: in which form.
    pub format: LogFormat,
    /// `LOG_DIR`: where the files are.
    pub dir: PathBuf,
    /// `LOG_ROTATION`: size in bytes at which a new file is begun.
    pub rotation_bytes: Option<u64>,
    /// `LOG_RETENTION_DAYS`: after how many days a file is deleted; 0 for never.
    pub retention_days: u32,
}

impl Config {
    /// The configuration that the layers amount to.
    ///
    /// # Errors
    /// The first malformed value, or a `SECRET_KEY` that does not do beyond loopback.
    pub fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let reader = Reader(layers);
        let http = http(&reader)?;
        let config = Self {
            captcha: captcha::captcha(&reader, &http)?,
            data_dir: reader.value("DATA_DIR", read::line)?.into(),
            database_url: reader.secret("DATABASE_URL")?,
            secret_key: reader.secret("SECRET_KEY")?,
            secret_key_previous: reader.secret("SECRET_KEY_PREVIOUS")?,
            accounts: accounts::accounts(&reader, reader.value("HOST", read::host)?)?,
            http,
            twilio: TwilioConfig {
                account_sid: reader.value("TWILIO_ACCOUNT_SID", read::account_sid)?,
                auth_token: reader.secret("TWILIO_AUTH_TOKEN")?,
                api_url: reader.value("TWILIO_API_URL", providers::origin)?,
            },
            calls: calls(&reader)?,
            engines: engines(&reader)?,
            retention: retention::retention(&reader)?,
            log: log(&reader)?,
            operation: operation(&reader)?,
        };
        secret_key::check(&config)?;
        config.database()?;
        Ok(config)
    }

    /// In test mode: everything is looked at, at DEBUG at least.
    #[must_use]
    pub fn in_test_mode(mut self) -> Self {
        self.operation.test = true;
        self.log.level = self.log.level.max(LevelFilter::DEBUG);
        self
    }

    /// Where the database is: `DATABASE_URL`, else a file in `DATA_DIR`.
    ///
    /// # Errors
    /// `DATABASE_URL` names none.
    pub fn database(&self) -> Result<Location, ConfigError> {
        let url = self.database_url.as_ref().map_or("", Secret::expose);
        Location::parse(url, &self.data_dir).map_err(|error| ConfigError(error.to_string()))
    }

    /// Where recordings, transcripts and traces lie.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.data_dir.join("recordings")
    }

    /// Every secret that is set, so that none gets into a log.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let own = [
            &self.database_url,
            &self.secret_key,
            &self.secret_key_previous,
            &self.twilio.auth_token,
            &self.operation.metrics_token,
        ];
        let accounts = self.engines.accounts.iter();
        let keys = accounts.filter_map(|account| account.access.key.as_ref());
        let captcha = self.captcha.iter().map(|captcha| &captcha.secret);
        own.into_iter().flatten().chain(keys).chain(captcha)
    }

    /// Makes `DATA_DIR` where it is missing, for this user alone: it will hold callers' voices and numbers. A folder that is
    /// there stays as it is.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_data_dir(&self) -> Result<(), ConfigError> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&self.data_dir).map_err(|error| {
            ConfigError(format!(
                "DATA_DIR={}: {error}: name a folder that can be written to",
                self.data_dir.display()
            ))
        })
    }
}

fn http(reader: &Reader<'_>) -> Result<HttpConfig, ConfigError> {
    let host = reader.value("HOST", read::host)?;
    Ok(HttpConfig {
        host,
        port: reader.value("PORT", read::port)?,
        public_url: reader.value("PUBLIC_URL", |text| match text {
            "" => Ok(None),
            url => PublicBase::parse(url).map(Some),
        })?,
        trusted_proxies: reader.value("TRUSTED_PROXIES", read::networks)?,
        security_headers: browsers::headers(reader)?,
        origins: reader.value("CORS_ORIGINS", |text| browsers::origins(text, host))?,
        tls: tls(reader)?,
        rates: reader.value("RATE_LIMITS", |text| {
            Rates::parse(text, &routes::limited_names())
        })?,
        max_connections: count(reader, "MAX_CONNECTIONS", 1, 1_000_000)?,
    })
}

fn tls(reader: &Reader<'_>) -> Result<Option<TlsFiles>, ConfigError> {
    let cert = reader.value("TLS_CERT", |text| Ok(read::optional(text)))?;
    let key = reader.value("TLS_KEY", |text| Ok(read::optional(text)))?;
    match (cert, key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles {
            cert: cert.into(),
            key: key.into(),
        })),
        (Some(_), None) => Err(ConfigError(
            "TLS_CERT is set and TLS_KEY is not: set both, or none".to_owned(),
        )),
        (None, Some(_)) => Err(ConfigError(
            "TLS_KEY is set and TLS_CERT is not: set both, or none".to_owned(),
        )),
    }
}

fn calls(reader: &Reader<'_>) -> Result<CallsConfig, ConfigError> {
    Ok(CallsConfig {
        default_scenario: reader.value("DEFAULT_SCENARIO", read::line)?,
        company: reader.value("COMPANY_NAME", read::line)?,
        max_calls: count(reader, "MAX_CALLS", 1, 100_000)?,
        max_foreign_streams: count(reader, "MAX_FOREIGN_STREAMS", 0, 100_000)?,
        drain: Duration::from_secs(
            reader.value("DRAIN_SECONDS", |text| read::number(text, 0, 86_400))?,
        ),
        recording: reader.value("RECORDING", read::flag)?,
        instance: reader.value("INSTANCE_NAME", read::file_word)?,
    })
}

fn engines(reader: &Reader<'_>) -> Result<EnginesConfig, ConfigError> {
    let accounts = providers::accounts(reader)?;
    let hear = [("deepgram", accounts.deepgram.is_some())];
    let speak = [
        ("cartesia", accounts.cartesia.is_some()),
        ("elevenlabs", accounts.elevenlabs.is_some()),
        ("deepgram", accounts.deepgram.is_some()),
    ];
    let answer = [("openai", accounts.openai.is_some())];
    let tts = providers::order(reader, "TTS", &speak, LOCAL_TTS, false)?;
    Ok(EnginesConfig {
        proxy: reader.value("HTTPS_PROXY", read::proxy)?,
        stt: providers::order(reader, "STT", &hear, LOCAL_STT, true)?,
        responder: providers::order(reader, "RESPONDER", &answer, LOCAL_RESPONDER, false)?,
        accounts,
        tts,
        transcribe_model: reader.value("OPENAI_TRANSCRIBE_MODEL", read::line)?,
        recognizers: count(reader, "RECOGNIZERS", 0, 1_000)?,
        recognizer_library: reader.value("POCKETSPHINX_DIR", |text| match text {
            "" => Ok(None),
            folder => read::line(folder).map(|folder| Some(folder.into())),
        })?,
        prices: prices(reader)?,
        secrets: reader.0.secrets(),
        voices: count(reader, "VOICES", 1, 1_000)?,
        allow_private_webhooks: reader.value("ALLOW_PRIVATE_WEBHOOKS", read::flag)?,
    })
}

/// The price table, or an empty one.
fn prices(reader: &Reader<'_>) -> Result<Prices, ConfigError> {
    let named = reader.value("PRICES", |text| Ok(read::optional(text)))?;
    let usual = PathBuf::from(reader.value("DATA_DIR", read::line)?).join("prices.toml");
    let path = match named {
        Some(path) => PathBuf::from(path),
        None if usual.exists() => usual,
        None => return Ok(Prices::default()),
    };
    let bad = |why: String| ConfigError(format!("PRICES: {}: {why}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
    Prices::parse(&text).map_err(|error| bad(error.to_string()))
}

fn log(reader: &Reader<'_>) -> Result<LogConfig, ConfigError> {
    Ok(LogConfig {
        level: reader.value("LOG_LEVEL", read::level)?,
        format: reader.value("LOG_FORMAT", read::log_format)?,
        dir: reader.value("LOG_DIR", read::line)?.into(),
        rotation_bytes: reader.value("LOG_ROTATION", read::size)?,
        retention_days: reader.value("LOG_RETENTION_DAYS", |text| read::number(text, 0, 36_500))?
            as u32,
    })
}

fn operation(reader: &Reader<'_>) -> Result<OperationConfig, ConfigError> {
    Ok(OperationConfig {
        metrics_token: reader.secret("METRICS_TOKEN")?,
        test: false,
        otlp_endpoint: reader.value("OTEL_EXPORTER_OTLP_ENDPOINT", |text| match text {
            "" => Ok(None),
            url => providers::base_url(url).map(|url| {
                let base = url.as_str().trim_end_matches('/');
                // That is where spans go; a base is meant.
                Some(base.strip_suffix("/v1/traces").unwrap_or(base).to_owned())
            }),
        })?,
        otlp_headers: reader.value("OTEL_EXPORTER_OTLP_HEADERS", read::pairs)?,
        strange: reader.0.strange(),
    })
}

fn count(reader: &Reader<'_>, name: &str, least: u64, most: u64) -> Result<usize, ConfigError> {
    reader.value(name, |text| {
        let number = read::number(text, least, most)?;
        usize::try_from(number).map_err(|error| error.to_string())
    })
}
