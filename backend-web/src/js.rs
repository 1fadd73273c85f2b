//! Reading from and calling JavaScript without a word it could throw being lost.

use std::rc::Weak;

use js_sys::{Array, ArrayBuffer, Function, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::count::{Count, Kind};

/// The longest words taken from the browser: they end up in front of a player, and may quote what a peer sent.
const MAX_WORDS: usize = 200;

/// A function the browser may call, as long as this is held. Whoever gave it to the browser takes it back before.
pub(crate) struct Callback {
    closure: Closure<dyn Fn(JsValue)>,
    _count: Count,
}

impl Callback {
    pub(crate) fn new(call: impl Fn(JsValue) + 'static) -> Self {
        Self {
            closure: Closure::new(call),
            _count: Count::new(Kind::Callback),
        }
    }

    /// One that calls its owner, which holds it, while that lives.
    pub(crate) fn of<T: 'static>(owner: &Weak<T>, call: fn(&T, &JsValue)) -> Self {
        let owner = Weak::clone(owner);
        Self::new(move |event| {
            if let Some(owner) = owner.upgrade() {
                call(&owner, &event);
            }
        })
    }

    pub(crate) fn function(&self) -> &Function {
        AsRef::<JsValue>::as_ref(&self.closure).unchecked_ref()
    }
}

/// A property; `None` where there is none.
pub(crate) fn get(target: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(target, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

pub(crate) fn get_string(target: &JsValue, name: &str) -> Option<String> {
    get(target, name)?.as_string()
}

pub(crate) fn get_number(target: &JsValue, name: &str) -> Option<f64> {
    get(target, name)?.as_f64()
}

pub(crate) fn get_bool(target: &JsValue, name: &str) -> Option<bool> {
    get(target, name)?.as_bool()
}

/// The bytes of a buffer; `None` for anything else.
pub(crate) fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    let buffer: &ArrayBuffer = value.dyn_ref()?;
    Some(Uint8Array::new(buffer).to_vec())
}

/// Calls a method. For those that web-sys declares as if they never threw: an exception would tear through the Rust frames
/// above and leave their borrows behind.
pub(crate) fn call(
    target: &JsValue,
    method: &str,
    arguments: &[&JsValue],
) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(target, &JsValue::from_str(method))?.dyn_into()?;
    let list = Array::new();
    for argument in arguments {
        list.push(argument);
    }
    Reflect::apply(&function, target, &list)
}

/// The name of an exception (`OperationError`), empty if it has none.
pub(crate) fn name(error: &JsValue) -> String {
    get_string(error, "name").unwrap_or_default()
}

/// An exception in words.
pub(crate) fn words(error: &JsValue) -> String {
    let message = get_string(error, "message").or_else(|| error.as_string());
    let (name, message) = (name(error), message.unwrap_or_default());
    match (name.is_empty(), message.is_empty()) {
        (true, true) => String::from("the browser gives no reason"),
        (true, false) => presentable(&message),
        (false, true) => presentable(&name),
        (false, false) => presentable(&format!("{name}: {message}")),
    }
}

/// Foreign words, bounded and on one line.
pub(crate) fn presentable(words: &str) -> String {
    words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::presentable;

    #[test]
    fn foreign_words_are_one_bounded_line() {
        assert_eq!(presentable(" a\r\n\tb\u{7}c "), "a bc");
        assert_eq!(presentable(&"é".repeat(1000)).chars().count(), 200);
    }
}
