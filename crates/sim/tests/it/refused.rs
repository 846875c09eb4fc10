use tokio::net::TcpListener;

use crate::call::call;
use crate::server::{Server, connect, start, twiml};

/// The error of a call to a server with this one answer.
async fn error(answer: (&'static str, String), arguments: &[&str]) -> String {
    let server = start(vec![answer], |_| async {}).await;
    let mut all = vec!["--say", "Hello."];
    all.extend(arguments);
    let error = call(&server, &all).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(!text.contains('\n'), "{text}");
    text
}

fn check(error: &str, part: &str) {
    assert!(error.contains(part), "{part:?} is not in {error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        asked: Default::default(),
    };
    drop(listener);
    let error = call(&server, &["--say", "Hello."]).await.unwrap_err();
    let text = format!("{error:#}");
    check(&text, &format!("nothing answers at {}", server.url()));
    check(&text, "ringback serve");
}

#[tokio::test]
async fn refusals_of_the_webhook_are_explained() {
    let answer = |status| (status, "{\"detail\":\"no\"}".to_owned());
    let refused = error(answer("403 Forbidden"), &[]).await;
    check(&refused, "--auth-token");
    check(&refused, "{\"detail\":\"no\"}");
    let refused = error(answer("403 Forbidden"), &["--auth-token", "t"]).await;
    check(&refused, "refuses the signature");
    check(
        &error(answer("404 Not Found"), &["--scenario", "nope"]).await,
        "no such scenario",
    );
    check(
        &error(answer("500 Internal Server Error"), &[]).await,
        "its log says why",
    );
    check(
        &error(answer("301 Moved Permanently"), &[]).await,
        "final address",
    );
}

#[tokio::test]
async fn twiml_that_twilio_would_not_take_is_named() {
    for bad in [
        "<Response><Connect>",
        "<Response><Shout/></Response>",
        "<Response><Hangup loud=\"true\"/></Response>",
        "hello",
    ] {
        let error = error(("200 OK", bad.to_owned()), &[]).await;
        check(&error, "no TwiML that Twilio would take");
    }
}

#[tokio::test]
async fn a_document_too_large_is_refused() {
    let large = twiml(&format!("<Say>{}</Say>", "x".repeat(70_000)));
    check(&error(large, &[]).await, "11750");
}

#[tokio::test]
async fn endless_redirects_end() {
    let again = twiml("<Redirect>{http}/again</Redirect>");
    let server = start(vec![again], |_| async {}).await;
    let outcome = call(&server, &["--say", "Hello."]).await;
    let text = match outcome {
        Ok(outcome) => outcome.ended.to_string(),
        Err(error) => format!("{error:#}"),
    };
    check(&text, "11215");
    assert!(server.asked.all().len() < 20);
}

#[tokio::test]
async fn a_media_socket_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (status, body) = connect();
    let body = body.replace("{ws}", &format!("ws://{address}/gone"));
    check(&error((status, body), &[]).await, "31902");
}

#[tokio::test]
async fn a_secure_media_socket_without_tls_is_an_error_and_no_panic() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        }
    });
    let (status, body) = connect();
    let body = body.replace("{ws}", &format!("wss://{address}/plain"));
    let error = error((status, body), &[]).await;
    check(&error, "wss://");
}

#[tokio::test]
async fn a_script_with_a_fault_is_refused_before_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.toml");
    std::fs::write(&path, "[[step]]\nsay = \"x\"\n[[step]]\nshout = \"x\"\n").unwrap();
    let server = start(vec![connect()], |_| async {}).await;
    let error = call(&server, &["--script", path.to_str().unwrap()])
        .await
        .unwrap_err();
    check(&format!("{error:#}"), "bad.toml:4");
    assert!(server.asked.all().is_empty());
}

#[tokio::test]
async fn a_recording_that_cannot_be_written_is_refused_before_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(vec![twiml("<Hangup/>")], |_| async {}).await;
    let gone = dir.path().join("none").join("x.wav");
    for path in [gone.as_path(), dir.path()] {
        let path = path.to_str().unwrap();
        let error = call(&server, &["--say", "Hello.", "--out", path]).await;
        check(&format!("{:#}", error.unwrap_err()), path);
    }
    assert!(server.asked.all().is_empty());
}

#[tokio::test]
async fn a_call_that_cannot_be_placed_leaves_the_recording_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, none) = (dir.path().join("kept.wav"), dir.path().join("none.wav"));
    std::fs::write(&kept, "kept").unwrap();
    for path in [&kept, &none] {
        let answer = ("404 Not Found", String::new());
        error(answer, &["--out", path.to_str().unwrap()]).await;
    }
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "kept");
    assert!(!none.exists());
}
