//! A server that speaks just enough HTTP/2 (RFC 9113) to see how a request is closed.

use std::time::Duration;

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant, timeout};

use super::super::client::builder;
use super::super::{Api, Tab, Wrote};
use super::prompt;
use crate::provider::Failure;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SOON: Duration = Duration::from_secs(5);
/// Kinds of frames, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
/// Error code, section 7.
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// HPACK (RFC 7541): field 8 of the static table, `:status: 200`.
const STATUS_200: &[u8] = &[0x88];
const PING: u8 = 6;
/// Flags of frames.
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

async fn read(socket: &mut TcpStream) -> Frame {
    let mut head = [0; 5];
    socket.read_exact(&mut head).await.unwrap();
    let [a, b, c, kind, _flags] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let stream = socket.read_u32().await.unwrap();
    let mut payload = vec![0; length as usize];
    socket.read_exact(&mut payload).await.unwrap();
    Frame {
        kind,
        stream,
        payload,
    }
}

async fn until(socket: &mut TcpStream, kind: u8) -> Frame {
    let search = async {
        loop {
            let frame = read(socket).await;
            if frame.kind == kind {
                return frame;
            }
        }
    };
    timeout(SOON, search).await.unwrap()
}

async fn write(socket: &mut TcpStream, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    socket.write_all(&[a, b, c, kind, flags]).await.unwrap();
    socket.write_u32(stream).await.unwrap();
    socket.write_all(payload).await.unwrap();
}

struct Asking {
    wrote: UnboundedReceiver<Wrote>,
    over: JoinHandle<Result<(), Failure>>,
}

fn ask(client: &Client, listener: &TcpListener) -> Asking {
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (client, model) = (client.clone(), super::model(&url, Api::Chat));
    let (tell, wrote) = mpsc::unbounded_channel();
    let over = tokio::spawn(async move {
        let mut say = |more| tell.send(more).unwrap();
        model
            .answer(&client, &prompt(), &Tab::default(), &mut say)
            .await
    });
    Asking { wrote, over }
}

/// Takes a connection and its first request, and answers with one word. Which stream it was.
async fn answer(listener: &TcpListener) -> (TcpStream, u32) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await.unwrap();
    assert_eq!(preface, PREFACE);
    write(&mut socket, SETTINGS, 0, 0, &[]).await;
    let stream = until(&mut socket, HEADERS).await.stream;
    write(&mut socket, HEADERS, END_HEADERS, stream, STATUS_200).await;
    let event = b"data: {\"choices\":[{\"delta\":{\"content\":\"Friday\"}}]}\n\n";
    write(&mut socket, DATA, 0, stream, event).await;
    (socket, stream)
}

fn http2() -> (Client, impl Future<Output = TcpListener>) {
    let client = builder(None).unwrap().http2_prior_knowledge();
    let listener = async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    (client.build().unwrap(), listener)
}

#[tokio::test]
async fn who_stops_in_the_middle_of_an_answer_resets_its_stream_alone() {
    let (client, listener) = http2();
    let listener = listener.await;
    let mut asking = ask(&client, &listener);
    let (mut socket, stream) = answer(&listener).await;
    let first = timeout(SOON, asking.wrote.recv()).await.unwrap();
    assert_eq!(first, Some(Wrote::Began));

    asking.over.abort();
    let reset = until(&mut socket, RST_STREAM).await;
    assert_eq!((reset.stream, reset.payload), (stream, CANCEL.to_vec()));

    let asking = ask(&client, &listener);
    let again = until(&mut socket, HEADERS).await;
    assert!(again.stream > stream, "on the same connection");
    asking.over.abort();
}

#[tokio::test]
async fn an_idle_connection_is_asked_whether_it_still_lives() {
    let (client, listener) = http2();
    let listener = listener.await;
    let asking = ask(&client, &listener);
    let (mut socket, stream) = answer(&listener).await;
    write(&mut socket, DATA, END_STREAM, stream, b"data: [DONE]\n\n").await;
    assert_eq!(asking.over.await.unwrap(), Ok(()));

    // The one that measures the way; then virtual time, which must not overtake the answer to it.
    let measuring = until(&mut socket, PING).await;
    write(&mut socket, PING, ACK, 0, &measuring.payload).await;
    time::sleep(Duration::from_millis(100)).await;
    time::pause();
    let idle = Instant::now();
    while read(&mut socket).await.kind != PING {}
    // The client's own patience may pass before this task is told of the frame.
    let expected = Duration::from_secs(19)..Duration::from_secs(26);
    assert!(expected.contains(&idle.elapsed()), "{:?}", idle.elapsed());
}
