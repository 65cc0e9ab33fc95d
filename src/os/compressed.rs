//! Bytes that are compressed: the door to `zstd`.

use std::io::{self, BufReader, Read, Write};

/// Compresses what is written to it. What was flushed can be read, even if no end follows; `finish` gives back where it went.
pub type Compressing<W> = zstd::Encoder<'static, W>;
/// Gives what was compressed.
pub type Decompressing<R> = zstd::Decoder<'static, BufReader<R>>;

/// How far back what repeats itself is found, as a power of two in bytes: 8 MiB.
const FAR: u32 = 23;

/// Compresses what is written, to somewhere, from 1 (fast) to 19 (small).
///
/// # Errors
/// When the library has no memory.
pub fn writer<W: Write>(to: W, how_hard: i32) -> io::Result<Compressing<W>> {
    zstd::Encoder::new(to, how_hard)
}

/// The same for what repeats whole pages of itself, as a conversation does that is sent again with each word.
///
/// # Errors
/// When the library has no memory.
pub fn writer_of_repeats<W: Write>(to: W, how_hard: i32) -> io::Result<Compressing<W>> {
    let mut writing = writer(to, how_hard)?;
    writing.long_distance_matching(true)?;
    writing.window_log(FAR)?;
    Ok(writing)
}

/// Reads what was compressed.
///
/// # Errors
/// When the library has no memory.
pub fn reader<R: Read>(from: R) -> io::Result<Decompressing<R>> {
    zstd::Decoder::new(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_read_again_and_pages_that_repeat_take_no_room() {
        let mut writing = writer(Vec::new(), 3).unwrap();
        writing.write_all(b"whole").unwrap();
        let mut read = String::new();
        reader(&*writing.finish().unwrap()).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, "whole");
        // Half a megabyte that nothing in it foretells.
        let page: Vec<u8> = (0..1_u64 << 16)
            .flat_map(|number| {
                number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23).wrapping_mul(number | 1).to_le_bytes()
            })
            .collect();
        let mut writing = writer_of_repeats(Vec::new(), 3).unwrap();
        for _ in 0..8 {
            writing.write_all(&page).unwrap();
            writing.flush().unwrap();
        }
        let flushed = writing.get_ref().len();
        assert!(flushed < page.len() * 2, "{flushed} of {}", page.len());
        let mut read = vec![0; page.len() * 8];
        reader(&**writing.get_ref()).unwrap().read_exact(&mut read).unwrap();
        assert!(
            read.chunks(page.len()).all(|again| again == page),
            "what was flushed is read before its end is written"
        );
    }
}
