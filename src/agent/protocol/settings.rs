//! What a session is set to before it is asked: a mode and a model, by its options or by the methods that were there before those.

use serde_json::{Value, json};

use super::{Order, Over};
use crate::text::short;
use crate::text::words::list;

/// How many of the values that a program offers are named.
const MOST_NAMED: usize = 12;

/// One thing that a session is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    what: What,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Model,
    Mode,
}

/// All that an order sets, in the order in which it is set: what is offered of modes may depend on the model.
pub(super) fn of(order: &Order) -> Vec<Setting> {
    let named = [(What::Model, &order.model), (What::Mode, &order.mode)];
    named.into_iter().filter_map(|(what, value)| Some(Setting { what, value: value.clone()? })).collect()
}

impl Setting {
    fn name(&self) -> &'static str {
        match self.what {
            What::Model => "model",
            What::Mode => "mode",
        }
    }

    /// The method and the parameters that set it, given what the session offers.
    pub(super) fn request(&self, session: &str, offered: &Value) -> Result<(&'static str, Value), Over> {
        let (name, value) = (self.name(), &self.value);
        if let Some(option) = option(offered, name) {
            self.must_be_one_of(&values(option))?;
            let parameters = json!({"sessionId": session, "configId": option["id"], "value": value});
            return Ok(("session/set_config_option", parameters));
        }
        let (method, list, id) = match self.what {
            What::Mode => ("session/set_mode", &offered["modes"]["availableModes"], "id"),
            What::Model => ("session/set_model", &offered["models"]["availableModels"], "modelId"),
        };
        let Some(known) = list.as_array().filter(|known| !known.is_empty()) else {
            let hint = match self.what {
                What::Model => ": with `model: variable` its command is to read `$SCYLLA_MODEL`",
                What::Mode => "",
            };
            return Err(Over::not_started(format!(
                "the program offers no {name} to be set, and `{value}` is asked for{hint}"
            )));
        };
        self.must_be_one_of(&known.iter().filter_map(|one| one[id].as_str()).collect::<Vec<_>>())?;
        let parameter = format!("{name}Id");
        Ok((method, json!({"sessionId": session, parameter: value})))
    }

    fn must_be_one_of(&self, known: &[&str]) -> Result<(), Over> {
        let (name, value) = (self.name(), &self.value);
        if known.contains(&value.as_str()) {
            return Ok(());
        }
        let known: Vec<String> = known.iter().map(|one| format!("`{one}`")).collect();
        let known = list(&short::first_of(&known, MOST_NAMED));
        Err(Over::not_started(format!("the program has no {name} `{value}`; it has {known}")))
    }

    /// Whether what the program answered shows another value than the one that was set.
    pub(super) fn was_ignored(&self, answered: &Value) -> Option<Over> {
        let now = option(answered, self.name())?["currentValue"].as_str()?;
        (now != self.value).then(|| {
            let message =
                format!("the program was set to the {} `{}`, and says that it has `{now}`", self.name(), self.value);
            Over::not_started(message)
        })
    }
}

/// The option of a session that is for this.
fn option<'a>(offered: &'a Value, name: &str) -> Option<&'a Value> {
    let options = offered["configOptions"].as_array()?;
    let with = |key: &str| options.iter().find(|option| option[key] == name);
    with("category").or_else(|| with("id"))
}

/// The values of an option, which may be in groups.
fn values(option: &Value) -> Vec<&str> {
    let listed = option["options"].as_array().into_iter().flatten();
    listed
        .flat_map(|one| match one["options"].as_array() {
            Some(group) => group.iter().collect::<Vec<_>>(),
            None => vec![one],
        })
        .filter_map(|one| one["value"].as_str())
        .collect()
}
