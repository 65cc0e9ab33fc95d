//! `fixture new`: a fixture that works, to be changed.
