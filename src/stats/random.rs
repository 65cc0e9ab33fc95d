//! Random numbers from a seed: the Mersenne Twister as `numpy.random.RandomState` seeds and uses it, so that whoever has
//! `NumPy` draws the same numbers.

/// How many words of state the generator has.
const WORDS: usize = 624;
/// How far ahead the word lies that is mixed in.
const AHEAD: usize = 397;

/// The generator MT19937.
///
/// Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); the seeding from one word is `init_genrand`
/// of the authors' code of 2002, which `RandomState(seed)` uses.
#[derive(Debug, Clone)]
pub struct MersenneTwister {
    state: [u32; WORDS],
    at: usize,
    /// The second number of a pair of normal ones.
    spare: Option<f64>,
}

impl MersenneTwister {
    /// A generator that begins at a seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        let mut word = seed;
        for (at, slot) in (1_u32..).zip(&mut state[1..]) {
            word = 1_812_433_253_u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(at);
            *slot = word;
        }
        Self { state, at: WORDS, spare: None }
    }

    /// Makes the next words of the state, each from the old one, the one behind it and the one that lies ahead. The state is a
    /// ring; it is gone over in three parts, so that no place has to be wrapped: most of what is drawn would else be waited for.
    fn refill(&mut self) {
        let state = &mut self.state;
        for at in 0..WORDS - AHEAD {
            state[at] = state[at + AHEAD] ^ twisted(state[at], state[at + 1]);
        }
        for at in WORDS - AHEAD..WORDS - 1 {
            state[at] = state[at + AHEAD - WORDS] ^ twisted(state[at], state[at + 1]);
        }
        state[WORDS - 1] = state[AHEAD - 1] ^ twisted(state[WORDS - 1], state[0]);
        self.at = 0;
    }

    /// The next word, all 32 bits of it random.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.at >= WORDS {
            self.refill();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A whole number from 0 to below `bound`, each as likely as another: bits that suffice are taken until they are below
    /// the bound. Nothing is drawn where there is no choice.
    ///
    /// Source: `RandomState.randint` of `NumPy` (masked rejection).
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        let most = bound.saturating_sub(1);
        if most == 0 {
            return 0;
        }
        let mask = u32::MAX >> most.leading_zeros();
        loop {
            let drawn = self.word() & mask;
            if drawn <= most {
                return drawn;
            }
        }
    }

    /// A number from 0 to below 1 with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// A number of the normal distribution with mean 0 and sd 1.
    ///
    /// Source: Marsaglia's polar method, as `RandomState.normal` has it.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// Puts things into a random order, each order as likely as another (Fisher and Yates).
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            let bound = u32::try_from(end + 1).unwrap_or(u32::MAX);
            things.swap(end, self.below(bound) as usize);
        }
    }
}

/// The top bit of a word and the others of the next one, moved by one; mixed with a constant where the last bit was 1.
fn twisted(word: u32, next: u32) -> u32 {
    let joined = (word & 0x8000_0000) | (next & 0x7fff_ffff);
    (joined >> 1) ^ ((joined & 1) * 0x9908_b0df)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_word_of_the_authors_seed_is_theirs() {
        // The C++ standard demands it of `std::mt19937`, whose default seed is 5489.
        let mut generator = MersenneTwister::new(5489);
        assert_eq!((0..10_000).map(|_| generator.word()).last(), Some(4_123_659_995));
    }

    #[test]
    fn where_there_is_no_choice_nothing_is_drawn() {
        let (mut one, mut other) = (MersenneTwister::new(1), MersenneTwister::new(1));
        assert_eq!((one.below(1), one.below(0)), (0, 0));
        assert_eq!(one.word(), other.word());
    }

    #[test]
    fn a_shuffle_keeps_all_things_and_follows_its_seed() {
        let shuffled = |seed| {
            let mut things: Vec<u32> = (0..20).collect();
            MersenneTwister::new(seed).shuffle(&mut things);
            things
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
