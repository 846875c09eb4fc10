use ringback_session::responder::webhook::{Answered, Webhook};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

use super::service::{CHUNKED, Service, chunk, request, response};
use super::{LONG, NOW, ask, config, over, question, said};

async fn check(response: impl AsRef<[u8]>, expected: &[Answered]) {
    let service = Service::start().await;
    let config = config(&service.url());
    let (_, (answered, result)) = tokio::join!(service.answer(response), ask(&config));
    assert_eq!(result, Ok(()));
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn a_json_object_is_an_answer() {
    let body = r#"{"text":"Until ten.","end":true,"model":"x"}"#;
    let end = Answered::End {
        end: true,
        transfer: None,
    };
    check(
        response("200 OK", "application/json; charset=utf-8", body),
        &[said("Until ten."), end],
    )
    .await;
}

#[tokio::test]
async fn a_service_may_have_nothing_to_say() {
    check("HTTP/1.1 204 No Content\r\n\r\n", &[over()]).await;
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &[over()]).await;
}

#[tokio::test]
async fn a_last_line_transfers_the_caller() {
    let body = "I put you through.\n{\"transfer\":\"sip:desk@example.com\"}\n";
    let end = Answered::End {
        end: false,
        transfer: Some("sip:desk@example.com".to_owned()),
    };
    check(
        response("200 OK", "application/x-ndjson", body),
        &[said("I put you through.\n"), end],
    )
    .await;
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nHello.",
        &[said("Hello.\n"), over()],
    )
    .await;
}

#[tokio::test]
async fn a_line_is_handed_on_before_the_next_one_is_written() {
    let service = Service::start().await;
    let config = config(&service.url());
    let webhook = Webhook::new(false).unwrap();
    let (heard, hearing) = oneshot::channel();
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        let begin = format!("{CHUNKED}{}{}", chunk("One mo"), chunk("ment.\nIt"));
        socket.write_all(begin.as_bytes()).await.unwrap();
        hearing.await.unwrap();
        let rest = format!("{}0\r\n\r\n", chunk(" is late.\n{\"end\":true}"));
        socket.write_all(rest.as_bytes()).await.unwrap();
    };
    let mut heard = Some(heard);
    let mut answered = Vec::new();
    let mut on = |piece| {
        answered.push(piece);
        if let Some(heard) = heard.take() {
            heard.send(()).unwrap();
        }
    };
    let asked = question();
    let both = async { tokio::join!(server, webhook.ask(&config, &asked, NOW, &mut on)) };
    let ((), result) = tokio::time::timeout(LONG, both).await.unwrap();
    assert_eq!(result, Ok(()));
    let end = Answered::End {
        end: true,
        transfer: None,
    };
    assert_eq!(
        answered,
        [said("One moment.\n"), said("It is late.\n"), end]
    );
}
