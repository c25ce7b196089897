// SPDX-License-Identifier: MIT OR Apache-2.0

//! Messages for editors and other programs, one JSON object a line. docs/diagnostics.md describes them.

use gpufas_abi::manifest::Frame;
use serde_json::{Map, Value};

use super::{Kind, Message};

/// A message as a line.
pub fn line(message: &Message, rendered: &str) -> String {
    let mut object = Map::new();
    object.insert("severity".into(), name(message.kind).into());
    object.insert("message".into(), message.text.as_str().into());
    object.insert("class".into(), or_null(&message.class));
    object.insert("pass".into(), or_null(&message.pass));
    place(&mut object, &message.place);
    let help = Some((&message.place, &message.help)).filter(|(_, help)| !help.is_empty());
    let notes = message.notes.iter().map(|(frame, text)| (frame, text));
    let notes = help.into_iter().chain(notes).map(|(frame, text)| {
        let mut note = Map::new();
        note.insert("message".into(), text.as_str().into());
        place(&mut note, frame);
        Value::Object(note)
    });
    object.insert("notes".into(), notes.collect());
    object.insert("rendered".into(), rendered.into());
    format!("{}\n", Value::Object(object))
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Error => "error",
        Kind::Warning => "warning",
        Kind::Remark => "remark",
        Kind::Note => "note",
    }
}

fn or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn place(object: &mut Map<String, Value>, frame: &Frame) {
    let number = |known: bool, number: u32| if known && number != 0 { number.into() } else { Value::Null };
    let has_file = !frame.file.is_empty();
    object.insert("file".into(), or_null(&frame.file));
    object.insert("line".into(), number(has_file, frame.line));
    object.insert("column".into(), number(has_file && frame.line != 0, frame.column));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null() {
        let mut message = Message::plain(Kind::Error, "a \"b\"\nc");
        let value: Value = serde_json::from_str(&line(&message, "r")).unwrap();
        assert_eq!(value["message"], "a \"b\"\nc");
        for key in ["class", "pass", "file", "line", "column"] {
            assert!(value[key].is_null() && value.as_object().unwrap().contains_key(key), "{key}");
        }
        let at = |line, column| Frame { file: "x.c".into(), line, column, function: String::new() };
        message.place = at(7, 0);
        message.notes = vec![(at(0, 3), "n".into())];
        let text = line(&message, "r");
        assert_eq!(text.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["line"].as_u64(), value["column"].as_u64()), (Some(7), None));
        assert_eq!(value["notes"][0]["file"], "x.c");
        assert!(value["notes"][0]["line"].is_null() && value["notes"][0]["column"].is_null());
    }
}
