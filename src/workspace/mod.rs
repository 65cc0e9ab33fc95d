//! Floor 3: trees of files for agents, through git.
