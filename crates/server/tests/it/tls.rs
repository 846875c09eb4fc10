//! TLS of our own, with certificates made here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use ringback_server::alive;
use ringback_server::config::{Config, Layers};
use ringback_server::listen::{Limits, serve};
use ringback_server::tls::{Look, Tls, TlsFiles};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

use crate::server::*;
use crate::simulated::Simulated;

const HANDSHAKE: Duration = Duration::from_millis(400);
const NAME: &str = "phone.example.test";

/// A folder with a certificate and its key.
struct Folder {
    dir: TempDir,
    files: TlsFiles,
}

impl Folder {
    fn new() -> (Self, CertificateDer<'static>) {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            cert: dir.path().join("cert.pem"),
            key: dir.path().join("key.pem"),
        };
        let folder = Self { dir, files };
        let cert = folder.renew();
        (folder, cert)
    }

    /// Writes another certificate and key.
    fn renew(&self) -> CertificateDer<'static> {
        self.renew_until(2031)
    }

    /// One that ends with the first second of this year.
    fn renew_until(&self, year: i32) -> CertificateDer<'static> {
        let mut wanted = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        wanted.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let made = wanted.self_signed(&key).unwrap();
        fs::write(&self.files.cert, made.pem()).unwrap();
        fs::write(&self.files.key, key.serialize_pem()).unwrap();
        made.der().clone()
    }
}

struct Secure {
    server: TestServer,
    tls: Arc<Tls>,
    address: SocketAddr,
}

