//! The command line of `ringback sim`.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::knobs::Rule;
use super::place::Provider;
use super::{Hearing, Options, Reply, SITE_KEY, Script, Twins, VOICE_ID};

const EXAMPLES: &str = "\
Examples:
  Run a server on the whole cascade, on this machine alone
    ringback sim --env > .env
    ringback sim &
    ringback serve
  Let the next two answers of the model come late, then fail
    ringback sim --knob openai.chat:delay_ms=4000,next=2
    curl -d '{\"provider\":\"openai\",\"status\":503}' http://127.0.0.1:8090/sim/knobs
  See what was asked so far, keys masked
    curl http://127.0.0.1:8090/sim/requests

Any key is taken unless --key names one. docs/simulator.md names every knob.
Exit status: 0 ended by SIGTERM or Ctrl-C; 1 it could not start.";

/// Plays Deepgram, OpenAI, Cartesia, ElevenLabs and the verifiers of captchas on one port of this machine.
#[derive(Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct SimArgs {
    /// Port to listen on.
    #[arg(long, default_value_t = 8090)]
    pub port: u16,
    /// Address to listen on. Knobs and records can be reached over loopback only.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The one key that a provider takes, such as deepgram=abc; may be repeated.
    #[arg(long, value_name = "PROVIDER=KEY", value_parser = key)]
    pub key: Vec<(Provider, String)>,
    /// Take any name of a model, as servers do that speak OpenAI's or Deepgram's language.
    #[arg(long)]
    pub any_model: bool,
    /// A fault or a delay, such as openai.chat:delay_ms=300,next=2; may be repeated.
    #[arg(long, value_name = "PROVIDER[.ENDPOINT]:NAME[=VALUE],...", value_parser = Rule::parse_flag)]
    pub knob: Vec<Rule>,
    /// Decoders that hear real words, each for one stream at a time; with all in use a stream is refused.
    #[arg(long, default_value_t = 4, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub ears: u8,
    /// Line that recognisers return for an utterance instead of what was said; may be repeated, in turn.
    #[arg(long, value_name = "TEXT")]
    pub say_heard: Vec<String>,
    /// Text that the model says; may be repeated, in turn. Without any it repeats what it was told.
    #[arg(long, value_name = "TEXT")]
    pub reply: Vec<String>,
    /// TOML file of what is heard and said, with calls of tools; docs/simulator.md describes it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["say_heard", "reply"])]
    pub script: Option<PathBuf>,
    /// Print the settings with which a server uses all providers played here, then run.
    #[arg(long)]
    pub all: bool,
    /// Print these settings and end.
    #[arg(long)]
    pub env: bool,
}

impl std::fmt::Debug for SimArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = self.key.iter().map(|(provider, _)| provider).collect();
        f.debug_struct("SimArgs")
            .field("port", &self.port)
            .field("host", &self.host)
            .field("key", &keys)
            .field("knob", &self.knob)
            .finish_non_exhaustive()
    }
}

fn key(text: &str) -> Result<(Provider, String), String> {
    let (name, key) = text
        .split_once('=')
        .ok_or("a key is given as PROVIDER=KEY")?;
    let provider = Provider::named(name).ok_or_else(|| format!("no provider {name:?}"))?;
    if key.is_empty() {
        return Err(format!("the key of {name} is empty"));
    }
    Ok((provider, key.to_owned()))
}

impl SimArgs {
    fn options(&self) -> anyhow::Result<Options> {
        let script = match &self.script {
            Some(path) => Script::read(path)?,
            None => Script {
                heard: self.say_heard.clone(),
                replies: self
                    .reply
                    .iter()
                    .map(|text| Reply {
                        text: text.clone(),
                        ..Reply::default()
                    })
                    .collect(),
            },
        };
        Ok(Options {
            listen: SocketAddr::new(self.host, self.port),
            keys: self.key.iter().cloned().collect(),
            any_model: self.any_model,
            knobs: self.knob.clone(),
            hearing: match script.heard.is_empty() {
                true => Hearing::Decoders(self.ears.into()),
                false => Hearing::Script(script.heard),
            },
            replies: script.replies,
            ..Options::default()
        })
    }
}

