//! The writer's thread: all files of all calls, one write a call and half second, data before header.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::iter;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use ringback_audio::g711;
use ringback_audio::wav::{Coding, WavFormat, WavWriter};
use tokio::sync::oneshot;

use super::{Stem, TRACE_ENDING};

/// Commands that may wait for the disk: about a second of 250 calls.
const QUEUE: usize = 512;
/// Names that are tried before a file is given up.
const NAMES: u32 = 100;

/// A recording begins.
pub struct Begin {
    /// The beginning of its files' names.
    pub stem: Stem,
    /// How samples are written.
    pub coding: Coding,
    /// 2: caller left, agent right. 1: both mixed.
    pub channels: u16,
    /// Told once where recording and trace lie.
    pub begun: Box<dyn FnOnce([PathBuf; 2]) + Send>,
    /// Told once when it cannot be written, with the reason.
    pub failed: Box<dyn FnOnce(String) + Send>,
}

/// Half a second of a call, both sides mu-law. Where the agent's ends before the caller's, silence follows.
pub(super) struct Block {
    pub(super) caller: Vec<u8>,
    pub(super) agent: Vec<u8>,
    pub(super) patch: Option<Patch>,
    pub(super) trace: Vec<u8>,
}

/// What was written before and was not heard of the agent.
pub(super) struct Patch {
    pub(super) from: u64,
    pub(super) caller: Vec<u8>,
}

enum Command {
    Begin(u64, Begin),
    Block(u64, Block),
    End(
        u64,
        Vec<(&'static str, Vec<u8>)>,
        oneshot::Sender<Vec<PathBuf>>,
    ),
}

/// The thread that writes. It ends when this is dropped and everything is written.
pub struct Writer {
    commands: SyncSender<Command>,
    next: AtomicU64,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let (commands, receiver) = sync_channel(QUEUE);
        let waiting = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || work(&receiver, &counted))?;
        Ok(Self {
            commands,
            next: AtomicU64::new(0),
            waiting,
        })
    }

    /// Commands that wait for the disk.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Never waits: a command that does not fit comes back.
    fn send(&self, command: Command) -> Result<(), Command> {
        // Counted first, so that the thread cannot take it off before.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.commands.try_send(command).map_err(|refused| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(command) | TrySendError::Disconnected(command) => command,
            }
        })
    }

    pub(super) fn begin(&self, begin: Begin) -> u64 {
        let file = self.next.fetch_add(1, Ordering::Relaxed);
        if let Err(Command::Begin(_, begin)) = self.send(Command::Begin(file, begin)) {
            (begin.failed)("the disk cannot keep up".into());
        }
        file
    }

    pub(super) fn block(&self, file: u64, block: Block) -> bool {
        self.send(Command::Block(file, block)).is_ok()
    }

    pub(super) fn end(
        &self,
        file: u64,
        beside: Vec<(&'static str, Vec<u8>)>,
    ) -> oneshot::Receiver<Vec<PathBuf>> {
        let (done, receiver) = oneshot::channel();
        // The end of a call waits for nobody: if the queue is full the receiver learns that nothing was written.
        let _ = self.send(Command::End(file, beside, done));
        receiver
    }
}

struct Open {
    stem: Stem,
    wav: WavWriter<File>,
    trace: File,
    channels: u16,
    failed: Option<Box<dyn FnOnce(String) + Send>>,
}

fn work(commands: &Receiver<Command>, waiting: &AtomicUsize) {
    let mut files: BTreeMap<u64, Open> = BTreeMap::new();
    let mut samples = Vec::new();
    while let Ok(command) = commands.recv() {
        waiting.fetch_sub(1, Ordering::Relaxed);
        match command {
            Command::Begin(file, begin) => {
                if let Some(open) = open(begin) {
                    files.insert(file, open);
                }
            }
            Command::Block(file, block) => {
                if let Some(open) = files.get_mut(&file)
                    && let Err(reason) = open.write(&block, &mut samples)
                {
                    open.fail(reason);
                }
            }
            Command::End(file, beside, done) => {
                let written = files.remove(&file).map(|open| open.end(&beside));
                let _ = done.send(written.unwrap_or_default());
            }
        }
    }
}

fn open(begin: Begin) -> Option<Open> {
    match create(&begin) {
        Ok((stem, wav, trace)) => {
            (begin.begun)([stem.file(".wav"), stem.file(TRACE_ENDING)]);
            Some(Open {
                stem,
                wav,
                trace,
                channels: begin.channels,
                failed: Some(begin.failed),
            })
        }
        Err(error) => {
            (begin.failed)(error);
            None
        }
    }
}

fn create(begin: &Begin) -> Result<(Stem, WavWriter<File>, File), String> {
    let dir = begin.stem.dir().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| format!("{}: {error}", dir.display()))?;
    let format = WavFormat {
        rate_hz: 8000,
        channels: begin.channels,
        coding: begin.coding,
    };
    for number in 0..NAMES {
        let stem = if number == 0 {
            begin.stem.clone()
        } else {
            begin.stem.beside(number)
        };
        let path = stem.file(".wav");
        let file = match create_private(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let wav = WavWriter::create(file, format).map_err(|error| error.to_string())?;
        let path = stem.file(TRACE_ENDING);
        let trace =
            create_private(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok((stem, wav, trace));
    }
    Err("all names for the recording are taken".into())
}

/// A new file for this user alone: it holds callers' voices and numbers.
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_added_extension("part");
    let written = create_private(&part)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

impl Open {
    fn write(&mut self, block: &Block, samples: &mut Vec<i16>) -> Result<(), String> {
        if self.failed.is_none() {
            return Ok(());
        }
        if let Some(patch) = &block.patch {
            self.interleave(&patch.caller, &[], samples);
            self.wav
                .overwrite(patch.from, samples)
                .map_err(|error| error.to_string())?;
        }
        if !block.caller.is_empty() {
            self.interleave(&block.caller, &block.agent, samples);
            self.wav
                .append(samples)
                .map_err(|error| error.to_string())?;
        }
        self.trace
            .write_all(&block.trace)
            .map_err(|error| format!("the trace: {error}"))
    }

    fn interleave(&self, caller: &[u8], agent: &[u8], samples: &mut Vec<i16>) {
        samples.clear();
        let agent = agent.iter().chain(iter::repeat(&g711::SILENCE));
        for (&caller, &agent) in caller.iter().zip(agent) {
            let (caller, agent) = (g711::decode(caller), g711::decode(agent));
            if self.channels == 2 {
                samples.extend([caller, agent]);
            } else {
                samples.push(caller.saturating_add(agent));
            }
        }
    }

    fn fail(&mut self, reason: String) {
        if let Some(failed) = self.failed.take() {
            failed(reason);
        }
    }

    fn end(mut self, beside: &[(&'static str, Vec<u8>)]) -> Vec<PathBuf> {
        let mut written = vec![self.stem.file(".wav"), self.stem.file(TRACE_ENDING)];
        for (ending, bytes) in beside {
            let path = self.stem.file(ending);
            match write_whole(&path, bytes) {
                Ok(()) => written.push(path),
                Err(error) => self.fail(format!("{}: {error}", path.display())),
            }
        }
        written
    }
}
