//! Edges of speech: the energy gate and the detector together.
