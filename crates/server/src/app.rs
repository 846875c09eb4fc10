//! The server as one value, and its wiring in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ringback_call::Direction;
use ringback_session::provider::Provider;
use ringback_session::scenario::{Catalog, Scenario, SttEngine, TtsEngine};
use ringback_session::{Answerer, EngineConfig, Engines, Place, Rest};
use ringback_store::Store;
use ringback_wire::twilio::signature::{AuthToken, Validator};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, Accounts};
use crate::calls::{Arrival, Registry, Rows, Seat, Sessions, Signer, Switchboard, nodes};
use crate::captcha::Captcha;
use crate::config::{Config, ConfigError, LOCAL_RESPONDER, Order, Secret};
use crate::desk::Desk;
use crate::guards::{self, Guards};
use crate::hooks::authentic::Signatures;
use crate::listen::{self, Limits};
use crate::metrics::Metrics;
use crate::pulse::Pulses;
use crate::retention;
use crate::routes;
use crate::scenarios::{self, Chosen, Scenarios, Unfit};
use crate::shutdown::{Lifecycle, Signals, wind_down};
use crate::tls::{Tls, ignore_hangups, keep_fresh};
use crate::traces::Traces;
use crate::vault::Vault;
use crate::welcome::Welcome;

/// How often expired tokens are looked for, so that their seats come free.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// The start waits so long for scenarios that are stored.
const STORED_WITHIN: Duration = Duration::from_secs(20);

/// In test mode voices and replies are waited for so many times longer.
const PATIENCE: u32 = 4;

/// What is kept of a call until its media socket comes.
pub struct Expected {
    /// The call.
    pub arrival: Arrival,
    /// Its seat.
    pub seat: Box<dyn Seat>,
}

/// The server, shared by all handlers.
pub type App = Arc<Server>;

/// Everything that handlers need.
pub struct Server {
    /// What was set.
    pub config: Config,
    /// The program as it was invoked: the first word of commands that are shown.
    pub program: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The scenarios.
    pub scenarios: Scenarios,
    /// Who takes calls.
    pub switchboard: Box<dyn Switchboard>,
    /// The calls.
    pub registry: Arc<Registry<Expected>>,
    /// What of calls goes into the database.
    pub rows: Rows,
    /// Who may use it.
    pub accounts: Accounts,
    /// What stands before handlers.
    pub guards: Guards,
    /// What is kept in memory beside calls.
    pub desk: Desk,
    /// What Prometheus is told.
    pub metrics: Metrics,
    /// Where traces of calls go.
    pub traces: Traces,
    /// Makes and checks tokens.
    pub signer: Signer,
    /// Checks Twilio's signatures; `None` where only local callers are accepted.
    pub signatures: Option<Signatures>,
    /// Whether it stops.
    pub lifecycle: Lifecycle,
}

impl Server {
    /// A server of these parts.
    ///
    /// # Errors
    /// An auth token, public URL or other setting that cannot be used.
    pub fn new(
        config: Config,
        program: &str,
        address: SocketAddr,
        catalog: Catalog,
        switchboard: Box<dyn Switchboard>,
        key: &Secret,
    ) -> Result<App, ConfigError> {
        let calls = &config.calls;
        let vault = Vault::new(key, config.secret_key_previous.as_ref())?;
        Ok(Arc::new(Self {
            registry: Registry::new(calls.max_calls, calls.max_foreign_streams),
            signatures: validator(&config)?.map(Signatures::new),
            rows: Rows::default(),
            accounts: Accounts::new(key, config.secret_key_previous.as_ref())?,
            guards: Guards {
                captcha: Captcha::new(config.captcha.as_ref(), config.engines.proxy.as_deref())?,
                ..Guards::default()
            },
            signer: Signer::new(key).after(config.secret_key_previous.as_ref()),
            desk: Desk::default(),
            metrics: Metrics::default().with_providers(&config.engines.accounts),
            traces: Traces::start(&config.operation, &calls.instance)?,
            config,
            program: program.to_owned(),
            address,
            scenarios: Scenarios::new(catalog, vault),
            switchboard,
            lifecycle: Lifecycle::default(),
        }))
    }

