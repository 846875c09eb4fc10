//! What an operator should know first: printed at the start, and shown by the page.

use ringback_session::EngineStatus;

use crate::app::Server;
use crate::config::Config;
use crate::hooks::public_url::PublicBase;

/// Where to go next.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The address to open on this machine.
    pub address: String,
    /// The port it listens on.
    pub port: u16,
    /// How the world reaches the server, where that is set.
    pub public_url: Option<String>,
    /// The command that telephones the server, by the program as it was invoked.
    pub call: String,
    /// The engines and why.
    pub engines: Vec<EngineStatus>,
    /// Slugs of the scenarios.
    pub scenarios: Vec<String>,
    /// What answers calls to `POST /`.
    pub default_scenario: String,
    /// Where recordings go; `None` where calls are not recorded.
    pub recordings: Option<String>,
    /// Where own scenarios are put.
    pub own_scenarios: String,
    /// Where logs go.
    pub logs: String,
    /// Whether only local callers are accepted.
    pub local_only: bool,
}

impl Welcome {
    /// What is to be known of this server.
    pub fn of(server: &Server) -> Self {
        let config = &server.config;
        let address = local_address(server);
        Self {
            call: call_line(config, &word(&server.program), &address),
            address,
            port: server.address.port(),
            public_url: config.http.public_url.as_ref().map(ToString::to_string),
            engines: server.switchboard.engines(),
            scenarios: server
                .scenarios
                .files
                .scenarios()
                .map(|scenario| scenario.slug.clone())
                .collect(),
            default_scenario: config.calls.default_scenario.clone(),
            recordings: config
                .calls
                .recording
                .then(|| config.data_dir.join("recordings").display().to_string()),
            own_scenarios: config.data_dir.join("scenarios").display().to_string(),
            logs: config.log.dir.display().to_string(),
            local_only: server.signatures.is_none(),
        }
    }

    /// Lines for a terminal.
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!("Ringback is listening: {}", self.address)];
        lines.extend(
            self.public_url
                .iter()
                .map(|url| format!("  for Twilio:   {url}")),
        );
        for engine in &self.engines {
            let mark = if engine.usable { "" } else { "NOT IN USE: " };
            lines.push(format!(
                "  {:<13} {}: {mark}{}",
                format!("{}:", engine.role),
                engine.name,
                engine.why
            ));
        }
        lines.push(format!(
            "  scenarios:    {} (calls without a name go to {})",
            self.scenarios.join(", "),
            self.default_scenario
        ));
        let recordings = self.recordings.as_deref().unwrap_or("off");
        lines.push(format!("  recordings:   {recordings}"));
        lines.push(format!("  logs:         {}", self.logs));
        if self.local_only {
            lines.push("Without TWILIO_AUTH_TOKEN only local callers are accepted.".to_owned());
        }
        lines.push("Telephone it from another terminal:".to_owned());
        lines.push(format!("  {}", self.call));
        lines.join("\n")
    }
}

/// The address by which this machine reaches the server, whatever it listens on.
fn local_address(server: &Server) -> String {
    let mut address = server.address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    PublicBase::listening(address, server.config.http.tls.is_some()).to_string()
}

/// Twilio's part must be played by the address that signatures are checked against.
fn call_line(config: &Config, program: &str, address: &str) -> String {
    // No certificate names the address that we listen at.
    let by_name = config.twilio.auth_token.is_some() || config.http.tls.is_some();
    let public = config.http.public_url.as_ref().filter(|_| by_name);
    let url = public.map_or_else(|| address.to_owned(), ToString::to_string);
    match config.twilio.auth_token {
        Some(_) => format!("TWILIO_AUTH_TOKEN=... {program} call --url {url}"),
        None => format!("{program} call --url {url}"),
    }
}

/// As a shell takes it for one word.
fn word(program: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    if program.chars().all(plain) {
        return program.to_owned();
    }
    format!("'{}'", program.replace('\'', r"'\''"))
}
