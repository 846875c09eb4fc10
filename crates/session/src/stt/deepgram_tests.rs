#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ringback_audio::ring::EarRing;
use ringback_call::{FaultKind, Firmness, Scope, TurnHint};
use ringback_wire::deepgram::listen::{
    Alternative, Command, Event, Results, Word, parse_command, parse_query,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::deepgram::Deepgram;
use super::stream::{Heard, Stream};
use crate::Secret;
use crate::provider::{Access, Breaker, Failure};

const MS: u64 = 8;

/// A Deepgram that does what the test says.
struct Fake {
    listener: TcpListener,
}

struct Call {
    stream: Stream,
    ring: EarRing,
    heard: UnboundedReceiver<Heard>,
    over: JoinHandle<Result<(), Failure>>,
}

#[allow(clippy::result_large_err, reason = "the library's own type")]
fn upgrade(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let query = parse_query(request.uri().query().unwrap()).unwrap();
    assert_eq!(request.uri().path(), "/v1/listen");
    assert_eq!(request.headers()["authorization"], "Token a-key");
    assert_eq!(
        (query.model.as_str(), query.sample_rate),
        ("nova-3", Some(8000))
    );
    assert_eq!(query.keyterms, ["Invisalign"]);
    assert_eq!(query.language.as_deref(), Some("es-419"));
    Ok(response)
}

impl Fake {
    async fn start() -> (Self, Call) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let deepgram = Deepgram {
            access: Access {
                key: Some(Secret::new("a-key")),
                url: url.parse().unwrap(),
            },
            model: "nova-3".into(),
            language: "es-MX".into(),
            keyterms: vec!["Invisalign".into()],
        };
        let (stream, inlet) = Stream::new(false);
        let (said, heard) = mpsc::unbounded_channel();
        let over = tokio::spawn(async move {
            let breaker = Arc::<Breaker>::default();
            let heard = |heard| said.send(heard).unwrap();
            deepgram.listen(inlet, &breaker, heard).await
        });
        let ring = EarRing::holding(1 << 16);
        let call = Call {
            stream,
            ring,
            heard,
            over,
        };
        (Self { listener }, call)
    }

    async fn accept(&self) -> Socket {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        Socket(accept_hdr_async(stream, upgrade).await.unwrap())
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

    /// Results for the stretch from one time to another, in ms of this socket's audio.
    async fn results(&mut self, span: (u64, u64), text: &str, set: impl FnOnce(&mut Results)) {
        let mut results = Results {
            channels: 1,
            start: Duration::from_millis(span.0),
            duration: Duration::from_millis(span.1 - span.0),
            alternatives: vec![Alternative {
                transcript: text.into(),
                confidence: 0.87,
                ..Alternative::default()
            }],
            ..Results::default()
        };
        set(&mut results);
        let text = Event::Results(Box::new(results)).to_text();
        self.0.send(Message::Text(text.into())).await.unwrap();
    }
}

impl Call {
    /// Somebody speaks for so long, as they do on a telephone.
    async fn hear_in_time(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.hear(20);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Nobody speaks for so long.
    async fn hear_silence_in_time(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.ring.push(&[0xff; 160]);
            self.stream.feed(&self.ring);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn hear(&mut self, ms: u64) {
        self.ring.push(&vec![0x55; (ms * MS) as usize]);
        self.stream.feed(&self.ring);
    }

    /// What it hears next, but for word that it hears it again.
    async fn next(&mut self) -> Heard {
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(5), self.heard.recv());
            let heard = heard.await.unwrap().unwrap();
            if heard.hint != Some(TurnHint::Again) {
                return heard;
            }
        }
    }
}

/// With the places of its words, in ms of this socket's audio.
fn placed(results: &mut Results, places: &[(u64, u64)]) {
    let best = &mut results.alternatives[0];
    let words = best.transcript.split_whitespace().zip(places);
    let words = words.map(|(word, (start, end))| Word {
        word: word.to_lowercase(),
        start: Duration::from_millis(*start),
        end: Duration::from_millis(*end),
        punctuated_word: Some(word.to_owned()),
        ..Word::default()
    });
    best.words = words.collect();
}

fn finalized(results: &mut Results) {
    results.is_final = true;
    results.from_finalize = true;
}

const FINALIZE: Command = Command::Finalize { channel: None };

#[tokio::test]
async fn final_words_that_come_twice_are_taken_once() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(1000);
    socket.audio(7680).await;
    for _ in 0..2 {
        socket
            .results((0, 600), "Two eggs.", |results| results.is_final = true)
            .await;
    }
    socket
        .results((600, 1000), "And tea.", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.text, "Two eggs.");
    assert_eq!(call.next().await.text, "And tea.");
}

