//! Floor 3: the folder of an experiment: the only floor that knows where its files lie.
