//! Every variable that can be set: one table, from which files and checks are made.

pub use super::slips::near_miss;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name in the environment and in `.env`; the key in `ringback.toml` is the same in lower case.
    pub name: &'static str,
    /// What holds when it is not set, as one would write it; empty for nothing.
    pub default: &'static str,
    /// Whether it is a secret: never printed, and `NAME_FILE` may name a file that holds it.
    pub secret: bool,
    /// What it does, in one line.
    pub about: &'static str,
}

const fn plain(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable {
        name,
        default,
        secret: false,
        about,
    }
}

const fn secret(name: &'static str, about: &'static str) -> Variable {
    Variable {
        name,
        default: "",
        secret: true,
        about,
    }
}

/// The variables of this version, in the order of the documentation.
pub const VARIABLES: &[Variable] = &[
    plain(
        "HOST",
        "127.0.0.1",
        "Address to listen on. Beyond loopback a SECRET_KEY is required.",
    ),
    plain(
        "PORT",
        "8080",
        "Port to listen on; 0 takes any free one, which is printed.",
    ),
    plain(
        "PUBLIC_URL",
        "",
        "How Twilio reaches this server, with or without a scheme: https://phone.example.org. Empty: taken from each request.",
    ),
    plain(
        "TRUSTED_PROXIES",
        "127.0.0.0/8,::1/128",
        "Networks whose X-Forwarded-* and Forwarded headers are believed.",
    ),
    plain(
        "TLS_CERT",
        "",
        "File with the certificate (PEM, the server's own first), where the server does TLS itself. Read again when it changes.",
    ),
    plain(
        "TLS_KEY",
        "",
        "File with the certificate's private key (PEM).",
    ),
    plain(
        "ENABLE_SECURITY_HEADERS",
        "true",
        "Whether answers carry security headers; each of them can be set, off leaves it out.",
    ),
    plain(
        "CONTENT_SECURITY_POLICY",
        "",
        "Content-Security-Policy. Empty: nothing may be loaded but what our own pages need.",
    ),
    plain(
        "HSTS",
        "max-age=31536000",
        "Strict-Transport-Security, on answers that go out by https.",
    ),
    plain(
        "X_CONTENT_TYPE_OPTIONS",
        "nosniff",
        "X-Content-Type-Options.",
    ),
    plain("X_FRAME_OPTIONS", "DENY", "X-Frame-Options."),
    plain("REFERRER_POLICY", "no-referrer", "Referrer-Policy."),
    plain(
        "PERMISSIONS_POLICY",
        "camera=(), geolocation=(), microphone=()",
        "Permissions-Policy.",
    ),
    plain(
        "CACHE_CONTROL",
        "no-store",
        "Cache-Control, where a route does not say its own.",
    ),
    plain(
        "X_XSS_PROTECTION",
        "1; mode=block",
        "X-XSS-Protection, which old scanners ask for.",
    ),
    plain(
        "CORS_ORIGINS",
        "auto",
        "Other sites whose pages may read our answers, or * for all. auto: http://localhost:3000 and :5173 on loopback, else none.",
    ),
    plain(
        "MAX_CONNECTIONS",
        "1024",
        "Connections at once, media sockets included; more wait to be accepted.",
    ),
    plain(
        "RATE_LIMITS",
        "",
        "How often routes may be used, where not as documented: auth.login=200/s,calls.say=off, or off for no limits at all.",
    ),
    secret(
        "SECRET_KEY",
        "Signs the tokens in TwiML; at least 32 characters. On loopback one is made and kept in DATA_DIR.",
    ),
    secret(
        "SECRET_KEY_PREVIOUS",
        "The SECRET_KEY before this one: what it signed and sealed is still taken.",
    ),
    plain(
        "REGISTRATION",
        "first-user",
        "Who may make an account: first-user (who becomes admin, nobody after), open or closed.",
    ),
    plain(
        "API_AUTH",
        "on",
        "off: callers on this machine need no token and are the first user; on loopback alone.",
    ),
    plain(
        "ACCESS_TOKEN_MINUTES",
        "15",
        "Minutes for which an access token is good (1 to 1440).",
    ),
    plain(
        "REFRESH_TOKEN_DAYS",
        "14",
        "Days for which a refresh token is good, from its last use (1 to 366).",
    ),
    plain(
        "CAPTCHA_PROVIDER",
        "auto",
        "What who registers or signs in must solve: recaptcha-v2, recaptcha-v3, hcaptcha, turnstile or off. auto: recaptcha-v3 where the keys are set, else off.",
    ),
    plain(
        "RECAPTCHA_SITE_KEY",
        "",
        "The captcha's public key, whosever it is.",
    ),
    secret("RECAPTCHA_SECRET", "The captcha's secret, whosever it is."),
    plain(
        "CAPTCHA_MIN_SCORE",
        "0.5",
        "The least score of reCAPTCHA v3, from 0 (a machine) to 1 (a person).",
    ),
    plain(
        "CAPTCHA_HOSTNAMES",
        "auto",
        "Hosts of the pages that show it, with commas, or any. auto: those of PUBLIC_URL and CORS_ORIGINS; any without PUBLIC_URL.",
    ),
    plain(
        "CAPTCHA_URL",
        "",
        "Where its verifier is, or what stands in its place: scheme, host, port. Empty: the vendor's.",
    ),
    plain(
        "TWILIO_ACCOUNT_SID",
        "",
        "The account (AC...); a request that names another one is noted in the log. With the token, callers are put through by the REST API.",
    ),
    secret(
        "TWILIO_AUTH_TOKEN",
        "Checks Twilio's signatures. Empty: only local callers are accepted.",
    ),
    plain(
        "TWILIO_API_URL",
        "https://api.twilio.com",
        "Where Twilio's REST API is, or what stands in its place: scheme, host, port. Another region has another host.",
    ),
    plain("DATA_DIR", "./data", "Recordings, scenarios, caches."),
    secret(
        "DATABASE_URL",
        "The database: postgres://USER:PASSWORD@HOST/NAME, or sqlite:PATH. Empty: ringback.db in DATA_DIR.",
    ),
    plain(
        "DEFAULT_SCENARIO",
        "guest-relations",
        "What answers calls to POST /: slug or id of a scenario.",
    ),
    plain(
        "COMPANY_NAME",
        "Compass Group",
        "The company in whose name the built-in scenarios speak.",
    ),
    plain(
        "STT",
        "auto",
        "Recognisers (deepgram, pocketsphinx), in the order in which they are tried; none for keypads alone. auto: those with a key, then pocketsphinx.",
    ),
    plain(
        "RESPONDER",
        "auto",
        "What answers in scenarios that name nothing (openai, script), of what they have, in the order in which it is tried. auto: openai with a key, then script.",
    ),
    plain(
        "TTS",
        "auto",
        "Voices (cartesia, elevenlabs, deepgram, pico), in the order in which they are tried. auto: those with a key, then pico.",
    ),
    plain(
        "PRICES",
        "",
        "The file with what providers cost (docs/cost.md). Empty: prices.toml in DATA_DIR, if it is there.",
    ),
    secret("DEEPGRAM_API_KEY", "The key of Deepgram, which hears."),
    plain(
        "DEEPGRAM_MODEL",
        "nova-3",
        "Deepgram's model for hearing, where a scenario names none.",
    ),
    plain(
        "DEEPGRAM_URL",
        "https://api.deepgram.com",
        "Where Deepgram is, or what stands in its place: scheme, host, port.",
    ),
    secret(
        "OPENAI_API_KEY",
        "The key of OpenAI, or of a server that speaks its language: a model that answers.",
    ),
    plain(
        "OPENAI_MODEL",
        "gpt-6-luna",
        "The model that answers, where a scenario names none.",
    ),
    plain(
        "OPENAI_TRANSCRIBE_MODEL",
        "gpt-transcribe",
        "OpenAI's model for recordings that are uploaded; those whose name begins with whisper tell when each word was said.",
    ),
    plain(
        "OPENAI_BASE_URL",
        "https://api.openai.com/v1",
        "Where OpenAI is, or a compatible server, with its /v1.",
    ),
    secret("CARTESIA_API_KEY", "The key of Cartesia, which speaks."),
    plain(
        "CARTESIA_MODEL",
        "sonic-3.5",
        "Cartesia's model, where a scenario names none.",
    ),
    plain(
        "CARTESIA_VOICE_ID",
        "f786b574-daa5-4673-aa0c-cbe3e8534c02",
        "The id of Cartesia's voice, where a scenario names none.",
    ),
    plain(
        "CARTESIA_URL",
        "https://api.cartesia.ai",
        "Where Cartesia is, or what stands in its place: scheme, host, port.",
    ),
    secret("ELEVENLABS_API_KEY", "The key of ElevenLabs, which speaks."),
    plain(
        "ELEVENLABS_MODEL",
        "eleven_flash_v2_5",
        "ElevenLabs' model, where a scenario names none.",
    ),
    plain(
        "ELEVENLABS_VOICE_ID",
        "21m00Tcm4TlvDq8ikWAM",
        "The id of ElevenLabs' voice, where a scenario names none.",
    ),
    plain(
        "ELEVENLABS_URL",
        "https://api.elevenlabs.io",
        "Where ElevenLabs is, or what stands in its place: scheme, host, port.",
    ),
    plain(
        "HTTPS_PROXY",
        "",
        "Proxy through which models and voices are asked over HTTPS. WebSockets go without it.",
    ),
    plain(
        "RECOGNIZERS",
        "4",
        "Decoders of the local recogniser: how many calls can be understood at once (some 35 MB each, 100 MB once a scenario has asked for the free vocabulary).",
    ),
    plain(
        "POCKETSPHINX_DIR",
        "",
        "Folder of the recogniser's library (libsphinxbase.so.3, libpocketsphinx.so.3). Empty: where the system keeps it.",
    ),
    plain(
        "VOICES",
        "2",
        "Threads of the local voice: how many sentences are spoken at once.",
    ),
    plain(
        "ALLOW_PRIVATE_WEBHOOKS",
        "false",
        "Whether the webhook responder may call private and loopback addresses.",
    ),
    plain(
        "MAX_CALLS",
        "100",
        "Calls at once, those about to connect included; more hear a busy line.",
    ),
    plain(
        "MAX_FOREIGN_STREAMS",
        "10",
        "Of those, streams opened by TwiML that is not ours (scenarios with foreign_streams).",
    ),
    plain(
        "DRAIN_SECONDS",
        "60",
        "On SIGTERM: how long live calls may go on, in seconds; the last third, at most 8 s, is for a last sentence.",
    ),
    plain(
        "RECORDING",
        "true",
        "Whether calls are recorded, with a transcript and a trace; a scenario may say otherwise.",
    ),
    plain(
        "RECORDING_RETENTION_DAYS",
        "0",
        "Days after which a recording is deleted; 0 keeps all.",
    ),
    plain(
        "TRANSCRIPT_RETENTION_DAYS",
        "0",
        "Days after which what was said is deleted, as files and in the database; 0 keeps all. Traces hold it, too.",
    ),
    plain(
        "TRACE_RETENTION_DAYS",
        "0",
        "Days after which a trace is deleted; 0 keeps all.",
    ),
    plain(
        "AUDIT_RETENTION_DAYS",
        "365",
        "Days after which an entry of the audit log is deleted; 0 keeps all.",
    ),
    plain(
        "INSTANCE_NAME",
        "server",
        "First word of the recordings' file names.",
    ),
    plain(
        "LOG_LEVEL",
        "INFO",
        "TRACE, DEBUG, INFO, WARNING (or WARN), ERROR, CRITICAL or OFF, in any case.",
    ),
    plain("LOG_FORMAT", "text", "text or json."),
    plain("LOG_DIR", "logs", "Folder of the log files app_<time>.log."),
    plain(
        "LOG_ROTATION",
        "50MB",
        "Size at which a new log file is begun (KB, MB, GB, or off); each day (UTC) begins one anyway.",
    ),
    plain(
        "LOG_RETENTION_DAYS",
        "30",
        "Days after which a log file is deleted; 0 keeps all.",
    ),
    secret(
        "METRICS_TOKEN",
        "Lets who brings it as a bearer token read /metrics. Empty: only callers on this machine do.",
    ),
    plain(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "The collector that traces of calls are sent to, as http://localhost:4318. Empty: none are made.",
    ),
    secret(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "What is sent to the collector along with them: name=value,name=value.",
    ),
];

/// Names that later versions read. Setting one is no mistake, but has no effect yet.
pub const LATER: &[&str] = &[
    "TWILIO_PHONE_NUMBER",
    "TWILIO_VOICE_INTELLIGENCE_SID",
    "USE_TWILIO_VOICE_INTELLIGENCE",
    "RECORDINGS_URL",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_OAUTH_URL",
    "GOOGLE_API_URL",
];

/// The entry of the table with this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}
