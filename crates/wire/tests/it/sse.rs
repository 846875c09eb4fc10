use proptest::collection::vec;
use proptest::prelude::*;
use ringback_wire::sse::{Decoder, Event, Oversize, write_comment, write_event};

fn event(name: Option<&str>, data: &str) -> Event {
    Event {
        name: name.map(str::to_owned),
        data: data.to_owned(),
        ..Event::default()
    }
}

fn drain(decoder: &mut Decoder, into: &mut Vec<Event>) {
    while let Some(event) = decoder.poll() {
        into.push(event);
    }
}

/// The events of a stream in pieces, and why it broke off.
fn read(pieces: &[&[u8]], line: usize, size: usize) -> (Vec<Event>, Option<Oversize>) {
    let mut decoder = Decoder::with_limits(line, size);
    let mut events = Vec::new();
    let mut broken = None;
    for piece in pieces {
        broken = decoder.push(piece).err();
        drain(&mut decoder, &mut events);
    }
    events.extend(decoder.finish());
    (events, broken)
}

fn whole(stream: &str) -> Vec<Event> {
    let (events, broken) = read(&[stream.as_bytes()], 1000, 1000);
    assert_eq!(broken, None);
    events
}

#[test]
fn lines_end_by_line_feed_carriage_return_or_both() {
    let expected = [event(None, "a"), event(Some("x"), "b\nc")];
    for end in ["\n", "\r", "\r\n"] {
        let stream = ["data: a", "", "event: x", "data: b", "data: c", "", ""].join(end);
        assert_eq!(whole(&stream), expected, "{end:?}");
    }
}

#[test]
fn comments_blank_lines_and_events_without_data_are_nothing() {
    assert_eq!(
        whole(": keep-alive\n\n\n\nevent: lost\n\ndata\n\ndata:\n\nunknown: 1\ndata:x\n\n"),
        [event(None, "x")]
    );
}

#[test]
fn one_space_after_the_colon_is_dropped_and_only_one() {
    assert_eq!(whole("data:  x\n\n"), [event(None, " x")]);
    assert_eq!(whole("data:x:y\n\n"), [event(None, "x:y")]);
}

#[test]
fn an_empty_data_line_is_a_line_of_the_data() {
    assert_eq!(whole("data: a\ndata\ndata: b\n\n"), [event(None, "a\n\nb")]);
    assert_eq!(whole("data\ndata\n\n"), [event(None, "\n")]);
}

#[test]
fn the_byte_order_mark_is_dropped_at_the_start_only() {
    assert_eq!(
        whole("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: \u{feff}\n\n"),
        [event(None, "a"), event(None, "\u{feff}")]
    );
}

#[test]
fn id_and_retry_are_read_and_nonsense_in_them_is_not() {
    let mut told = event(None, "a");
    told.id = Some("7".to_owned());
    told.retry_ms = Some(1500);
    assert_eq!(
        whole("id: 7\nretry: 1500\ndata: a\n\nid: a\0b\nretry: 1s\ndata: b\n\n"),
        [told, event(None, "b")]
    );
}

#[test]
fn bytes_that_are_no_utf8_become_replacement_characters() {
    let (events, _) = read(&[b"data: a\xff\xc3\n\n"], 100, 100);
    assert_eq!(events, [event(None, "a\u{fffd}\u{fffd}")]);
}

#[test]
fn an_event_without_its_blank_line_comes_at_the_end() {
    let mut decoder = Decoder::default();
    decoder.push(b"data: [DONE]").unwrap();
    assert_eq!(decoder.poll(), None);
    assert_eq!(decoder.finish(), Some(event(None, "[DONE]")));
    assert_eq!(decoder.finish(), None);
}

#[test]
fn an_endless_line_is_an_error_and_not_memory() {
    let mut decoder = Decoder::with_limits(16, 100);
    decoder.push(b"data: a\n\n:").unwrap();
    decoder.push(&[b'x'; 15]).unwrap();
    let oversize = Err(Oversize::Line { limit: 16 });
    assert_eq!(decoder.push(b"x"), oversize);
    assert_eq!(decoder.push(b"\n\ndata: late\n\n"), oversize);
    assert_eq!(decoder.poll(), Some(event(None, "a")));
    assert_eq!(decoder.finish(), None);
}

#[test]
fn an_endless_event_is_an_error_too() {
    let fits = "data: 12345\ndata: 1234\n\n";
    let (events, broken) = read(&[fits.as_bytes()], 100, 10);
    assert_eq!((events.len(), broken), (1, None));
    let long = "data: 12345\ndata: 12345\n\n";
    let (events, broken) = read(&[long.as_bytes()], 100, 10);
    assert_eq!(
        (events.len(), broken),
        (0, Some(Oversize::Event { limit: 10 }))
    );
}

#[test]
fn what_is_written_keeps_its_lines_and_cannot_break_out() {
    let mut out = String::new();
    write_comment(&mut out, "ping\n\ndata: no");
    write_event(&mut out, Some("a\nb"), "1\r\n2\r3\n\ndata: 4");
    assert_eq!(
        out,
        ": ping  data: no\n\nevent: ab\ndata: 1\ndata: 2\ndata: 3\ndata: \ndata: data: 4\n\n"
    );
    assert_eq!(whole(&out), [event(Some("ab"), "1\n2\n3\n\ndata: 4")]);
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(vec![
        b"data: ".as_slice(),
        b"data",
        b"event:",
        b"id: 1",
        b"retry: 20",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b":",
        b"\xef\xbb\xbf",
        "ä€".as_bytes(),
        b"{\"a\":1}",
        b"\xff",
    ]);
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn where_the_bytes_are_split_changes_nothing(stream in stream(), cuts in vec(0_usize..200, 0..8)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        for (line, size) in [(1000, 1000), (12, 16)] {
            prop_assert_eq!(read(&pieces, line, size), read(&[&stream], line, size));
        }
    }

    #[test]
    fn what_is_written_is_read_again(name in proptest::option::of("[a-z.]{1,12}"), data in "[^\r]{1,40}") {
        let mut out = String::new();
        write_event(&mut out, name.as_deref(), &data);
        prop_assert_eq!(whole(&out), [event(name.as_deref(), &data)]);
    }
}
