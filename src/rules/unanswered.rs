//! Whether nobody answered an agent: then it was not measured.

use crate::model::exchange::{Exchange, Passage};
use crate::model::outcome::FailureKind;

/// The status of a rate limit.
const RATE_LIMITED: u16 = 429;
/// The statuses of those whose key is not accepted.
const UNKNOWN: [u16; 2] = [401, 403];

/// What came of a request.
enum Came {
    /// An answer, or the beginning of one.
    Answer,
    /// Its provider refused for a reason that passes, or could not be reached.
    Nothing,
    /// Nothing yet: whoever asked went away.
    Open,
    /// A refusal for what was asked, which is an answer for whoever asked.
    Refusal,
}

fn came(exchange: &Exchange) -> Came {
    match (exchange.status, exchange.passage) {
        (Some(200..300), Passage::Whole | Passage::Left) => Came::Answer,
        (Some(RATE_LIMITED | 500..), _) | (_, Passage::Cut) => Came::Nothing,
        (None, Passage::Left) => Came::Open,
        (Some(_), _) | (None, Passage::Whole | Passage::Refused) => Came::Refusal,
    }
}

/// That nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered {
    /// How many requests nobody answered: all, or the last ones.
    pub requests: usize,
    /// Whether others were answered before.
    pub was_answered: bool,
    /// What came of the last one.
    pub last: Last,
}

/// What came of a request that nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Its provider refused with this status.
    Refused(u16),
    /// Its provider was not reached, or broke off.
    Lost,
    /// Nothing until whoever asked went away.
    Silence,
}

impl Unanswered {
    /// The kind of failure that it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self.last {
            Last::Refused(RATE_LIMITED) => FailureKind::RateLimit,
            Last::Refused(status) if UNKNOWN.contains(&status) => FailureKind::Auth,
            Last::Refused(_) | Last::Lost | Last::Silence => FailureKind::Provider,
        }
    }
}

/// What is to be said of an agent whose time was over: that nobody ever answered it, or at last nobody did. `None` for one that asked
/// nobody, was answered, or was refused for what it asked.
#[must_use]
pub fn unanswered(exchanges: &[Exchange]) -> Option<Unanswered> {
    let was_answered = exchanges.iter().any(|it| matches!(came(it), Came::Answer | Came::Refusal));
    // What was under way when its time was over says nothing of its provider.
    let ended = || exchanges.iter().rev().filter(|it| !matches!(came(it), Came::Open));
    let at_last = ended().take_while(|it| matches!(came(it), Came::Nothing)).count();
    let requests = if was_answered { at_last } else { exchanges.len() };
    (requests > 0).then_some(Unanswered { requests, was_answered, last: last(exchanges) })
}

/// The same of an agent that failed by itself: that it asked, and was never given an answer. What was refused for what it asked is no
/// answer, either.
#[must_use]
pub fn never_answered(exchanges: &[Exchange]) -> Option<Unanswered> {
    let requests = exchanges.len();
    let was_answered = exchanges.iter().any(|it| matches!(came(it), Came::Answer));
    let unanswered = Unanswered { requests, was_answered, last: last(exchanges) };
    (requests > 0 && !was_answered).then_some(unanswered)
}

/// What came of the last request that ended.
fn last(exchanges: &[Exchange]) -> Last {
    match exchanges.iter().rev().find(|it| !matches!(came(it), Came::Open)) {
        // The gateway passes a provider's refusal on where it asks nobody itself.
        Some(Exchange { status: Some(status), passage: Passage::Whole | Passage::Left | Passage::Refused, .. }) => {
            Last::Refused(*status)
        }
        Some(_) => Last::Lost,
        None => Last::Silence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn exchange((status, passage): (Option<u16>, Passage)) -> Exchange {
        Exchange { status, passage, ..samples::exchange() }
    }

    #[test]
    fn whoever_was_answered_at_last_or_refused_for_what_was_asked_was_measured() {
        let (ok, down, limited) =
            ((Some(200), Passage::Whole), (Some(529), Passage::Whole), (Some(429), Passage::Whole));
        let (gone, open, wrong) = ((None, Passage::Cut), (None, Passage::Left), (Some(400), Passage::Whole));
        let (stalled, broken) = ((Some(200), Passage::Left), (Some(200), Passage::Cut));
        let of = |exchanges: &[(Option<u16>, Passage)]| {
            let exchanges: Vec<Exchange> = exchanges.iter().copied().map(exchange).collect();
            unanswered(&exchanges)
        };
        for measured in [&[][..], &[ok], &[ok, open], &[ok, down, ok, open], &[stalled], &[wrong, open]] {
            assert_eq!(of(measured), None, "{measured:?}");
        }
        for (exchanges, requests, was_answered, last) in [
            (&[open][..], 1, false, Last::Silence),
            (&[gone, gone], 2, false, Last::Lost),
            (&[down, broken], 2, false, Last::Lost),
            (&[down, open], 2, false, Last::Refused(529)),
            (&[ok, down, down, open], 2, true, Last::Refused(529)),
            (&[ok, down, limited], 2, true, Last::Refused(429)),
            (&[limited, (Some(429), Passage::Refused)], 2, false, Last::Refused(429)),
        ] {
            assert_eq!(of(exchanges), Some(Unanswered { requests, was_answered, last }), "{exchanges:?}");
        }
        for answered in [&[][..], &[ok], &[wrong, ok, down], &[stalled]] {
            let exchanges: Vec<Exchange> = answered.iter().copied().map(exchange).collect();
            assert_eq!(never_answered(&exchanges), None, "{answered:?}");
        }
        let unknown = (Some(401), Passage::Whole);
        for (exchanges, last, kind) in [
            (&[wrong, down][..], Last::Refused(529), FailureKind::Provider),
            (&[down, wrong, open], Last::Refused(400), FailureKind::Provider),
            (&[unknown], Last::Refused(401), FailureKind::Auth),
            (&[unknown, limited], Last::Refused(429), FailureKind::RateLimit),
            (&[broken, gone], Last::Lost, FailureKind::Provider),
            (&[open], Last::Silence, FailureKind::Provider),
        ] {
            let exchanges: Vec<Exchange> = exchanges.iter().copied().map(exchange).collect();
            let never = never_answered(&exchanges).unwrap();
            assert_eq!((never.last, never.kind()), (last, kind), "{exchanges:?}");
        }
        let limited = of(&[limited]).unwrap();
        assert_eq!((limited.kind(), of(&[gone]).unwrap().kind()), (FailureKind::RateLimit, FailureKind::Provider));
    }
}
