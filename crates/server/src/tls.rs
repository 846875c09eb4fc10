//! TLS of our own: a certificate and its key from files, read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};

use crate::config::ConfigError;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The same after a look that showed what cannot be used.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// `TLS_CERT` and `TLS_KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// The certificate in use.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The digest of what is in use.
    used: Vec<u8>,
    /// The digest of what cannot be used.
    refused: Vec<u8>,
}

/// What a look at the files showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// What is in use.
    Same,
    /// Another certificate, in use from now on.
    Fresh,
    /// What cannot be used; the old certificate stays. `again`: it was the same at the look before.
    Unfit {
        /// What is wrong and with which file.
        why: String,
        /// Half a change shows this once, between one file and the other.
        again: bool,
    },
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be, or a key of another certificate.
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, ConfigError> {
        let pair = Pair::read(&files).map_err(ConfigError)?;
        let current = pair.parse(&files).map_err(ConfigError)?;
        let seen = Seen {
            used: pair.digest(),
            refused: Vec::new(),
        };
        Ok(Arc::new(Self {
            files,
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new(seen),
        }))
    }

    /// What makes TLS of connections, TLS 1.2 and 1.3 with HTTP/1.1.
    ///
    /// # Errors
    /// The library's, if it refuses its own defaults.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// When the certificate in use ends, in seconds since 1970; `None` where it does not say so as it should.
    pub fn not_after(&self) -> Option<u64> {
        let current = self.resolved();
        let certificate = ParsedCertificate::try_from(current.end_entity_cert().ok()?).ok()?;
        // The library tells it of one that has ended, before it asks who vouches for it; at the end of time all have.
        let late = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        let nobody = RootCertStore::empty();
        match verify_server_cert_signed_by_trust_anchor(&certificate, &nobody, &[], late, &[]) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after,
                ..
            })) => Some(not_after.as_secs()),
            Ok(()) | Err(_) => None,
        }
    }

    fn resolved(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files, and takes what is new there if it can be used.
    pub fn look(&self) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (digest, parsed) = match Pair::read(&self.files) {
            Ok(pair) if pair.digest() == seen.used => {
                seen.refused.clear();
                return Look::Same;
            }
            Ok(pair) => (pair.digest(), pair.parse(&self.files)),
            Err(why) => (why.as_bytes().to_vec(), Err(why)),
        };
        match parsed {
            Ok(fresh) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(fresh);
                seen.used = digest;
                seen.refused.clear();
                Look::Fresh
            }
            Err(why) => {
                let again = seen.refused == digest;
                seen.refused = digest;
                Look::Unfit { why, again }
            }
        }
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.resolved())
    }
}

/// Says that there is nothing to read again, for as long as it is polled: without a listener SIGHUP would end the server, and every call
/// with it.
///
/// # Errors
/// The system does not let us listen to the signal.
pub fn ignore_hangups() -> io::Result<impl Future<Output = ()> + Send> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            tracing::info!(
                "SIGHUP: nothing is read again without TLS_CERT; settings need a restart"
            );
        }
    })
}

/// Looks at the files every ten seconds and on SIGHUP, until it is dropped.
///
/// # Errors
/// The system does not let us listen to the signal.
pub fn keep_fresh(tls: Arc<Tls>) -> io::Result<impl Future<Output = ()> + Send> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let (mut told, mut wait) = (false, LOOK_EVERY);
        loop {
            let asked = next_look(&mut hangup, wait).await;
            let tls = Arc::clone(&tls);
            let Ok(look) = tokio::task::spawn_blocking(move || tls.look()).await else {
                continue;
            };
            wait = match look {
                // Whether it is half a change shows soon.
                Look::Unfit { again: false, .. } => LOOK_AGAIN,
                Look::Unfit { .. } | Look::Same | Look::Fresh => LOOK_EVERY,
            };
            match look {
                Look::Same if asked => tracing::info!("TLS: the certificate is the same"),
                Look::Same => told = false,
                Look::Fresh => {
                    told = false;
                    tracing::info!("TLS: a new certificate is in use");
                }
                Look::Unfit { why, again } if asked || again && !told => {
                    told = true;
                    tracing::error!(reason = %why, "Error: TLS: the certificate in use is kept, the new one cannot be used");
                }
                Look::Unfit { again, .. } => told &= again,
            }
        }
    })
}

/// Whether it was asked for by a signal.
async fn next_look(hangup: &mut Signal, wait: Duration) -> bool {
    tokio::select! {
        Some(()) = hangup.recv() => true,
        () = tokio::time::sleep(wait) => false,
    }
}

/// What the files hold.
struct Pair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    fn read(files: &TlsFiles) -> Result<Self, String> {
        let read = |name: &str, path: &Path| {
            std::fs::read(path)
                .map_err(|error| format!("{name}={}: cannot be read: {error}", path.display()))
        };
        Ok(Self {
            cert: read("TLS_CERT", &files.cert)?,
            key: read("TLS_KEY", &files.key)?,
        })
    }

    fn digest(&self) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        context.update(&(self.cert.len() as u64).to_be_bytes());
        context.update(&self.cert);
        context.update(&self.key);
        context.finish().as_ref().to_vec()
    }

    fn parse(&self, files: &TlsFiles) -> Result<CertifiedKey, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| {
            let cert = files.cert.display();
            format!("TLS_CERT={cert}: there is no certificate in it: it must be PEM, the server's own first")
        })?;
        let unfit = |what: &str| format!("TLS_KEY={}: {what}", files.key.display());
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            unfit("there is no private key in it: it must be PEM, without a password")
        })?;
        CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| {
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                return unfit("it is the key of another certificate than TLS_CERT");
            }
            unfit(&format!("cannot be used: {error}"))
        })
    }
}
