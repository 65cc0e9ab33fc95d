//! Aider; alone, for one can ask for the tests of one program.

use super::programs::{AIDER, AIDER_ELSEWHERE};
use super::{reaching, replayed, stopped, trouble, whole};

#[test]
fn aider_does_the_task_and_does_it_wrongly_and_is_graded() {
    whole::does_the_task_and_is_graded(&AIDER);
}

#[test]
fn aider_tells_each_trouble_of_its_provider_by_its_kind() {
    trouble::each_is_told_by_its_kind(&AIDER);
}

#[test]
fn aider_is_ended_by_our_limit_when_its_model_is_silent() {
    trouble::silence_ends_by_our_own_limit(&AIDER);
}

#[test]
fn aider_is_stopped_in_every_way_and_nobody_is_asked_twice() {
    stopped::in_every_way_and_resumed(&AIDER);
}

#[test]
fn aider_reaches_its_model_and_nothing_else_where_the_network_leads_there_alone() {
    reaching::reaches_its_model_alone(&AIDER);
}

#[test]
fn aider_does_the_same_work_when_its_recording_is_replayed_with_the_server_gone() {
    replayed::does_the_same_when_it_is_replayed(&AIDER, &[]);
}

#[test]
fn aider_asks_models_of_other_providers_through_the_gateway_too() {
    AIDER_ELSEWHERE.iter().for_each(whole::does_the_task_and_is_graded);
}
