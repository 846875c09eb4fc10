//! Several models against the clock: in virtual time, and once over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use ringback_call::{FaultKind, Usage};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use super::super::chain::{Race, Said};
use super::super::{Api, Chain, Finish, Tab, Wrote, client};
use super::prompt;
use super::server::Server;
use crate::provider::{Breaker, Failure, Provider};

/// What a model does when it is asked.
#[derive(Clone)]
enum Act {
    /// Says its name after so many ms, and ends so many ms later.
    Says(u64, u64),
    /// Fails after so many ms.
    Fails(u64, Failure),
    /// Says its name, then fails at once.
    Breaks(u64, Failure),
    /// Says its name and ends without ever waiting.
    AtOnce,
    /// Never says anything.
    Hangs,
}

fn passing() -> Failure {
    Failure::unreachable(Provider::OpenAi, "is away")
}

fn refusal() -> Failure {
    Failure::refused(Provider::OpenAi, "says no")
}

/// Notes that a request was closed before its end.
struct Open<'a> {
    table: &'a Table,
    name: char,
    ended: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.table.note(self.name, "closed");
        }
    }
}

/// The models, named a, b, c, and what happened, with its time in ms.
struct Table {
    breakers: Vec<Breaker>,
    acts: Mutex<Vec<Vec<Act>>>,
    log: Mutex<Vec<String>>,
    start: Instant,
}

impl Table {
    /// For each model what it does when it is asked the first time, the second time, and so on.
    fn new<const N: usize>(acts: [Vec<Act>; N]) -> Self {
        Self {
            breakers: acts.iter().map(|_| Breaker::default()).collect(),
            acts: Mutex::new(acts.into()),
            log: Mutex::default(),
            start: Instant::now(),
        }
    }

    fn note(&self, name: char, what: &str) {
        let at = self.start.elapsed().as_millis();
        self.log.lock().unwrap().push(format!("{at} {name} {what}"));
    }