#[tokio::test]
async fn words_come_with_their_place_in_the_ear_and_a_question_is_answered() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(1000);
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await, (8000, FINALIZE));
    socket.results((0, 600), "two", |_| {}).await;
    socket.results((0, 1000), "Two eggs.", finalized).await;
    let interim = call.next().await;
    assert_eq!(
        (interim.text.as_str(), interim.settled, interim.until),
        ("two", false, 600 * MS)
    );
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.answers, heard.until),
        ("Two eggs.", Some(1), 8000)
    );
    assert_eq!(heard.confidence_pm, 870);
    drop(call.stream);
    assert_eq!(socket.command().await.1, Command::CloseStream);
    call.over.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_answered_by_the_final_words_however_late() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_in_time(800).await;
    call.stream.finalize(&call.ring);
    socket.command().await;
    socket.results((0, 700), "see you at", |_| {}).await;
    assert_eq!(call.next().await.answers, None);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(call.heard.try_recv().is_err(), "they are owed");
    socket.results((0, 800), "See you at", finalized).await;
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.answers),
        ("See you at", Some(1))
    );
    call.hear(800);
    socket
        .results((800, 1500), "eight", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.text, "eight");
}

#[tokio::test]
async fn a_broken_socket_is_opened_again_and_no_audio_is_lost() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(1600);
    socket.audio(12_800).await;
    socket
        .results((0, 400), "hello", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.text, "hello");
    let frame = CloseFrame {
        code: 1011.into(),
        reason: "NET-0000".into(),
    };
    socket.0.close(Some(frame)).await.unwrap();
    while socket.0.next().await.is_some_and(|message| message.is_ok()) {}
    let again = call.heard.recv().await.unwrap();
    assert_eq!(again.hint, Some(TurnHint::Again));
    assert!(call.stream.words(again).is_some(), "of this turn");
    call.hear(400);
    call.stream.finalize(&call.ring);
    let mut socket = fake.accept().await;
    let (samples, command) = socket.command().await;
    assert_eq!(command, FINALIZE);
    assert_eq!(
        samples,
        1600 * 8,
        "all since the last final words, and what came meanwhile"
    );
    socket
        .results((0, 1600), "I would like a table", finalized)
        .await;
    let heard = call.next().await;
    assert_eq!((heard.answers, heard.until), (Some(1), 2000 * MS));
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_a_provider_that_stays_away_is_given_up() {
    let (fake, call) = Fake::start().await;
    let (mut stream, _) = fake.listener.accept().await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let _ = stream.read(&mut [0; 4096]).await.unwrap();
    let body = r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#;
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Refused);
    assert_eq!(
        failure.detail,
        "deepgram answered 401: Invalid credentials."
    );

    let (fake, call) = Fake::start().await;
    drop(fake.listener);
    let begun = Instant::now();
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Unreachable);
    let after = begun.elapsed().as_secs_f64();
    assert!((1.9..8.0).contains(&after), "given up after {after:.1} s");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_audio_and_answers_nothing_is_given_up_when_it_is_asked() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_silence_in_time(2000).await;
    call.hear_in_time(1900).await;
    call.hear_silence_in_time(100).await;
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await, (32_000, FINALIZE));
    let asked = tokio::time::Instant::now();
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.detail, "deepgram takes audio and answers nothing");
    assert!(!failure.passing && asked.elapsed() < Duration::from_millis(500));
    assert!(call.heard.try_recv().is_err(), "silence is no answer");
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_given_up_while_the_caller_still_speaks() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let _socket = fake.accept().await;
    call.hear_silence_in_time(6000).await;
    assert!(!call.over.is_finished(), "silence needs no answer");
    let spoke = tokio::time::Instant::now();
    let Call {
        mut stream,
        mut ring,
        over,
        ..
    } = call;
    let speaking = async {
        loop {
            ring.push(&[0x55; 160]);
            stream.feed(&ring);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let failure = tokio::select! {
        () = speaking => unreachable!(),
        over = over => over.unwrap().unwrap_err(),
    };
    assert_eq!(failure.detail, "deepgram takes audio and answers nothing");
    let after = spoke.elapsed().as_millis();
    assert!((1900..2300).contains(&after), "after {after} ms");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_gets_its_audio_all_at_once_is_given_the_time_to_hear_it() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear(4000);
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await, (32_000, FINALIZE));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    socket.results((0, 1000), "I would", |_| {}).await;
    assert_eq!(call.next().await.answers, None);
    tokio::time::sleep(Duration::from_millis(700)).await;
    socket
        .results((0, 4000), "I would like a table", finalized)
        .await;
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.answers),
        ("I would like a table", Some(1))
    );

    // What says nothing then either is deaf.
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    let sent = tokio::time::Instant::now();
    call.hear(4000);
    call.stream.finalize(&call.ring);
    socket.command().await;
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.detail, "deepgram takes audio and answers nothing");
    let after = sent.elapsed().as_millis();
    assert!((2000..2600).contains(&after), "after {after} ms");
}

