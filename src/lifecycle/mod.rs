//! Floor 1: what may happen next, what is wrong and how it is mended. Pure: no I/O, no clock.
