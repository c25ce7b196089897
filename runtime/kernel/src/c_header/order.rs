// SPDX-License-Identifier: MIT OR Apache-2.0

//! An order of definitions and declarations in which each finds what it needs.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Writer, malformed};
use crate::btf::kind;
use crate::error::Result;

/// Most types that are looked at, those without names wherever they are used. Real kernels need some 200 000.
const MOST_LOOKED_AT: u32 = 1 << 24;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A structure or union is declared.
    Declare(u32),
    /// A structure, union, enumeration, typedef or unusual basic type is defined.
    Define(u32),
}

/// The order.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) steps: Vec<Step>,
    /// Types that are needed and not defined, as C calls them.
    pub(super) taken: BTreeSet<String>,
}

/// A type that is needed: by value, or such that there can be pointers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Need {
    id: u32,
    complete: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    Done,
}

struct Search<'a, 'w> {
    writer: &'w Writer<'a>,
    listed: Option<HashSet<u32>>,
    states: HashMap<Need, State>,
    order: Order,
    /// How many more types may be looked at.
    budget: u32,
}

/// Finds an order for all types, or for those that are listed.
///
/// # Errors
/// [`Error::MalformedTypes`](crate::Error::MalformedTypes) for types that need themselves.
pub(super) fn find(writer: &Writer<'_>, listed: Option<&[u32]>) -> Result<Order> {
    let set = listed.map(|listed| listed.iter().copied().collect());
    let mut search = Search {
        writer,
        listed: set,
        states: HashMap::new(),
        order: Order::default(),
        budget: MOST_LOOKED_AT,
    };
    match listed {
        Some(listed) => listed.iter().try_for_each(|id| search.visit(*id))?,
        None => (1..=writer.types.btf.len()).try_for_each(|id| search.visit(id))?,
    }
    Ok(search.order)
}

impl Search<'_, '_> {
    /// Brings a type, after all that it needs, into the order.
    fn visit(&mut self, id: u32) -> Result<()> {
        let record = self.writer.types.record(id)?;
        let is_type = match record.kind {
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 => record.name != 0,
            kind::TYPEDEF => true,
            _ => false,
        };
        if !is_type {
            return Ok(());
        }
        let first = Need { id, complete: record.kind != kind::TYPEDEF };
        let mut stack: Vec<(Need, VecDeque<Need>)> = Vec::new();
        if let Some(needs) = self.begin(first, None)? {
            stack.push((first, needs));
        }
        while let Some((need, rest)) = stack.last_mut() {
            let need = *need;
            match rest.pop_front() {
                Some(next) => {
                    if let Some(needs) = self.begin(next, Some(need.id))? {
                        stack.push((next, needs));
                    }
                }
                None => {
                    stack.pop();
                    self.states.insert(need, State::Done);
                    let is_typedef = self.writer.types.record(need.id)?.kind == kind::TYPEDEF;
                    // A typedef is written without what it stands for, and may be completed later.
                    if !(is_typedef && need.complete) {
                        self.order.steps.push(Step::Define(need.id));
                    }
                }
            }
        }
        Ok(())
    }

    /// What a type needs, unless it is done, or done with this. `user` is the type that needs it.
    fn begin(&mut self, need: Need, user: Option<u32>) -> Result<Option<VecDeque<Need>>> {
        match self.states.get(&need) {
            Some(State::Done) => return Ok(None),
            Some(State::Begun) => return Err(malformed("a type contains itself")),
            None => {}
        }
        let record = self.writer.types.record(need.id)?;
        let is_compound = matches!(record.kind, kind::STRUCT | kind::UNION | kind::FWD);
        if is_compound && !need.complete {
            // Its own definition declares it.
            if user == Some(need.id) {
                return Ok(None);
            }
            let definition = Need { complete: true, ..need };
            if self.states.get(&definition) != Some(&State::Done) {
                self.order.steps.push(Step::Declare(need.id));
            }
            self.states.insert(need, State::Done);
            return Ok(None);
        }
        if record.kind == kind::FWD {
            return Err(malformed("a structure that is not defined is used by value"));
        }
        if self.listed.as_ref().is_some_and(|listed| !listed.contains(&need.id)) {
            self.order.taken.insert(self.writer.tagged_name(need.id)?);
            self.states.insert(need, State::Done);
            return Ok(None);
        }
        self.states.insert(need, State::Begun);
        self.needs(need).map(Some)
    }

    /// What stands in the definition of a type.
    fn needs(&mut self, need: Need) -> Result<VecDeque<Need>> {
        let types = self.writer.types;
        let record = types.record(need.id)?;
        let (mut queue, mut seen, mut needs) = (VecDeque::new(), HashSet::new(), VecDeque::new());
        match record.kind {
            kind::STRUCT | kind::UNION => {
                queue.extend(record.elements().map(|[_, id, _]| Need { id, complete: true }));
            }
            kind::TYPEDEF => {
                if need.complete {
                    needs.push_back(Need { complete: false, ..need });
                }
                queue.push_back(Need { id: record.size_or_type, ..need });
            }
            _ => {}
        }
        while let Some(Need { id, complete }) = queue.pop_front() {
            self.budget =
                self.budget.checked_sub(1).ok_or(malformed("structures repeat one another without end"))?;
            if id == 0 || !seen.insert(Need { id, complete }) {
                continue;
            }
            let id = self.writer.names.same(id);
            let record = types.record(id)?;
            let target = record.size_or_type;
            match record.kind {
                kind::PTR => queue.push_back(Need { id: target, complete: false }),
                kind::CONST | kind::VOLATILE | kind::RESTRICT | kind::TYPE_TAG => {
                    queue.push_back(Need { id: target, complete });
                }
                kind::ARRAY => queue.push_back(Need { id: record.word(0)?, complete: true }),
                kind::FUNC_PROTO => {
                    queue.push_back(Need { id: target, complete: false });
                    queue.extend(record.elements().map(|[_, id]| Need { id, complete: false }));
                }
                kind::STRUCT | kind::UNION if record.name == 0 => {
                    queue.extend(record.elements().map(|[_, id, _]| Need { id, complete: true }));
                }
                kind::ENUM | kind::ENUM64 | kind::INT | kind::FLOAT => {
                    // Nameless ones stand where they are used, and basic ones are there.
                    if self.writer.names.of(id).is_some() {
                        needs.push_back(Need { id, complete: true });
                    }
                }
                kind::STRUCT | kind::UNION | kind::FWD | kind::TYPEDEF => {
                    needs.push_back(Need { id, complete });
                }
                _ => return Err(malformed("what is no type is used as one")),
            }
        }
        Ok(needs)
    }
}