impl Socket {
    fn break_off(self) {
        drop(self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_something_and_breaks_each_time_is_given_up_after_three() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let begun = tokio::time::Instant::now();
    call.hear(1000);
    for _ in 0..3 {
        let mut socket = fake.accept().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        // Words that are not settled serve no turn, and neither do final ones that are none.
        socket.results((0, 500), "I", |_| {}).await;
        socket
            .results((500, 600), "", |results| results.is_final = true)
            .await;
        assert_eq!(call.next().await.text, "I");
        socket.break_off();
    }
    let failure = call.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FaultKind::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn where_another_recogniser_stands_by_the_second_break_in_a_turn_is_the_last() {
    for words in [true, false] {
        tick();
        let (fake, mut call) = Fake::start().await;
        call.stream.relieve();
        for nth in 0..2 {
            let mut socket = fake.accept().await;
            call.hear_in_time(480).await;
            if words {
                let span = (0, 400);
                socket
                    .results(span, "I", |results| results.is_final = true)
                    .await;
                assert_eq!(call.next().await.text, "I");
            }
            assert!(!call.over.is_finished(), "break {nth}");
            socket.break_off();
        }
        let broken = tokio::time::Instant::now();
        let failure = call.over.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, FaultKind::Unreachable);
        assert!(broken.elapsed() < Duration::from_millis(50), "at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_break_in_each_of_many_turns_is_borne_though_another_recogniser_stands_by() {
    tick();
    let (fake, mut call) = Fake::start().await;
    call.stream.relieve();
    for _ in 0..4 {
        let mut socket = fake.accept().await;
        call.hear_in_time(400).await;
        socket
            .results((0, 800), "yes", |results| results.is_final = true)
            .await;
        assert_eq!(call.next().await.text, "yes");
        call.hear_silence_in_time(5200).await;
        call.hear_in_time(400).await;
        socket.break_off();
        tokio::time::sleep(Duration::from_millis(5)).await;
        call.stream.new_turn(&call.ring);
    }
    fake.accept().await;
    assert!(!call.over.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_breaks_after_a_long_time_is_opened_again_though_nobody_spoke() {
    tick();
    let (fake, mut call) = Fake::start().await;
    for _ in 0..6 {
        let mut socket = fake.accept().await;
        call.hear_silence_in_time(6000).await;
        socket.results((0, 5900), "", |_| {}).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        socket.break_off();
    }
    fake.accept().await;
    assert!(!call.over.is_finished());
}

#[tokio::test(start_paused = true)]
async fn where_all_words_are_final_or_nobody_spoke_a_question_need_not_be_answered() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_in_time(1000).await;
    socket
        .results((0, 960), "Good morning.", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.text, "Good morning.");
    for number in 1..=2 {
        call.hear_silence_in_time(600).await;
        call.stream.finalize(&call.ring);
        assert_eq!(socket.command().await.1, FINALIZE);
        let asked = tokio::time::Instant::now();
        let heard = call.next().await;
        assert_eq!((heard.text.as_str(), heard.answers), ("", Some(number)));
        assert!(asked.elapsed() < Duration::from_millis(500));
    }
    // Where somebody spoke since, words are owed though there are no interim ones.
    call.hear_in_time(300).await;
    call.stream.finalize(&call.ring);
    socket.command().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(call.heard.try_recv().is_err());
    socket.results((960, 2500), "Yes.", finalized).await;
    let heard = call.next().await;
    assert_eq!((heard.text.as_str(), heard.answers), ("Yes.", Some(3)));
}

#[tokio::test(start_paused = true)]
async fn words_behind_a_pause_stand_behind_those_whose_final_ones_are_owed() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_in_time(1000).await;
    call.stream.finalize(&call.ring);
    socket.command().await;
    socket.results((0, 960), "i would like", |_| {}).await;
    assert_eq!(call.next().await.text, "i would like");
    call.hear_in_time(1000).await;
    call.stream.finalize(&call.ring);
    socket.command().await;
    for text in ["a", "a pizza"] {
        socket.results((1000, 1900), text, |_| {}).await;
        let heard = call.next().await;
        assert_eq!(heard.text, format!("i would like {text}"));
    }
    socket.results((0, 1000), "I would like", finalized).await;
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.answers),
        ("I would like", Some(1))
    );
    assert_eq!(
        call.stream.words(heard).unwrap().0.firmness,
        Firmness::Final,
        "speech went on since"
    );
    // They stand behind the final ones again.
    let heard = call.next().await;
    assert_eq!((heard.text.as_str(), heard.settled), ("a pizza", false));
    socket.results((1000, 2000), "a pizza.", finalized).await;
    let heard = call.next().await;
    assert_eq!((heard.text.as_str(), heard.answers), ("a pizza.", Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_final_that_comes_in_the_next_turn_is_of_the_one_before_and_leaves_that_its_words_and_its_question()
 {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_in_time(800).await;
    call.stream.finalize(&call.ring);
    socket.command().await;
    let first = |results: &mut Results| placed(results, &[(0, 300), (350, 700)]);
    socket.results((0, 700), "Alpha one.", first).await;
    assert_eq!(call.next().await.text, "Alpha one.");
    tokio::time::sleep(Duration::from_millis(1000)).await;
    call.stream.new_turn(&call.ring);

    call.hear_in_time(1000).await;
    socket
        .results((800, 1700), "Bravo two.", |results| {
            placed(results, &[(900, 1200), (1250, 1600)]);
        })
        .await;
    let heard = call.next().await;
    assert_eq!(call.stream.late(&heard), None);
    let (words, _) = call.stream.words(heard).unwrap();
    assert_eq!(words.text, "Bravo two.");
    call.stream.finalize(&call.ring);
    assert_eq!(socket.command().await.1, FINALIZE);
    socket
        .results((0, 800), "Alpha won.", |results| {
            first(results);
            finalized(results);
        })
        .await;
    let heard = call.next().await;
    assert_eq!(heard.answers, Some(1));
    let late = call.stream.late(&heard).unwrap();
    assert_eq!(
        (late.text.as_str(), late.firmness, late.scope),
        ("Alpha won.", Firmness::Flushed, Scope::Before)
    );
    assert_eq!(call.stream.words(heard), None);
    assert_eq!(call.next().await.text, "Bravo two.");
    socket.results((800, 1800), "Bravo two.", finalized).await;
    let heard = call.next().await;
    assert_eq!(
        (heard.text.as_str(), heard.answers),
        ("Bravo two.", Some(3))
    );
    assert_eq!(
        call.stream.words(heard).unwrap().0.firmness,
        Firmness::Flushed
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_audio_is_not_held_against_a_socket() {
    tick();
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    call.hear_in_time(1000).await;
    socket.audio(7680).await;
    socket
        .results((0, 960), "hello", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.text, "hello");
    // The carrier sends nothing for a while, and then what it held back.
    let pause = tokio::time::sleep(Duration::from_secs(9));
    let listening = async { while socket.0.next().await.is_some() {} };
    tokio::select! { () = pause => {}, () = listening => panic!("it closed") }
    call.hear_silence_in_time(400).await;
    call.stream.finalize(&call.ring);
    while socket.command().await.1 != FINALIZE {}
    let heard = call.next().await;
    assert_eq!((heard.text.as_str(), heard.answers), ("", Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_socket_without_audio_is_kept_open_by_silence_and_later_by_messages() {
    let (fake, mut call) = Fake::start().await;
    let mut socket = fake.accept().await;
    let Message::Binary(silence) = socket.0.next().await.unwrap().unwrap() else {
        panic!("no audio")
    };
    assert_eq!(silence[..], [0xff; 640]);
    call.hear(400);
    assert_eq!(socket.command().await, (3200, Command::KeepAlive));
    // Silence that was sent before the call is no part of the ear.
    socket
        .results((80, 480), "hi", |results| results.is_final = true)
        .await;
    assert_eq!(call.next().await.until, 400 * MS);
}
