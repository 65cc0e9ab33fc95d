//! What the programs of a run may use of the machine, and what they used: memory, processes, processor time.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Something of the machine that has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Memory, and swap with it.
    Memory,
    /// Processes and threads at the same time.
    Processes,
    /// Processor time.
    Processors,
}

impl Resource {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Processes, Self::Processors];
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Processors => "processor time",
        })
    }
}

/// What the agent of a run, and each of its checks, may use with everything that it starts; `None` for no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resources {
    /// Memory.
    pub memory: Option<Memory>,
    /// Processes and threads at the same time, from 1.
    pub processes: Option<u32>,
    /// Processors that are kept busy, on average.
    pub processors: Option<Processors>,
}

impl Resources {
    /// Most processes that can be asked for: no kernel has more.
    pub const MOST_PROCESSES: u32 = 1 << 22;

    /// Whether this one has a limit.
    #[must_use]
    pub fn limits(&self, resource: Resource) -> bool {
        match resource {
            Resource::Memory => self.memory.is_some(),
            Resource::Processes => self.processes.is_some(),
            Resource::Processors => self.processors.is_some(),
        }
    }

    /// Whether nothing has a limit.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// A size of memory in bytes; in files a text such as `4GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(u64);

/// The units of a size, the largest ones first.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
];

impl Memory {
    /// Less than that is not enough to start any program.
    const LEAST: u64 = 16 << 20;
    /// More than that has no machine.
    const MOST: u64 = 1 << 50;
    /// What it must be.
    pub const WANTED: &'static str = "a size from 16MiB to 1024TiB, such as `512MiB` or `4GiB`";

    /// A size that was recorded, in bytes.
    #[must_use]
    pub(super) fn of(bytes: u64) -> Self {
        Self(bytes)
    }

    /// It in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// A text is no size of memory that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not {wanted}", wanted = Memory::WANTED)]
pub struct MemoryError;

impl FromStr for Memory {
    type Err = MemoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
        let (number, unit) = unit.ok_or(MemoryError)?;
        let is_digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = Some(number).filter(|_| is_digits).and_then(|number| number.parse::<u64>().ok());
        let bytes = number.and_then(|number| number.checked_mul(unit)).ok_or(MemoryError)?;
        if (Self::LEAST..=Self::MOST).contains(&bytes) { Ok(Self(bytes)) } else { Err(MemoryError) }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every size that can be written is a whole number of one of the units.
        let whole = UNITS.iter().find(|(_, bytes)| self.0.is_multiple_of(*bytes));
        let (unit, bytes) = whole.unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A number of processors, held in hundredths; in files a number such as `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Processors(u32);

impl Processors {
    /// More than that has no machine.
    const MOST: f64 = 8192.0;
    /// What it must be.
    pub const WANTED: &'static str = "a number of processors from 0.01 to 8192";

    /// The number nearest to this one in hundredths; `None` when it is out of range.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        if !(0.01..=Self::MOST).contains(&number) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
        let hundredths = (number * 100.0).round() as u32;
        Some(Self(hundredths))
    }

    /// It in hundredths of one processor, from 1.
    #[must_use]
    pub fn hundredths(self) -> u32 {
        self.0
    }
}

/// A text is no number of processors that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not {wanted}", wanted = Processors::WANTED)]
pub struct ProcessorsError;

impl FromStr for Processors {
    type Err = ProcessorsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or(ProcessorsError)
    }
}

impl fmt::Display for Processors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 100.0)
    }
}

impl Serialize for Processors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

impl<'de> Deserialize<'de> for Processors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).ok_or_else(|| de::Error::custom(ProcessorsError))
    }
}

/// What a program used with everything that it started, and where it came to a limit; known only where it had limits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ResourceUse {
    /// The most memory at one time in bytes, that of cached files included; missing where the kernel does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Processor time in seconds; missing where the kernel does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_seconds: Option<f64>,
    /// How many of its processes the kernel ended because its limit of memory was reached.
    #[serde(default)]
    pub ended_for_memory: u64,
    /// How often a process or thread was not started because its limit of processes was reached.
    #[serde(default)]
    pub refused_processes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_of_memory_is_read_as_it_is_written() {
        for (text, bytes, written) in [
            ("4GiB", 4 << 30, "4GiB"),
            ("1536MiB", 1536 << 20, "1536MiB"),
            ("2048MiB", 2 << 30, "2GiB"),
            ("500MB", 500_000_000, "500MB"),
            ("16384KiB", 16 << 20, "16MiB"),
            ("1024TiB", 1 << 50, "1024TiB"),
            ("20000001KB", 20_000_001_000, "20000001KB"),
        ] {
            let memory: Memory = text.parse().unwrap();
            assert_eq!((memory.bytes(), memory.to_string().as_str()), (bytes, written));
            assert_eq!(serde_json::from_str::<Memory>(&format!("\"{written}\"")).unwrap(), memory);
        }
        for wrong in
            ["", "4", "4G", "4gib", "GiB", "-4GiB", "+4GiB", "1.5GiB", "4 GiB", "15MiB", "1025TiB", "9999999999999TiB"]
        {
            assert_eq!(wrong.parse::<Memory>(), Err(MemoryError), "{wrong}");
        }
    }

    #[test]
    fn a_number_of_processors_is_held_in_hundredths() {
        for (text, hundredths, written) in
            [("2", 200, "2"), ("0.5", 50, "0.5"), ("0.014", 1, "0.01"), ("8192", 819_200, "8192")]
        {
            let processors: Processors = text.parse().unwrap();
            assert_eq!((processors.hundredths(), processors.to_string().as_str()), (hundredths, written));
        }
        for wrong in ["", "0", "0.009", "-1", "NaN", "inf", "8193", "two"] {
            assert_eq!(wrong.parse::<Processors>(), Err(ProcessorsError), "{wrong}");
        }
    }
}
