//! Floor 4: the coordinator's loop and its workers.
