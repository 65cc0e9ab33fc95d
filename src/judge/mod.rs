//! Floor 3: turns a run into a request, and an answer into a verdict. Starts no process.
