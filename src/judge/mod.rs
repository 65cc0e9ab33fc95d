//! Floor 3: turns a run into a request, and an answer into a verdict. Starts no process.

pub mod answer;
pub mod checks;
pub mod request;
pub mod score;

#[cfg(test)]
mod tests;
