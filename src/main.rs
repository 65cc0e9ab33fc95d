//! The program `cargo-scylla`.

fn main() {}
