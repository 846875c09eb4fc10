//! The command line of `ringback call`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringback_wire::twilio::signature::AuthToken;
use ringback_wire::twilio::webhook::Direction;

const EXAMPLES: &str = "\
Examples:
  Talk to the default scenario of a server on this machine: type a line and it is spoken
    ringback call
  Say two things, keep both sides as a stereo WAV file
    ringback call --scenario survey --say \"Yes.\" --say \"Nine.\" --out call.wav
  Call a remote server as Twilio would
    TWILIO_AUTH_TOKEN=... ringback call --url https://agent.example.test --wav question.wav
  A script with a barge-in, in 20 dB of noise, for a machine to read
    ringback call --script barge-in.toml --noise 20 --json
  Answer a call that the server placed, as a voicemail does
    ringback call --scenario appointment-reminder --callee voicemail

Lines typed: any text is spoken at once, /digits 12# presses keys, /hangup ends the call. Texts and keys
from a file or a pipe come one after the other, each after the reply to the one before has ended.
Exit status: 0 the call went as planned; 1 it could not be placed; 2 an expectation of the script was not met or the
call lasted too long; 3 the server broke the protocol.";

/// Telephones a Ringback server, without a telephone: plays Twilio and a caller.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CallArgs {
    /// Who is called, and as whom.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What the caller says.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// What is shown and kept.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Hang up after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=14_400))]
    pub max_seconds: u64,
}

/// Who is called, and as whom.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Base address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Scenario to call, by id or slug; without it the server's default.
    #[arg(long, value_name = "ID")]
    pub scenario: Option<String>,
    /// Twilio auth token that requests are signed with; a server on this machine without one needs none.
    #[arg(long, value_name = "TOKEN", env = "TWILIO_AUTH_TOKEN", hide_env_values = true, value_parser = token)]
    pub auth_token: Option<Token>,
    /// Caller's number (on outbound-api calls the server's own).
    #[arg(long, value_name = "NUMBER", default_value = "+15005550001")]
    pub from: String,
    /// Called number.
    #[arg(long, value_name = "NUMBER", default_value = "+15005550006")]
    pub to: String,
    /// Direction that Twilio reports.
    #[arg(long, value_enum, default_value_t = CallDirection::Inbound)]
    pub direction: CallDirection,
}

/// What the caller says. Without any of it, lines are read from standard input.
#[derive(Debug, Clone, Args)]
pub struct CallerArgs {
    /// WAV file to say, of any rate; may be repeated. Files come before --say texts.
    #[arg(long, value_name = "FILE")]
    pub wav: Vec<PathBuf>,
    /// Text to say; may be repeated. Each is said after the reply to the one before has ended.
    #[arg(long, value_name = "TEXT")]
    pub say: Vec<String>,
    /// Voice of the caller: pico, or flite:NAME (rms, slt, kal16, awb) where the program flite is installed.
    #[arg(long, value_name = "VOICE")]
    pub voice: Option<String>,
    /// Who answers a call that the server placed, in place of steps: this makes the direction outbound-api.
    #[arg(long, value_enum, conflicts_with_all = ["wav", "say", "script"])]
    pub callee: Option<CalleeKind>,
    /// TOML file of steps: say, wav, wait_reply, pause_ms, barge_in, digits, burst_ms, hang_up, expect_audio,
    /// expect_clear_within_ms, expect_no_clear, expect_end.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["wav", "say"])]
    pub script: Option<PathBuf>,
    /// Pink noise on the caller's line, so many dB under the speech.
    #[arg(long, value_name = "DB", value_parser = clap::value_parser!(u8).range(0..=60))]
    pub noise: Option<u8>,
}

/// What is shown and kept.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Stereo WAV file of the call: caller left, server right as it was played.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Play the server through aplay while the call goes on.
    #[arg(long)]
    pub speaker: bool,
    /// Print the result as JSON on standard output; the transcript goes to standard error.
    #[arg(long)]
    pub json: bool,
    /// Print no transcript, only the result.
    #[arg(long)]
    pub quiet: bool,
    /// Print telephone numbers in full.
    #[arg(long)]
    pub show_numbers: bool,
}

/// An auth token given on the command line; an empty one counts as none.
#[derive(Debug, Clone)]
pub struct Token(pub Option<AuthToken>);

pub(crate) fn token(text: &str) -> Result<Token, std::convert::Infallible> {
    Ok(Token(AuthToken::new(text).ok()))
}

impl ServerArgs {
    /// The token to sign with.
    #[must_use]
    pub fn token(&self) -> Option<&AuthToken> {
        self.auth_token.as_ref()?.0.as_ref()
    }
}

/// Who answers a call that the server placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CalleeKind {
    /// A greeting, a beep, and then silence.
    Voicemail,
    /// A machine that asks who calls and why, and then a person.
    Screening,
    /// A machine that offers keys.
    Menu,
    /// The answer tone of a fax.
    Fax,
    /// A person who says hello.
    Human,
}

/// `Direction` of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CallDirection {
    /// The caller called the server.
    Inbound,
    /// The server placed the call through the REST API.
    OutboundApi,
}

impl From<CallDirection> for Direction {
    fn from(direction: CallDirection) -> Self {
        match direction {
            CallDirection::Inbound => Self::Inbound,
            CallDirection::OutboundApi => Self::OutboundApi,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        call: CallArgs,
    }

    #[test]
    fn the_command_line_is_consistent_and_its_help_has_examples() {
        let mut command = Program::command();
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        assert!(help.contains("ringback call --script"), "{help}");
        assert!(help.contains("/hangup"), "{help}");
    }

    #[test]
    fn the_token_is_never_shown() {
        let call = Program::parse_from(["x", "--auth-token", "secret"]).call;
        assert!(call.server.token().is_some());
        assert!(!format!("{call:?}").contains("secret"));
    }

    #[test]
    fn an_empty_token_is_none() {
        let call = Program::parse_from(["x", "--auth-token", ""]).call;
        assert!(call.server.token().is_none());
    }
}
