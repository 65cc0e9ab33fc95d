//! Whether the files of a report say what the results say: those of the stamp beside them, held against the results that are
//! there now.

use std::collections::{BTreeMap, BTreeSet};

use super::stamp::{STAMP, Stamp, Stamped};
use super::{Material, Report, form_of};
use crate::model::digest::Digest;
use crate::model::finding::FindingKind;
use crate::model::reported::Reported;
use crate::rules::filter::{Filter, any_matches};
use crate::stats::summaries::Settings;
use crate::text::styles::Styles;
use crate::text::words::list;

/// So many differently filtered reports are made again; nobody stamps more, and each takes its time.
const MOST_MADE: usize = 16;

/// What lies in the folder of a report: each name with its digest, or why there is none.
pub type Lying = BTreeMap<String, Result<Digest, String>>;

/// What files are held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// The experiment as it is now, with all of its runs.
    pub experiment: &'a Reported,
    /// Name and version of this tool: what another version made is not made again.
    pub made_by: &'a str,
    /// How this tool makes reports.
    pub settings: &'a Settings,
    /// Whether each file is made again, and compared by its bytes.
    pub is_made_again: bool,
    /// Adds to an experiment all that the folders of its runs tell, for forms that need it.
    pub add_whole: &'a dyn Fn(&mut Reported),
}

/// What is wrong with a file: its name, the kind, and a sentence.
pub type Wrong = (String, FindingKind, String);

/// Holds the files of a report against the results. Without a stamp that can be read, nothing is known of them.
#[must_use]
pub fn check(stamp: Option<&Stamp>, lying: &Lying, against: Against<'_>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let known = stamp.map(|stamp| &stamp.files);
    if stamp.is_none() && lying.contains_key(STAMP) {
        let why = "it is no stamp that this version reads".to_owned();
        wrong.push((STAMP.to_owned(), FindingKind::AlteredReport, why));
    }
    let mut makers = Vec::new();
    for (name, stamped) in known.into_iter().flatten() {
        wrong.extend(one(name, stamped, lying, against, &mut makers).map(|(kind, why)| (name.clone(), kind, why)));
    }
    for name in lying.keys().filter(|name| *name != STAMP && known.is_none_or(|known| !known.contains_key(*name))) {
        wrong.push((name.clone(), FindingKind::UncheckedReport, "no stamp names it".to_owned()));
    }
    wrong
}

/// Whether a file can be made again from one experiment: not where this version does not know its form, or it tells of several
/// experiments or of tables.
#[must_use]
pub fn can_be_made(stamped: &Stamped) -> bool {
    stamped.experiments.len() == 1 && stamped.inputs.is_empty() && form_of(&stamped.format).is_some()
}

/// The forms that are to be made again, with the filters of each.
#[must_use]
pub fn to_make_again(stamp: &Stamp) -> BTreeSet<(Vec<String>, String)> {
    let known = stamp.files.values().filter(|stamped| can_be_made(stamped));
    known.map(|stamped| (stamped.filters.clone(), stamped.format.clone())).collect()
}

/// The experiment with the runs that these filters choose; `None` when one is no filter.
fn chosen(experiment: &Reported, filters: &[String]) -> Option<Reported> {
    let filters: Vec<Filter> = filters.iter().map(|filter| filter.parse().ok()).collect::<Option<_>>()?;
    let mut experiment = experiment.clone();
    experiment.runs.retain(|run| any_matches(&filters, &run.row));
    Some(experiment)
}

/// An experiment of which some runs were chosen, under the name that a report has for it.
struct Maker {
    name: String,
    filters: Vec<String>,
    experiment: Reported,
    /// Whether it has all that the folders of its runs tell.
    is_whole: bool,
    /// As reports tell of it now, and as they did before it was sealed.
    reports: Option<(Report, Option<Report>)>,
}

fn one(
    name: &str,
    stamped: &Stamped,
    lying: &Lying,
    against: Against<'_>,
    makers: &mut Vec<Maker>,
) -> Option<(FindingKind, String)> {
    match lying.get(name) {
        None => return Some((FindingKind::MissingReport, "its stamp is there, and it is gone".to_owned())),
        Some(Err(why)) => return Some((FindingKind::AlteredReport, why.clone())),
        Some(Ok(digest)) if *digest != stamped.digest => {
            return Some((FindingKind::AlteredReport, "it is not as it was written".to_owned()));
        }
        Some(Ok(_)) => {}
    }
    let [of] = stamped.experiments.as_slice() else {
        return Some((FindingKind::UncheckedReport, format!("it tells of {}", list(&stamped.experiments))));
    };
    if !stamped.inputs.is_empty() {
        return Some((FindingKind::UncheckedReport, "it was made of tables, and not of this experiment".to_owned()));
    }
    let is_same = |maker: &Maker| maker.name == *of && maker.filters == stamped.filters;
    let place = match makers.iter().position(is_same) {
        Some(place) => place,
        None if makers.len() >= MOST_MADE => {
            return Some((FindingKind::UncheckedReport, "its stamp is one of too many".to_owned()));
        }
        None => {
            let Some(experiment) = chosen(against.experiment, &stamped.filters) else {
                return Some((FindingKind::AlteredReport, "its stamp names a filter that is none".to_owned()));
            };
            makers.push(Maker::new(of, &stamped.filters, experiment));
            makers.len() - 1
        }
    };
    let maker = &mut makers[place];
    if stamped.results_digest != maker.experiment.results_digest() {
        let why = "it was made from other results than there are now".to_owned();
        return Some((FindingKind::OutdatedReport, why));
    }
    if !against.is_made_again || stamped.made_by != against.made_by {
        return None;
    }
    maker.differs(name, stamped, against)
}

impl Maker {
    fn new(name: &str, filters: &[String], experiment: Reported) -> Self {
        let experiment = Reported { name: name.to_owned(), ..experiment };
        Self { name: name.to_owned(), filters: filters.to_vec(), experiment, is_whole: false, reports: None }
    }

    /// Why a file is another one when it is made again.
    fn differs(&mut self, name: &str, stamped: &Stamped, against: Against<'_>) -> Option<(FindingKind, String)> {
        let of = |experiment: &Reported| {
            Report::of(std::slice::from_ref(experiment), &self.filters, against.made_by, against.settings)
        };
        let make = || {
            let before = self.experiment.seal.map(|_| of(&Reported { seal: None, ..self.experiment.clone() }));
            (of(&self.experiment), before)
        };
        let reports = self.reports.take().unwrap_or_else(make);
        let form = form_of(&stamped.format);
        if form.is_some_and(|form| form.needs_whole_runs) && !self.is_whole {
            (against.add_whole)(&mut self.experiment);
            self.is_whole = true;
        }
        let digest = |report: &Report| {
            let material = Material { report, experiments: std::slice::from_ref(&self.experiment), room: None };
            let files = form.map(|form| (form.files)(&material, Styles::plain())).unwrap_or_default();
            files.into_iter().find(|file| file.name == name).map(|file| Digest::of(file.text.as_bytes()))
        };
        // A seal changes no result, so what was made before it is right.
        let found = if digest(&reports.0) == Some(stamped.digest)
            || reports.1.as_ref().is_some_and(|before| digest(before) == Some(stamped.digest))
        {
            None
        } else {
            let why = "made again from the same results, it is another one".to_owned();
            Some((FindingKind::ContradictedReport, why))
        };
        self.reports = Some(reports);
        found
    }
}
