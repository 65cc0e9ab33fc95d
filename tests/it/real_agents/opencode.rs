//! The program `opencode`; alone, for one can ask for the tests of one program.

use super::programs::OPENCODE;
use super::{stopped, trouble, whole};

#[test]
fn opencode_does_the_task_and_does_it_wrongly_and_is_graded() {
    whole::does_the_task_and_is_graded(&OPENCODE);
}

#[test]
fn opencode_tells_each_trouble_of_its_provider_by_its_kind() {
    trouble::each_is_told_by_its_kind(&OPENCODE);
}

#[test]
fn opencode_is_ended_by_our_limit_when_its_model_is_silent() {
    trouble::silence_ends_by_our_own_limit(&OPENCODE);
}

#[test]
fn opencode_is_stopped_in_every_way_and_nobody_is_asked_twice() {
    stopped::in_every_way_and_resumed(&OPENCODE);
}
