//! Media sockets that break the rules are closed with a code, and the call beside them goes on.

use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use crate::barge_in::story;
use crate::http::ask;
use crate::media::{Announced, Peer, announce, media, start};
use crate::server::Server;
use crate::sound;
use crate::telephone::in_real_time;
use crate::until;

const CALL: &str = "CA00000000000000000000000000000009";

/// Opens a socket, sends a message, and tells how it is closed.
async fn closed(url: &str, message: impl Into<Message>) -> (u16, String) {
    let mut peer = Peer::open(url).await;
    peer.send(message).await;
    peer.closed(2).await
}

fn check(what: &str, (code, reason): (u16, String), expected: (u16, &str)) -> anyhow::Result<()> {
    anyhow::ensure!(
        code == expected.0 && reason.contains(expected.1),
        "{what}: closed with {code} {reason:?}, not {expected:?}"
    );
    Ok(())
}

/// Waits until the call beside them is the only one: files are closed after the socket.
fn settled(server: &Server) {
    until("the end of a call", Duration::from_secs(3), || {
        let page = ask(server.address(), "GET", "/", &[], "").ok()?.body;
        page.contains("live calls: <strong>1</strong>")
            .then_some(())
    });
}

async fn before_the_start(server: &Server) -> anyhow::Result<()> {
    let url = format!("ws://{}/ws", server.address());
    let begun = Instant::now();
    let mut silent = Peer::open(&url).await;
    check(
        "a binary frame",
        closed(&url, vec![1_u8, 2, 3]).await,
        (1003, "binary"),
    )?;
    check(
        "garbage",
        closed(&url, "{\"event\": nonsense".to_owned()).await,
        (1007, "cannot be read"),
    )?;
    check(
        "a message of 1 MB",
        closed(&url, "x".repeat(1 << 20)).await,
        (1009, "65536"),
    )?;
    check(
        "no token",
        closed(&url, start(CALL, "made up")).await,
        (1008, "token"),
    )?;
    check(
        "no start",
        silent.closed(7).await,
        (1008, "no start message within 5 s"),
    )?;
    let after = begun.elapsed().as_secs_f64();
    anyhow::ensure!(
        (4.9..6.5).contains(&after),
        "no start: closed after {after:.1} s"
    );
    Ok(())
}

async fn after_the_start(server: &Server) -> anyhow::Result<()> {
    let before = server.log().len();
    let talking = async || {
        let Announced { socket, token, .. } = announce(server, "closed", CALL, &[]);
        let mut peer = Peer::open(&socket).await;
        for _ in 0..5 {
            peer.send(media(crate::media::STREAM)).await;
        }
        peer.send(start(CALL, &token)).await;
        peer.hears().await;
        (peer, socket, token)
    };
    let (mut peer, socket, token) = talking().await;
    check(
        "a second socket",
        closed(&socket, start(CALL, &token)).await,
        (1008, "live media socket already"),
    )?;
    peer.hears().await;
    peer.send(media("MZ00000000000000000000000000000002")).await;
    check(
        "another stream's media",
        peer.closed(2).await,
        (1008, "streamSid of another stream"),
    )?;
    settled(server);
    check(
        "a used token",
        closed(&socket, start(CALL, &token)).await,
        (1008, "used before"),
    )?;
    for (what, message, expected) in [
        (
            "a binary frame",
            Message::from(vec![7_u8; 160]),
            (1003, "binary"),
        ),
        (
            "garbage",
            Message::from("no JSON at all"),
            (1007, "cannot be read"),
        ),
        (
            "a message of 1 MB",
            Message::from("x".repeat(1 << 20)),
            (1009, "65536"),
        ),
    ] {
        let (mut peer, ..) = talking().await;
        peer.send(message).await;
        check(what, peer.closed(2).await, expected)?;
        settled(server);
    }
    let log = server.log();
    let early: Vec<&str> = log[before..]
        .lines()
        .filter(|line| line.contains("media before start was dropped"))
        .collect();
    anyhow::ensure!(
        early.len() == 4 && early.iter().all(|line| line.contains("frames=5")),
        "four sockets began with 5 frames of media, the log says: {early:?}"
    );
    Ok(())
}

#[test]
fn bad_sockets_are_closed_with_a_code_while_another_call_goes_on() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = Server::with(&[])
        .scenario("closed", &story("\"yes_no\""))
        .start();
    in_real_time(&server, |server, late| {
        let other = server
            .call("closed")
            .kept()
            .script(&["wait_reply = 30000", "hang_up = true"])
            .place();
        let bad = runtime.block_on(async {
            before_the_start(server).await?;
            after_the_start(server).await
        });
        let other = other.over();
        let outcome = other.outcome(late)?;
        bad?;
        anyhow::ensure!(
            (other.status, outcome.ended.by.as_str()) == (0, "caller"),
            "{}",
            outcome.summary()
        );
        let recorded = sound::read(&server.files(outcome).recording())?;
        let breaks = sound::follow(&recorded.right, &other.heard().right)?;
        anyhow::ensure!(
            breaks.is_empty(),
            "the call beside them was torn: {breaks:?}"
        );
        Ok(())
    });
}
