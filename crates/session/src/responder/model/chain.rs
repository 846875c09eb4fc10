//! Several models, so that one that fails or dawdles does not leave the caller in silence.
//!
//! They are asked in order. One that fails before its first word is asked once more if that can be quick, then the next. While
//! none has begun after [`HEDGE`], the next is asked at the same time; the first to begin wins and the other request is closed. Once
//! words were handed on nothing is asked again: they may have been heard. Where something else can answer in their place, all are
//! given less time, and one that is known to be out of order is not asked at all. One that refused, or said when to come back, is left alone even where
//! nothing else can answer; for a moment of [`PATIENCE`] it is waited for, if what else can answer is not needed before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, select_all};
use reqwest::Client;
use ringback_call::FaultKind;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::PROVIDER;
use super::{Model, Prompt, Tab, Wrote};
use crate::provider::{Backoff, Breaker, Failure};

/// After this time without a first word the next model is asked too.
const HEDGE: Duration = Duration::from_millis(900);
/// The first word of any model is waited for so long.
const BOUND: Duration = Duration::from_millis(3500);
/// A failure that took less may be followed by a second attempt at the same model.
const QUICK: Duration = Duration::from_millis(300);
/// The longest wait before that attempt.
const SHORT: Duration = Duration::from_millis(100);

/// A sole model that says when to come back is waited for so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// It needs so long to begin then.
const ANSWER: Duration = Duration::from_millis(200);

/// Models in the order in which they are asked, with what all calls know of their health.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) models: Vec<(Model, Arc<Breaker>)>,
    pub(crate) client: Client,
    /// Something else answers if none has begun after this time; `None`: nothing does.
    pub(crate) relieved: Option<Duration>,
}

/// What answers instead of models is asked before the caller has waited for longer, so that they hear something within 2 s.
const RELIEVED_BY: Duration = Duration::from_millis(1700);
/// A model has at least this time to begin, however long the caller has waited.
const LEAST: Duration = Duration::from_secs(1);

impl Chain {
    /// For a reply that the caller has waited for already: what would be relieved after its time is relieved earlier, so
    /// that the wait as the caller has it keeps its bound.
    pub(crate) fn for_one_who_waited(mut self, waited: Duration) -> Self {
        let left = RELIEVED_BY.saturating_sub(waited).max(LEAST);
        self.relieved = self.relieved.map(|relieved| relieved.min(left));
        self
    }

    /// Asks until a model answers. To stop, drop the future: all requests are closed. Each stands on the tab. A model that has begun is
    /// given up, as one that stalls, when `enough` is told.
    ///
    /// # Errors
    /// The failure of the model that had begun to answer, else of the last one that was asked.
    pub(crate) async fn answer(
        &self,
        prompt: &Prompt,
        tab: &Tab,
        enough: &Notify,
        wrote: &mut (dyn FnMut(Wrote) + Send),
    ) -> Result<(), Failure> {
        let breakers = self.models.iter().map(|(_, breaker)| &**breaker);
        let ask = |index: usize, said: Said| -> BoxFuture<'_, _> {
            let (model, _) = &self.models[index];
            Box::pin(async move {
                let mut say = |wrote| {
                    let _ = said.send((index, wrote));
                };
                model.answer(&self.client, prompt, tab, &mut say).await
            })
        };
        let mut race = Race::new(breakers.collect(), ask);
        race.relieved = self.relieved;
        race.enough = Some(enough);
        race.run(wrote).await
    }

    /// Opens connections to all of them in the background.
    pub(crate) fn warm(&self) {
        let now = Instant::now().into_std();
        for (model, breaker) in &self.models {
            if breaker.shut_for(now).is_none() {
                model.warm(&self.client);
            }
        }
    }
}

/// Where a request writes, with its model's place in the list.
pub(super) type Said = UnboundedSender<(usize, Wrote)>;

/// One turn: the requests that run, of which the first to write wins.
pub(super) struct Race<'a, Ask> {
    breakers: Vec<&'a Breaker>,
    ask: Ask,
    left: VecDeque<usize>,
    running: Vec<Runner<'a>>,
    said: Said,
    heard: UnboundedReceiver<(usize, Wrote)>,
    /// When the next model is asked beside the one that runs.
    hedge: Option<Instant>,
    began: Instant,
    /// As in the chain.
    pub(super) relieved: Option<Duration>,
    /// Told when nobody can wait any longer for the one that has begun.
    pub(super) enough: Option<&'a Notify>,
}

