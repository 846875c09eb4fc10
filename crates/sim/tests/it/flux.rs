//! Deepgram's turn-based recognition, Flux, over real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback_sim::providers::{Hearing, Options, Rule, Running, State};
use ringback_wire::deepgram::flux::{
    self as wire, Command, Configure, Event, Query, Thresholds, Trigger, TurnEvent, TurnInfo, parse,
};
use ringback_wire::deepgram::http_error::HttpError;
use tokio_tungstenite::tungstenite::Message;

use crate::deepgram::{KEY, YES, script, speak};
use crate::twins::{Line, connect, start_with, text, upgrade};

fn query() -> Query {
    Query {
        eager_eot_threshold: Some(0.5),
        ..Query::telephone("flux-general-en")
    }
}

async fn open(twins: &Running, query: &Query) -> Line {
    connect(
        &twins.url(),
        &format!("{}?{}", wire::PATH, query.to_query()),
        &[KEY],
    )
    .await
}

async fn say(line: &mut Line, command: &Command) {
    line.send(command.to_text().into()).await.unwrap();
}

async fn all(line: &mut Line) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(text) = text(line).await {
        events.extend(parse(&text));
    }
    events
}

fn turn(event: &Event) -> Option<&TurnInfo> {
    if let Event::TurnInfo(turn) = event {
        Some(turn)
    } else {
        None
    }
}

fn turns(events: &[Event]) -> Vec<&TurnInfo> {
    events.iter().filter_map(turn).collect()
}

/// What happened besides updates, with the words.
fn story(events: &[Event]) -> Vec<(TurnEvent, &str)> {
    let turns = turns(events)
        .into_iter()
        .filter(|turn| turn.event != TurnEvent::Update);
    turns
        .map(|turn| (turn.event.clone(), turn.transcript.as_str()))
        .collect()
}

#[tokio::test]
async fn a_turn_begins_is_guessed_and_ends_with_the_guess() {
    let twins = start_with(script(&["Yes, Tuesday at four works."])).await;
    let mut line = open(&twins, &query()).await;
    for _ in 0..2 {
        speak(&mut line, YES, 600).await;
    }
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    assert!(
        matches!(events[0], Event::Connected { sequence_id: 0, .. }),
        "{events:?}"
    );
    let turns = turns(&events);
    let numbers: Vec<_> = turns.iter().map(|turn| turn.sequence_id).collect();
    assert_eq!(numbers, (1..=turns.len() as u64).collect::<Vec<_>>());
    assert!(turns.iter().any(|turn| turn.event == TurnEvent::Update));
    let full = "Yes, Tuesday at four works.";
    let story = story(&events);
    assert_eq!(story.len(), 6, "{story:?}");
    for (number, turn) in story.chunks(3).enumerate() {
        assert_eq!(turn[0].0, TurnEvent::StartOfTurn);
        assert!(!turn[0].1.is_empty() && turn[0].1.len() < full.len());
        assert_eq!(turn[1], (TurnEvent::EagerEndOfTurn, full));
        assert_eq!(turn[2], (TurnEvent::EndOfTurn, full));
        let end = turns
            .iter()
            .filter(|turn| turn.event == TurnEvent::EndOfTurn)
            .nth(number)
            .unwrap();
        assert_eq!(
            (end.turn_index, &end.trigger),
            (number as u64, &Some(Trigger::Model))
        );
        assert!(end.end_of_turn_confidence >= 0.7 && end.end_of_turn_confidence < 0.8);
        assert_eq!(end.words.len(), 5);
        assert!(end.words[4].end.unwrap() < end.audio_window_end);
    }
}

#[tokio::test]
async fn a_speaker_who_goes_on_takes_the_guess_back() {
    let twins = start_with(script(&["One sentence in two halves."])).await;
    let mut line = open(
        &twins,
        &Query {
            eot_threshold: Some(0.99),
            ..query()
        },
    )
    .await;
    speak(&mut line, YES, 0).await;
    speak(&mut line, YES, 1500).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let kinds: Vec<_> = story(&events).into_iter().map(|(event, _)| event).collect();
    assert_eq!(
        kinds,
        [
            TurnEvent::StartOfTurn,
            TurnEvent::EagerEndOfTurn,
            TurnEvent::TurnResumed,
            TurnEvent::EagerEndOfTurn,
            TurnEvent::EndOfTurn
        ]
    );
}

#[tokio::test]
async fn a_turn_ends_by_time_or_by_force_where_the_model_never_ends_it() {
    let twins = start_with(script(&["Yes."])).await;
    let never = Query {
        eot_threshold: Some(1.0),
        eot_timeout_ms: Some(700),
        ..Query::telephone("flux-general-en")
    };
    let mut line = open(&twins, &never).await;
    speak(&mut line, YES, 1000).await;
    speak(&mut line, YES, 100).await;
    say(&mut line, &Command::ForceEndTurn).await;
    say(&mut line, &Command::ForceEndTurn).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let ends: Vec<_> = turns(&events)
        .into_iter()
        .filter_map(|turn| turn.trigger.clone())
        .collect();
    assert_eq!(ends, [Trigger::Timeout, Trigger::Manual]);
}

