// SPDX-License-Identifier: MIT OR Apache-2.0

//! The places of a diagnostic, in the order in which they are told.

use gpufas_abi::manifest::{Frame, Site};

/// The places of a diagnostic, from the innermost function to the entry point.
pub struct Chain {
    frames: Vec<Frame>,
    /// The innermost of the user's own, which is where the user looks first.
    place: usize,
}

impl Chain {
    /// The places that a site names. `is_users` tells the user's own files from headers.
    pub fn new(site: &Site, is_users: impl Fn(&str) -> bool) -> Self {
        let (file, function) = (site.file.clone(), site.function.clone());
        let mut frames = vec![Frame { file, line: site.line, column: site.column, function }];
        frames.extend(site.inlined_at.iter().cloned());
        let users = |frame: &Frame| frame.line != 0 && is_users(&frame.file);
        let place = frames.iter().position(users).unwrap_or(0);
        Self { frames, place }
    }

    /// The place that the message itself is shown at.
    pub fn place(&self) -> &Frame {
        &self.frames[self.place]
    }

    /// The other places: first those further in, down to what the diagnostic is about, then the calls that lead there.
    pub fn notes(&self) -> impl Iterator<Item = (&Frame, String)> {
        let inward = self.frames[..self.place].iter().enumerate().rev().map(|(index, frame)| {
            let message = match index {
                0 if frame.file.is_empty() => {
                    format!("it is in `{}`, which was compiled without source lines", frame.function)
                }
                0 => format!("it is in `{}`, here", frame.function),
                _ => format!("by way of `{}`, here", frame.function),
            };
            (frame, message)
        });
        let outward = self.frames.windows(2).skip(self.place).map(|pair| {
            (&pair[1], format!("in `{}`, called from `{}` here", name(&pair[0]), name(&pair[1])))
        });
        inward.chain(outward)
    }
}

/// The function's name as the user wrote it: GPUFAS_ENTRY() puts a prefix before it.
fn name(frame: &Frame) -> &str {
    frame.function.strip_prefix("gpufas_program_").unwrap_or(&frame.function)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, line: u32, function: &str) -> Frame {
        Frame { file: file.into(), line, column: 3, function: function.into() }
    }

    #[test]
    fn the_users_own_line_comes_first() {
        let site = Site {
            file: "/kernel/a.h".into(),
            line: 7,
            column: 3,
            function: "inner".into(),
            inlined_at: vec![
                frame("/kernel/b.h", 8, "middle"),
                frame("x.c", 9, "user"),
                frame("x.c", 12, "gpufas_program_go"),
            ],
            what: String::new(),
        };
        let chain = Chain::new(&site, |file| file == "x.c");
        assert_eq!(chain.place().line, 9);
        let notes: Vec<_> =
            chain.notes().map(|(frame, message)| format!("{}: {message}", frame.line)).collect();
        assert_eq!(
            notes,
            [
                "8: by way of `middle`, here",
                "7: it is in `inner`, here",
                "12: in `user`, called from `go` here"
            ]
        );
    }

    #[test]
    fn headers_alone_keep_their_own_place() {
        let site = Site { file: "/kernel/a.h".into(), line: 7, ..Site::default() };
        assert_eq!(Chain::new(&site, |_| false).place().line, 7);
    }
}
