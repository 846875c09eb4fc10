#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ringback_audio::ring::EarRing;
use ringback_call::{FaultKind, TurnHint};
use ringback_wire::deepgram::flux::{
    Command, Event, Query, TurnEvent, TurnInfo, Word, parse_command, parse_query,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::deepgram::Deepgram;
use super::flux;
use super::stream::{Heard, Stream};
use crate::Secret;
use crate::provider::{Access, Breaker, Failure};

const MS: u64 = 8;

/// A Flux that does what the test says.
struct Fake {
    listener: TcpListener,
}

struct Call {
    stream: Stream,
    ring: EarRing,
    heard: UnboundedReceiver<Heard>,
    over: JoinHandle<Result<(), Failure>>,
}

fn deepgram(url: &str, model: &str, language: &str) -> Deepgram {
    Deepgram {
        access: Access {
            key: Some(Secret::new("a-key")),
            url: url.parse().unwrap(),
        },
        model: model.into(),
        language: language.into(),
        keyterms: vec!["Invisalign".into()],
    }
}

#[allow(clippy::result_large_err, reason = "the library's own type")]
fn upgrade(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.uri().path(), "/v2/listen");
    assert_eq!(request.headers()["authorization"], "Token a-key");
    Ok(response)
}

impl Fake {
    async fn start() -> (Self, Call) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let deepgram = deepgram(&url, "flux-general-en", "en-US");
        let (stream, inlet) = Stream::new(deepgram.leads());
        let (said, heard) = mpsc::unbounded_channel();
        let over = tokio::spawn(async move {
            let breaker = Arc::<Breaker>::default();
            let heard = |heard| said.send(heard).unwrap();
            deepgram.listen(inlet, &breaker, heard).await
        });
        let call = Call {
            stream,
            ring: EarRing::holding(1 << 17),
            heard,
            over,
        };
        (Self { listener }, call)
    }

    async fn accept_mute(&self) -> Socket {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        Socket(accept_hdr_async(stream, upgrade).await.unwrap())
    }

    async fn accept(&self) -> Socket {
        let mut socket = self.accept_mute().await;
        let request_id = "6f6c2a7e".to_owned();
        let connected = Event::Connected {
            request_id,
            sequence_id: 0,
        };
        socket.say(&connected).await;
        socket
    }
}

