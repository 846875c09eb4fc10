//! What must hold for any bytes that claim to be a stream of events.
//! The fuzz target runs this on what it invents, the tests of `ringback-wire` on the committed corpus.

use ringback_wire::sse::{Decoder, Event, Oversize, write_event};

/// The first byte says where to cut: the events are the same, and what is written is read again.
pub fn stream(data: &[u8]) {
    let Some((&width, stream)) = data.split_first() else {
        return;
    };
    let (events, broken) = read(Decoder::with_limits(4096, 8192), [stream].into_iter());
    let pieces = stream.chunks(usize::from(width).max(1));
    assert_eq!(
        read(Decoder::with_limits(4096, 8192), pieces),
        (events.clone(), broken)
    );
    for event in events {
        let mut again = String::new();
        write_event(&mut again, event.name.as_deref(), &event.data);
        let (once_more, _) = read(Decoder::default(), [again.as_bytes()].into_iter());
        assert_eq!(once_more.len(), 1);
        assert_eq!(once_more[0].name, event.name);
        assert_eq!(once_more[0].data, event.data);
    }
}

fn read<'a>(
    mut decoder: Decoder,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Event>, Option<Oversize>) {
    let mut broken = None;
    let mut events = Vec::new();
    for piece in pieces {
        broken = decoder.push(piece).err();
        events.extend(std::iter::from_fn(|| decoder.poll()));
    }
    events.extend(decoder.finish());
    (events, broken)
}
