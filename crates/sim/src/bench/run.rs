//! One run: all callers at their times, and the server watched meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use ringback_wire::twilio::signature::AuthToken;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::callers::{Caller, Seen};
use super::machine::Usage;
use super::plan::{Lines, Schedule};
use super::progress::Progress;
use super::record;
use super::report::{Cost, Run};
use super::spread::Spread;
use super::stages::{Stages, stages};
use crate::clock::monotonic_us_of;
use crate::providers::Stamped;
use crate::report::Lateness;

/// From the end of the preparations to the first call.
const LEAD: Duration = Duration::from_millis(300);
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long the server's files are waited for after the calls.
const FILES: Duration = Duration::from_secs(15);

/// Who is called, and which processes of this machine are watched.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) server: Option<u32>,
    pub(super) providers: Option<u32>,
    pub(super) token: Option<AuthToken>,
}

/// What a run brought.
pub(super) struct Made {
    call_sids: Vec<String>,
    seen: Vec<Seen>,
    /// When the measuring began and ended, on the shared clock.
    window_us: (u64, u64),
    cost: Option<Cost>,
}

/// What all processes have used at one time.
#[derive(Clone, Copy, Default)]
struct Snapshot {
    server: Usage,
    callers: Usage,
    providers: Usage,
}

impl Target {
    /// Prepares the callers, so that nothing dear is left to do when the calls begin.
    pub(super) fn callers(
        &self,
        calls: u32,
        lines: &Lines,
        share: (u64, f64),
    ) -> anyhow::Result<Vec<Caller>> {
        (0..calls)
            .map(|number| Caller::new(number, lines, share, self.token.clone()))
            .collect()
    }

    /// Has all of them call.
    pub(super) async fn run(
        &self,
        callers: Vec<Caller>,
        schedule: Schedule,
        progress: &Progress,
    ) -> anyhow::Result<Made> {
        let begun = Instant::now() + LEAD;
        let call_sids = callers.iter().map(|caller| caller.call_sid().to_owned());
        let call_sids: Vec<String> = call_sids.collect();
        let calls = callers.len() as f64;
        let mut tasks = JoinSet::new();
        for (index, caller) in callers.into_iter().enumerate() {
            let at = begun + schedule.begins(u32::try_from(index).unwrap_or(u32::MAX));
            let url = self.url.clone();
            tasks.spawn(async move { (index, caller.call(url, at).await) });
        }
        let cost = self.watch(begun, schedule, (calls, progress)).await?;
        let mut seen: Vec<Seen> = call_sids.iter().map(|_| Seen::default()).collect();
        while let Some(ended) = tasks.join_next().await {
            let (index, what) = ended.context("a caller")?;
            seen[index] = what;
        }
        let (from, to) = schedule.measured();
        Ok(Made {
            call_sids,
            seen,
            window_us: (monotonic_us_of(begun + from), monotonic_us_of(begun + to)),
            cost,
        })
    }

    /// Watches the processes until the first call ends.
    async fn watch(
        &self,
        begun: Instant,
        schedule: Schedule,
        (calls, progress): (f64, &Progress),
    ) -> anyhow::Result<Option<Cost>> {
        let before = self.snapshot()?;
        let (from, to) = schedule.measured();
        let (mut first, mut peak) = (None, before.map_or(0, |before| before.server.rss_kib));
        loop {
            let passed = begun.elapsed();
            let next = match first {
                None => from.min(passed + LOOK),
                Some(_) => to.min(passed + LOOK),
            };
            sleep_until(begun + next).await;
            progress.at(begun.elapsed(), schedule.lasts());
            let now = self.snapshot()?;
            peak = peak.max(now.map_or(0, |now| now.server.rss_kib));
            if first.is_none() && begun.elapsed() >= from {
                first = Some((Instant::now(), now));
            }
            if begun.elapsed() >= to {
                let (Some((since, Some(first))), Some(now)) = (first, now) else {
                    return Ok(None);
                };
                let span_s = since.elapsed().as_secs_f64();
                let share = |one: Usage, two: Usage| (two.cpu_s - one.cpu_s) / span_s;
                let server = share(first.server, now.server);
                let rss_before_kib = before.map_or(0, |before| before.server.rss_kib);
                return Ok(Some(Cost {
                    core_pct: server * 100.0,
                    cpu_s_per_call_minute: server * 60.0 / calls,
                    rss_before_kib,
                    rss_peak_kib: peak,
                    rss_per_call_kib: peak.saturating_sub(rss_before_kib) as f64 / calls,
                    callers_core_pct: share(first.callers, now.callers) * 100.0,
                    providers_core_pct: share(first.providers, now.providers) * 100.0,
                }));
            }
        }
    }

