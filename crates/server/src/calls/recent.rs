//! What calls that ended lately came to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_wire::phone_number::masked;
use serde_json::Value;

/// Calls that are kept.
const MOST: usize = 256;

/// The last calls, without the conversation and with masked numbers.
#[derive(Debug, Default)]
pub struct Recent(Mutex<VecDeque<Arc<Value>>>);

impl Recent {
    /// Keeps what stands beside a call's recording.
    pub fn keep(&self, summary: Value) {
        let summary = without_content(summary);
        if !summary.is_object() {
            return;
        }
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= MOST {
            calls.pop_front();
        }
        calls.push_back(Arc::new(summary));
    }

    /// Forgets the calls of these ids, which are ours.
    pub fn forget(&self, ids: &[String]) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_one = |call: &Value| {
            let id = call.get("call_id").and_then(Value::as_str);
            id.is_some_and(|id| ids.iter().any(|one| one == id))
        };
        calls.retain(|call| !is_one(call));
    }

    /// The last call of this id, Twilio's or ours.
    pub fn find(&self, id: &str) -> Option<Arc<Value>> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |call: &&Arc<Value>| {
            let named = |name: &str| call.get(name).and_then(Value::as_str) == Some(id);
            named("call_sid") || named("call_id")
        };
        calls.iter().rev().find(is_it).cloned()
    }
}

/// What stands beside a call's recording, with masked numbers; what callers said stays in the files.
pub fn without_content(mut summary: Value) -> Value {
    if let Some(fields) = summary.as_object_mut() {
        fields.remove("collected");
        let tools = fields.get_mut("tools").and_then(Value::as_array_mut);
        for tool in tools.into_iter().flatten() {
            tool["arguments"].take();
            tool["result"].take();
        }
        for name in ["from", "to"] {
            if let Some(number) = fields.get(name).and_then(Value::as_str).map(masked) {
                fields.insert(name.to_owned(), number.into());
            }
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn call(number: usize) -> Value {
        json!({
            "call_sid": format!("CA{number}"), "call_id": format!("id{number}"),
            "from": "+15005550001", "to": "", "collected": {"name": "Ann"}, "turns": [],
        })
    }

    #[test]
    fn a_call_is_found_by_both_ids_without_content_and_with_masked_numbers() {
        let recent = Recent::default();
        recent.keep(call(1));
        let found = recent.find("CA1").unwrap();
        assert_eq!(Some(Arc::clone(&found)), recent.find("id1"));
        assert_eq!(found.get("collected"), None);
        assert!(!found.to_string().contains("5550001"));
        assert_eq!(recent.find(""), None);
    }

    #[test]
    fn only_the_last_calls_are_kept() {
        let recent = Recent::default();
        for number in 0..=MOST {
            recent.keep(call(number));
        }
        assert_eq!(recent.find("CA0"), None);
        assert!(recent.find(&format!("CA{MOST}")).is_some());
    }
}