/// A clock that stands still jumps to its next timer though something lies in a socket: small steps let it be read before.
fn tick() {
    tokio::spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn say(&mut self, event: &Event) {
        let text = Message::Text(event.to_text().into());
        self.0.send(text).await.unwrap();
    }

    /// What is so of the turn at a time in ms of this socket's audio, each word 300 ms long and the last 200 ms before it.
    async fn turn(&mut self, event: TurnEvent, at: u64, text: &str) {
        let texts: Vec<&str> = text.split_whitespace().collect();
        let mut end = at.saturating_sub(200 + 300 * texts.len() as u64);
        let words = texts.into_iter().map(|word| {
            end += 300;
            Word {
                word: word.to_owned(),
                confidence: 0.9,
                start: None,
                end: Some(Duration::from_millis(end)),
            }
        });
        let info = TurnInfo {
            request_id: "6f6c2a7e".into(),
            sequence_id: 1,
            event,
            turn_index: 0,
            audio_window_start: Duration::ZERO,
            audio_window_end: Duration::from_millis(at),
            transcript: text.to_owned(),
            words: words.collect(),
            end_of_turn_confidence: 0.8,
            trigger: None,
            languages: Vec::new(),
            languages_hinted: Vec::new(),
        };
        self.say(&Event::TurnInfo(Box::new(info))).await;
    }

    /// Reads audio until a command comes: how many samples, and the command.
    async fn command(&mut self) -> (usize, Command) {
        let mut samples = 0;
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => {
                    assert!(!bytes.is_empty(), "an empty frame ends the stream");
                    samples += bytes.len();
                }
                Message::Text(text) => return (samples, parse_command(&text).unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads so many samples of audio.
    async fn audio(&mut self, mut samples: usize) {
        while samples > 0 {
            match self.0.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => samples -= bytes.len(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Closes without a code, as Flux does.
    async fn close(mut self) {
        self.0.close(None).await.unwrap();
        while self.0.next().await.is_some_and(|message| message.is_ok()) {}
    }
}

impl Call {
    fn hear(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.ring.push(&[0x55; 160]);
            self.stream.feed(&self.ring);
        }
    }

    /// The line carries this for so long.
    async fn line(&mut self, byte: u8, ms: u64) {
        for _ in 0..ms / 20 {
            self.ring.push(&[byte; 160]);
            self.stream.feed(&self.ring);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn next(&mut self) -> Heard {
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(5), self.heard.recv());
            let heard = heard.await.unwrap().unwrap();
            if heard.hint != Some(TurnHint::Again) {
                return heard;
            }
        }
    }

    async fn text(&mut self) -> (String, Option<TurnHint>) {
        let heard = self.next().await;
        (heard.text, heard.hint)
    }
}

fn query(model: &str, language: &str) -> Query {
    let url = flux::url(&deepgram("https://api.deepgram.com", model, language)).unwrap();
    assert!(
        url.as_str()
            .starts_with("wss://api.deepgram.com/v2/listen?")
    );
    parse_query(url.query().unwrap()).unwrap()
}

#[test]
fn flux_is_asked_for_early_guesses_and_for_the_callers_language_where_it_knows_more_than_one() {
    let asked = query("flux-general-en", "en-US");
    assert_eq!(
        (asked.eager_eot_threshold, asked.eot_threshold),
        (Some(0.5), Some(0.7))
    );
    assert_eq!(
        (asked.eot_timeout_ms, asked.sample_rate),
        (Some(1500), Some(8000))
    );
    assert_eq!(asked.keyterms, ["Invisalign"]);
    assert!(asked.language_hints.is_empty());
    assert_eq!(query("flux-general-multi", "de-CH").language_hints, ["de"]);
    assert!(
        query("flux-general-multi", "fi-FI")
            .language_hints
            .is_empty()
    );
}

#[tokio::test]
async fn a_turn_is_followed_from_its_first_word_to_its_end() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(4000);
    socket.audio(4000 * 8).await;
    socket.turn(TurnEvent::StartOfTurn, 1000, "I").await;
    socket.turn(TurnEvent::Update, 1250, "I want").await;
    // Nothing but time went on: no news.
    socket.turn(TurnEvent::Update, 1500, "I want").await;
    socket.turn(TurnEvent::EagerEndOfTurn, 1600, "I want").await;
    socket.turn(TurnEvent::TurnResumed, 1900, "I want").await;
    socket
        .turn(TurnEvent::EagerEndOfTurn, 3000, "I want two.")
        .await;
    socket.turn(TurnEvent::EndOfTurn, 3300, "I want two.").await;
    socket.turn(TurnEvent::EndOfTurn, 3300, "I want two.").await;
    socket.turn(TurnEvent::StartOfTurn, 4000, "Or").await;
    let first = call.next().await;
    assert_eq!(
        (first.text.as_str(), first.settled, first.hint),
        ("I", false, None)
    );
    assert_eq!((first.until, first.confidence_pm), (800 * MS, 900));
    let said = |text: &str, hint| (text.to_owned(), hint);
    assert_eq!(call.text().await, said("I want", None));
    assert_eq!(call.text().await, said("I want", Some(TurnHint::Eager)));
    assert_eq!(call.text().await, said("I want", Some(TurnHint::Resumed)));
    assert_eq!(
        call.text().await,
        said("I want two.", Some(TurnHint::Eager))
    );
    let end = call.next().await;
    assert_eq!(
        (end.hint, end.settled, end.answers),
        (Some(TurnHint::Ended), true, None)
    );
    assert_eq!(end.until, 3100 * MS);
    assert_eq!(call.text().await, said("Or", None));
    drop(call.stream);
    assert_eq!(socket.command().await.1, Command::CloseStream);
    call.over.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_turn_that_flux_does_not_end_is_ended_by_force_once_all_its_audio_is_there() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(1020);
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await, (1020 * 8, Command::ForceEndTurn));
    socket.turn(TurnEvent::EndOfTurn, 1020, "two eggs").await;
    let heard = call.next().await;
    assert_eq!((heard.text.as_str(), heard.answers), ("two eggs", Some(1)));
}

#[tokio::test]
async fn a_turn_of_flux_that_goes_over_the_end_of_a_turn_is_not_heard_twice() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(2000);
    socket.audio(2000 * 8).await;
    socket.turn(TurnEvent::Update, 1500, "Two eggs").await;
    let heard = call.next().await;
    assert_eq!(call.stream.words(heard).unwrap().0.text, "Two eggs");
    // The call takes the turn for over, Flux does not.
    call.stream.new_turn(&call.ring);
    call.hear(2400);
    socket.audio(2400 * 8).await;
    let said = "Two eggs and some more tea for me please";
    for event in [TurnEvent::Update, TurnEvent::EndOfTurn] {
        // The second word ends at 1.8 s, the third at 2.1 s.
        socket.turn(event, 4100, said).await;
        let heard = call.next().await;
        let (words, _) = call.stream.words(heard).unwrap();
        assert_eq!(words.text, "and some more tea for me please");
    }
}

#[tokio::test]
async fn a_broken_socket_is_opened_again_and_hears_the_turn_so_far() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(4000);
    socket.audio(4000 * 8).await;
    socket.turn(TurnEvent::EndOfTurn, 1600, "hello").await;
    socket.turn(TurnEvent::StartOfTurn, 2600, "I").await;
    assert_eq!(call.text().await.0, "hello");
    assert_eq!(call.text().await.0, "I");
    socket.close().await;
    call.stream.finalize(&call.ring);
    let mut socket = fake.accept().await;
    // All since the end of the turn before, and the question.
    assert_eq!(socket.command().await, (2400 * 8, Command::ForceEndTurn));
    socket.turn(TurnEvent::EndOfTurn, 2400, "I want two.").await;
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.until),
        ("I want two.", 3800 * MS)
    );
    assert_eq!(heard.answers, Some(1));
}

