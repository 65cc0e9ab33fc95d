//! Licences as the SPDX writes them: names joined by `AND`, `OR`, `WITH` and brackets.

use thiserror::Error;

/// Why a text is no licence expression.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ExpressionError {
    /// A licence should stand where something else does.
    #[error("no licence where `{0}` stands")]
    NoLicence(String),
    /// There is more behind the end of the expression.
    #[error("`{0}` follows a whole expression")]
    Rest(String),
    /// A bracket is not closed.
    #[error("a bracket is not closed")]
    Open,
}

/// Whether one may use something under `expression` when one accepts what `accept` does: a licence, with its exception.
pub(crate) fn satisfied(
    expression: &str,
    accept: &dyn Fn(&str, Option<&str>) -> bool,
) -> Result<bool, ExpressionError> {
    // Old manifests write `A/B` for `A OR B`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut reader = Reader { words: spaced.split_whitespace().collect(), at: 0, accept };
    let satisfied = reader.any()?;
    reader.peek().map_or(Ok(satisfied), |word| Err(ExpressionError::Rest(word.to_owned())))
}

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    accept: &'a dyn Fn(&str, Option<&str>) -> bool,
}

impl<'a> Reader<'a> {
    /// `a OR b OR …`
    fn any(&mut self) -> Result<bool, ExpressionError> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    /// `a AND b AND …`, which binds closer.
    fn all(&mut self) -> Result<bool, ExpressionError> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    /// One licence with its exception, or an expression in brackets.
    fn one(&mut self) -> Result<bool, ExpressionError> {
        if self.take("(") {
            let satisfied = self.any()?;
            return if self.take(")") { Ok(satisfied) } else { Err(ExpressionError::Open) };
        }
        let licence = self.name()?;
        let exception = if self.take("WITH") { Some(self.name()?) } else { None };
        Ok((self.accept)(licence, exception))
    }

    fn name(&mut self) -> Result<&'a str, ExpressionError> {
        let word = self.peek().unwrap_or("nothing");
        if self.peek().is_none() || ["AND", "OR", "WITH", "(", ")"].contains(&word) {
            return Err(ExpressionError::NoLicence(word.to_owned()));
        }
        self.at += 1;
        Ok(word)
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: bool) {
        let accept = |licence: &str, exception: Option<&str>| match exception {
            None => ["MIT", "ISC"].contains(&licence),
            Some(exception) => licence == "Apache-2.0" && exception == "LLVM-exception",
        };
        assert_eq!(satisfied(expression, &accept), Ok(expected), "{expression}");
    }

    #[test]
    fn one_accepted_licence_of_several_is_enough() {
        check("MIT", true);
        check("GPL-3.0", false);
        check("GPL-3.0 OR MIT", true);
        check("GPL-3.0/MIT", true);
        check("GPL-3.0 OR LGPL-3.0", false);
    }

    #[test]
    fn all_licences_of_a_conjunction_must_be_accepted() {
        check("MIT AND ISC", true);
        check("MIT AND GPL-3.0", false);
    }

    #[test]
    fn and_binds_closer_than_or_and_brackets_closest() {
        check("MIT OR ISC AND GPL-3.0", true);
        check("(MIT OR ISC) AND GPL-3.0", false);
        check("(GPL-3.0 OR (MIT AND ISC)) AND ISC", true);
    }

    #[test]
    fn an_exception_makes_another_licence() {
        check("Apache-2.0 WITH LLVM-exception", true);
        check("Apache-2.0", false);
        check("MIT WITH LLVM-exception", false);
        check("GPL-3.0 OR Apache-2.0 WITH LLVM-exception AND MIT", true);
    }

    #[test]
    fn broken_expressions_are_told() {
        let error = |expression| satisfied(expression, &|_, _| true).unwrap_err();
        assert_eq!(error(""), ExpressionError::NoLicence("nothing".to_owned()));
        assert_eq!(error("MIT OR"), ExpressionError::NoLicence("nothing".to_owned()));
        assert_eq!(error("AND MIT"), ExpressionError::NoLicence("AND".to_owned()));
        assert_eq!(error("MIT ISC"), ExpressionError::Rest("ISC".to_owned()));
        assert_eq!(error("(MIT OR ISC"), ExpressionError::Open);
        assert_eq!(error("MIT)"), ExpressionError::Rest(")".to_owned()));
    }
}
