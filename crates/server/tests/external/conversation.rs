//! A written conversation, held again: requests with the answers that they must get, devices plugged, events told.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::{Nova, PATIENCE};

use crate::cloud::Cloud;

/// What is known while it is held.
pub(crate) struct Conversation<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) nova: &'a Nova,
    /// Tokens by who speaks.
    pub(crate) tokens: BTreeMap<&'static str, String>,
    /// Texts that stand for `${name}`.
    pub(crate) known: BTreeMap<String, String>,
}

impl Conversation<'_> {
    /// Holds all of it.
    pub(crate) fn hold(&mut self, script: &Value) {
        for (number, step) in script["steps"].as_array().unwrap().iter().enumerate() {
            let step = self.filled(step);
            let what = format!("step {number}: {step}");
            if let Some(port) = step["plug"].as_str() {
                // As os-vif does.
                self.cloud.host.netns().ip(&format!("tuntap add {} mode tap", tap(port))).unwrap();
                self.cloud.host.netns().ip(&format!("link set {} up", tap(port))).unwrap();
            } else if let Some(port) = step["unplug"].as_str() {
                self.cloud.host.netns().ip(&format!("link delete {}", tap(port))).unwrap();
            } else if let Some(events) = step["events"].as_array() {
                let told = self.nova.take(events.len(), PATIENCE).unwrap();
                assert_eq!(&told, events, "{what}");
            } else {
                self.ask(&step, &what);
            }
        }
    }

    fn ask(&mut self, step: &Value, what: &str) {
        let text = |name: &str| step[name].as_str().unwrap_or_else(|| panic!("{what}: no {name}"));
        let (token, method, path) = (&self.tokens[text("as")], text("method"), text("path"));
        // Whatever Nova asks bears its own token beside the other.
        let answer = if step["from"].is_null() {
            self.cloud.ask(token, method, path, &step["body"])
        } else {
            self.cloud.ask_for(token, &self.tokens["nova"], method, path, &step["body"])
        };
        assert_eq!(Some(u64::from(answer.status)), step["status"].as_u64(), "{what}: {}", answer.body);
        if let Some(difference) = missing(&step["expect"], &answer.body, "") {
            panic!("{what}: {difference} in {}", answer.body);
        }
        for (name, pointer) in step["save"].as_object().into_iter().flatten() {
            let found = answer.body.pointer(pointer.as_str().unwrap()).and_then(Value::as_str);
            let found = found.unwrap_or_else(|| panic!("{what}: no {pointer} in {}", answer.body));
            self.known.insert(name.clone(), found.to_owned());
        }
    }

    /// A value with what is known in the place of names.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let mut text = text.clone();
                for (name, known) in &self.known {
                    text = text.replace(&format!("${{{name}}}"), known);
                }
                Value::String(text)
            }
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.filled(member))).collect()
            }
            other => other.clone(),
        }
    }
}

/// The device of a port, as Nova names it.
fn tap(port: &str) -> String {
    format!("tap{}", &port[..11])
}

/// Where an answer lacks what is expected of it. `*` is anything; an array has all its items, an object at least these.
fn missing(expected: &Value, answer: &Value, at: &str) -> Option<String> {
    match (expected, answer) {
        (Value::String(any), answer) if any == "*" && !answer.is_null() => None,
        (Value::Object(expected), Value::Object(answer)) => expected.iter().find_map(|(name, expected)| {
            missing(expected, answer.get(name).unwrap_or(&Value::Null), &format!("{at}/{name}"))
        }),
        (Value::Array(expected), Value::Array(answer)) if expected.len() == answer.len() => {
            expected.iter().zip(answer).enumerate().find_map(|(n, (e, a))| missing(e, a, &format!("{at}/{n}")))
        }
        // Nothing is expected of the whole answer.
        (Value::Null, _) if at.is_empty() => None,
        (expected, answer) if expected == answer => None,
        (expected, answer) => Some(format!("{at} is {answer}, not {expected}")),
    }
}
