//! The command line of `ringback bench`.

use std::path::PathBuf;

use clap::Args;

use crate::args::{Token, token};

const EXAMPLES: &str = "\
Examples:
  What 1, 20 and 60 calls cost a server on one core of this machine; it and the providers are started for it
    ringback bench --calls 1,20,60 --core 0
  For a machine to read, longer
    ringback bench --calls 60 --seconds 300 --json figures.json
  Another server, as its callers see it
    ringback bench --calls 10 --server https://agent.example.test --scenario survey

docs/bench.md says what is measured and what is left out.
Exit status: 0 measured; 1 it could not be, or a call failed; 3 this program or the providers were over 10 ms late at
some time: times are doubtful.";

/// Makes many calls at once, and shows what they cost and how long they wait for us.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct BenchArgs {
    /// How many calls at once; of several numbers each is a run of its own, with a new server.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,20,60,100", value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub calls: Vec<u32>,
    /// Base address of another server. Without it a server and its providers are started on this machine.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Scenario to call; without it the server's default, or that of the bench on a server of its own.
    #[arg(long, value_name = "ID")]
    pub scenario: Option<String>,
    /// Length of each call.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=14_400))]
    pub seconds: u64,
    /// Share of the time that callers speak, at most.
    #[arg(long, value_name = "SHARE", default_value_t = 0.4, value_parser = share)]
    pub speech: f64,
    /// Time between the begins of two calls; without it they are spread over seven seconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub stagger: Option<u64>,
    /// Write the figures as JSON to this file; - writes them to standard output instead of the table.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Put the server that is started on this core alone, and all else on the others.
    #[arg(long, value_name = "N", conflicts_with = "server")]
    pub core: Option<usize>,
    /// Time until the first word of the model that is played, in ms.
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 400,
        conflicts_with = "server"
    )]
    pub model_ms: u64,
    /// Time until the first audio of the voice that is played, in ms.
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 150,
        conflicts_with = "server"
    )]
    pub voice_ms: u64,
    /// Keep what the server wrote in this folder, instead of removing it.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub keep: Option<PathBuf>,
    /// Twilio auth token of another server.
    #[arg(long, value_name = "TOKEN", env = "TWILIO_AUTH_TOKEN", hide_env_values = true, value_parser = token)]
    pub auth_token: Option<Token>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "write a share such as 0.4")?;
    if share > 0.0 && share <= 0.9 {
        Ok(share)
    } else {
        Err("the share lies between 0 and 0.9".to_owned())
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
        bench: BenchArgs,
    }

    #[test]
    fn the_command_line_is_consistent_and_has_the_levels_of_the_design() {
        Program::command().debug_assert();
        let bench = Program::parse_from(["x"]).bench;
        assert_eq!(bench.calls, [1, 20, 60, 100]);
        assert!(Program::try_parse_from(["x", "--speech", "0"]).is_err());
        let foreign = ["x", "--server", "http://127.0.0.1:1", "--core", "0"];
        assert!(Program::try_parse_from(foreign).is_err());
    }
}