/// The lines of a `.env` with which a server uses the twins at `base`, such as `http://127.0.0.1:8090`.
#[must_use]
pub fn env(base: &str, options: &Options) -> String {
    let mut lines = String::new();
    for provider in Provider::ALL {
        let invented = format!("sim-{}", provider.name());
        let key = options.keys.get(&provider).unwrap_or(&invented);
        // With captchas nobody signs in without a token: that must be wanted.
        let unless_wanted = if provider == Provider::Captcha {
            "# "
        } else {
            ""
        };
        lines.push_str(&format!(
            "{unless_wanted}{}={key}\n",
            provider.key_variable()
        ));
        let settings = match provider {
            Provider::Deepgram => format!("DEEPGRAM_URL={base}\n"),
            Provider::OpenAi => format!("OPENAI_BASE_URL={base}/v1\n"),
            Provider::Cartesia => format!("CARTESIA_URL={base}\nCARTESIA_VOICE_ID={VOICE_ID}\n"),
            Provider::ElevenLabs => format!("ELEVENLABS_URL={base}\nELEVENLABS_VOICE_ID=pico\n"),
            Provider::Captcha => format!(
                "# CAPTCHA_PROVIDER=recaptcha-v3\n# RECAPTCHA_SITE_KEY={SITE_KEY}\nCAPTCHA_URL={base}\n"
            ),
        };
        lines.push_str(&settings);
    }
    lines
}

/// Plays the providers until it is told to end: `ringback sim`.
///
/// # Errors
/// One line, when it cannot start.
pub async fn sim(args: SimArgs) -> anyhow::Result<()> {
    let options = args.options()?;
    if args.env {
        return print(&env(&format!("http://{}", options.listen), &options));
    }
    let running = Twins::start(options.clone()).await?;
    if args.all {
        print(&env(&running.url(), &options))?;
    }
    eprintln!(
        "Deepgram, OpenAI, Cartesia, ElevenLabs and captchas are played on {}",
        running.url()
    );
    if let Err(why) = running.listen().await {
        eprintln!("recognisers hear nothing, unless --say-heard gives them lines: {why}");
    }
    ended().await
}

async fn ended() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate()).context("waiting for signals")?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.context("waiting for Ctrl-C"),
        _ = terminated.recv() => Ok(()),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("writing the settings")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        sim: SimArgs,
    }

    #[test]
    fn the_command_line_is_consistent_and_its_help_has_examples() {
        let mut command = Program::command();
        command.clone().debug_assert();
        assert!(
            command
                .render_long_help()
                .to_string()
                .contains("ringback sim --knob")
        );
    }

    #[test]
    fn a_key_is_taken_by_either_name_and_never_shown() {
        let line = [
            "x",
            "--key",
            "deepgram=secret1",
            "--key",
            "OPENAI_API_KEY=secret2",
        ];
        let sim = Program::parse_from(line).sim;
        let options = sim.options().unwrap();
        assert_eq!(options.keys[&Provider::OpenAi], "secret2");
        assert!(!format!("{sim:?}{options:?}").contains("secret"));
        for wrong in ["deepgram", "acme=1", "deepgram="] {
            assert!(
                Program::try_parse_from(["x", "--key", wrong]).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_settings_name_every_provider() {
        let sim = Program::parse_from(["x", "--key", "cartesia=mine"]).sim;
        let text = env("http://127.0.0.1:8090", &sim.options().unwrap());
        for line in [
            "DEEPGRAM_API_KEY=sim-deepgram",
            "DEEPGRAM_URL=http://127.0.0.1:8090",
            "OPENAI_BASE_URL=http://127.0.0.1:8090/v1",
            "CARTESIA_API_KEY=mine",
            "ELEVENLABS_URL=http://127.0.0.1:8090",
            "CAPTCHA_URL=http://127.0.0.1:8090",
            "# RECAPTCHA_SECRET=sim-captcha",
        ] {
            assert!(
                text.lines().any(|one| one == line),
                "{line} is not in {text}"
            );
        }
        assert!(text.contains(&format!("CARTESIA_VOICE_ID={VOICE_ID}")));
    }
}
