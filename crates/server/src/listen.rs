//! Connections: a bound on their number, and on the time that a peer may take to send its headers and to read our answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::client::OverTls;
use crate::guests::{Guest, Guests};
use crate::patience::Patience;

/// How large the head of a request may become before the connection is closed, in bytes. [`crate::requests`] refuses smaller ones, and
/// says why.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// The least share of one address.
const LEAST_SHARE: usize = 32;
/// How long nothing is accepted when the system has no descriptor left.
const EXHAUSTED: Duration = Duration::from_millis(500);
/// How long a peer may take to read what closed its connection before the connection is gone, and how much of what it still
/// sends is thrown away meanwhile, in bytes. Closed with unread bytes a connection is reset, and a reset overtakes the reason.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: usize = 4 << 20;
/// How often the log is told that all connections are taken.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How fast a peer must read to be written to for longer than [`Limits::reading`], in bytes.
pub const READS_A_SECOND: u32 = 1 << 10;

/// What peers may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, media sockets included; more wait to be accepted.
    pub connections: usize,
    /// Of these, those of one address: more are closed at once.
    pub share: usize,
    /// Whose addresses may have all: those of this machine, and of proxies, behind which many are.
    pub trusted: Vec<IpNet>,
    /// Time for the headers of a request, and for the next request of an open connection.
    pub headers: Duration,
    /// How long we wait for a peer to read what we write; every [`READS_A_SECOND`] bytes give back a second.
    pub reading: Duration,
}

impl Limits {
    /// So many connections, a quarter of them for one address, ten seconds for headers, thirty for what is written.
    pub fn of(connections: usize) -> Self {
        Self {
            connections,
            share: (connections / 4).max(LEAST_SHARE),
            trusted: Vec::new(),
            headers: Duration::from_secs(10),
            reading: Duration::from_secs(30),
        }
    }
}

/// Answers what comes, by TLS where there is an acceptor, until `closed`; then until every request that was begun is answered.
/// Upgraded connections are not waited for.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    closed: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let guests = Guests::new(limits.share, limits.trusted);
    let talking = TaskTracker::new();
    let mut told = None;
    let house = House {
        router,
        headers: limits.headers,
        tls,
        closed: closed.clone(),
    };
    let accepting = async {
        loop {
            let place = place(&places, limits.connections, &mut told).await;
            let (stream, peer) = accept(&listener).await;
            let Some(guest) = guests.admit(peer.ip()) else {
                continue;
            };
            // Frames of 20 ms must not wait for each other.
            let _ = stream.set_nodelay(true);
            let connection = Placed {
                held: Some((stream, (place, guest))),
                patience: Patience::new(limits.reading, READS_A_SECOND),
            };
            talking.spawn(house.clone().open(connection, peer));
        }
    };
    tokio::select! {
        () = closed.cancelled() => {}
        never = accepting => never,
    }
    drop(listener);
    talking.close();
    talking.wait().await;
}

async fn place(
    places: &Arc<Semaphore>,
    most: usize,
    told: &mut Option<Instant>,
) -> OwnedSemaphorePermit {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return place;
    }
    if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
        *told = Some(Instant::now());
        tracing::warn!(
            connections = most,
            "as many connections as MAX_CONNECTIONS allows are open: more wait"
        );
    }
    match Arc::clone(places).acquire_owned().await {
        Ok(place) => place,
        // Nobody closes the semaphore.
        Err(_) => std::future::pending().await,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "Error: no connection can be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// What every connection is given.
#[derive(Clone)]
struct House {
    router: Router,
    headers: Duration,
    tls: Option<TlsAcceptor>,
    closed: CancellationToken,
}

impl House {
    async fn open(self, connection: Placed, peer: SocketAddr) {
        let Some(tls) = &self.tls else {
            return self.talk(connection, peer, false).await;
        };
        match timeout(self.headers, tls.accept(connection)).await {
            Ok(Ok(connection)) => self.talk(connection, peer, true).await,
            Ok(Err(error)) => tracing::debug!(%error, "a peer does not agree on TLS"),
            Err(_) => tracing::debug!("a peer is too slow for TLS"),
        }
    }

    async fn talk<C>(self, connection: C, peer: SocketAddr, tls: bool)
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, closed, .. } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            if tls {
                request.extensions_mut().insert(OverTls);
            }
            let answer = router.clone().oneshot(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let conversation = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.headers)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(connection), service)
            .with_upgrades();
        let mut conversation = pin!(conversation);
        let over = tokio::select! {
            over = conversation.as_mut() => over,
            () = closed.cancelled() => {
                conversation.as_mut().graceful_shutdown();
                conversation.await
            }
        };
        if let Err(error) = over {
            tracing::debug!(%error, slow = error.is_timeout(), "a connection broke");
        }
    }
}

/// A connection that holds its place until it is closed, upgraded or not.
struct Placed {
    /// Taken only when it is dropped.
    held: Option<(TcpStream, (OwnedSemaphorePermit, Guest))>,
    /// With a peer that does not read.
    patience: Patience,
}

impl Placed {
    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        match &mut self.held {
            Some((stream, _)) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// What became of a write. A peer that does not read is left.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => self.patience.moved(bytes),
            Poll::Pending if self.patience.poll_over(cx).is_ready() => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Poll::Ready(Err(_)) | Poll::Pending => {}
        }
        written
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        let Some((stream, place)) = self.held.take() else {
            return;
        };
        if matches!(stream.try_read(&mut [0]), Ok(0)) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(LINGER, linger(stream)).await;
                drop(place);
            });
        }
    }
}

/// Says that nothing more is written, and throws away what the peer still sends until it closes too.
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut discarded = 0;
    let mut bytes = [0; 4096];
    while discarded < MAX_LINGER_BYTES {
        match stream.read(&mut bytes).await? {
            0 => break,
            read => discarded += read,
        }
    }
    Ok(())
}

impl AsyncRead for Placed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write_vectored(cx, pieces);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.held
            .as_ref()
            .is_some_and(|(stream, _)| stream.is_write_vectored())
    }
}
