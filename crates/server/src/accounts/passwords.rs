//! Hashing of passwords: Argon2id, on few threads of low priority behind a short queue, so that no number of sign-ins takes the processor
//! from calls.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier as _, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::config::{ConfigError, Secret};
use crate::refusal::Refusal;

/// KiB of memory, passes and lanes: the first that OWASP's cheat sheet on password storage names.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who waits for a thread: some hundred milliseconds' work.
const QUEUE: usize = 16;
const MOST_THREADS: usize = 4;
/// Below calls and everything else.
const NICE: i32 = 10;

/// The threads.
#[derive(Debug)]
pub struct Passwords {
    jobs: SyncSender<Job>,
    /// Who signs in has a place, from before the database is asked.
    places: Semaphore,
    /// A hash of the same cost that no password has.
    nobody: String,
}

#[derive(Debug)]
enum Job {
    Hash(Secret, oneshot::Sender<Option<String>>),
    Check(Secret, String, oneshot::Sender<Checked>),
}

/// What a password is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// It is the one that was hashed.
    pub right: bool,
    /// The hash was made by other parameters than today's.
    pub stale: bool,
}

impl Passwords {
    /// Starts the threads: half as many as there are processors.
    ///
    /// # Errors
    /// The system gives no thread or no random bytes.
    pub fn start() -> Result<Self, ConfigError> {
        let refused = |what: String| ConfigError(format!("passwords cannot be hashed: {what}"));
        let (jobs, queue) = sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..(processors / 2).clamp(1, MOST_THREADS) {
            let queue = Arc::clone(&queue);
            let started = std::thread::Builder::new().name("passwords".to_owned());
            started
                .spawn(move || work(&queue))
                .map_err(|error| refused(error.to_string()))?;
        }
        let mut random = [0; 48];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| refused("the system gives no random bytes".to_owned()))?;
        let (salt, hash) = random.split_at(16);
        let [salt, hash] = [salt, hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        let nobody = format!("{}{salt}${hash}", parameters());
        let places = Semaphore::new(QUEUE);
        Ok(Self {
            jobs,
            places,
            nobody,
        })
    }

    /// A place among those who sign in.
    ///
    /// # Errors
    /// [`Refusal::Later`] at once when all are taken.
    pub fn admit(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.places.try_acquire().map_err(|_| busy())
    }

    /// The hash of a password, in PHC form.
    ///
    /// # Errors
    /// [`Refusal::Later`] at once when too many wait already.
    pub async fn hash(&self, password: &Secret) -> Result<String, Refusal> {
        let (answer, hashed) = oneshot::channel();
        self.send(Job::Hash(password.clone(), answer))?;
        hashed.await.ok().flatten().ok_or_else(|| {
            tracing::error!("Error: a password cannot be hashed");
            busy()
        })
    }

    /// Whether a password has this hash. Without a hash it is never right, which takes as long to find out.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn check(&self, password: &Secret, hash: Option<&str>) -> Result<Checked, Refusal> {
        let (answer, checked) = oneshot::channel();
        let against = hash.unwrap_or(&self.nobody).to_owned();
        self.send(Job::Check(password.clone(), against, answer))?;
        let checked = checked.await.map_err(|_| busy())?;
        Ok(Checked {
            right: checked.right && hash.is_some(),
            ..checked
        })
    }

    fn send(&self, job: Job) -> Result<(), Refusal> {
        self.jobs.try_send(job).map_err(|_| busy())
    }
}

fn busy() -> Refusal {
    Refusal::later("too many sign in at once; try again in a moment", 1)
}

/// What today's hashes begin with.
fn parameters() -> String {
    format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$")
}

fn work(queue: &Mutex<Receiver<Job>>) {
    // Zero is the calling thread, on Linux.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(
            "passwords are hashed at the priority of calls, because it cannot be lowered: {error}"
        );
    }
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(Job::Hash(password, answer)) if !answer.is_closed() => {
                let _ = answer.send(hash(&password));
            }
            Ok(Job::Check(password, hash, answer)) if !answer.is_closed() => {
                let _ = answer.send(check(&password, &hash));
            }
            // Who asked has gone.
            Ok(Job::Hash(..) | Job::Check(..)) => {}
            Err(_) => return,
        }
    }
}

/// The hash of a password, computed on this thread.
pub(super) fn hash(password: &Secret) -> Option<String> {
    let params = Params::new(MEMORY, PASSES, LANES, None).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.expose().as_bytes()).ok()?;
    Some(hash.to_string())
}

fn check(password: &Secret, hash: &str) -> Checked {
    // The parameters are those of the hash.
    let right = Argon2::default().verify_password(password.expose().as_bytes(), hash);
    Checked {
        right: right.is_ok(),
        stale: !hash.starts_with(&parameters()),
    }
}