    /// The scenario of this id or slug, if it takes calls of this direction.
    ///
    /// # Errors
    /// Why there is none.
    pub fn scenario(&self, name: &str, direction: Direction) -> Result<Chosen, Unfit> {
        let chosen = self.scenarios.look_up(name)?;
        let scenario = &chosen.scenario;
        if !scenario.direction.takes(direction) {
            return Err(Unfit::Direction(scenario.slug.clone(), direction));
        }
        Ok(chosen)
    }

    /// Whether an account is another than `TWILIO_ACCOUNT_SID`. The signature decides, this is for the log: a
    /// telephone of the terminal has a made-up account.
    pub fn is_other_account(&self, account_sid: Option<&str>) -> bool {
        let ours = self.config.twilio.account_sid.as_deref();
        ours.is_some() && account_sid.is_some() && ours != account_sid
    }
}

fn validator(config: &Config) -> Result<Option<Validator>, ConfigError> {
    let Some(token) = &config.twilio.auth_token else {
        return Ok(None);
    };
    let token = AuthToken::new(token.expose())
        .map_err(|error| ConfigError(format!("TWILIO_AUTH_TOKEN: {error}")))?;
    let validator = Validator::new(&token);
    match &config.http.public_url {
        None => Ok(Some(validator)),
        Some(base) => validator
            .with_public_base(&base.to_string())
            .map(Some)
            .map_err(|error| ConfigError(format!("PUBLIC_URL: {error}"))),
    }
}

/// Runs a server until it is told to stop and its calls are over. `program` is how it was invoked; `say` is given the
/// lines that greet the operator.
///
/// # Errors
/// Why it does not start, in one line.
pub async fn serve(config: Config, program: &str, say: impl FnOnce(&str)) -> anyhow::Result<()> {
    let signals = Signals::listen().context("signals cannot be listened to")?;
    let listener = bind(&config).await?;
    let address = listener.local_addr()?;
    let tls = config.http.tls.clone().map(Tls::load).transpose()?;
    let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
    config.make_data_dir()?;
    let key = config.signing_key()?;
    let catalog = Catalog::load(&config.data_dir.join("scenarios"));
    let sessions = sessions(&config, address.port()).await?;
    let engines = Arc::clone(&sessions.engines);
    let (database, data_dir) = (config.database()?, config.data_dir.clone());
    let app = Server::new(config, program, address, catalog, Box::new(sessions), &key)?;
    app.rows.open(Store::open(database)?, &data_dir).await?;
    accounts::warn_while_unclaimed(&app).await;
    read_stored(&app).await?;
    report_strange(&app);
    report_scenarios(&app.scenarios.files);
    report_engines(&app);
    report_languages(&app.scenarios.files, &engines);
    report_secrets(&app);

    let closed = CancellationToken::new();
    let router = routes::router(Arc::clone(&app));
    let limits = limits(&app);
    let http = tokio::spawn(listen::serve(
        listener,
        acceptor,
        router,
        limits,
        closed.clone(),
    ));
    hear_hangups(&app, tls).context("SIGHUP cannot be listened to")?;
    let sweeper = tokio::spawn(sweep(Arc::clone(&app)));
    tokio::spawn(guards::sweep(Arc::clone(&app)));
    tokio::spawn(accounts::sweep(Arc::clone(&app)));
    let mut looks = looks(&app);
    warm(&app, engines);
    say(&Welcome::of(&app).to_text());
    tracing::info!(address = %app.address, version = env!("CARGO_PKG_VERSION"), "server started");

    wind_down(
        &app.lifecycle,
        &app.registry,
        app.config.calls.drain,
        signals,
    )
    .await;
    closed.cancel();
    sweeper.abort();
    looks.abort_all();
    // Idle connections are kept open by their peers; they are not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), http).await;
    app.traces.close().await;
    app.rows.close().await;
    tracing::info!("server stopped");
    Ok(())
}