    fn act(&self, index: usize, said: Said) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let name = char::from(b'a' + index as u8);
            self.note(name, "asked");
            let mut open = Open {
                table: self,
                name,
                ended: false,
            };
            let act = self.acts.lock().unwrap()[index].remove(0);
            let wait = |ms| sleep(Duration::from_millis(ms));
            let say = || {
                said.send((index, Wrote::Began)).unwrap();
                said.send((index, Wrote::Text(name.into()))).unwrap();
            };
            let end = Wrote::End(Finish::Stop);
            let result = match act {
                Act::Says(first, rest) => {
                    wait(first).await;
                    say();
                    wait(rest).await;
                    said.send((index, end)).unwrap();
                    Ok(())
                }
                Act::Fails(after, failure) => {
                    wait(after).await;
                    Err(failure)
                }
                Act::Breaks(after, failure) => {
                    wait(after).await;
                    say();
                    Err(failure)
                }
                Act::AtOnce => {
                    say();
                    said.send((index, end)).unwrap();
                    Ok(())
                }
                Act::Hangs => std::future::pending().await,
            };
            open.ended = true;
            result
        })
    }

    /// Asks all; whose words were handed on, and with what end.
    async fn run(&self) -> (String, Result<(), Failure>) {
        self.run_before(None).await
    }

    /// The same, where something else answers after so many ms.
    async fn run_before(&self, relieved: Option<u64>) -> (String, Result<(), Failure>) {
        let mut wrote = Vec::new();
        let result = {
            let breakers = self.breakers.iter().collect();
            let mut race = Race::new(breakers, |index, said| self.act(index, said));
            race.relieved = relieved.map(Duration::from_millis);
            race.run(&mut |more| wrote.push(more)).await
        };
        let words = wrote.iter().map(|more| match more {
            Wrote::Began => "(",
            Wrote::Text(text) => text,
            Wrote::End(_) => ")",
            other => panic!("{other:?}"),
        });
        (words.collect(), result)
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The log without the times.
    fn order(&self) -> Vec<String> {
        let log = self.log();
        log.iter()
            .map(|line| line.split_once(' ').unwrap().1.to_owned())
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_model_answers_and_no_other_is_asked() {
    let table = Table::new([vec![Act::Says(899, 9000)], vec![]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
    assert_eq!(table.log(), ["0 a asked"]);

    let table = Table::new([vec![Act::AtOnce], vec![]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_quick_passing_failure_is_followed_by_one_more_attempt_then_by_the_next_model() {
    let twice = vec![Act::Fails(200, passing()), Act::Fails(10, passing())];
    let table = Table::new([twice, vec![Act::Says(10, 0)]]);
    assert_eq!(table.run().await, ("(b)".into(), Ok(())));
    assert_eq!(table.order(), ["a asked", "a asked", "b asked"]);
    let log = table.log();
    let again: u128 = log[1].split_once(' ').unwrap().0.parse().unwrap();
    assert!((250..=300).contains(&again), "{log:?}");

    let table = Table::new([vec![Act::Fails(0, passing()), Act::Says(10, 0)]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_slow_failure_a_refusal_and_a_wish_to_be_left_alone_lead_to_the_next_model_at_once() {
    let later = passing().retry_after(Some(Duration::from_secs(1)));
    for (ms, failure) in [(300, passing()), (20, refusal()), (20, later)] {
        let table = Table::new([vec![Act::Fails(ms, failure)], vec![Act::Says(10, 0)]]);
        assert_eq!(table.run().await, ("(b)".into(), Ok(())));
        assert_eq!(table.log(), ["0 a asked".into(), format!("{ms} b asked")]);
    }
    let soon = passing().retry_after(Some(Duration::from_millis(80)));
    let table = Table::new([vec![Act::Fails(20, soon), Act::Says(0, 0)]]);
    assert_eq!(table.run().await.0, "(a)");
    assert_eq!(table.log(), ["0 a asked", "100 a asked"]);
}

#[tokio::test(start_paused = true)]
async fn beside_a_slow_model_the_next_is_asked_and_the_first_to_write_wins() {
    let table = Table::new([vec![Act::Says(1300, 0)], vec![Act::Says(300, 5000)]]);
    assert_eq!(table.run().await, ("(b)".into(), Ok(())));
    assert_eq!(table.log(), ["0 a asked", "900 b asked", "1200 a closed"]);

    let table = Table::new([vec![Act::Says(1100, 5000)], vec![Act::Says(300, 0)]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
    assert_eq!(table.log(), ["0 a asked", "900 b asked", "1100 b closed"]);

    let table = Table::new([vec![Act::Says(1500, 0)], vec![Act::AtOnce]]);
    assert_eq!(table.run().await, ("(b)".into(), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_that_fails_leaves_the_other_to_go_on() {
    let slow = vec![Act::Fails(1000, passing())];
    let table = Table::new([slow, vec![Act::Says(500, 0)], vec![]]);
    assert_eq!(table.run().await, ("(b)".into(), Ok(())));
    assert_eq!(table.log(), ["0 a asked", "900 b asked"]);

    let slow = vec![Act::Fails(1000, passing())];
    let table = Table::new([slow, vec![Act::Says(1000, 0)], vec![Act::Says(50, 0)]]);
    assert_eq!(table.run().await, ("(c)".into(), Ok(())));
    let log = ["0 a asked", "900 b asked", "1800 c asked", "1850 b closed"];
    assert_eq!(table.log(), log);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_write_in_the_same_moment_one_is_heard() {
    let table = Table::new([vec![Act::Says(1000, 50)], vec![Act::Says(100, 50)]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
    assert_eq!(table.log()[2..], ["1000 b closed"]);

    let table = Table::new([vec![Act::Says(1300, 50)], vec![Act::Fails(400, refusal())]]);
    assert_eq!(table.run().await, ("(a)".into(), Ok(())));
    assert!(!table.breakers[1].is_closed(), "its failure counts still");
}

#[tokio::test(start_paused = true)]
async fn once_words_were_handed_on_nothing_is_asked_again() {
    for failure in [passing(), refusal()] {
        let table = Table::new([vec![Act::Breaks(10, failure.clone())], vec![]]);
        assert_eq!(table.run().await, ("(a".into(), Err(failure)));
        assert_eq!(table.log(), ["0 a asked"]);
    }
}

#[tokio::test(start_paused = true)]
async fn three_and_a_half_seconds_bound_them_all() {
    let table = Table::new([vec![Act::Hangs], vec![Act::Hangs], vec![Act::Hangs]]);
    let (words, result) = table.run().await;
    let failure = result.unwrap_err();
    assert_eq!((words.as_str(), failure.kind), ("", FaultKind::Unreachable));
    let bound = "openai did not begin its answer within 3500 ms, whichever model was asked";
    assert_eq!(failure.detail, bound);
    let log = table.log();
    assert_eq!(log[..2], ["0 a asked", "900 b asked"], "two at a time");
    assert!(
        log[2..]
            .iter()
            .all(|line| line.starts_with("3500") && line.ends_with("closed"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_told_when_all_fail() {
    let table = Table::new([
        vec![Act::Fails(10, refusal())],
        vec![Act::Fails(400, passing())],
    ]);
    assert_eq!(table.run().await, (String::new(), Err(passing())));
    let none = Table::new([]);
    let failure = none.run().await.1.unwrap_err();
    assert_eq!(failure.kind, FaultKind::Misconfigured);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_failed_often_is_passed_over_unless_all_did() {
    let says = || vec![Act::Says(10, 0)];
    let now = || Instant::now().into_std();
    let open = |breaker: &Breaker| {
        for _ in 0..3 {
            breaker.failed(now(), FaultKind::Unreachable, None);
        }
    };

    let table = Table::new([vec![], says()]);
    open(&table.breakers[0]);
    assert_eq!(table.run().await.0, "(b)");

    let table = Table::new([says(), vec![]]);
    open(&table.breakers[0]);
    open(&table.breakers[1]);
    assert_eq!(table.run().await.0, "(a)");
    assert!(table.breakers[0].is_closed(), "it answered");
    assert!(!table.breakers[1].is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_sole_model_that_refused_or_said_when_to_come_back_is_not_asked_before() {
    let s = Duration::from_secs;
    let later = passing().retry_after(Some(s(30)));
    for (failure, pause) in [(later, s(30)), (refusal(), s(60))] {
        let table = Table::new([vec![Act::Fails(20, failure), Act::Says(10, 0)]]);
        table.run().await.1.unwrap_err();
        let (words, result) = table.run().await;
        assert_eq!((words.as_str(), table.log().len()), ("", 1));
        let left = format!("left alone for {} s more", pause.as_secs());
        assert!(
            result.as_ref().unwrap_err().detail.contains(&left),
            "{result:?}"
        );
        sleep(pause - s(2)).await;
        assert_eq!(table.run().await.0, "");
        sleep(s(2)).await;
        assert_eq!(table.run().await.0, "(a)", "the trial");
        assert!(table.breakers[0].is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sole_model_that_wants_to_be_left_alone_for_a_moment_is_waited_for() {
    let soon = passing().retry_after(Some(Duration::from_millis(640)));
    let table = Table::new([vec![Act::Fails(20, soon.clone()), Act::Says(10, 0)]]);
    assert_eq!(table.run().await.0, "(a)");
    assert_eq!(table.log(), ["0 a asked", "660 a asked"]);

    let table = Table::new([vec![Act::Says(10, 0)]]);
    let breaker = &table.breakers[0];
    breaker.failed(Instant::now().into_std(), soon.kind, soon.retry_after);
    sleep(Duration::from_millis(240)).await;
    assert_eq!(table.run().await.0, "(a)");
    assert_eq!(table.log(), ["640 a asked"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_asks_for_a_moment_has_it_where_it_can_still_answer_before_a_script() {
    let later = passing().retry_after(Some(Duration::from_secs(1)));
    for (relieved, expected, asked) in [(1300, "(a)", 2), (1220, "(a)", 2), (1200, "", 1)] {
        let table = Table::new([vec![Act::Fails(20, later.clone()), Act::Says(190, 0)]]);
        let (words, result) = table.run_before(Some(relieved)).await;
        assert_eq!((words.as_str(), table.log().len()), (expected, asked));
        assert_eq!(result.is_ok(), asked == 2);
    }

    // The question is put again while the moment lasts: the caller said more.
    let table = Table::new([vec![Act::Says(10, 0)]]);
    let breaker = &table.breakers[0];
    breaker.failed(Instant::now().into_std(), later.kind, later.retry_after);
    sleep(Duration::from_millis(240)).await;
    let (words, _) = table.run_before(Some(900)).await;
    assert_eq!(words, "", "there is no time for it");
    let (words, _) = table.run_before(Some(960)).await;
    assert_eq!(words, "(a)");
    assert_eq!(table.log(), ["1000 a asked"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_failed_often_is_not_asked_where_a_script_can_answer() {
    let table = Table::new([vec![Act::Says(10, 0)]]);
    for _ in 0..3 {
        let now = Instant::now().into_std();
        table.breakers[0].failed(now, FaultKind::Unreachable, None);
    }
    let (words, result) = table.run_before(Some(1500)).await;
    assert_eq!((words.as_str(), table.log().len()), ("", 0));
    assert!(result.unwrap_err().detail.contains("it failed before"));
}

#[tokio::test(start_paused = true)]
async fn breakers_hear_of_every_attempt() {
    let asked = |failure: Failure, often| async move {
        let table = Table::new([vec![Act::Fails(400, failure); often]]);
        for _ in 0..often {
            table.run().await.1.unwrap_err();
        }
        table.breakers[0].is_closed()
    };
    assert!(asked(passing(), 2).await && !asked(passing(), 3).await);
    assert!(!asked(refusal(), 1).await);
    let unfit = || Failure::unfit(Provider::OpenAi, "finds the request too long");
    assert!(asked(unfit(), 2).await && !asked(unfit(), 3).await);

    let table = Table::new([vec![Act::Hangs, Act::Hangs, Act::Hangs]]);
    for _ in 0..3 {
        table.run().await.1.unwrap_err();
    }
    assert!(!table.breakers[0].is_closed());
    let broken = Table::new([vec![Act::Breaks(10, refusal())]]);
    broken.run().await.1.unwrap_err();
    assert!(!broken.breakers[0].is_closed());
}

#[tokio::test(start_paused = true)]
async fn who_stops_closes_all_requests() {
    let table = Table::new([vec![Act::Hangs], vec![Act::Hangs]]);
    let stopped = tokio::time::timeout(Duration::from_secs(1), table.run()).await;
    assert!(stopped.is_err());
    assert_eq!(table.log()[2..], ["1000 a closed", "1000 b closed"]);
}

#[test]
fn whoever_waited_for_the_question_waits_less_for_a_script_to_take_over() {
    let relieved = |all: Option<u64>, waited| {
        let chain = Chain {
            models: Vec::new(),
            relieved: all.map(Duration::from_millis),
            client: client(None).unwrap(),
        };
        let relieved = chain.for_one_who_waited(Duration::from_millis(waited));
        relieved.relieved.map(|left| left.as_millis())
    };
    assert_eq!(relieved(Some(1500), 0), Some(1500));
    assert_eq!(relieved(Some(1500), 390), Some(1310));
    assert_eq!(relieved(Some(1500), 600), Some(1100));
    assert_eq!(relieved(Some(1500), 9000), Some(1000));
    assert_eq!(relieved(Some(500), 600), Some(500));
    assert_eq!(relieved(None, 600), None);
}

#[tokio::test]
async fn over_real_sockets_the_slow_request_is_closed_and_the_quick_one_answers() {
    let (slow, quick) = (Server::start().await, Server::start().await);
    let chain = Chain {
        models: vec![
            (slow.model(Api::Chat), Arc::default()),
            (quick.model(Api::Chat), Arc::default()),
        ],
        relieved: None,
        client: client(None).unwrap(),
    };
    chain.warm();
    for server in [&slow, &quick] {
        let mut connection = server.accept().await;
        assert!(
            connection
                .request()
                .await
                .head
                .starts_with("get /v1/models")
        );
        connection
            .answer("401 Unauthorized", "connection: close\r\n", "")
            .await;
    }
    let (tell, mut wrote) = mpsc::unbounded_channel();
    let (used, mut spent) = mpsc::unbounded_channel::<Usage>();
    let over = tokio::spawn(async move {
        let mut say = |more| tell.send(more).unwrap();
        let tab = Tab::new(move |usage| used.send(usage).unwrap());
        let enough = Notify::new();
        chain.answer(&prompt(), &tab, &enough, &mut say).await
    });
    let mut first = slow.accept().await;
    let length = first.request().await.body.to_string().chars().count() as u64;
    let mut second = quick.accept().await;
    second.request().await;
    second.begin().await;
    second.say("Here.").await;
    first.closed().await;
    second.end().await;
    assert_eq!(over.await.unwrap(), Ok(()));
    assert_eq!(wrote.recv().await, Some(Wrote::Began));
    assert_eq!(wrote.recv().await, Some(Wrote::Text("Here.".into())));
    assert_eq!(wrote.recv().await, Some(Wrote::End(Finish::Stop)));
    // Nobody counted: the one that was closed costs what it was sent, the other what it wrote besides.
    for output in [0, 2] {
        let told = spent.recv().await.unwrap();
        assert_eq!((told.requests, told.output_tokens), (1, output), "{told:?}");
        assert_eq!(told.input_tokens, length.div_ceil(4));
        assert!(told.estimated);
    }
    assert_eq!(spent.recv().await, None);
}
