//! One decoder: models in, sound in, words out.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::model::{Model, Tuning};
use crate::symbols::{RawDecoder, Symbols, alone};
use crate::{Library, REMEDY};

/// What the library calls an arc of a grammar that carries no word.
const NO_WORD: &str = "(NULL)";

/// What the library refused.
#[derive(Debug, thiserror::Error)]
pub enum DecoderError {
    /// A model file is not there.
    #[error("speech recognition needs {}: {REMEDY}", .0.display())]
    MissingFile(PathBuf),
    /// The library could not load the models.
    #[error("PocketSphinx cannot load the acoustic model {} with the dictionary {}", .acoustic.display(), .dictionary.display())]
    Model {
        /// Directory of the acoustic model.
        acoustic: PathBuf,
        /// The dictionary.
        dictionary: PathBuf,
    },
    /// A text holds a NUL character, which C cannot carry.
    #[error("the {0} holds a NUL character")]
    Nul(&'static str),
    /// The grammar is not JSGF, or it has a word that the dictionary lacks.
    #[error(
        "PocketSphinx refused the grammar {0:?}: it is malformed or has a word without a pronunciation"
    )]
    Grammar(String),
    /// The language model could not be read.
    #[error("PocketSphinx cannot read the language model {}", .0.display())]
    Language(PathBuf),
    /// No grammar or language model of this name was set.
    #[error("no search named {0:?} was set")]
    Search(String),
    /// A word could not be added: the phones are not those of the acoustic model.
    #[error("PocketSphinx cannot pronounce {word:?} as {phones:?}")]
    Word {
        /// The word.
        word: String,
        /// Its phones.
        phones: String,
    },
    /// Called in the wrong state.
    #[error("the decoder cannot {0}")]
    State(&'static str),
    /// The library reported a failure while it decoded.
    #[error("PocketSphinx failed to {0}")]
    Failed(&'static str),
}

/// What the decoder heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// The words, separated by single spaces; never empty.
    pub text: String,
    /// Score of the path, a logarithm in the library's own base.
    pub score: i32,
    /// Posterior probability. 1.0 before the end of the utterance and without a best-path search.
    pub posterior: f64,
}

/// One stretch of the best path: a word, or `<sil>` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The word as in the dictionary: a second pronunciation is `word(2)`.
    pub word: String,
    /// First frame, in hundredths of a second since the utterance began.
    pub first: u32,
    /// Last frame, inclusive.
    pub last: u32,
    /// Score of the sound, a logarithm: 0 is the best that any state could do, less is worse.
    pub acoustic: i32,
    /// Score of the grammar or language model, a logarithm.
    pub language: i32,
}

/// A recogniser with its models. Several grammars and one language model can be held and switched.
///
/// The type is `Send` and not `Sync`: one thread at a time uses it, which `&mut self` enforces.
pub struct Decoder {
    raw: NonNull<RawDecoder>,
    library: Arc<Library>,
    /// The option strings, kept for as long as the C side might look at them.
    _options: Vec<CString>,
    tuning: Tuning,
    current: Option<String>,
    has_language: bool,
    listening: bool,
    _not_sync: PhantomData<Cell<()>>,
}

