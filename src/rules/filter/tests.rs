//! The language as a person types it: what it means, and what is said of what is wrong.

use proptest::prelude::*;

use super::*;
use crate::model::row::samples as row;
use crate::model::samples::usd;
use crate::model::usage::Total;

/// The runs of the samples that an expression means, as `T0/00/1`.
#[track_caller]
fn meant(expression: &str) -> String {
    let filter: Filter = expression.parse().unwrap_or_else(|error| panic!("{error}"));
    let rows = row::all().into_iter().filter(|row| filter.matches(row));
    rows.map(|row| format!("{}/{}/{}", row.run.tier, row.run.subtest, row.run.run)).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_predicate_means_the_runs_that_have_the_value() {
    let judged = "T0/00/1 T0/00/2 T1/00/1 T1/01/1";
    for (expression, runs) in [
        ("all()", "T0/00/1 T0/00/2 T0/00/3 T1/00/1 T1/01/1 T1/01/2 T1/01/3 T1/01/4"),
        ("none()", ""),
        ("missing()", "T0/00/3 T1/01/2 T1/01/3 T1/01/4"),
        ("unknown_cost()", "T0/00/2 T1/01/1"),
        ("tier(T0)", "T0/00/1 T0/00/2 T0/00/3"),
        ("tier( =T0 )", "T0/00/1 T0/00/2 T0/00/3"),
        ("tier(T7)", ""),
        ("subtest(00)", "T0/00/1 T0/00/2 T0/00/3 T1/00/1"),
        ("subtest(T1/00)", "T1/00/1"),
        ("run(3)", "T0/00/3 T1/01/3"),
        ("run(run_03)", "T0/00/3 T1/01/3"),
        ("run(T0/00/3)", "T0/00/3"),
        ("run(T0/00/run_03)", "T0/00/3"),
        ("status(passed)", "T0/00/1 T1/00/1"),
        ("status(failed)", "T0/00/2 T1/01/1"),
        ("status(Not-Started)", "T0/00/3"),
        ("status(agent_complete)", "T1/01/3"),
        ("status(running)", "T1/01/4"),
        ("status(missing)", "T0/00/3 T1/01/2 T1/01/3 T1/01/4"),
        ("grade(A)", "T1/00/1"),
        ("grade(>=B)", "T0/00/1 T1/00/1"),
        ("grade(> A)", "T0/00/1"),
        ("grade(<B)", "T0/00/2 T1/01/1"),
        ("grade(!=f)", "T0/00/1 T0/00/2 T1/00/1"),
        ("score(<0.5)", "T0/00/2 T1/01/1"),
        ("score(>=0.9733)", "T0/00/1 T1/00/1"),
        ("score(1)", "T0/00/1"),
        ("score(!=1)", "T0/00/2 T1/00/1 T1/01/1"),
        ("score(>=0)", judged),
        ("tokens(>1000)", "T1/00/1 T1/01/1"),
        ("tokens(<=0.9k)", "T0/00/1"),
        ("tokens(<1M)", "T0/00/1 T1/00/1 T1/01/1"),
        ("time(>60)", judged),
        ("time(>1h)", "T0/00/2"),
        ("time(<3m 24s)", "T0/00/1 T1/00/1 T1/01/1"),
        ("end(timeout)", "T0/00/2"),
        ("end(timed out)", "T0/00/2"),
        ("end(finished)", "T0/00/1 T1/00/1 T1/01/1"),
        ("attempts(>1)", "T0/00/2"),
        ("attempts(0)", "T0/00/3 T1/01/2 T1/01/3 T1/01/4"),
        ("flag(secret_in_patch)", "T0/00/2"),
        ("reason(timed out)", "T0/00/2 T1/01/1"),
    ] {
        assert_eq!(meant(expression), runs, "{expression}");
    }
}

#[test]
fn a_sum_with_an_unknown_part_fulfils_only_what_is_sure() {
    let of = |cost: Option<Total>| RunRow { cost, ..row::passed("T0/00/1") };
    let holds = |expression: &str, cost| expression.parse::<Filter>().unwrap().matches(&of(cost));
    let half = Total { known: usd(0.5), unknown: 1, ..Total::ZERO };
    for (expression, is_sure) in [
        ("cost(>0.10)", true),
        ("cost(>=0.5)", true),
        ("cost(!=0.4)", true),
        ("cost(>0.5)", false),
        ("cost(<9)", false),
        ("cost(<=0.5)", false),
        ("cost(=0.5)", false),
        ("cost(!=0.5)", false),
    ] {
        assert_eq!(holds(expression, Some(half)), is_sure, "{expression}");
        for nothing in [None, Some(Total::UNKNOWN)] {
            assert!(!holds(expression, nothing), "{expression} of {nothing:?}");
            assert!(
                holds(&format!("!{expression}"), nothing),
                "the negation holds where nothing is known: {expression}"
            );
        }
    }
    assert!(holds("cost($0.50)", Some(usd(0.5).into())) && holds("cost(0)", Some(Total::ZERO)));
}

#[test]
fn texts_are_compared_as_a_whole_by_a_part_an_expression_or_a_glob() {
    let named = |name: &str, expression: &str| {
        let row = RunRow { name: Some(name.to_owned()), ..row::passed("T0/00/1") };
        expression.parse::<Filter>().unwrap_or_else(|error| panic!("{error}")).matches(&row)
    };
    for (name, expression, fits) in [
        ("with an expert", "setup(expert)", true),
        ("with an expert", "setup(Expert)", false),
        ("with an expert", "setup(~an ex)", true),
        ("with an expert", "setup(=expert)", false),
        ("with an expert", "setup(=with an expert)", true),
        ("with an expert", "setup(/expert/)", true),
        ("with an expert", "setup(/^(no|with) .*t$/)", true),
        ("with an expert", "setup(/(?i)EXPERT/)", true),
        ("with an expert", "setup( /^expert/ )", false),
        ("a)b", r"setup(/a\)b/)", true),
        ("a)b", "setup(/a[)]b/)", true),
        ("a/b", r"setup(/a\/b/)", true),
        ("expert (v2)", "setup(=expert (v2))", true),
        ("a)b", r"setup(=a\)b)", true),
        ("with an expert", "setup(#with*)", true),
        ("with an expert", "setup(#expert)", false),
        ("with an expert", "setup(#*exper[s-u])", true),
        ("with an expert", "setup(#*exper[!s-u])", false),
        ("a.b", "setup(#a?b)", true),
        ("aXb", "setup(#a.b)", false),
        ("a+b", "setup(#a+b)", true),
    ] {
        assert_eq!(named(name, expression), fits, "{expression} of {name}");
    }
    assert_eq!(meant("model(large)"), "T1/00/1 T1/01/1 T1/01/2 T1/01/3 T1/01/4");
    assert_eq!(meant("!model(large) & !setup(expert)"), "T0/00/1 T0/00/2 T0/00/3");
}

#[test]
fn not_binds_closest_then_and_and_without_then_or() {
    for (expression, same) in [
        ("tier(T0) & status(failed)", "run(T0/00/2)"),
        ("tier(T0) and status(failed)", "run(T0/00/2)"),
        ("tier(T0)&&status(failed)", "run(T0/00/2)"),
        ("tier(T0) - status(failed)", "run(T0/00/1) | run(T0/00/3)"),
        ("tier(T0)-status(failed)-run(1)", "run(T0/00/3)"),
        ("tier(T0) or tier(T1) and run(1)", "tier(T0) | (tier(T1) & run(1))"),
        ("(tier(T0) + tier(T1)) & run(1)", "run(1)"),
        ("(tier(T0) || tier(T1)) & run(1)", "run(1)"),
        ("not tier(T0) & run(1)", "(!tier(T0)) & run(1)"),
        ("not(tier(T0) & run(1))", "!tier(T0) | !run(1)"),
        ("!!not not tier(T0)", "tier(T0)"),
        ("all() - none()", "all()"),
        ("  status ( passed )  ", "status(passed)"),
    ] {
        assert_eq!(meant(expression), meant(same), "{expression}");
    }
}

#[test]
fn several_filters_mean_the_runs_of_any() {
    let filters: Vec<Filter> = ["tier(T0)", "run(4)"].iter().map(|text| text.parse().unwrap()).collect();
    let fit = |filters: &[Filter]| row::all().iter().filter(|row| any_matches(filters, row)).count();
    assert_eq!((fit(&filters), fit(&filters[..1]), fit(&[])), (4, 3, 8));
}

#[test]
fn neither_depth_nor_length_of_an_expression_is_a_danger() {
    let deep = format!("{}all(){}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(deep.parse::<Filter>().unwrap_err().what.contains("more than 100 deep"));
    let long = vec!["all()"; 20_000].join(" & ");
    assert!(long.parse::<Filter>().is_ok() && format!("{}all()", "!".repeat(50_000)).parse::<Filter>().is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_each_mark_lies_in_the_text(text in any::<String>()) {
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error.at);
        }
    }

    #[test]
    fn no_words_of_the_language_make_the_reader_panic(words in prop::collection::vec(
        prop::sample::select(vec![
            "tier(", "T1", ")", "(", "&", "|", "!", "not ", "setup(", "/", "\\", "#", "=", "~", "score(<", "0.5", "[", " ", "é", "-",
        ]), 0..12,
    )) {
        let text = words.concat();
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.matches(&row::passed("T0/00/1")), filter.matches(&row::passed("T0/00/1")));
        }
    }
}
