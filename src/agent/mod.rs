//! Floor 3: turns a task into a command, and what it left into an outcome. Starts no process.