#[tokio::test]
async fn closing_brings_an_update_and_no_end_and_no_code() {
    let twins = start_with(script(&["Half a turn."])).await;
    let mut line = open(&twins, &Query::telephone("flux-general-en")).await;
    speak(&mut line, &YES[..11_200], 0).await;
    say(&mut line, &Command::CloseStream).await;
    let mut last = None;
    let code = loop {
        match line.next().await.unwrap().unwrap() {
            Message::Text(text) => last = Some(parse(&text).unwrap()),
            Message::Close(frame) => break frame,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    };
    assert!(code.is_none(), "{code:?}");
    let Some(Event::TurnInfo(turn)) = last else {
        panic!("{last:?}")
    };
    assert_eq!(
        (turn.event, turn.transcript.as_str()),
        (TurnEvent::Update, "Half a turn.")
    );
    assert_eq!(twins.requests()[0].state, State::Done);
}

#[tokio::test]
async fn settings_change_in_the_middle_and_wrong_ones_do_not() {
    let twins = start_with(script(&["Yes."])).await;
    let mut line = open(&twins, &query()).await;
    assert!(matches!(
        parse(&text(&mut line).await.unwrap()).unwrap(),
        Event::Connected { .. }
    ));
    let thresholds = |eot_threshold| Thresholds {
        eot_threshold: Some(eot_threshold),
        ..Thresholds::default()
    };
    let change = |value| Configure {
        thresholds: thresholds(value),
        keyterms: Some(vec!["Oakhurst".to_owned()]),
        ..Configure::default()
    };
    say(&mut line, &Command::Configure(change(0.9))).await;
    let Event::ConfigureSuccess {
        thresholds,
        keyterms,
        ..
    } = parse(&text(&mut line).await.unwrap()).unwrap()
    else {
        panic!("it is taken");
    };
    assert_eq!(
        (thresholds.eot_threshold, thresholds.eager_eot_threshold),
        (Some(0.9), Some(0.5))
    );
    assert_eq!(keyterms, ["Oakhurst"]);
    say(&mut line, &Command::Configure(change(0.2))).await;
    let Event::ConfigureFailure {
        description,
        sequence_id,
        ..
    } = parse(&text(&mut line).await.unwrap()).unwrap()
    else {
        panic!("it is not taken");
    };
    assert!(
        description.contains("eot_threshold") && sequence_id == 2,
        "{description} {sequence_id}"
    );
}

#[tokio::test]
async fn a_keep_alive_kills_the_stream() {
    let twins = start_with(script(&["Yes."])).await;
    let mut line = open(&twins, &query()).await;
    line.send(r#"{"type":"KeepAlive"}"#.into()).await.unwrap();
    let events = all(&mut line).await;
    let Some(Event::Error { code, .. }) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(code, wire::UNPARSABLE_CLIENT_MESSAGE);
    assert_eq!(twins.requests()[0].state, State::Refused);
}

#[tokio::test]
async fn pings_hold_a_stream_that_silence_would_end() {
    let mut options = script(&["Yes."]);
    options.limits.flux_idle = Duration::from_millis(900);
    let twins = start_with(options).await;
    let (mut held, mut left) = (open(&twins, &query()).await, open(&twins, &query()).await);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        held.send(Message::Ping(Vec::new().into())).await.unwrap();
    }
    assert_eq!(all(&mut left).await.len(), 1, "it has ended");
    speak(&mut held, YES, 600).await;
    say(&mut held, &Command::CloseStream).await;
    assert!(!story(&all(&mut held).await).is_empty());
}

#[tokio::test]
async fn a_handshake_that_breaks_a_rule_is_refused() {
    let twins = start_with(script(&["Yes."])).await;
    let good = query().to_query();
    for (query, named) in [
        (format!("{good}&punctuate=true"), "punctuate"),
        (good.replace("flux-general-en", "nova-3"), "model"),
        (good.replace("flux-general-en", "flux-general-xx"), "model"),
        (good.replace("8000", "11025"), "sample_rate"),
        (good.replace("=0.5", "=0.1"), "eager_eot_threshold"),
    ] {
        let (status, _, body) = upgrade(&twins.url(), &format!("{}?{query}", wire::PATH), &[KEY])
            .await
            .unwrap_err();
        let error = HttpError::read(&body);
        assert!(
            status == 400 && error.message.contains(named),
            "{query}: {error:?}"
        );
    }
}

#[tokio::test]
async fn real_words_are_heard() {
    let twins = start_with(Options {
        hearing: Hearing::Decoders(1),
        ..Options::default()
    })
    .await;
    let mut line = open(&twins, &query()).await;
    speak(&mut line, YES, 800).await;
    say(&mut line, &Command::ForceEndTurn).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let ends: Vec<_> = turns(&events)
        .into_iter()
        .filter(|turn| turn.event == TurnEvent::EndOfTurn)
        .collect();
    assert!(
        ends.len() == 1 && ends[0].transcript == "Yes please.",
        "{ends:?}"
    );
}

#[tokio::test]
async fn knobs_bend_the_ends_of_turns() {
    let ends = async |knobs: &str| {
        let twins = start_with(script(&["Yes."])).await;
        twins.set(Rule::parse_flag(&format!("deepgram.flux:{knobs}")).unwrap());
        let mut line = open(&twins, &query()).await;
        speak(&mut line, YES, 800).await;
        say(&mut line, &Command::CloseStream).await;
        let events = all(&mut line).await;
        let ends = turns(&events)
            .into_iter()
            .filter(|turn| turn.event == TurnEvent::EndOfTurn)
            .count();
        (ends, events.len())
    };
    assert_eq!(ends("double_final").await.0, 2);
    assert_eq!(ends("no_final").await.0, 0);
    assert_eq!(ends("silence").await, (0, 1));
    assert_eq!(ends("zero_bytes").await, (0, 0));
    assert_eq!(ends("garbage").await, (0, 0));
    assert_eq!(ends("late_ms=300").await.0, 1);
    assert_eq!(ends("disconnect_after=2").await, (0, 2));
}
