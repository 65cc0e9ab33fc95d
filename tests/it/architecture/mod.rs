//! The rules of the house, held by reading its source as text.
//!
//! Each rule is a function from the tree to violations. It is tried here on the real tree, and beside its definition on
//! small samples that break it: a rule that cannot fail holds nothing.

mod budgets;
mod circles;
mod documents;
mod doors;
mod floors;
mod forgotten;
mod kinds;
mod lexer;
mod paths;
mod places;
mod source;
mod violation;
mod words;

use floors::Floors;
use source::Tree;
use violation::assert_none;

#[test]
fn modules_name_only_lower_floors() {
    let tree = Tree::load();
    let floors = Floors::read(tree.text("src/lib.rs"));
    assert_none([floors::unlisted(&floors, tree), floors::upward(&floors, tree)]);
}

#[test]
fn modules_import_each_other_in_no_circle() {
    assert_none([circles::circles(Tree::load())]);
}

#[test]
fn every_neighbour_has_a_door_and_is_met_only_there() {
    let tree = Tree::load();
    let floors = Floors::read(tree.text("src/lib.rs"));
    let doors = doors::read(tree.text("ARCHITECTURE.md"));
    assert_none([
        doors::without_neighbour(&doors, tree.text("Cargo.toml")),
        doors::without_door(&doors, tree.text("Cargo.toml")),
        doors::passed_by(&doors, &floors, tree),
        doors::unused(&doors, tree),
    ]);
}

#[test]
fn every_dependency_has_its_reason() {
    let tree = Tree::load();
    let document = "docs/design/0003-crates.md";
    assert_none([doors::without_reason(tree.text("Cargo.toml"), document, tree.text(document))]);
}

#[test]
fn the_library_prints_nothing() {
    assert_none([doors::prints(Tree::load())]);
}

#[test]
fn files_keep_their_budget() {
    let tree = Tree::load();
    assert_none([budgets::long_files(tree), budgets::slivers(tree)]);
}

#[test]
fn the_lints_that_hold_a_rule_are_asked_for_and_silenced_nowhere() {
    let tree = Tree::load();
    assert_none([budgets::lints_not_asked_for(tree), budgets::silenced_lints(tree)]);
}

#[test]
fn nothing_is_left_undone_or_untested_or_undescribed() {
    let tree = Tree::load();
    assert_none([budgets::undone(tree), budgets::ignored_tests(tree), budgets::undescribed(tree)]);
}

#[test]
fn every_source_file_is_compiled() {
    let tree = Tree::load();
    assert_none([forgotten::uncompiled(tree), forgotten::beside_their_folders(tree)]);
}

#[test]
fn every_snapshot_belongs_to_a_test() {
    assert_none([forgotten::snapshots(Tree::load())]);
}

#[test]
fn documents_name_only_what_exists() {
    let tree = Tree::load();
    assert_none([documents::dead_paths(tree), documents::dead_tests(tree)]);
}

#[test]
fn names_say_what_a_thing_is() {
    let tree = Tree::load();
    assert_none([words::empty_names(tree), words::retired_names(tree)]);
}

#[test]
fn a_kind_of_agent_judge_or_report_is_one_file_and_one_line() {
    assert_none([kinds::known_elsewhere(Tree::load())]);
}

#[test]
fn only_the_layout_spells_a_place() {
    assert_none([places::spelled_elsewhere(Tree::load())]);
}

#[test]
fn projectscylla_is_known_in_its_wings_alone() {
    let tree = Tree::load();
    assert_none([words::outside_of_its_wing(tree), words::callers_without_a_call(tree)]);
}

#[test]
fn slurm_is_known_in_its_backend_alone() {
    assert_none([words::slurm_elsewhere(Tree::load())]);
}
