//! Every statistic, held against what `SciPy` and `NumPy` say, and against published values.

mod differences;
mod published;
mod values;
