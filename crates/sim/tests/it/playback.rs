use proptest::prelude::*;
use ringback_audio::g711;
use ringback_sim::twilio::playback::Playback;

#[derive(Debug, Clone)]
enum Input {
    Push(usize),
    Mark,
    Clear,
    Advance(u64),
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let input = prop_oneof![
        4 => (0usize..900).prop_map(Input::Push),
        3 => Just(Input::Mark),
        1 => Just(Input::Clear),
        4 => (0u64..900).prop_map(Input::Advance),
    ];
    proptest::collection::vec(input, 0..60)
}

/// What a run left behind.
#[derive(Default)]
struct Run {
    /// Every audible byte given, in order, that no clear took.
    given: Vec<u8>,
    played: Vec<u8>,
    marks_given: usize,
    marks_back: Vec<usize>,
    /// Audible bytes given before each mark, counting only what was not cleared.
    due_after: Vec<usize>,
}

impl Run {
    fn audible(&self) -> usize {
        self.played
            .iter()
            .filter(|&&byte| byte != g711::SILENCE)
            .count()
    }
}

fn run(inputs: Vec<Input>, jitter: u64) -> Result<Run, TestCaseError> {
    let mut playback = Playback::new(jitter);
    let mut run = Run::default();
    let mut at = 0;
    let mut inputs = inputs;
    inputs.push(Input::Advance(60_000));
    for input in inputs {
        match input {
            Input::Push(length) => {
                // Never the byte of silence, so that what is played can be told apart.
                let bytes: Vec<u8> = (0..length)
                    .map(|n| ((run.given.len() + n) % 250) as u8)
                    .collect();
                prop_assert!(playback.push(&bytes));
                run.given.extend_from_slice(&bytes);
            }
            Input::Mark => {
                let number = run.marks_given;
                run.marks_given += 1;
                run.due_after.push(run.given.len());
                if let Some(name) = playback.mark(number.to_string()) {
                    prop_assert_eq!(run.audible(), run.given.len(), "a mark overtook its audio");
                    run.marks_back.push(name.parse().unwrap());
                }
            }
            Input::Clear => {
                let cleared = playback.clear();
                run.given.truncate(run.given.len() - cleared.dropped);
                for name in &cleared.marks {
                    run.marks_back.push(name.parse().unwrap());
                }
                prop_assert_eq!(playback.buffered(), 0);
            }
            Input::Advance(samples) => {
                let before = run.audible();
                at += samples;
                let played = playback.advance(at);
                prop_assert_eq!(played.audio.len() as u64, samples);
                run.played.extend_from_slice(&played.audio);
                for (mark_at, name) in played.marks {
                    let number: usize = name.parse().unwrap();
                    let until = usize::try_from(mark_at).unwrap();
                    let heard = run.played[..until]
                        .iter()
                        .filter(|&&b| b != g711::SILENCE)
                        .count();
                    prop_assert!(heard >= before);
                    prop_assert_eq!(heard, run.due_after[number].min(run.given.len()));
                    run.marks_back.push(number);
                }
            }
        }
    }
    Ok(run)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_that_was_not_cleared_is_played_once_and_in_order(inputs in inputs(), jitter in 0u64..500) {
        let run = run(inputs, jitter)?;
        let audible: Vec<u8> = run.played.into_iter().filter(|&byte| byte != g711::SILENCE).collect();
        prop_assert_eq!(audible, run.given);
    }

    #[test]
    fn every_mark_comes_back_exactly_once_and_in_order(inputs in inputs(), jitter in 0u64..500) {
        let run = run(inputs, jitter)?;
        let expected: Vec<usize> = (0..run.marks_given).collect();
        prop_assert_eq!(run.marks_back, expected);
    }

    #[test]
    fn how_often_the_clock_is_read_changes_nothing(pieces in proptest::collection::vec(1usize..900, 1..20), step in 1u64..400) {
        let (mut coarse, mut fine) = (Playback::new(320), Playback::new(320));
        for playback in [&mut coarse, &mut fine] {
            for (index, &length) in pieces.iter().enumerate() {
                playback.push(&vec![7; length]);
                playback.mark(index.to_string());
            }
        }
        let whole = coarse.advance(20_000);
        let (mut audio, mut marks, mut at) = (Vec::new(), Vec::new(), 0);
        while at < 20_000 {
            at = (at + step).min(20_000);
            let played = fine.advance(at);
            audio.extend(played.audio);
            marks.extend(played.marks);
        }
        prop_assert_eq!(audio, whole.audio);
        prop_assert_eq!(marks, whole.marks);
    }
}
