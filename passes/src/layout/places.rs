// SPDX-License-Identifier: MIT OR Apache-2.0

//! What lies at an address: which member of which structure.
//!
//! clang writes each member access as a `getelementptr` on the LLVM type of the structure, but a union's members have none (they
//! all lie where the union does), bit-fields share one, and structures without a name are told apart by numbers only. So the
//! types of the source are followed from variables through pointers and members, and where more than one member is possible,
//! all are kept.

use std::collections::HashMap;

use super::bit_fields;
use super::types::{Member, Shape, TypeId, Types};
use crate::llvm::{Module, Opcode, Type as LlvmType, Value};

/// Most structures inside one another that begin at one address, and most steps from a variable to an address.
const MOST_DEPTH: usize = 64;

/// One thing that may lie at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The structure or union with a name that it is a part of; none for a whole variable, or what a pointer points to.
    pub root: Option<TypeId>,
    /// Which part, as in `rss_stat.count[0]`; members of structures without a name stand as if they were the outer one's.
    pub path: String,
    /// Its type.
    pub ty: TypeId,
    /// Bits from the start of the root.
    pub bit_offset: u64,
    /// Bits from the start of the root to the address; a bit-field may begin later.
    pub unit_offset: u64,
    /// Its bits, if it is a bit-field.
    pub bits: Option<u64>,
    /// Size in bytes, if it is no bit-field.
    pub size: u64,
}

impl Candidate {
    fn whole(ty: TypeId, size: u64) -> Self {
        Self { root: None, path: String::new(), ty, bit_offset: 0, unit_offset: 0, bits: None, size }
    }
}

/// What may lie at an address.
#[derive(Clone, Debug)]
pub struct Place<'c> {
    /// The address at which the roots begin, if the program has it as a value.
    pub base: Option<Value<'c>>,
    /// All possibilities.
    pub candidates: Vec<Candidate>,
}

/// A use of members.
#[derive(Clone, Debug)]
pub struct Access<'c> {
    /// The address that is computed or used: a `getelementptr` (an instruction or a constant), or, for a member of a union, any
    /// pointer.
    pub address: Value<'c>,
    /// The address of the structure that the path starts from; null for `offsetof()`. There is none for the inner structures of
    /// a `getelementptr` of several steps, which clang does not write.
    pub base: Option<Value<'c>>,
    /// The members that it may be. All have a root, and lie at the same offset from `base`.
    pub members: Vec<Candidate>,
}