async fn listen(folder: &Folder) -> Secure {
    let server = local().start();
    let tls = Tls::load(folder.files.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits {
        headers: HANDSHAKE,
        ..Limits::of(100)
    };
    let acceptor = Some(tls.acceptor().unwrap());
    let closed = CancellationToken::new();
    tokio::spawn(serve(
        listener,
        acceptor,
        server.router.clone(),
        limits,
        closed,
    ));
    Secure {
        server,
        tls,
        address,
    }
}

impl Secure {
    /// A connection of a client that trusts this certificate and no other.
    async fn connect(&self, trusted: &CertificateDer<'static>) -> Option<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(NAME).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.ok()
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

const LIVE: &str = "GET /live HTTP/1.1\r\nhost: phone.example.test\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_answered_as_over_https() {
    let (folder, cert) = Folder::new();
    let secure = listen(&folder).await;
    let mut stream = secure.connect(&cert).await.unwrap();
    let answer = ask(&mut stream, LIVE).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"status\":\"live\"}"));
    assert!(
        answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );

    let mut stream = secure.connect(&cert).await.unwrap();
    let form = of_call("CA1").to_urlencoded();
    let request = format!(
        "POST /call/inbound/receive/parrot HTTP/1.1\r\nhost: localhost:8443\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = ask(&mut stream, &request).await;
    assert!(
        answer.contains("wss://localhost:8443/ws/parrot/"),
        "{answer}"
    );

    let (_, stranger) = Folder::new();
    assert!(secure.connect(&stranger).await.is_none());
}

#[tokio::test]
async fn who_speaks_no_tls_or_is_slow_about_it_is_left_and_others_are_answered() {
    let (folder, cert) = Folder::new();
    let secure = listen(&folder).await;
    let mut plain = TcpStream::connect(secure.address).await.unwrap();
    plain
        .write_all(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"));

    let begun = Instant::now();
    let mut silent = TcpStream::connect(secure.address).await.unwrap();
    let mut stream = secure.connect(&cert).await.unwrap();
    assert!(ask(&mut stream, LIVE).await.starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.is_empty() && begun.elapsed() >= HANDSHAKE);
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_leaves_the_old_in_use() {
    let (folder, first) = Folder::new();
    let secure = listen(&folder).await;
    assert_eq!(secure.tls.look(), Look::Same);
    let mut open = secure.connect(&first).await.unwrap();
    let second = folder.renew();
    assert_eq!(secure.tls.look(), Look::Fresh);
    assert_eq!(secure.tls.look(), Look::Same);
    assert!(secure.connect(&first).await.is_none());
    assert!(secure.connect(&second).await.is_some());
    let answer = ask(&mut open, LIVE).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "what is open goes on");

    let good = fs::read(&folder.files.cert).unwrap();
    let (other, _) = Folder::new();
    let foreign = fs::read(other.dir.path().join("cert.pem")).unwrap();
    let unfit = |bytes: Option<&[u8]>, expected: &str| {
        match bytes {
            Some(bytes) => fs::write(&folder.files.cert, bytes).unwrap(),
            None => fs::remove_file(&folder.files.cert).unwrap(),
        }
        for seen_before in [false, true] {
            match secure.tls.look() {
                Look::Unfit { why, again } => {
                    assert!(why.contains(expected), "{why}");
                    assert_eq!(again, seen_before);
                }
                used @ (Look::Same | Look::Fresh) => panic!("{used:?}"),
            }
        }
    };
    unfit(Some(b"nonsense"), "there is no certificate in it");
    unfit(
        Some(&good[..good.len() / 2]),
        "there is no certificate in it",
    );
    unfit(Some(&foreign), "the key of another certificate");
    unfit(None, "cannot be read");
    assert!(secure.connect(&second).await.is_some());
    fs::write(&folder.files.cert, good).unwrap();
    assert_eq!(secure.tls.look(), Look::Same);
}

#[test]
fn the_end_of_a_certificate_is_known_whatever_it_is_and_also_after_it() {
    let (folder, _) = Folder::new();
    let tls = Tls::load(folder.files.clone()).unwrap();
    assert_eq!(tls.not_after(), Some(1_924_992_000));
    folder.renew_until(2001);
    assert_eq!(tls.look(), Look::Fresh);
    assert_eq!(tls.not_after(), Some(978_307_200));
    // As `openssl req -x509` makes them.
    let mut wanted = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    wanted.not_after = date_time_ymd(2060, 1, 1);
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(&folder.files.cert, wanted.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&folder.files.key, key.serialize_pem()).unwrap();
    assert_eq!(tls.look(), Look::Fresh);
    assert_eq!(tls.not_after(), Some(2_840_140_800));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_says_when_its_certificate_ends() {
    let (folder, _) = Folder::new();
    let [cert, key] = [&folder.files.cert, &folder.files.key].map(|path| path.to_str().unwrap());
    let server = Simulated::start(&[("TLS_CERT", cert), ("TLS_KEY", key)], &[]).await;
    let client = reqwest::Client::builder()
        .danger_accept_invalid_certs(true)
        .no_proxy();
    let url = format!("{}/metrics", server.url().replacen("http", "https", 1));
    let answer = client.build().unwrap().get(url).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("\nringback_tls_not_after_seconds{} 1924992000\n"),
        "{text}"
    );
}

#[test]
fn a_start_with_files_that_cannot_be_used_names_the_file() {
    let (folder, _) = Folder::new();
    let check = |cert: &Path, key: &Path, expected: &str| {
        let files = TlsFiles {
            cert: cert.to_owned(),
            key: key.to_owned(),
        };
        let why = Tls::load(files).unwrap_err().to_string();
        assert!(
            why.starts_with(expected) && why.lines().count() == 1,
            "{why}"
        );
        assert!(!why.contains("PRIVATE KEY"), "{why}");
    };
    let TlsFiles { cert, key } = &folder.files;
    check(
        Path::new("no/such/file"),
        key,
        "TLS_CERT=no/such/file: cannot be read",
    );
    check(
        cert,
        Path::new("no/such/file"),
        "TLS_KEY=no/such/file: cannot be read",
    );
    check(key, key, "TLS_CERT=");
    check(cert, cert, "TLS_KEY=");
    let set = |name: &str| {
        let environment = [(name.to_owned(), "x.pem".to_owned())].into();
        let layers = Layers {
            environment,
            ..Layers::default()
        };
        Config::load(&layers).unwrap_err().to_string()
    };
    assert_eq!(
        set("TLS_CERT"),
        "TLS_CERT is set and TLS_KEY is not: set both, or none"
    );
    assert_eq!(
        set("TLS_KEY"),
        "TLS_KEY is set and TLS_CERT is not: set both, or none"
    );
}

#[tokio::test]
async fn the_health_command_asks_by_tls_too_and_tells_ready_from_alive() {
    let (folder, _) = Folder::new();
    let secure = listen(&folder).await;
    let base = format!("https://{}/", secure.address);
    assert_eq!(alive::ask(&base, false).await, Ok(()));
    assert_eq!(alive::ask(&base, true).await, Ok(()));
    secure.server.app.lifecycle.draining.cancel();
    assert_eq!(alive::ask(&base, false).await, Ok(()));
    let why = alive::ask(&base, true).await.unwrap_err();
    assert!(
        why.ends_with("/ready answers 503 Service Unavailable"),
        "{why}"
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let why = alive::ask(&format!("http://{closed}"), false)
        .await
        .unwrap_err();
    assert!(why.contains("does not answer"), "{why}");
}

#[test]
fn the_health_command_asks_where_the_settings_say() {
    let check = |settings: &[(&str, &str)], expected: &str| {
        let environment = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let layers = Layers {
            environment: environment.collect(),
            ..Layers::default()
        };
        assert_eq!(
            alive::address(&Config::load(&layers).unwrap().http),
            expected
        );
    };
    let key = ("SECRET_KEY", "kP4vX9sLq2Zt7Wm1Rb6Yc3Nd8Hf5Jg0a");
    check(&[], "http://127.0.0.1:8080");
    check(&[("HOST", "0.0.0.0"), key], "http://127.0.0.1:8080");
    check(&[("HOST", "::"), ("PORT", "9"), key], "http://[::1]:9");
    check(&[("HOST", "192.0.2.1"), key], "http://192.0.2.1:8080");
    check(
        &[("TLS_CERT", "c"), ("TLS_KEY", "k")],
        "https://127.0.0.1:8080",
    );
}