#[tokio::test]
async fn a_socket_that_breaks_in_a_long_monologue_loses_none_of_its_words() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    for _ in 0..5 {
        call.hear(4000);
        socket.audio(4000 * 8).await;
    }
    // Sixty words of 300 ms each, the last of which ends at 19.8 s.
    let said: Vec<String> = (0..60).map(|nth| format!("w{nth}")).collect();
    socket
        .turn(TurnEvent::Update, 20_000, &said.join(" "))
        .await;
    assert_eq!(call.text().await.0, said.join(" "));
    socket.close().await;
    let mut socket = fake.accept().await;
    socket.audio(8000 * 8).await;
    // The new socket hears from the twelfth second on: what ended before is settled, and told once.
    let settled = call.next().await;
    assert_eq!(
        (settled.text, settled.settled),
        (said[..34].join(" "), true)
    );
    assert_eq!((settled.until, settled.hint), (12_000 * MS, None));
    socket
        .turn(TurnEvent::Update, 8000, &said[34..].join(" "))
        .await;
    assert_eq!(call.text().await.0, said[34..].join(" "));
    socket.close().await;
    let mut socket = fake.accept().await;
    socket.turn(TurnEvent::Update, 8000, "w59").await;
    assert_eq!(call.text().await.0, "w59");
}

#[tokio::test]
async fn silence_between_turns_is_not_heard_again_but_for_its_last_second() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(6000);
    socket.audio(6000 * 8).await;
    socket.turn(TurnEvent::Update, 5600, "").await;
    socket.turn(TurnEvent::StartOfTurn, 6000, "I").await;
    call.next().await;
    socket.close().await;
    let mut socket = fake.accept().await;
    socket.audio(1400 * 8).await;
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await, (0, Command::ForceEndTurn));
}

#[tokio::test]
async fn a_deployment_that_does_not_know_force_is_not_told_again() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(800);
    call.stream.finalize(&call.ring);
    socket.command().await;
    let error = Event::Error {
        sequence_id: 2,
        code: "UNPARSABLE_CLIENT_MESSAGE".into(),
        description: "unknown variant".into(),
    };
    socket.say(&error).await;
    let mut socket = fake.accept().await;
    socket.audio(800 * 8).await;
    call.hear(800);
    call.stream.finalize(&call.ring);
    socket.audio(800 * 8).await;
    drop(call.stream);
    assert_eq!(socket.command().await, (0, Command::CloseStream));
}

#[tokio::test]
async fn an_error_without_a_cure_is_a_refusal() {
    let (fake, call) = Fake::start().await;
    let mut socket = fake.accept().await;
    let error = Event::Error {
        sequence_id: 2,
        code: "NO_SUCH_LUCK".into(),
        description: "content".into(),
    };
    socket.say(&error).await;
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Refused);
    assert_eq!(failure.detail, "deepgram ended the session: NO_SUCH_LUCK");
}