/// What is stored is there before the first call, where the database answers.
async fn read_stored(app: &App) -> anyhow::Result<()> {
    let read = tokio::time::timeout(STORED_WITHIN, scenarios::refresh(app)).await;
    let read = matches!(read, Ok(Ok(())));
    if !read {
        go_without_database(app).await;
    }
    scenarios::check_default(app, read)?;
    Ok(())
}

/// Reads certificates again when it is told to.
fn hear_hangups(app: &App, tls: Option<Arc<Tls>>) -> std::io::Result<()> {
    match tls {
        Some(tls) => {
            let tls = Arc::clone(app.guards.tls.get_or_init(|| tls));
            tokio::spawn(keep_fresh(tls)?)
        }
        None => tokio::spawn(ignore_hangups()?),
    };
    Ok(())
}

/// What looks at the database again and again, until the calls are over.
fn looks(app: &App) -> JoinSet<()> {
    let mut looks = JoinSet::new();
    let watched = Arc::clone(app);
    looks.spawn(async move { watched.rows.watch().await });
    looks.spawn(retention::run(Arc::clone(app)));
    looks.spawn(nodes::run(Arc::clone(app)));
    looks.spawn(scenarios::follow(Arc::clone(app)));
    looks
}

fn limits(app: &App) -> Limits {
    let http = &app.config.http;
    Limits {
        trusted: http.trusted_proxies.clone(),
        ..Limits::of(http.max_connections)
    }
}

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let (host, port) = (config.http.host, config.http.port);
    TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host} port {port}: set another PORT or HOST, or stop the program that has it"))
}

/// Which engines a server of this configuration starts.
pub fn engine_config(config: &Config) -> EngineConfig {
    let engines = &config.engines;
    EngineConfig {
        data_dir: config.data_dir.clone(),
        recognizers: if engines.wants_decoders() {
            engines.recognizers
        } else {
            0
        },
        recognizer_library: engines.recognizer_library.clone(),
        voices: engines.voices,
        allow_private_webhooks: engines.allow_private_webhooks,
        company: config.calls.company.clone(),
        accounts: engines.accounts.clone(),
        proxy: engines.proxy.clone(),
        prices: engines.prices.clone(),
        secrets: engines.secrets.clone(),
        stt: engines.stt.names.iter().map(|name| stt(name)).collect(),
        responders: answerers(&engines.responder),
        tts: engines.tts.names.iter().map(|name| tts(name)).collect(),
    }
}

/// Responders by the names that the configuration has checked; none where keys decide, because a scenario stands in that order.
fn answerers(order: &Order) -> Vec<Answerer> {
    let names = order.names.iter().filter(|_| order.named);
    let known = names.map(|name| match name.as_str() {
        LOCAL_RESPONDER => Answerer::Script,
        _ => Answerer::Model,
    });
    known.collect()
}

async fn sessions(config: &Config, port: u16) -> anyhow::Result<Sessions> {
    let engine_config = engine_config(config);
    let engines = tokio::task::spawn_blocking(move || Engines::start(engine_config)).await??;
    let engines = engines.with_patience(if config.operation.test { PATIENCE } else { 1 });
    Ok(Sessions {
        engines: Arc::new(engines),
        settings: config.engines.clone(),
        company: config.calls.company.clone(),
        pulses: Pulses::new(),
        rest: rest(config)?.map(Arc::new),
        record: config.calls.recording.then(|| Place {
            dir: config.recordings(),
            instance: config.calls.instance.clone(),
            port,
        }),
    })
}