    fn snapshot(&self) -> anyhow::Result<Option<Snapshot>> {
        let (Some(server), Some(providers)) = (self.server, self.providers) else {
            return Ok(None);
        };
        Ok(Some(Snapshot {
            server: Usage::of(server).context("the server")?,
            callers: Usage::of(std::process::id())?,
            providers: Usage::of(providers).context("the providers")?,
        }))
    }
}

impl Made {
    /// The figures, with the providers' stamps and the folder of the server's recordings where there are any. Blocking.
    pub(super) fn figures(
        self,
        calls: u32,
        schedule: Schedule,
        stamped: Option<Stamped>,
        files: Option<PathBuf>,
    ) -> anyhow::Result<Run> {
        let mut failures: Vec<String> = Vec::new();
        for (number, seen) in self.seen.iter().enumerate() {
            let failure = seen.failure.as_ref();
            failures.extend(failure.map(|why| format!("call {}: {why}", number + 1)));
        }
        let stages = match (&stamped, files) {
            (Some(stamped), Some(files)) => Some(self.stages(stamped, &files, &mut failures)?),
            (Some(_) | None, _) => None,
        };
        let of = |values: fn(&Seen) -> &Vec<f64>| {
            let all = self.seen.iter().flat_map(values);
            Spread::of(all.copied().collect())
        };
        let clears = || self.seen.iter().flat_map(|seen| &seen.clears_ms);
        let sum = |value: fn(&Seen) -> u64| self.seen.iter().map(value).sum::<u64>();
        let (from, to) = schedule.measured();
        let mut run = Run {
            calls,
            measured_s: (to - from).as_secs_f64(),
            failures,
            stages,
            reply: of(|seen| &seen.replies_ms),
            barge_in: Spread::of(clears().filter_map(|clear| *clear).collect()),
            not_cleared: clears().filter(|clear| clear.is_none()).count(),
            late_frames: (
                sum(|seen| seen.late_frames.0),
                sum(|seen| seen.late_frames.1),
            ),
            speech: sum(|seen| seen.spoken_ms) as f64 / sum(|seen| seen.ms).max(1) as f64,
            cost: self.cost,
            own_lateness: lateness(&self.seen),
            providers_late_ms: stamped.map(|stamped| stamped.late_ms),
            void: None,
        };
        run.judge();
        Ok(run)
    }

    fn stages(
        &self,
        stamped: &Stamped,
        files: &std::path::Path,
        failures: &mut Vec<String>,
    ) -> anyhow::Result<Stages> {
        let waiting = std::time::Instant::now();
        let links = loop {
            let (links, found) = record::links(files, &self.call_sids)?;
            if found == self.call_sids.len() {
                break links;
            }
            if waiting.elapsed() >= FILES {
                let missing = self.call_sids.len() - found;
                failures.push(format!("{missing} calls have no files"));
                break links;
            }
            std::thread::sleep(LOOK);
        };
        let arrivals: Vec<Vec<u64>> = self
            .seen
            .iter()
            .map(|seen| seen.arrivals_us.clone())
            .collect();
        Ok(stages(&stamped.stamps, &links, &arrivals, self.window_us))
    }
}

/// That of all callers together.
fn lateness(seen: &[Seen]) -> Lateness {
    let mut all = Lateness::default();
    let mut sum = 0.0;
    for one in seen.iter().map(|seen| seen.lateness) {
        all.frames += one.frames;
        sum += one.mean_ms * one.frames as f64;
        all.max_ms = all.max_ms.max(one.max_ms);
        all.over_10_ms += one.over_10_ms;
    }
    all.mean_ms = sum / all.frames.max(1) as f64;
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lateness_of_all_callers_is_weighed_by_their_frames() {
        let seen = |times: &[f64]| {
            let mut lateness = Lateness::default();
            times.iter().for_each(|&ms| lateness.add(ms));
            Seen {
                lateness,
                ..Seen::default()
            }
        };
        let all = lateness(&[seen(&[1.0]), seen(&[2.0, 3.0, 14.0])]);
        assert_eq!(
            (all.frames, all.mean_ms, all.max_ms, all.over_10_ms),
            (4, 5.0, 14.0, 1)
        );
    }
}