// SAFETY: a decoder owns all it points to: its configuration, dictionary, models and search graphs are made by
// and for it, reference counts inside are touched through it alone, and no function used here keeps
// thread-local state. The library's global data (the log's stream, the allocator's error jump) is written only
// in set-up steps, which `alone` puts in turn. So it may move to another thread between two calls.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Loads the models: about a fifth of a second of work for Debian's American English.
    ///
    /// # Errors
    /// [`DecoderError::MissingFile`] with the remedy, or [`DecoderError::Model`] where the library refuses.
    pub fn new(
        library: &Arc<Library>,
        model: &Model,
        tuning: &Tuning,
    ) -> Result<Self, DecoderError> {
        if let Some(file) = model.missing() {
            return Err(DecoderError::MissingFile(file));
        }
        let refused = || DecoderError::Model {
            acoustic: model.acoustic.clone(),
            dictionary: model.dictionary.clone(),
        };
        let mut options = vec![c_text("ringback", "program name")?];
        let paths = [("-hmm", &model.acoustic), ("-dict", &model.dictionary)];
        for (name, path) in paths {
            options.push(c_text(name, "option")?);
            options.push(c_path(path)?);
        }
        for (name, value) in tuning.options() {
            options.push(c_text(name, "option")?);
            options.push(c_text(&value, "option")?);
        }
        let raw = alone(|| start(&library.symbols, &options)).ok_or_else(refused)?;
        Ok(Self {
            raw,
            library: Arc::clone(library),
            _options: options,
            tuning: tuning.clone(),
            current: None,
            has_language: false,
            listening: false,
            _not_sync: PhantomData,
        })
    }

    /// Adds a pronunciation. A further one of the same word is named `word(2)`, `word(3)` and so on.
    ///
    /// # Errors
    /// [`DecoderError::Word`] where the phones are unknown, [`DecoderError::State`] during an utterance.
    pub fn add_word(&mut self, word: &str, phones: &str) -> Result<(), DecoderError> {
        self.idle("add a word during an utterance")?;
        let (name, sounds) = (c_text(word, "word")?, c_text(phones, "pronunciation")?);
        let update = c_int::from(self.has_language);
        let raw = self.raw.as_ptr();
        // SAFETY: the decoder lives and is between utterances; both texts end in NUL and are copied. A search
        // over a language model counts words in its tables, so it is rebuilt (`update`) when there is one.
        let id = alone(|| unsafe {
            (self.symbols().ps_add_word)(raw, name.as_ptr(), sounds.as_ptr(), update)
        });
        match id {
            0.. => Ok(()),
            _ => Err(DecoderError::Word {
                word: word.to_string(),
                phones: phones.to_string(),
            }),
        }
    }

    /// Compiles a JSGF grammar under a name, replacing one of that name, and makes it the current search.
    ///
    /// # Errors
    /// [`DecoderError::Grammar`]; the search before stays current then.
    pub fn set_grammar(&mut self, name: &str, jsgf: &str) -> Result<(), DecoderError> {
        self.idle("change the grammar during an utterance")?;
        let (c_name, text) = (c_text(name, "grammar's name")?, c_text(jsgf, "grammar")?);
        let raw = self.raw.as_ptr();
        // SAFETY: the decoder lives and is between utterances, and `&mut self` keeps other threads out; the texts end in
        // NUL and are copied or only read. A replaced search is freed inside, and `select` below makes the new one current before
        // anything can look at the old.
        let done = alone(|| unsafe {
            self.widen(self.tuning.grammar_beams());
            let done = (self.symbols().ps_set_jsgf_string)(raw, c_name.as_ptr(), text.as_ptr());
            self.widen(self.tuning.language_beams());
            done
        });
        if done != 0 {
            return Err(DecoderError::Grammar(name.to_string()));
        }
        self.select(name)
    }

    /// Reads a binary language model under a name and makes it the current search: half a second of work and
    /// tens of megabytes for Debian's.
    ///
    /// # Errors
    /// [`DecoderError::MissingFile`] or [`DecoderError::Language`].
    pub fn set_language(&mut self, name: &str, file: &Path) -> Result<(), DecoderError> {
        self.idle("change the language model during an utterance")?;
        if !file.is_file() {
            return Err(DecoderError::MissingFile(file.to_path_buf()));
        }
        let (c_name, path) = (c_text(name, "language model's name")?, c_path(file)?);
        let raw = self.raw.as_ptr();
        // SAFETY: as in `set_grammar`.
        let done = alone(|| unsafe {
            (self.symbols().ps_set_lm_file)(raw, c_name.as_ptr(), path.as_ptr())
        });
        if done != 0 {
            return Err(DecoderError::Language(file.to_path_buf()));
        }
        self.has_language = true;
        self.select(name)
    }

    /// Makes a grammar or language model that was set before the current search.
    ///
    /// # Errors
    /// [`DecoderError::Search`] where there is none of that name.
    pub fn select(&mut self, name: &str) -> Result<(), DecoderError> {
        self.idle("change the search during an utterance")?;
        let c_name = c_text(name, "search's name")?;
        // SAFETY: the decoder lives and is between utterances; the name ends in NUL and is only compared.
        if unsafe { (self.symbols().ps_set_search)(self.raw.as_ptr(), c_name.as_ptr()) } != 0 {
            return Err(DecoderError::Search(name.to_string()));
        }
        self.current = Some(name.to_string());
        Ok(())
    }

    /// Name of the current search.
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// The utterances to come are from another line: what was learnt of the noise is forgotten. The mean of the
    /// channel is not; it drifts to that of what is heard next.
    ///
    /// # Errors
    /// [`DecoderError::State`] in an utterance.
    pub fn another_line(&mut self) -> Result<(), DecoderError> {
        self.idle("change the line during an utterance")?;
        // SAFETY: the decoder lives and is between utterances.
        match unsafe { (self.symbols().ps_start_stream)(self.raw.as_ptr()) } {
            0.. => Ok(()),
            _ => Err(DecoderError::Failed("change the line")),
        }
    }

    /// Starts an utterance.
    ///
    /// # Errors
    /// [`DecoderError::State`] in an utterance or before a search is set.
    pub fn begin(&mut self) -> Result<(), DecoderError> {
        self.idle("begin an utterance within another")?;
        if self.current.is_none() {
            return Err(DecoderError::State("begin without a grammar"));
        }
        // SAFETY: the decoder lives, is between utterances and has a current search.
        if unsafe { (self.symbols().ps_start_utt)(self.raw.as_ptr()) } != 0 {
            return Err(DecoderError::Failed("start an utterance"));
        }
        self.listening = true;
        Ok(())
    }

    /// Searches some more sound: 16 kHz, any length.
    ///
    /// # Errors
    /// [`DecoderError::State`] outside an utterance, [`DecoderError::Failed`] from the library.
    pub fn process(&mut self, samples: &[i16]) -> Result<(), DecoderError> {
        self.feed(samples, false)
    }

    /// Searches a whole utterance at once, which lets the channel's mean be taken over all of it.
    ///
    /// # Errors
    /// As [`Decoder::process`].
    pub fn process_whole(&mut self, samples: &[i16]) -> Result<(), DecoderError> {
        self.feed(samples, true)
    }

    fn feed(&mut self, samples: &[i16], whole: bool) -> Result<(), DecoderError> {
        self.busy("process sound outside an utterance")?;
        let (data, count) = (samples.as_ptr(), samples.len());
        if count == 0 {
            return Ok(());
        }
        // SAFETY: the decoder lives and is in an utterance; `data` points to `count` samples that are only
        // read, during the call.
        let frames = unsafe {
            (self.symbols().ps_process_raw)(self.raw.as_ptr(), data, count, 0, c_int::from(whole))
        };
        match frames {
            0.. => Ok(()),
            _ => Err(DecoderError::Failed("process sound")),
        }
    }

    /// The best words so far, whether or not they complete a sentence of the grammar.
    pub fn partial(&mut self) -> Option<Hypothesis> {
        self.hypothesis()
    }

    /// Ends the utterance. A grammar gives `None` unless a whole sentence of it was heard.
    ///
    /// # Errors
    /// [`DecoderError::State`] outside an utterance, [`DecoderError::Failed`] from the library.
    pub fn end(&mut self) -> Result<Option<Hypothesis>, DecoderError> {
        self.busy("end an utterance before it began")?;
        self.listening = false;
        // SAFETY: the decoder lives and is in an utterance.
        if unsafe { (self.symbols().ps_end_utt)(self.raw.as_ptr()) } < 0 {
            return Err(DecoderError::Failed("end an utterance"));
        }
        Ok(self.hypothesis())
    }

    /// The best path, stretch by stretch; empty where nothing was heard.
    pub fn segments(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        if self.current.is_none() {
            return segments;
        }
        let symbols = self.symbols();
        // SAFETY: the decoder lives and has a search; the iterator is used up below before any other call.
        let mut at = unsafe { (symbols.ps_seg_iter)(self.raw.as_ptr()) };
        while !at.is_null() {
            let (mut first, mut last): (c_int, c_int) = (0, 0);
            let (mut acoustic, mut language, mut order) = (0, 0, 0);
            // SAFETY: `at` came from the iterator and is not null; the numbers outlive the calls; the word is
            // copied before the iterator moves; `ps_seg_next` frees the iterator at its end.
            let word = unsafe {
                (symbols.ps_seg_frames)(at, &raw mut first, &raw mut last);
                (symbols.ps_seg_prob)(at, &raw mut acoustic, &raw mut language, &raw mut order);
                let word = owned((symbols.ps_seg_word)(at));
                at = (symbols.ps_seg_next)(at);
                word
            };
            if word.as_deref() == Some(NO_WORD) {
                continue;
            }
            let frame = |number: c_int| u32::try_from(number).unwrap_or(0);
            segments.push(Segment {
                word: word.unwrap_or_default(),
                first: frame(first),
                last: frame(last),
                acoustic,
                language,
            });
        }
        segments
    }

    fn hypothesis(&mut self) -> Option<Hypothesis> {
        self.current.as_ref()?;
        let symbols = self.symbols();
        let mut score = 0;
        // SAFETY: the decoder lives and has a search; the text belongs to the search and is copied here,
        // before any other call could change it; the log-math object belongs to the decoder.
        let (text, posterior) = unsafe {
            let text = owned((symbols.ps_get_hyp)(self.raw.as_ptr(), &raw mut score))?;
            let posterior = match self.listening {
                true => 1.0,
                false => {
                    let log = (symbols.ps_get_prob)(self.raw.as_ptr());
                    (symbols.logmath_exp)((symbols.ps_get_logmath)(self.raw.as_ptr()), log)
                }
            };
            (text, posterior)
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(Hypothesis {
            text,
            score,
            posterior,
        })
    }

    /// Writes the widths that a search reads when it is set up.
    ///
    /// # Safety
    /// No other thread may use the decoder.
    unsafe fn widen(&self, beams: [(&'static CStr, f64); 3]) {
        // SAFETY: the configuration belongs to the decoder, which lives; the options are among those it was made
        // with and hold floating-point numbers; the names are static texts that end in NUL.
        unsafe {
            let config = (self.symbols().ps_get_config)(self.raw.as_ptr());
            for (option, width) in beams {
                (self.symbols().cmd_ln_set_float_r)(config, option.as_ptr(), width);
            }
        }
    }

    fn symbols(&self) -> &Symbols {
        &self.library.symbols
    }

    fn idle(&self, what: &'static str) -> Result<(), DecoderError> {
        if self.listening {
            Err(DecoderError::State(what))
        } else {
            Ok(())
        }
    }

    fn busy(&self, what: &'static str) -> Result<(), DecoderError> {
        if self.listening {
            Ok(())
        } else {
            Err(DecoderError::State(what))
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let raw = self.raw.as_ptr();
        // SAFETY: the decoder is freed once, here, and nothing points into it any more.
        alone(|| unsafe { (self.symbols().ps_free)(raw) });
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("current", &self.current)
            .field("listening", &self.listening)
            .finish_non_exhaustive()
    }
}

/// Parses the options and initialises a decoder with them.
fn start(symbols: &Symbols, options: &[CString]) -> Option<NonNull<RawDecoder>> {
    let mut arguments: Vec<*mut c_char> = options
        .iter()
        .map(|text| text.as_ptr().cast_mut())
        .collect();
    let count = i32::try_from(arguments.len()).ok()?;
    // SAFETY: the arguments are texts that end in NUL and outlive the decoder; the parser copies values and
    // writes to none. The definitions are the library's own static table. `ps_init` takes a reference of its
    // own to the configuration (so the header says), so ours is given back in either case.
    let raw = unsafe {
        let config = (symbols.cmd_ln_parse_r)(
            ptr::null_mut(),
            (symbols.ps_args)(),
            count,
            arguments.as_mut_ptr(),
            1,
        );
        if config.is_null() {
            return None;
        }
        let raw = (symbols.ps_init)(config);
        (symbols.cmd_ln_free_r)(config);
        raw
    };
    NonNull::new(raw)
}

fn c_text(text: &str, what: &'static str) -> Result<CString, DecoderError> {
    CString::new(text).map_err(|_| DecoderError::Nul(what))
}

fn c_path(path: &Path) -> Result<CString, DecoderError> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| DecoderError::Nul("path"))
}

/// Copies a C text.
///
/// # Safety
/// `text` is null or points to a text that ends in NUL.
unsafe fn owned(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and ends in NUL by this function's own contract.
    Some(
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    )
}