/// One request.
struct Runner<'a> {
    index: usize,
    since: Instant,
    /// It is the first to this model.
    fresh: bool,
    future: BoxFuture<'a, Result<(), Failure>>,
}

enum Next {
    Heard(usize, Wrote),
    Over(Result<(), Failure>, usize),
    Hedge,
    Late,
}

impl<'a, Ask> Race<'a, Ask>
where
    Ask: Fn(usize, Said) -> BoxFuture<'a, Result<(), Failure>>,
{
    pub(super) fn new(breakers: Vec<&'a Breaker>, ask: Ask) -> Self {
        let (said, heard) = mpsc::unbounded_channel();
        Self {
            left: (0..breakers.len()).collect(),
            breakers,
            ask,
            running: Vec::new(),
            said,
            heard,
            hedge: None,
            began: Instant::now(),
            relieved: None,
            enough: None,
        }
    }

    pub(super) async fn run(
        mut self,
        wrote: &mut (dyn FnMut(Wrote) + Send),
    ) -> Result<(), Failure> {
        if self.breakers.is_empty() {
            let what = "is not set up: no language model is named";
            return Err(Failure::misconfigured(PROVIDER, what));
        }
        if !self.start_next() {
            self.start_open()?;
        }
        let bound = self.began + self.bound();
        loop {
            match self.next(bound).await {
                Next::Heard(winner, first) => {
                    wrote(first);
                    return self.finish(winner, wrote).await;
                }
                Next::Over(result, place) => {
                    let runner = self.running.swap_remove(place);
                    match (result, self.heard.try_recv()) {
                        (result, Ok((winner, first))) if winner == runner.index => {
                            wrote(first);
                            self.drain(winner, wrote);
                            return self.report(winner, result);
                        }
                        (result, Ok((winner, first))) => {
                            let _ = self.report(runner.index, result);
                            wrote(first);
                            return self.finish(winner, wrote).await;
                        }
                        (Ok(()), Err(_)) => return self.report(runner.index, Ok(())),
                        (Err(failure), Err(_)) => self.failed(&runner, failure)?,
                    }
                }
                Next::Hedge => {
                    self.hedge = None;
                    if self.start_next() {
                        tracing::info!("the next model is asked beside one that is slow");
                    }
                }
                Next::Late => return Err(self.late()),
            }
        }
    }

    async fn next(&mut self, bound: Instant) -> Next {
        let hedge = self.hedge.filter(|_| self.running.len() == 1);
        let running = self.running.iter_mut().map(|runner| &mut runner.future);
        tokio::select! {
            biased;
            Some((winner, first)) = self.heard.recv() => Next::Heard(winner, first),
            (result, place, _) = select_all(running) => Next::Over(result, place),
            () = sleep_until(hedge.unwrap_or(bound)), if hedge.is_some() => Next::Hedge,
            () = sleep_until(bound) => Next::Late,
        }
    }

    /// Asks the next model that may be asked.
    fn start_next(&mut self) -> bool {
        while let Some(index) = self.left.pop_front() {
            if self.breakers[index].admits(Instant::now().into_std()) {
                self.start(index, true, Duration::ZERO);
                self.hedge = Some(Instant::now() + HEDGE);
                return true;
            }
        }
        false
    }

    /// All are to be left alone. Where nothing else can answer, one is asked for all that, unless it is shut for longer than it is
    /// waited for; else only one that said itself when to come back.
    fn start_open(&mut self) -> Result<(), Failure> {
        let now = Instant::now().into_std();
        let shut = self.breakers.iter().map(|breaker| breaker.shut_for(now));
        let relieved = self.relieved.is_some();
        let waits = shut.enumerate().filter_map(|(index, shut)| {
            let unknown = (!relieved).then_some(Duration::ZERO);
            Some((index, shut.or(unknown)?))
        });
        match waits.min_by_key(|(_, wait)| *wait) {
            Some((index, wait)) if wait <= self.patience() => {
                self.start(index, true, wait);
                Ok(())
            }
            Some((_, wait)) => Err(Failure::unreachable(
                PROVIDER,
                format!(
                    "is left alone for {} s more: it refused before, or said when to come back",
                    wait.as_secs_f32().ceil()
                ),
            )),
            None => Err(Failure::unreachable(
                PROVIDER,
                "is left alone for a while: it failed before",
            )),
        }
    }

    fn start(&mut self, index: usize, fresh: bool, wait: Duration) {
        let asked = (self.ask)(index, self.said.clone());
        let future: BoxFuture<'a, _> = if wait.is_zero() {
            asked
        } else {
            Box::pin(async move {
                sleep(wait).await;
                asked.await
            })
        };
        self.running.push(Runner {
            index,
            since: Instant::now(),
            fresh,
            future,
        });
    }

    /// A request failed before its first word.
    fn failed(&mut self, runner: &Runner<'_>, failure: Failure) -> Result<(), Failure> {
        let index = runner.index;
        if failure.is_empty {
            self.breakers[index].succeeded();
        } else {
            self.tell(index, &failure);
        }
        let wait = failure
            .retry_after
            .unwrap_or_else(|| Backoff::default().next());
        let alone = self.running.is_empty() && self.left.is_empty();
        let most = match failure.retry_after {
            Some(_) if alone => self.patience(),
            Some(_) | None => SHORT,
        };
        let took = runner.since.elapsed();
        // An empty answer takes as long as a good one: another may be had in the same time.
        let left = self.bound().saturating_sub(self.began.elapsed());
        let quick = took < QUICK || (failure.is_empty && alone && took < left);
        if failure.passing && runner.fresh && quick && wait <= most {
            tracing::info!(why = failure.detail, "the model is asked again");
            self.start(index, false, wait);
        } else if !self.running.is_empty() {
            tracing::info!(why = failure.detail, "the other model goes on");
        } else if self.start_next() {
            tracing::info!(why = failure.detail, "the next model is asked");
        } else {
            return Err(failure);
        }
        Ok(())
    }

    /// How long a model that says when to come back is waited for: it is to answer before something else does.
    fn patience(&self) -> Duration {
        if self.relieved.is_none() {
            return PATIENCE;
        }
        let left = self.bound().saturating_sub(self.began.elapsed());
        PATIENCE.min(left.saturating_sub(ANSWER))
    }

    fn bound(&self) -> Duration {
        self.relieved.map_or(BOUND, |relieved| relieved.min(BOUND))
    }

    /// No model has begun in time.
    fn late(&self) -> Failure {
        let bound = self.bound().as_millis();
        let what = format!("did not begin its answer within {bound} ms, whichever model was asked");
        let failure = Failure::unreachable(PROVIDER, what);
        for runner in &self.running {
            if runner.since.elapsed() >= HEDGE {
                self.tell(runner.index, &failure);
            }
        }
        failure
    }

    /// Hands on what the winner writes; the others are closed.
    async fn finish(
        mut self,
        winner: usize,
        wrote: &mut (dyn FnMut(Wrote) + Send),
    ) -> Result<(), Failure> {
        self.running.retain(|runner| runner.index == winner);
        loop {
            match self.rest().await {
                Next::Heard(from, more) if from == winner => wrote(more),
                Next::Heard(..) | Next::Hedge => {}
                Next::Late => return self.report(winner, Err(stalled())),
                Next::Over(result, _) => {
                    self.drain(winner, wrote);
                    return self.report(winner, result);
                }
            }
        }
    }

    async fn rest(&mut self) -> Next {
        let enough = self.enough;
        let running = self.running.iter_mut().map(|runner| &mut runner.future);
        let given_up = async {
            match enough {
                Some(enough) => enough.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((from, more)) = self.heard.recv() => Next::Heard(from, more),
            (result, place, _) = select_all(running) => Next::Over(result, place),
            () = given_up => Next::Late,
        }
    }

    /// What was written in the last moment of a request.
    fn drain(&mut self, winner: usize, wrote: &mut (dyn FnMut(Wrote) + Send)) {
        while let Ok((from, more)) = self.heard.try_recv() {
            if from == winner {
                wrote(more);
            }
        }
    }

    fn report(&self, index: usize, result: Result<(), Failure>) -> Result<(), Failure> {
        match &result {
            Ok(()) => self.breakers[index].succeeded(),
            Err(failure) => self.tell(index, failure),
        }
        result
    }

    /// A request that no server would take counts, but does not close the door to all other calls at once.
    fn tell(&self, index: usize, failure: &Failure) {
        let kind = if failure.of_request {
            FaultKind::Misbehaved
        } else {
            failure.kind
        };
        let now = Instant::now().into_std();
        self.breakers[index].failed(now, kind, failure.retry_after);
    }
}

/// The model that has begun did not go on while the caller could wait for it.
fn stalled() -> Failure {
    Failure::unreachable(PROVIDER, "stalled in the middle of its answer")
}
