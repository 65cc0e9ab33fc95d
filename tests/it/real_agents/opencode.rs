//! The program `opencode`; alone, for one can ask for the tests of one program.

use super::programs::OPENCODE;
use super::{reaching, replayed, spoken, stopped, trouble, whole};

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

#[test]
fn opencode_reaches_its_model_and_nothing_else_where_the_network_leads_there_alone() {
    reaching::reaches_its_model_alone(&OPENCODE);
}

#[test]
fn opencode_does_the_same_work_when_its_recording_is_replayed_with_the_server_gone() {
    replayed::does_the_same_when_it_is_replayed(&OPENCODE, &[]);
}

/// What it needs of the variables that it is given as an agent of its own kind.
const VARIABLES: [&str; 2] = ["OPENAI_API_KEY", "OPENCODE_CONFIG_CONTENT"];

#[test]
fn opencode_speaks_the_agent_client_protocol_and_does_the_task() {
    spoken::does_the_task(&OPENCODE, "opencode, acp", &VARIABLES);
}

#[test]
fn opencode_that_speaks_the_protocol_is_stopped() {
    spoken::is_stopped(&OPENCODE, "opencode, acp", &VARIABLES);
}
