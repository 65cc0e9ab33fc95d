//! Floor 4: what people and machines read. Writes only to what it is given.
