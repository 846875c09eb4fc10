//! Holds many silent calls against a server on this machine and measures what they cost it, from /proc.
//!
//! `cargo run --release -p ringback-sim --example silent_calls -- http://127.0.0.1:8080 SCENARIO CALLS SECONDS`
//! The scenario should hear by keypad alone (`stt = []`) and have a long `turn.idle_ms`, so that calls need no decoder and stay silent.
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use ringback_wire::twilio::media::{MediaFormat, Start, Track};
use ringback_wire::twilio::media_client::{
    InboundMedia, Outbound, parse_outbound, write_connected, write_inbound_media, write_mark_echo,
    write_start,
};
use ringback_wire::twilio::twiml::{Verb, parse};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The greeting and whatever else settles at the beginning is not measured.
const SETTLE: Duration = Duration::from_secs(12);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, scenario, calls, seconds] = arguments.as_slice() else {
        bail!("usage: silent_calls URL SCENARIO CALLS SECONDS");
    };
    let calls: u64 = calls.parse()?;
    let seconds: u64 = seconds.parse()?;
    let pid = listener(url).context("the server must listen on this machine")?;
    let before = Usage::of(pid)?;
    let begun = Instant::now();
    let end = begun + SETTLE + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for number in 0..calls {
        // Spread over a frame, as real calls are.
        sleep_until(begun + Duration::from_micros(number * 20_000 / calls)).await;
        tasks.push(tokio::spawn(silent_call(
            url.clone(),
            scenario.clone(),
            number,
            end,
        )));
    }
    sleep_until(begun + SETTLE).await;
    let settled = Usage::of(pid)?;
    sleep_until(end - Duration::from_millis(500)).await;
    let after = Usage::of(pid)?;
    let mut failed = 0;
    for task in tasks {
        if let Err(error) = task.await? {
            failed += 1;
            eprintln!("{error:#}");
        }
    }
    let span = (end - Duration::from_millis(500) - (begun + SETTLE)).as_secs_f64();
    let core = (after.cpu_s - settled.cpu_s) / span * 100.0;
    let live = (calls - failed) as f64;
    println!("{live} silent calls for {span:.1} s, {failed} failed");
    println!("CPU: {core:.1} % of a core, {:.4} % a call", core / live);
    println!(
        "memory: {} KB before, {} KB with the calls, {:.1} KB a call",
        before.rss_kb,
        after.rss_kb,
        (after.rss_kb - before.rss_kb) as f64 / live
    );
    Ok(())
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Asks the webhook and opens the media stream that it names.
async fn connect(url: &str, scenario: &str, call_sid: &str, stream_sid: &str) -> Result<Socket> {
    let form = [
        ("CallSid", call_sid),
        ("From", "+15005550001"),
        ("To", "+15005550006"),
        ("Direction", "inbound"),
    ];
    let twiml = reqwest::Client::new()
        .post(format!("{url}/call/inbound/receive/{scenario}"))
        .form(&form)
        .send()
        .await?
        .text()
        .await?;
    let verbs = parse(&twiml)?;
    let Some(Verb::Connect(connect)) = verbs.first() else {
        bail!("the call was refused: {twiml}");
    };
    let parameters = connect.stream.parameters.iter();
    let start = Start {
        stream_sid: stream_sid.to_owned(),
        account_sid: None,
        call_sid: call_sid.to_owned(),
        tracks: vec![Track::Inbound],
        custom_parameters: parameters
            .map(|parameter| (parameter.name().to_owned(), parameter.value().to_owned()))
            .collect(),
        media_format: MediaFormat::default(),
    };
    let (mut socket, _) = tokio_tungstenite::connect_async(connect.stream.url.as_str()).await?;
    let mut text = String::new();
    write_connected(&mut text);
    socket.send(Message::text(text.clone())).await?;
    write_start(&mut text, 1, &start);
    socket.send(Message::text(text)).await?;
    Ok(socket)
}

async fn silent_call(url: String, scenario: String, number: u64, end: Instant) -> Result<()> {
    let stream_sid = format!("MZ{number:032x}");
    let mut socket = connect(&url, &scenario, &format!("CA{number:032x}"), &stream_sid).await?;
    let mut text = String::new();
    let begun = Instant::now();
    for chunk in 1_u64.. {
        let due = begun + Duration::from_millis(20 * chunk);
        if due >= end {
            break;
        }
        loop {
            let message = tokio::select! {
                () = sleep_until(due) => break,
                message = socket.next() => message.context("the server closed")??,
            };
            if let Message::Text(message) = message
                && let Ok(Outbound::Mark { name, .. }) = parse_outbound(&message)
            {
                write_mark_echo(&mut text, chunk + 1, &stream_sid, &name);
                socket.send(Message::text(text.clone())).await?;
            }
        }
        let media = InboundMedia {
            sequence: chunk + 1,
            stream_sid: &stream_sid,
            chunk,
            timestamp_ms: 20 * chunk,
            mulaw: &[0xff; 160],
        };
        write_inbound_media(&mut text, &media);
        socket.send(Message::text(text.clone())).await?;
    }
    socket.close(None).await?;
    Ok(())
}

/// What a process has used.
struct Usage {
    cpu_s: f64,
    rss_kb: i64,
}

impl Usage {
    fn of(pid: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .collect();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms; two stand before the closing bracket.
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let rss = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("no VmRSS")?;
        Ok(Self {
            cpu_s: ticks / 100.0,
            rss_kb: rss.parse()?,
        })
    }
}

/// The process that serves the port: the one named `ringback` whose command line or environment has it.
fn listener(url: &str) -> Result<u32> {
    let port = url
        .rsplit(':')
        .next()
        .unwrap_or("8080")
        .trim_end_matches('/');
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let environment = String::from_utf8_lossy(&read("environ")).into_owned();
        let named = environment
            .split('\0')
            .any(|set| set == format!("PORT={port}"))
            || port == "8080";
        if command.contains("ringback serve") && named {
            return Ok(pid);
        }
    }
    bail!("no `ringback serve` with PORT={port}")
}
