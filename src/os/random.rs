//! Words that nobody can guess, from the system's own source; alone, because it is a neighbour of its own.

use std::io;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// A word of so many letters and digits, each one of sixteen.
///
/// # Errors
/// When the system gives no random bytes.
pub fn word(length: usize) -> io::Result<String> {
    let mut bytes = vec![0_u8; length];
    let mut filled = 0;
    while filled < bytes.len() {
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes.iter().map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 15)])).collect())
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words_have_their_length_and_differ() {
        let words = [(); 2].map(|()| word(32).unwrap());
        assert!(words[0] != words[1] && words.iter().all(|word| word.len() == 32), "{words:?}");
    }
}
