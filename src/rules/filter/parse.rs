//! How words make an expression: `!` binds closest, then `&` and `-`, then `|`.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use crate::model::row::RunRow;

use super::error::FilterError;
use super::lex::{Placed, Token, tokens};
use super::predicate::{self, Predicate};

/// Parentheses may lie so deep in each other.
const MOST_DEPTH: usize = 100;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// One of these holds.
    Any(Vec<Expression>),
    /// Each of these holds.
    All(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// The predicate holds.
    Is(Predicate),
}

impl Expression {
    pub(super) fn holds(&self, row: &RunRow) -> bool {
        match self {
            Self::Any(several) => several.iter().any(|one| one.holds(row)),
            Self::All(several) => several.iter().all(|one| one.holds(row)),
            Self::Not(one) => !one.holds(row),
            Self::Is(predicate) => predicate.holds(row),
        }
    }

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// Reads a whole expression.
pub(super) fn expression(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), end: text.len(), depth: 0 };
    let expression = parser.any()?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some((Token::Close, at)) => Err(FilterError::new(at, "this `)` closes nothing")),
        Some((_, at)) => Err(FilterError::new(at, "an operator is expected before this")
            .hint("join predicates with `&`, `|` or `-`, such as `tier(T1) & status(failed)`")),
    }
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<Placed<'a>>>,
    /// Where the expression ends.
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next_if(&mut self, fits: impl Fn(&Token<'a>) -> bool) -> Option<Placed<'a>> {
        self.tokens.next_if(|(token, _)| fits(token))
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let first = self.all()?;
        let mut several = vec![first];
        while self.next_if(|token| *token == Token::Or).is_some() {
            several.push(self.all()?);
        }
        Ok(one_or(several, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut several = vec![self.one()?];
        while let Some((operator, _)) = self.next_if(|token| matches!(token, Token::And | Token::Without)) {
            let next = self.one()?;
            several.push(if operator == Token::Without { next.not() } else { next });
        }
        Ok(one_or(several, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        let mut is_not = false;
        while self.next_if(|token| *token == Token::Not).is_some() {
            is_not = !is_not;
        }
        let expression = match self.tokens.next() {
            Some((Token::Call(call), _)) => Expression::Is(predicate::read(&call)?),
            Some((Token::Open, at)) => self.inside(at)?,
            Some((_, at)) => return Err(expected(at)),
            None => return Err(expected(self.end..self.end)),
        };
        Ok(if is_not { expression.not() } else { expression })
    }

    /// What stands in parentheses that open at a place.
    fn inside(&mut self, open: Range<usize>) -> Result<Expression, FilterError> {
        if self.depth == MOST_DEPTH {
            return Err(FilterError::new(open, format!("parentheses lie more than {MOST_DEPTH} deep in each other")));
        }
        self.depth += 1;
        let expression = self.any()?;
        self.depth -= 1;
        match self.tokens.next() {
            Some((Token::Close, _)) => Ok(expression),
            Some((_, at)) => Err(FilterError::new(at, "an operator or `)` is expected before this")),
            None => Err(FilterError::new(open, "the parenthesis is not closed")),
        }
    }
}

fn one_or(mut several: Vec<Expression>, many: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match several.pop() {
        Some(only) if several.is_empty() => only,
        Some(last) => {
            several.push(last);
            many(several)
        }
        None => many(several),
    }
}

fn expected(at: Range<usize>) -> FilterError {
    FilterError::new(at, "a predicate, `!` or `(` is expected here").hint("such as `tier(T1) & status(failed)`")
}
