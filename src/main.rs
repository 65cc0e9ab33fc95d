//! `cargo scylla`: the program alone; everything is in the library.

use scylla::cli::exit::Exit;

fn main() -> Exit {
    scylla::cli::main(std::env::args_os())
}
