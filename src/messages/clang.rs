// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads what clang writes for people. Its forms for programs are no alternative: SARIF says of itself that it is not stable,
//! and the serialised form is for LLVM's own library.

use gpufas_abi::manifest::Frame;

use super::{Kind, Message};

/// What is between place and text.
const LABELS: &[(&str, Kind)] = &[
    (": fatal error: ", Kind::Error),
    (": error: ", Kind::Error),
    (": warning: ", Kind::Warning),
    (": remark: ", Kind::Remark),
    (": note: ", Kind::Note),
];

/// The messages, each with all of its lines as they came. Notes are part of the message before them.
pub fn read(said: &str) -> Vec<(Message, String)> {
    let mut found: Vec<(Message, String)> = Vec::new();
    // Lines that say from where a header was included come before the message.
    let mut before = String::new();
    for line in said.lines() {
        if is_count(line) {
            continue;
        }
        match message(line) {
            Some(note) if note.kind == Kind::Note && !found.is_empty() => {
                if let Some((message, rendered)) = found.last_mut() {
                    message.notes.push((note.place, note.text));
                    rendered.push_str(&format!("{}{line}\n", std::mem::take(&mut before)));
                }
            }
            Some(message) => found.push((message, format!("{}{line}\n", std::mem::take(&mut before)))),
            None if is_inclusion(line) => before.push_str(&format!("{line}\n")),
            None => match found.last_mut() {
                Some((_, rendered)) => rendered.push_str(&format!("{line}\n")),
                None => found.push((of_clang(Message::plain(Kind::Note, line)), format!("{line}\n"))),
            },
        }
    }
    found
}

fn of_clang(message: Message) -> Message {
    Message { pass: "clang".into(), ..message }
}

/// `FILE:LINE:COLUMN: error: TEXT [-WCLASS]`.
fn message(line: &str) -> Option<Message> {
    if is_excerpt(line) {
        return None;
    }
    let places = LABELS.iter().filter_map(|(label, kind)| Some((line.find(label)?, label, kind)));
    let (at, label, &kind) = places.min_by_key(|(at, ..)| *at)?;
    let place = place(&line[..at]);
    let mut text = &line[at + label.len()..];
    let mut option = "";
    if let Some((rest, last)) = text.rsplit_once(" [-")
        && let Some(inner) = last.strip_suffix(']')
    {
        (text, option) = (rest, inner);
    }
    let class = option.rsplit(',').next().unwrap_or_default().trim_start_matches('-').strip_prefix('W');
    let option = if option.is_empty() { String::new() } else { format!("-{option}") };
    let class = class.unwrap_or_default().to_owned();
    Some(of_clang(Message { place, class, option, ..Message::plain(kind, text) }))
}

/// A place; a name without numbers is that of a tool, or of a file as a whole.
fn place(text: &str) -> Frame {
    let mut parts = text.rsplitn(3, ':');
    let (last, middle, file) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok());
    match (file, number(middle), number(last)) {
        (Some(file), Some(line), Some(column)) => {
            Frame { file: file.to_owned(), line, column, function: String::new() }
        }
        _ if text.starts_with("clang") || text == "gpufas-cc" => Frame::default(),
        _ => Frame { file: text.to_owned(), ..Frame::default() },
    }
}

/// `   12 | source` or `      | ^`.
fn is_excerpt(line: &str) -> bool {
    line.split_once('|').is_some_and(|(before, _)| {
        before.ends_with(' ') && before.chars().all(|letter| letter == ' ' || letter.is_ascii_digit())
    })
}

/// `In file included from x.c:1:`, and its like for macros and modules.
fn is_inclusion(line: &str) -> bool {
    line.starts_with("In file included from ") || line.starts_with("                 from ")
}

/// `1 warning and 2 errors generated.`
fn is_count(line: &str) -> bool {
    line.strip_suffix(" generated.").is_some_and(|counts| {
        counts.split(" and ").all(|count| {
            count.split_once(' ').is_some_and(|(number, what)| {
                number.parse::<u32>().is_ok() && matches!(what, "error" | "errors" | "warning" | "warnings")
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "In file included from c.c:1:\n\
        ./h.h:2:5: warning: unused variable 'x' [-Wunused-variable]\n\
        \x20   2 | int x; /* c.c:1:2: error: no */\n\
        \x20     | ^\n\
        c.c:4:6: error: conflicting types [-Werror,-Wconflict]\n\
        \x20   4 | int f;\n\
        c.c:3:6: note: previous is here\n\
        \x20   3 | void f(void);\n\
        clang-22: error: unknown argument '-fx'\n\
        d.c:1:10: fatal error: 'x.h' file not found\n\
        1 warning and 3 errors generated.\n";

    #[test]
    fn messages_have_their_parts() {
        let found = read(SAID);
        let parts: Vec<_> = found
            .iter()
            .map(|(message, _)| {
                let Message { kind, place, text, class, .. } = message;
                (*kind, place.file.as_str(), place.line, place.column, text.as_str(), class.as_str())
            })
            .collect();
        assert_eq!(
            parts,
            [
                (Kind::Warning, "./h.h", 2, 5, "unused variable 'x'", "unused-variable"),
                (Kind::Error, "c.c", 4, 6, "conflicting types", "conflict"),
                (Kind::Error, "", 0, 0, "unknown argument '-fx'", ""),
                (Kind::Error, "d.c", 1, 10, "'x.h' file not found", ""),
            ]
        );
        assert_eq!(found[1].0.notes.len(), 1);
        assert_eq!(found[1].0.notes[0].1, "previous is here");
        let rendered: String = found.iter().map(|(_, rendered)| rendered.as_str()).collect();
        assert_eq!(rendered, SAID.replace("1 warning and 3 errors generated.\n", ""));
    }

    #[test]
    fn what_is_no_message_is_kept() {
        let found = read("something went wrong\nvery wrong\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0.text, "something went wrong");
        assert_eq!(found[0].1, "something went wrong\nvery wrong\n");
        assert!(read("").is_empty());
    }
}