#[tokio::test]
async fn a_socket_that_never_begins_is_given_up() {
    let (fake, call) = Fake::start().await;
    let _socket = fake.accept_mute().await;
    let begun = Instant::now();
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Unreachable);
    assert_eq!(failure.detail, "deepgram did not begin within 2 s");
    let after = begun.elapsed().as_secs_f64();
    assert!((1.9..3.5).contains(&after), "given up after {after:.1} s");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_begins_a_turn_and_breaks_each_time_is_given_up_after_three() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let begun = tokio::time::Instant::now();
    call.hear(1000);
    for _ in 0..3 {
        let mut socket = fake.accept().await;
        socket.turn(TurnEvent::StartOfTurn, 800, "I").await;
        assert_eq!(call.text().await.0, "I");
        socket.close().await;
    }
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_ends_turns_before_it_breaks_is_opened_again() {
    tick();
    let (fake, mut call) = Fake::start().await;
    for turn in 0..5 {
        let mut socket = fake.accept().await;
        call.hear(1000);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let said = format!("number {turn}");
        socket.turn(TurnEvent::EndOfTurn, 900, &said).await;
        assert_eq!(call.text().await.0, said);
        socket.close().await;
    }
    fake.accept().await;
    assert!(!call.over.is_finished());
}

/// Linear 716, -33 dBFS.
const SPEECH: u8 = 0x55;
const SILENCE: u8 = 0xff;

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_nothing_of_speech_is_opened_again_and_the_second_is_given_up() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut first = fake.accept().await;
    // Silence that nothing is said of is not held against it.
    call.line(SILENCE, 20_000).await;
    first.turn(TurnEvent::Update, 19_000, "").await;
    call.line(SILENCE, 4000).await;
    first.audio(24_000 * 8).await;
    assert!(!call.over.is_finished());

    let spoke = tokio::time::Instant::now();
    let flow = async {
        call.line(SPEECH, 1000).await;
        call.line(SILENCE, 9000).await;
    };
    let second = async {
        while first.0.next().await.is_some_and(|message| message.is_ok()) {}
        let after = spoke.elapsed().as_millis();
        assert!((1500..1700).contains(&after), "after {after} ms");
        let mut second = fake.accept().await;
        // All from a second before its last word on, in blocks of 80 ms: 18 s to 25.52 s.
        second.audio(94 * 640).await;
        while second.0.next().await.is_some_and(|message| message.is_ok()) {}
    };
    tokio::select! { () = flow => panic!("it is not noticed"), () = second => {} }
    let after = spoke.elapsed().as_millis();
    assert!((3000..3600).contains(&after), "given up after {after} ms");
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(
        failure.detail,
        "deepgram takes speech and says nothing of it"
    );
    assert!(!failure.passing);
    // Nothing but that it is heard again.
    assert_eq!(call.heard.recv().await.unwrap().hint, Some(TurnHint::Again));
    assert!(call.heard.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_something_of_speech_now_and_then_is_kept() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    for second in 1..10 {
        call.line(SPEECH, 1000).await;
        socket.turn(TurnEvent::Update, second * 1000, "").await;
    }
    // A click is no speech.
    call.line(SPEECH, 100).await;
    call.line(SILENCE, 5000).await;
    assert!(!call.over.is_finished());
    socket.turn(TurnEvent::StartOfTurn, 9000, "I").await;
    assert_eq!(call.text().await.0, "I");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_had_words_may_go_mute_again() {
    tick();
    let (fake, mut call) = Fake::start().await;
    for _ in 0..4 {
        let mut socket = fake.accept().await;
        call.line(SPEECH, 1000).await;
        socket.turn(TurnEvent::EndOfTurn, 900, "hello").await;
        assert_eq!(call.text().await.0, "hello");
        tokio::select! {
            () = call.line(SPEECH, 3000) => panic!("it is not noticed"),
            () = async { while socket.0.next().await.is_some_and(|message| message.is_ok()) {} } => {}
        }
    }
    fake.accept().await;
    assert!(!call.over.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_socket_without_audio_is_kept_open_by_silence_and_never_by_messages() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    for _ in 0..3 {
        let Message::Binary(silence) = socket.0.next().await.unwrap().unwrap() else {
            panic!("no audio")
        };
        assert_eq!(silence[..], [0xff; 640]);
    }
    call.hear(400);
    socket.audio(3200).await;
    // Silence that was sent is no part of the ear.
    socket.turn(TurnEvent::StartOfTurn, 240 + 400, "hi").await;
    assert_eq!(call.next().await.until, 200 * MS);
}
