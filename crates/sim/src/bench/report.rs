//! The figures: a table for people, JSON for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::spread::Spread;
use super::stages::Stages;
use crate::report::Lateness;

/// Lateness of this program or of the providers over which a run is void, ms.
pub const MOST_LATE_MS: f64 = 10.0;

/// All runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the program.
    pub version: &'static str,
    /// Cores that the program may use.
    pub cores: usize,
    /// The core on which the server was put.
    pub server_core: Option<usize>,
    /// The other server that was called.
    pub server: Option<String>,
    /// Length of each call, s.
    pub seconds: u64,
    /// The times of the providers that were played: until the model's first word, until the voice's first audio, ms.
    pub providers_ms: Option<(u64, u64)>,
    /// One run for each number of calls.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Calls at once.
    pub calls: u32,
    /// How long all of them were live, s: what the processor's share is taken from, and the utterances of the stages.
    pub measured_s: f64,
    /// What went wrong, one line a call.
    pub failures: Vec<String>,
    /// Added latency; `None` for another server.
    pub stages: Option<Stages>,
    /// From the caller's last sound to the first sound of the reply, ms: with the wait for the end of the turn, and the
    /// providers' times.
    pub reply: Option<Spread>,
    /// From the first sound of an interruption to `clear`, ms.
    pub barge_in: Option<Spread>,
    /// Interruptions that no clear followed.
    pub not_cleared: usize,
    /// Frames that were not there when they were to be played, of all that were played.
    pub late_frames: (u64, u64),
    /// Share of the calls' time in which callers spoke.
    pub speech: f64,
    /// What the server used; `None` for another server.
    pub cost: Option<Cost>,
    /// How punctual the callers were.
    pub own_lateness: Lateness,
    /// How late the providers were at worst, ms.
    pub providers_late_ms: Option<f64>,
    /// Why the times are doubtful, if they are.
    pub void: Option<String>,
}

/// What a server used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Share of one core while all calls were live, %.
    pub core_pct: f64,
    /// Processor time of a minute of one call, s.
    pub cpu_s_per_call_minute: f64,
    /// Resident memory before the first call, KiB.
    pub rss_before_kib: u64,
    /// The most that was seen, KiB.
    pub rss_peak_kib: u64,
    /// The difference by call, KiB.
    pub rss_per_call_kib: f64,
    /// Share of one core that the callers used (this program), %.
    pub callers_core_pct: f64,
    /// Share of one core that the providers used, %.
    pub providers_core_pct: f64,
}

impl Run {
    /// Says in `void` what makes the times doubtful.
    pub fn judge(&mut self) {
        let own = self.own_lateness.max_ms;
        let providers = self.providers_late_ms.unwrap_or(0.0);
        let late = |who: &str, ms: f64| {
            (ms > MOST_LATE_MS).then(|| format!("{who} up to {ms:.1} ms late"))
        };
        let late = [
            late("the callers were", own),
            late("the providers were", providers),
        ];
        let late: Vec<String> = late.into_iter().flatten().collect();
        self.void = (!late.is_empty()).then(|| late.join(", "));
    }
}

impl Report {
    /// The exit status: 1 a call failed, 3 times are doubtful.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |what: fn(&Run) -> bool| self.runs.iter().any(what);
        match () {
            () if any(|run| !run.failures.is_empty()) => 1,
            () if any(|run| run.void.is_some()) => 3,
            () => 0,
        }
    }

    /// Writes the tables.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_tables(&self, out: &mut impl Write) -> io::Result<()> {
        for run in &self.runs {
            run.write(out, self.seconds)?;
            writeln!(out)?;
        }
        if self.runs.len() > 1 {
            self.write_curve(out)?;
        }
        Ok(())
    }

    fn write_curve(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "calls   added p50   p95   p99   late frames   core   CPU s/min   KiB/call"
        )?;
        for run in &self.runs {
            let added = run.stages.as_ref().and_then(|stages| stages.added);
            let added = added.map_or_else(
                || format!("{:>11} {:>5} {:>5}", "-", "-", "-"),
                |added| format!("{:>11.1} {:>5.1} {:>5.1}", added.p50, added.p95, added.p99),
            );
            let cost = run.cost.map_or_else(
                || format!("{:>6} {:>11} {:>10}", "-", "-", "-"),
                |cost| {
                    format!(
                        "{:>5.1}% {:>11.3} {:>10.0}",
                        cost.core_pct, cost.cpu_s_per_call_minute, cost.rss_per_call_kib
                    )
                },
            );
            let void = if run.void.is_some() { "  VOID" } else { "" };
            let late = run.late_frames.0;
            writeln!(out, "{:>5} {added} {late:>13} {cost}{void}", run.calls)?;
        }
        Ok(())
    }
}