/// Finds out what lies at addresses, and keeps each use of a member that it comes across.
pub struct Places<'a, 'c> {
    pub(super) module: &'a Module<'c>,
    pub(super) types: &'a Types<'c>,
    known: HashMap<Value<'c>, Option<Place<'c>>>,
    /// Uses of members, in the order in which they were found.
    pub accesses: Vec<Access<'c>>,
    /// Structures that are stepped into or over.
    pub stepped: Vec<TypeId>,
    /// LLVM structure types that no debug information describes, by name, with an address that steps into one.
    pub unknown: Vec<(String, Value<'c>)>,
}

impl<'a, 'c> Places<'a, 'c> {
    pub(super) fn new(module: &'a Module<'c>, types: &'a Types<'c>) -> Self {
        Self {
            module,
            types,
            known: HashMap::new(),
            accesses: Vec::new(),
            stepped: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// What lies at an address, where that is known.
    pub fn at(&mut self, address: Value<'c>) -> Option<Place<'c>> {
        self.at_depth(address, 0)
    }

    fn at_depth(&mut self, address: Value<'c>, depth: usize) -> Option<Place<'c>> {
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        if depth > MOST_DEPTH {
            return None;
        }
        // A phi may lead back here.
        self.known.insert(address, None);
        let place = self.find(address, depth + 1);
        self.known.insert(address, place.clone());
        place
    }

    fn find(&mut self, address: Value<'c>, depth: usize) -> Option<Place<'c>> {
        if let Some(ty) = self.types.declared(address) {
            return Some(self.whole(address, [ty]));
        }
        if address.is_global_variable() {
            let types = self.types.of_llvm(self.module, address.value_type());
            return (!types.is_empty()).then(|| self.whole(address, types));
        }
        match address.opcode()? {
            Opcode::LLVMGetElementPtr => self.step(address, depth),
            Opcode::LLVMAlloca => {
                let types = self.types.of_llvm(self.module, address.allocated_type()?);
                (!types.is_empty()).then(|| self.whole(address, types))
            }
            Opcode::LLVMLoad => {
                let pointer = address.operand(0)?;
                let place = self.at_depth(pointer, depth)?;
                let size = address.ty().store_size(self.module)?;
                let leaves = self.leaves(&place, size);
                let targets: Vec<_> = leaves.iter().filter_map(|leaf| self.types.pointee(leaf.ty)).collect();
                (!targets.is_empty()).then(|| self.whole(address, targets))
            }
            Opcode::LLVMCall => {
                let function = self.types.declared(address.callee()?)?;
                let Shape::Function(result, _) = &self.types.get(self.types.resolve(function)?).shape else {
                    return None;
                };
                let target = self.types.pointee((*result)?)?;
                Some(self.whole(address, [target]))
            }
            Opcode::LLVMBitCast | Opcode::LLVMAddrSpaceCast | Opcode::LLVMFreeze => {
                self.at_depth(address.operand(0)?, depth)
            }
            Opcode::LLVMPHI | Opcode::LLVMSelect => {
                let sources: Vec<_> = match address.is_phi() {
                    true => address.incoming().into_iter().map(|(value, _)| value).collect(),
                    false => address.operands().into_iter().skip(1).collect(),
                };
                let types: Vec<_> = sources
                    .into_iter()
                    .filter_map(|source| self.at_depth(source, depth))
                    .flat_map(|place| place.candidates)
                    .map(|candidate| candidate.ty)
                    .collect();
                (!types.is_empty()).then(|| self.whole(address, types))
            }
            _ => None,
        }
    }

    fn whole(&self, address: Value<'c>, types: impl IntoIterator<Item = TypeId>) -> Place<'c> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for ty in types {
            let size = self.types.size(ty);
            let whole = Candidate::whole(ty, size);
            if !candidates.contains(&whole) {
                candidates.push(whole);
            }
        }
        Place { base: Some(address), candidates }
    }

    /// What a `getelementptr` leads to.
    fn step(&mut self, address: Value<'c>, depth: usize) -> Option<Place<'c>> {
        let operands = address.operands();
        let (&pointer, indices) = operands.split_first()?;
        let start = self.at_depth(pointer, depth);
        let mut ty = address.gep_source_type()?;
        let mut place = start.unwrap_or(Place { base: Some(pointer), candidates: Vec::new() });
        // The first index steps over whole objects.
        place = self.view(address, place, Some(pointer), ty);
        for (left, index) in (1..indices.len()).rev().zip(&indices[1..]) {
            place = if ty.is_structure() {
                let number = u32::try_from(index.as_unsigned()?).ok()?;
                let found = self.field(&place, ty, number);
                ty = *ty.fields().get(number as usize)?;
                self.used(address, &found);
                found
            } else {
                ty = ty.element()?;
                self.element(&place)
            };
            // The next step is into what was found here.
            if left > 1 && ty.is_structure() {
                place = self.view(address, place, None, ty);
            }
        }
        (!place.candidates.is_empty()).then_some(place)
    }

    /// The place taken for an object of an LLVM type: what it is itself, or a union's member, or an array's element. `base` is
    /// where the object begins.
    fn view(
        &mut self,
        address: Value<'c>,
        place: Place<'c>,
        base: Option<Value<'c>>,
        ty: LlvmType<'c>,
    ) -> Place<'c> {
        let mut found = Vec::new();
        let mut through = Vec::new();
        for candidate in &place.candidates {
            self.look_for(candidate, ty, &mut found, &mut through, 0);
        }
        // LLVM leaves out steps of a constant that lead nowhere: those to first members.
        if let Some(pointer) = base.filter(|base| found.is_empty() && ty.is_structure() && base.is_constant())
        {
            let mut first = Vec::new();
            for candidate in &place.candidates {
                self.look_into(candidate, ty, &mut found, &mut first, 0);
            }
            self.used(pointer, &Place { base, candidates: first });
        }
        if !through.is_empty() {
            self.used(address, &Place { base: place.base, candidates: through });
        }
        if ty.is_structure() {
            self.stepped.extend(found.iter().filter_map(|candidate| self.types.resolve(candidate.ty)));
        }
        if found.is_empty() && ty.is_structure() {
            let types = self.types.of_llvm(self.module, ty);
            let name = ty.structure_name();
            // Others are no structures of the source: clang makes them for initial values.
            if types.is_empty() && (name.starts_with("struct.") || name.starts_with("union.")) {
                self.unknown.push((name, address));
            }
            self.stepped.extend(&types);
            return Place { base, ..self.whole(address, types) };
        }
        // A structure with a name is a root of its own.
        let is_root = found.iter().any(|candidate| candidate.root.is_none());
        Place { base: if is_root { base } else { place.base }, candidates: found }
    }

    /// Looks for an object of an LLVM type that begins where `candidate` does.
    fn look_for(
        &self,
        candidate: &Candidate,
        ty: LlvmType<'c>,
        found: &mut Vec<Candidate>,
        through: &mut Vec<Candidate>,
        depth: usize,
    ) {
        let Some(id) = self.types.resolve(candidate.ty).filter(|_| depth < MOST_DEPTH) else { return };
        let shape = &self.types.get(id).shape;
        let is_it = match shape {
            Shape::Record(_) => ty.is_structure() && self.fits(id, ty),
            Shape::Array(element, _) => ty.is_sequence() || !ty.is_structure() && self.has_size(*element, ty),
            _ => !ty.is_structure() && !ty.is_sequence() && self.has_size(id, ty),
        };
        if is_it {
            found.push(self.as_root(candidate, id));
            return;
        }
        match shape {
            Shape::Array(element, _) => {
                let element = self.element_of(candidate, *element);
                self.look_for(&element, ty, found, through, depth + 1);
            }
            // The first member of a structure has a step of its own.
            Shape::Record(record) if record.is_union => {
                let outer = self.as_root(candidate, id);
                for member in record.members.iter().filter(|member| member.bits.is_none()) {
                    let inner = self.part(&outer, id, member);
                    let before = found.len();
                    self.look_for(&inner, ty, found, through, depth + 1);
                    if found.len() > before && !self.is_anonymous(inner.ty) && !through.contains(&inner) {
                        through.push(inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// Looks for an object of an LLVM type in the first members of a structure, of their first members, and so on.
    fn look_into(
        &self,
        candidate: &Candidate,
        ty: LlvmType<'c>,
        found: &mut Vec<Candidate>,
        through: &mut Vec<Candidate>,
        depth: usize,
    ) {
        let Some((id, record)) = self.types.record(candidate.ty).filter(|_| depth < MOST_DEPTH) else {
            return;
        };
        let outer = self.as_root(candidate, id);
        let first = record.members.iter().filter(|member| member.bits.is_none() && member.bit_offset == 0);
        for inner in first.map(|member| self.part(&outer, id, member)) {
            let before = found.len();
            self.look_for(&inner, ty, found, through, depth + 1);
            if found.len() == before {
                self.look_into(&inner, ty, found, through, depth + 1);
            }
            if found.len() > before && !self.is_anonymous(inner.ty) && !through.contains(&inner) {
                through.push(inner);
            }
        }
    }

    fn has_size(&self, id: TypeId, ty: LlvmType<'c>) -> bool {
        ty.store_size(self.module) == Some(self.types.size(id))
    }

    /// Whether an LLVM type may be that of a structure or union.
    fn fits(&self, id: TypeId, ty: LlvmType<'c>) -> bool {
        if !self.types.get(id).name.is_empty() {
            return self.types.of_llvm(self.module, ty).contains(&id);
        }
        let Some((_, record)) = self.types.record(id) else { return false };
        let keyword = if record.is_union { "union.anon" } else { "struct.anon" };
        let name = ty.structure_name();
        let number = name.strip_prefix(keyword).map(|rest| rest.strip_prefix('.').unwrap_or(rest));
        let is_anonymous = number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
        is_anonymous
            && ty.allocation_size(self.module) == Some(self.types.size(id))
            && (record.is_union
                || (0..).zip(ty.fields()).all(|(number, field)| {
                    self.is_padding(record.members.as_slice(), ty, number, field)
                        || !self.like_field(id, ty, number).is_empty()
                }))
    }

    /// Whether a field of an LLVM structure stands for no member.
    fn is_padding(&self, members: &[Member], ty: LlvmType<'c>, number: u32, field: LlvmType<'c>) -> bool {
        let Some((start, end)) = self.extent(ty, number) else { return false };
        field.is_sequence()
            && members.iter().all(|member| {
                let first = member.bit_offset;
                let last = first + member.bits.unwrap_or(member.size * 8).max(1);
                last <= start * 8 || first >= end * 8
            })
    }

    /// Where a field of an LLVM structure begins and ends, in bytes.
    fn extent(&self, ty: LlvmType<'c>, number: u32) -> Option<(u64, u64)> {
        let start = ty.field_offset(self.module, number)?;
        let size = ty.fields().get(number as usize)?.allocation_size(self.module)?;
        Some((start, start + size))
    }

    /// The members that a field of an LLVM structure stands for; if none is like it, what begins there.
    fn members_at(&self, id: TypeId, ty: LlvmType<'c>, number: u32) -> Vec<&'a Member> {
        let found = self.like_field(id, ty, number);
        if !found.is_empty() {
            return found;
        }
        let types: &'a Types<'c> = self.types;
        let members = types.record(id).map_or(&[][..], |(_, record)| &record.members);
        let start = self.extent(ty, number).map(|(start, _)| start * 8);
        members.iter().filter(|member| Some(member.bit_offset) == start).collect()
    }

    /// The members that are like a field of an LLVM structure.
    fn like_field(&self, id: TypeId, ty: LlvmType<'c>, number: u32) -> Vec<&'a Member> {
        let types: &'a Types<'c> = self.types;
        let (Some((_, record)), Some((start, end))) = (types.record(id), self.extent(ty, number)) else {
            return Vec::new();
        };
        let Some(&field) = ty.fields().get(number as usize) else { return Vec::new() };
        let is_exact = |member: &&Member| {
            member.bits.is_none()
                && member.bit_offset == start * 8
                && member.size == end - start
                && self.is_like(member.ty, field)
        };
        let exact: Vec<_> = record.members.iter().filter(is_exact).collect();
        if !exact.is_empty() {
            return exact;
        }
        let is_inside = |member: &&Member| {
            member
                .bits
                .is_some_and(|bits| member.bit_offset < end * 8 && member.bit_offset + bits > start * 8)
        };
        record.members.iter().filter(is_inside).collect()
    }

    /// Whether a member of this type may be a field of that LLVM type.
    fn is_like(&self, id: TypeId, ty: LlvmType<'c>) -> bool {
        let Some(id) = self.types.resolve(id) else { return false };
        match &self.types.get(id).shape {
            Shape::Pointer(_) => ty.is_pointer(),
            Shape::Integer | Shape::Enumeration(_) => !ty.is_pointer() && !ty.is_structure(),
            Shape::Array(..) => ty.is_sequence(),
            Shape::Record(record) if record.is_union => ty.is_structure() || ty.is_sequence(),
            Shape::Record(_) => ty.is_structure(),
            _ => true,
        }
    }

    /// A field of all structures that may lie at a place.
    fn field(&self, place: &Place<'c>, ty: LlvmType<'c>, number: u32) -> Place<'c> {
        let mut candidates = Vec::new();
        for candidate in &place.candidates {
            let Some((id, _)) = self.types.record(candidate.ty) else { continue };
            let outer = self.as_root(candidate, id);
            let start = ty.field_offset(self.module, number).unwrap_or(0) * 8;
            candidates.extend(self.members_at(id, ty, number).into_iter().map(|member| Candidate {
                unit_offset: outer.bit_offset + start,
                ..self.part(&outer, id, member)
            }));
        }
        Place { base: place.base, candidates }
    }

    fn element(&self, place: &Place<'c>) -> Place<'c> {
        let elements = place.candidates.iter().filter_map(|candidate| {
            match self.types.get(self.types.resolve(candidate.ty)?).shape {
                Shape::Array(element, _) => Some(self.element_of(candidate, element)),
                _ => None,
            }
        });
        Place { base: place.base, candidates: elements.collect() }
    }

    /// An element of an array; which one does not count.
    fn element_of(&self, candidate: &Candidate, element: TypeId) -> Candidate {
        let path = if candidate.root.is_some() { format!("{}[0]", candidate.path) } else { String::new() };
        Candidate { path, ty: element, size: self.types.size(element), ..candidate.clone() }
    }

    /// A candidate whose type is the structure `id`, as the root of what is in it if the structure has a name.
    fn as_root(&self, candidate: &Candidate, id: TypeId) -> Candidate {
        let is_record = matches!(self.types.get(id).shape, Shape::Record(_));
        if is_record && !self.types.get(id).name.is_empty() {
            return Candidate::whole(id, self.types.size(id));
        }
        candidate.clone()
    }

    /// A member of the structure `id` that `outer` is.
    fn part(&self, outer: &Candidate, id: TypeId, member: &Member) -> Candidate {
        let has_name = !self.types.get(id).name.is_empty();
        let dot = if outer.path.is_empty() || member.name.is_empty() { "" } else { "." };
        Candidate {
            root: outer.root.or_else(|| has_name.then_some(id)),
            path: format!("{}{dot}{}", outer.path, member.name),
            ty: member.ty,
            bit_offset: outer.bit_offset + member.bit_offset,
            unit_offset: outer.bit_offset + if member.bits.is_some() { 0 } else { member.bit_offset },
            bits: member.bits,
            size: member.size,
        }
    }

    /// Whether a type is a structure or union without a name, whose members are used and not it.
    fn is_anonymous(&self, id: TypeId) -> bool {
        self.types.record(id).is_some_and(|(id, _)| self.types.get(id).name.is_empty())
    }

    /// Keeps the use of what lies at a place, members of structures without a name apart, which are used later.
    fn used(&mut self, address: Value<'c>, place: &Place<'c>) {
        let mut members: Vec<Candidate> = place
            .candidates
            .iter()
            .filter(|candidate| candidate.root.is_some() && !self.is_anonymous(candidate.ty))
            .cloned()
            .collect();
        if members.iter().any(|member| member.bits.is_some()) {
            bit_fields::narrow(self.module, address, &mut members);
        }
        if !members.is_empty() {
            self.accesses.push(Access { address, base: place.base, members });
        }
    }

    /// What a load or store of some bytes may be of.
    fn leaves(&self, place: &Place<'c>, size: u64) -> Vec<Candidate> {
        let mut found = Vec::new();
        for candidate in &place.candidates {
            self.collect_leaves(candidate, Some(size), &mut found, 0);
        }
        found
    }

    fn collect_leaves(
        &self,
        candidate: &Candidate,
        size: Option<u64>,
        found: &mut Vec<Candidate>,
        depth: usize,
    ) {
        let record = self.types.record(candidate.ty).filter(|(id, record)| {
            // Members of a structure have addresses of their own.
            record.is_union || size.is_none() && self.types.get(*id).name.is_empty()
        });
        match record.filter(|_| depth < MOST_DEPTH) {
            Some((id, record)) => {
                let outer = self.as_root(candidate, id);
                for member in &record.members {
                    self.collect_leaves(&self.part(&outer, id, member), size, found, depth + 1);
                }
            }
            None if size.is_none_or(|size| candidate.bits.is_some() || candidate.size == size) => {
                found.push(candidate.clone());
            }
            None => {}
        }
    }

    /// Keeps the members of unions that a load or store through `address` uses.
    pub(super) fn accessed(&mut self, address: Value<'c>, size: u64) {
        let Some(place) = self.at(address) else { return };
        let is_union = |candidate: &Candidate| {
            self.types.record(candidate.ty).is_some_and(|(_, record)| record.is_union)
        };
        let unions: Vec<_> =
            place.candidates.iter().filter(|candidate| is_union(candidate)).cloned().collect();
        if unions.is_empty() {
            return;
        }
        let unions = Place { base: place.base, candidates: unions };
        let mut leaves = self.leaves(&unions, size);
        if leaves.is_empty() {
            leaves = self.all_parts(&unions);
        }
        self.used(address, &Place { base: unions.base, candidates: leaves });
    }

    /// Keeps the members of a structure without a name whose address goes where it cannot be followed: those of the type that
    /// is expected there, else all.
    pub(super) fn escaped(&mut self, address: Value<'c>, expected: Option<TypeId>) {
        let Some(mut place) = self.at(address) else { return };
        place.candidates.retain(|candidate| candidate.root.is_some() && self.is_anonymous(candidate.ty));
        let mut parts = self.all_parts(&place);
        let expected = expected.and_then(|ty| self.types.resolve(ty));
        let is_expected =
            |part: &Candidate| part.unit_offset == part.bit_offset && self.types.resolve(part.ty) == expected;
        if expected.is_some() && parts.iter().any(is_expected) {
            parts.retain(is_expected);
        }
        self.used(address, &Place { base: place.base, candidates: parts });
    }

    fn all_parts(&self, place: &Place<'c>) -> Vec<Candidate> {
        let mut found = Vec::new();
        for candidate in &place.candidates {
            self.collect_leaves(candidate, None, &mut found, 0);
        }
        found
    }
}