/// The account's REST API, where account and token are known.
fn rest(config: &Config) -> anyhow::Result<Option<Rest>> {
    let twilio = &config.twilio;
    let Some((sid, token)) = twilio.account() else {
        return Ok(None);
    };
    let public = config.http.public_url.as_ref();
    let public = public.map(|base| base.to_string().parse()).transpose()?;
    let proxy = config.engines.proxy.as_deref();
    Rest::new(
        (sid.to_owned(), token.clone()),
        twilio.api_url.clone(),
        public,
        proxy,
    )
    .map(Some)
    .map_err(|why| anyhow::anyhow!("twilio {why}"))
}

/// A recogniser by the name that the configuration has checked.
fn stt(name: &str) -> SttEngine {
    let keyterms = Vec::new();
    match name {
        "deepgram" => SttEngine::Deepgram {
            model: None,
            language: None,
            keyterms,
        },
        _ => SttEngine::PocketSphinx { keyterms },
    }
}

/// A voice by the name that the configuration has checked.
fn tts(name: &str) -> TtsEngine {
    match Provider::of_name(name) {
        Some(provider) => TtsEngine::Provider {
            provider,
            voice: None,
            model: None,
        },
        None => TtsEngine::Pico,
    }
}

/// Scenarios are taken as they were read last.
async fn go_without_database(app: &App) {
    app.scenarios.set_unread(true);
    match scenarios::take_from_disk(app).await {
        0 => tracing::error!(
            "Error: the database does not answer, and no scenario of it is known here"
        ),
        count => tracing::error!(
            count,
            "Error: the database does not answer: its scenarios are used as they were read last"
        ),
    }
}

fn report_strange(app: &App) {
    let strange = app.config.operation.strange.iter();
    for name in strange.filter(|strange| !app.scenarios.name_variable(&strange.name)) {
        tracing::warn!("{name}");
    }
}

fn report_scenarios(catalog: &Catalog) {
    for refused in catalog.refused() {
        for problem in &refused.problems {
            tracing::error!(file = %refused.file, "Error: scenario not loaded: {problem}");
        }
    }
    for warning in catalog.warnings() {
        tracing::warn!("scenario: {warning}");
    }
}

fn report_engines(app: &App) {
    let wanted = |role| role != "stt" || app.config.engines.wants_ears();
    for engine in app.switchboard.engines() {
        if !engine.usable && wanted(engine.role) {
            tracing::warn!(engine.role, engine.name, why = engine.why, "not in use");
        }
    }
}

fn report_languages(catalog: &Catalog, engines: &Engines) {
    for scenario in catalog.scenarios() {
        for gap in engines.language_gaps(scenario) {
            tracing::warn!(scenario = %scenario.slug, "{gap}");
        }
    }
}

fn report_secrets(app: &App) {
    for scenario in app.scenarios.files.scenarios() {
        for missing in app.config.engines.secrets.missing(scenario) {
            tracing::warn!(scenario = %scenario.slug, "{missing}");
        }
    }
}

/// Speaks the fixed lines of all scenarios in advance, while calls may already come.
fn warm(app: &App, engines: Arc<Engines>) {
    // Providers are paid for each line: only those of what answers by default are spoken before anybody calls.
    let default = &app.config.calls.default_scenario;
    let scenarios = app
        .scenarios
        .files
        .scenarios()
        .filter(|scenario| scenario.slug == *default || engines.warms_freely(scenario));
    let scenarios: Vec<Arc<Scenario>> = scenarios.cloned().collect();
    let stop = app.lifecycle.draining.clone();
    tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        for scenario in scenarios.iter().take_while(|_| !stop.is_cancelled()) {
            engines.warm(scenario);
        }
        tracing::info!(
            scenarios = scenarios.len(),
            took_ms = begun.elapsed().as_millis() as u64,
            "fixed lines are spoken in advance"
        );
    });
}

async fn sweep(app: App) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        app.registry.sweep(Instant::now());
        app.desk.conversations.sweep(Instant::now());
    }
}