impl Run {
    fn write(&self, out: &mut impl Write, seconds: u64) -> io::Result<()> {
        let calls = if self.calls == 1 { "call" } else { "calls" };
        writeln!(
            out,
            "{} {calls} of {seconds} s, {:.0} s with all of them live; callers spoke {:.0} % of the time",
            self.calls,
            self.measured_s,
            self.speech * 100.0
        )?;
        self.write_times(out)?;
        let (late, frames) = self.late_frames;
        writeln!(
            out,
            "  late frames: {late} of {frames}; interruptions without a clear: {}",
            self.not_cleared
        )?;
        if let Some(cost) = &self.cost {
            cost.write(out)?;
        }
        self.write_lateness(out)?;
        for failure in &self.failures {
            writeln!(out, "  FAILED {failure}")?;
        }
        if let Some(why) = &self.void {
            writeln!(
                out,
                "  VOID: {why}; repeat it on a quieter machine, or with fewer calls"
            )?;
        }
        Ok(())
    }

    fn write_times(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "  {:<44} {:>7} {:>7} {:>7} {:>7}   count",
            "ms", "p50", "p95", "p99", "worst"
        )?;
        if let Some(stages) = &self.stages {
            row(
                out,
                "added: transcript -> model's request",
                stages.stt_to_llm,
            )?;
            row(out, "added: sentence -> voice's request", stages.llm_to_tts)?;
            row(
                out,
                "added: first audio -> telephone",
                stages.tts_to_carrier,
            )?;
            row(out, "added, all three", stages.added)?;
        }
        row(
            out,
            "caller's last sound -> reply's first sound",
            self.reply,
        )?;
        row(out, "interruption -> clear", self.barge_in)?;
        if let Some(stages) = &self.stages {
            writeln!(
                out,
                "  {} utterances: {} joined with the next, {} asked again, {} asked at the turn's end, {} whose speech waited for the turn's end, {} whose speech was not heard",
                stages.turns,
                stages.joined,
                stages.asked_again,
                stages.waited,
                stages.held,
                stages.unheard
            )?;
        }
        Ok(())
    }

    fn write_lateness(&self, out: &mut impl Write) -> io::Result<()> {
        let own = &self.own_lateness;
        let providers = self.providers_late_ms.map_or(String::new(), |ms| {
            format!("; the providers: worst {ms:.1} ms")
        });
        writeln!(
            out,
            "  own lateness: mean {:.2} ms, worst {:.1} ms, {} of {} frames over 10 ms{providers}",
            own.mean_ms, own.max_ms, own.over_10_ms, own.frames
        )
    }
}

impl Cost {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "  server: {:.1} % of a core, {:.3} s of processor a call-minute (callers {:.1} %, providers {:.1} %)",
            self.core_pct,
            self.cpu_s_per_call_minute,
            self.callers_core_pct,
            self.providers_core_pct
        )?;
        writeln!(
            out,
            "  server: {} KiB before, {} KiB at most, {:.0} KiB a call",
            self.rss_before_kib, self.rss_peak_kib, self.rss_per_call_kib
        )
    }
}

fn row(out: &mut impl Write, name: &str, spread: Option<Spread>) -> io::Result<()> {
    match spread {
        None => writeln!(out, "  {name:<44} {:>7}", "-"),
        Some(spread) => writeln!(
            out,
            "  {name:<44} {:>7.2} {:>7.2} {:>7.2} {:>7.2} {:>7}",
            spread.p50, spread.p95, spread.p99, spread.worst, spread.count
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn run(calls: u32) -> Run {
        Run {
            calls,
            measured_s: 50.0,
            failures: Vec::new(),
            stages: Some(Stages {
                added: Spread::of(vec![2.0, 3.0]),
                ..Stages::default()
            }),
            reply: None,
            barge_in: None,
            not_cleared: 0,
            late_frames: (0, 100),
            speech: 0.35,
            cost: None,
            own_lateness: Lateness::default(),
            providers_late_ms: Some(2.0),
            void: None,
        }
    }

    fn report(runs: Vec<Run>) -> Report {
        Report {
            version: "0",
            cores: 2,
            server_core: None,
            server: None,
            seconds: 60,
            providers_ms: None,
            runs,
        }
    }

    #[test]
    fn a_run_is_void_when_its_own_side_was_late() {
        let mut late = run(1);
        late.judge();
        assert_eq!(late.void, None);
        late.providers_late_ms = Some(10.5);
        late.judge();
        assert_eq!(
            late.void.as_deref(),
            Some("the providers were up to 10.5 ms late")
        );
        late.own_lateness.add(30.0);
        late.judge();
        assert!(
            late.void
                .as_ref()
                .unwrap()
                .starts_with("the callers were up to 30.0 ms")
        );
        assert_eq!(report(vec![run(1), late.clone()]).exit_code(), 3);
        late.failures.push("x".into());
        assert_eq!(report(vec![late]).exit_code(), 1);
        assert_eq!(report(vec![run(1)]).exit_code(), 0);
    }

    #[test]
    fn several_runs_end_with_the_curve() {
        let mut text = Vec::new();
        report(vec![run(1), run(60)])
            .write_tables(&mut text)
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("1 call of 60 s"), "{text}");
        assert!(text.contains("added, all three"), "{text}");
        let last = text.lines().last().unwrap();
        let words: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(words[..5], ["60", "2.0", "3.0", "3.0", "0"]);
    }
}
