//! Mini-swe-agent; alone, for one can ask for the tests of one program.

use super::programs::{MINI_ELSEWHERE, MINI_SWE_AGENT};
use super::{reaching, replayed, stopped, trouble, whole};

#[test]
fn mini_swe_agent_does_the_task_and_does_it_wrongly_and_is_graded() {
    whole::does_the_task_and_is_graded(&MINI_SWE_AGENT);
}

#[test]
fn mini_swe_agent_tells_each_trouble_of_its_provider_by_its_kind() {
    trouble::each_is_told_by_its_kind(&MINI_SWE_AGENT);
}

#[test]
fn mini_swe_agent_is_ended_by_our_limit_when_its_model_is_silent() {
    trouble::silence_ends_by_our_own_limit(&MINI_SWE_AGENT);
}

#[test]
fn mini_swe_agent_is_stopped_in_every_way_and_nobody_is_asked_twice() {
    stopped::in_every_way_and_resumed(&MINI_SWE_AGENT);
}

#[test]
fn mini_swe_agent_reaches_its_model_and_nothing_else_where_the_network_leads_there_alone() {
    reaching::reaches_its_model_alone(&MINI_SWE_AGENT);
}

#[test]
fn mini_swe_agent_does_the_same_work_when_its_recording_is_replayed_with_the_server_gone() {
    replayed::does_the_same_when_it_is_replayed(&MINI_SWE_AGENT, &[]);
}

#[test]
fn mini_swe_agent_asks_models_of_other_providers_through_the_gateway_too() {
    MINI_ELSEWHERE.iter().for_each(whole::does_the_task_and_is_graded);
}
