//! The local recogniser: a pool of decoder threads.
