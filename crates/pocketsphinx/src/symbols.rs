//! The C functions this crate calls, with the prototypes of Debian's headers `libpocketsphinx-dev` and
//! `libsphinxbase-dev`, version 0.8 prealpha 5.

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libloading::Library as Shared;

use crate::LoadError;

/// Shared object of the base library; its number is the binary interface's version.
const BASE: &str = "libsphinxbase.so.3";
/// Shared object of the decoder.
const DECODER: &str = "libpocketsphinx.so.3";

/// Declares an opaque C structure that is only ever handled by pointer.
macro_rules! opaque {
    ($($name:ident),*) => { $(
        #[repr(C)]
        pub struct $name { _private: [u8; 0] }
    )* };
}

opaque!(Config, Arg, RawDecoder, RawSegment, LogMath);

/// Declares the table of function pointers and how it is filled from the two shared objects.
macro_rules! symbols {
    ($($field:ident: $signature:ty;)*) => {
        /// Function pointers, valid as long as the libraries beside them are open.
        pub struct Symbols {
            $(pub $field: $signature,)*
            _decoder: Shared,
            _base: Shared,
        }

        impl Symbols {
            /// Opens both libraries and looks every function up.
            pub fn load(folder: Option<&Path>) -> Result<Self, LoadError> {
                // Opened by name so that a missing one is named; the decoder's handle finds both ones' functions.
                let base = open(folder, BASE)?;
                let decoder = open(folder, DECODER)?;
                $(
                    // SAFETY: the type is the prototype of the headers that belong to this version of the
                    // shared object (checked by its soname), and the pointer is stored beside the library,
                    // which is closed only after the table is gone.
                    let $field = unsafe { decoder.get::<$signature>(concat!(stringify!($field), "\0").as_bytes()) }
                        .map(|symbol| *symbol)
                        .map_err(|_| LoadError::Function { name: stringify!($field) })?;
                )*
                Ok(Self { $($field,)* _decoder: decoder, _base: base })
            }
        }
    };
}

symbols! {
    cmd_ln_parse_r: unsafe extern "C" fn(*mut Config, *const Arg, i32, *mut *mut c_char, i32) -> *mut Config;
    cmd_ln_free_r: unsafe extern "C" fn(*mut Config) -> c_int;
    cmd_ln_set_float_r: unsafe extern "C" fn(*mut Config, *const c_char, f64);
    err_set_logfp: unsafe extern "C" fn(*mut c_void);
    logmath_exp: unsafe extern "C" fn(*mut LogMath, c_int) -> f64;
    ps_args: unsafe extern "C" fn() -> *const Arg;
    ps_init: unsafe extern "C" fn(*mut Config) -> *mut RawDecoder;
    ps_free: unsafe extern "C" fn(*mut RawDecoder) -> c_int;
    ps_get_config: unsafe extern "C" fn(*mut RawDecoder) -> *mut Config;
    ps_get_logmath: unsafe extern "C" fn(*mut RawDecoder) -> *mut LogMath;
    ps_add_word: unsafe extern "C" fn(*mut RawDecoder, *const c_char, *const c_char, c_int) -> c_int;
    ps_set_jsgf_string: unsafe extern "C" fn(*mut RawDecoder, *const c_char, *const c_char) -> c_int;
    ps_set_lm_file: unsafe extern "C" fn(*mut RawDecoder, *const c_char, *const c_char) -> c_int;
    ps_set_search: unsafe extern "C" fn(*mut RawDecoder, *const c_char) -> c_int;
    ps_start_stream: unsafe extern "C" fn(*mut RawDecoder) -> c_int;
    ps_start_utt: unsafe extern "C" fn(*mut RawDecoder) -> c_int;
    ps_process_raw: unsafe extern "C" fn(*mut RawDecoder, *const i16, usize, c_int, c_int) -> c_int;
    ps_end_utt: unsafe extern "C" fn(*mut RawDecoder) -> c_int;
    ps_get_hyp: unsafe extern "C" fn(*mut RawDecoder, *mut i32) -> *const c_char;
    ps_get_prob: unsafe extern "C" fn(*mut RawDecoder) -> i32;
    ps_seg_iter: unsafe extern "C" fn(*mut RawDecoder) -> *mut RawSegment;
    ps_seg_next: unsafe extern "C" fn(*mut RawSegment) -> *mut RawSegment;
    ps_seg_word: unsafe extern "C" fn(*mut RawSegment) -> *const c_char;
    ps_seg_frames: unsafe extern "C" fn(*mut RawSegment, *mut c_int, *mut c_int);
    ps_seg_prob: unsafe extern "C" fn(*mut RawSegment, *mut i32, *mut i32, *mut i32) -> i32;
}

fn open(folder: Option<&Path>, name: &'static str) -> Result<Shared, LoadError> {
    let place = folder.map_or_else(|| name.into(), |folder| folder.join(name));
    // SAFETY: the initialisers of these two libraries and of what they link (libm, BLAS, LAPACK) only set up
    // their own data; they are made to be opened by any program.
    unsafe { Shared::new(place) }.map_err(|source| LoadError::Missing {
        name,
        detail: source.to_string(),
    })
}

/// Runs one set-up step of the C library alone in the process.
///
/// Decoders share nothing while they decode, but loading models goes through error jumps and parsers whose
/// global data nobody documents as safe for threads. Set-up is rare, so it costs nothing to do it in turn.
pub fn alone<T>(step: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    step()
}
