// SPDX-License-Identifier: MIT OR Apache-2.0

//! The types of a program as its source has them, read from its debug information.

use std::collections::{HashMap, VecDeque};

use crate::llvm::debug_info::{DebugNode, NodeKind, tag};
use crate::llvm::{Module, Type as LlvmType, Value};

/// The annotation (`btf_decl_tag`) of structures that are the kernel's although no header of the kernel's defines them.
pub const KERNEL_TYPE_TAG: &str = "gpufas:kernel";

/// Most typedefs and qualifiers around a type, and most arrays and structures inside one another.
pub(super) const MOST_DEPTH: usize = 64;

/// A type of the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(u32);

/// What is known of a type.
#[derive(Clone, Debug)]
pub struct Type {
    /// Its name: the tag of a structure, union or enumeration, else the typedef of one without a tag; may be empty.
    pub name: String,
    /// Size in bytes; 0 for what has none.
    pub size: u64,
    /// What kind of type it is.
    pub shape: Shape,
}

/// Kinds of types.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A type that says nothing of its contents: `void`, one that is declared only.
    Opaque,
    /// An integer, a character or a truth value.
    Integer,
    /// A pointer; none is to `void`.
    Pointer(Option<TypeId>),
    /// A structure or union.
    Record(Record),
    /// An array; the length of a flexible one is not known.
    Array(TypeId, Option<u64>),
    /// An enumeration.
    Enumeration(Enumeration),
    /// A typedef, or a qualifier (`const`); none is of `void`.
    Alias(Option<TypeId>, &'static str),
    /// A function: result (none is `void`) and parameters.
    Function(Option<TypeId>, Vec<Option<TypeId>>),
}

/// A structure or union that is defined.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whether it is a union.
    pub is_union: bool,
    /// Whether its name is that of a typedef.
    pub is_typedef: bool,
    /// Whether it is the kernel's, not the program's own.
    pub is_kernels: bool,
    /// Its members in the order of the source.
    pub members: Vec<Member>,
}

/// An enumeration that is defined.
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// Whether it is the kernel's, not the program's own.
    pub is_kernels: bool,
    /// Its constants in the order of the source, each with its value.
    pub constants: Vec<(String, i128)>,
}

/// A member of a structure or union.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name; empty for an anonymous structure or union.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Bits from the start of the structure.
    pub bit_offset: u64,
    /// Size in bytes, if it is no bit-field.
    pub size: u64,
    /// Its bits, if it is a bit-field.
    pub bits: Option<u64>,
}

/// All types that functions, variables and casts of a program lead to.
#[derive(Debug)]
pub struct Types<'c> {
    types: Vec<Type>,
    /// Structures (false) and unions (true) by name.
    by_name: HashMap<(bool, String), Vec<TypeId>>,
    ids: HashMap<DebugNode<'c>, TypeId>,
    /// Types of variables in memory and of functions.
    declared: HashMap<Value<'c>, TypeId>,
    /// Types that no variable or function leads to, as those of casts.
    retained: Vec<TypeId>,
}

impl<'c> Types<'c> {
    /// Reads the types of a program. `is_kernels` says of a file whether it is the kernel's.
    pub fn read(module: &Module<'c>, is_kernels: &dyn Fn(&str) -> bool) -> Self {
        let mut reader = Reader {
            types: Self {
                types: Vec::new(),
                by_name: HashMap::new(),
                ids: HashMap::new(),
                declared: HashMap::new(),
                retained: Vec::new(),
            },
            module,
            is_kernels,
            pending: VecDeque::new(),
        };
        reader.read();
        reader.types.index();
        reader.types
    }

    /// A type.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// All types.
    pub fn all(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        (0..).map(TypeId).zip(&self.types)
    }

    /// The type of a variable that lies at an address, or of a function.
    pub fn declared(&self, value: Value<'c>) -> Option<TypeId> {
        self.declared.get(&value).copied()
    }

    /// Types that casts name, among others that no variable or function leads to.
    pub fn retained(&self) -> &[TypeId] {
        &self.retained
    }

    /// The type of what a function returns; none is `void`, or not known.
    pub fn result(&self, function: TypeId) -> Option<TypeId> {
        match self.get(self.resolve(function)?).shape {
            Shape::Function(result, _) => result,
            _ => None,
        }
    }

    /// The type of a parameter of a function.
    pub fn parameter(&self, function: Value<'c>, number: usize) -> Option<TypeId> {
        match &self.get(self.declared(function)?).shape {
            Shape::Function(_, parameters) => parameters.get(number).copied().flatten(),
            _ => None,
        }
    }

    /// The same type without typedefs and qualifiers; none is `void`.
    pub fn resolve(&self, mut id: TypeId) -> Option<TypeId> {
        for _ in 0..MOST_DEPTH {
            match self.get(id).shape {
                Shape::Alias(of, _) => id = of?,
                _ => return Some(id),
            }
        }
        None
    }

    /// The structure or union that a type stands for.
    pub fn record(&self, id: TypeId) -> Option<(TypeId, &Record)> {
        let id = self.resolve(id)?;
        match &self.get(id).shape {
            Shape::Record(record) => Some((id, record)),
            _ => None,
        }
    }

    /// The type that a pointer points to, if this is one.
    pub fn pointee(&self, id: TypeId) -> Option<TypeId> {
        match self.get(self.resolve(id)?).shape {
            Shape::Pointer(to) => to,
            _ => None,
        }
    }

    /// The structures and unions that an LLVM type may be: those of its name and size.
    ///
    /// clang calls them `struct.NAME` and `union.NAME`, after a typedef if they have no tag, and LLVM adds a number where two of
    /// one name differ.
    pub fn of_llvm(&self, module: &Module<'c>, ty: LlvmType<'c>) -> Vec<TypeId> {
        let full = ty.structure_name();
        let mut parts = full.split('.');
        let is_union = match parts.next() {
            Some("struct") => false,
            Some("union") => true,
            _ => return Vec::new(),
        };
        let Some(name) = parts.next() else { return Vec::new() };
        let named = self.by_name.get(&(is_union, name.to_owned()));
        let size = ty.allocation_size(module);
        named.into_iter().flatten().copied().filter(|&id| Some(self.get(id).size) == size).collect()
    }

    /// Size in bytes; 0 for what has none.
    pub fn size(&self, id: TypeId) -> u64 {
        self.resolve(id).map_or(0, |id| self.get(id).size)
    }

    /// How C writes a type, without the parameters of functions.
    pub fn text(&self, id: TypeId) -> String {
        self.declarator(Some(id), String::new(), 0)
    }

    /// A type around what is declared to be of it.
    fn declarator(&self, id: Option<TypeId>, inner: String, depth: usize) -> String {
        let end = |name: &str| {
            let space = if inner.is_empty() || inner.starts_with('[') { "" } else { " " };
            format!("{name}{space}{inner}")
        };
        let Some(id) = id else { return end("void") };
        if depth == MOST_DEPTH {
            return end("...");
        }
        let ty = self.get(id);
        let or_braces = |name: &str| if name.is_empty() { "{...}".to_owned() } else { name.to_owned() };
        match &ty.shape {
            Shape::Pointer(to) => {
                let target = to.and_then(|to| self.resolve(to)).map(|to| &self.get(to).shape);
                let inner = match target {
                    Some(Shape::Array(..) | Shape::Function(..)) => format!("(*{inner})"),
                    _ => format!("*{inner}"),
                };
                self.declarator(*to, inner, depth + 1)
            }
            Shape::Array(element, length) => {
                let length = length.map(|length| length.to_string()).unwrap_or_default();
                self.declarator(Some(*element), format!("{inner}[{length}]"), depth + 1)
            }
            Shape::Function(result, _) => self.declarator(*result, format!("{inner}()"), depth + 1),
            Shape::Alias(of, qualifier) if ty.name.is_empty() => {
                match of.map(|of| &self.get(of).shape) {
                    _ if qualifier.is_empty() => self.declarator(*of, inner, depth + 1),
                    // The pointer itself is const, not what it points to.
                    Some(Shape::Pointer(_)) => {
                        let space = if inner.is_empty() { "" } else { " " };
                        self.declarator(*of, format!("{qualifier}{space}{inner}"), depth + 1)
                    }
                    _ => format!("{qualifier} {}", self.declarator(*of, inner, depth + 1)),
                }
            }
            Shape::Record(record) if record.is_typedef => end(&ty.name),
            Shape::Record(record) => {
                let keyword = if record.is_union { "union" } else { "struct" };
                end(&format!("{keyword} {}", or_braces(&ty.name)))
            }
            Shape::Enumeration(_) => end(&format!("enum {}", or_braces(&ty.name))),
            Shape::Alias(..) | Shape::Integer | Shape::Opaque => end(&ty.name),
        }
    }

    /// Finds names for structures that have only that of a typedef, and all by their names.
    fn index(&mut self) {
        for index in 0..self.types.len() {
            let Type { name, shape: Shape::Alias(Some(of), _), .. } = &self.types[index] else { continue };
            let (name, of) = (name.clone(), of.0 as usize);
            let aliased = &mut self.types[of];
            if let Shape::Record(record) = &mut aliased.shape
                && aliased.name.is_empty()
                && !name.is_empty()
            {
                record.is_typedef = true;
                aliased.name = name;
            }
        }
        for (id, ty) in (0..).map(TypeId).zip(&self.types) {
            if let Shape::Record(record) = &ty.shape
                && !ty.name.is_empty()
            {
                self.by_name.entry((record.is_union, ty.name.clone())).or_default().push(id);
            }
        }
    }
}

struct Reader<'a, 'c> {
    types: Types<'c>,
    module: &'a Module<'c>,
    is_kernels: &'a dyn Fn(&str) -> bool,
    pending: VecDeque<(DebugNode<'c>, TypeId)>,
}

impl<'c> Reader<'_, 'c> {
    fn read(&mut self) {
        let context = self.module.context();
        for node in self.module.retained_debug_types() {
            let id = self.id(node);
            self.types.retained.extend(id);
        }
        for variable in self.module.globals() {
            if let Some(id) = variable.debug_variable_type(context).and_then(|node| self.id(node)) {
                self.types.declared.insert(variable, id);
            }
        }
        for function in self.module.functions() {
            if let Some(id) = function.debug_function_type(context).and_then(|node| self.id(node)) {
                self.types.declared.insert(function, id);
            }
            for instruction in function.instructions() {
                for (address, node) in instruction.declared_variables(context) {
                    if let Some(id) = self.id(node) {
                        self.types.declared.insert(address, id);
                    }
                }
            }
        }
        while let Some((node, id)) = self.pending.pop_front() {
            self.types.types[id.0 as usize] = self.translate(node);
        }
    }

    fn add(&mut self, ty: Type) -> Option<TypeId> {
        let id = TypeId(u32::try_from(self.types.types.len()).ok()?);
        self.types.types.push(ty);
        Some(id)
    }

    /// The type's number; what it is made of is read later.
    fn id(&mut self, node: DebugNode<'c>) -> Option<TypeId> {
        if !node.is_type() {
            return None;
        }
        if let Some(&id) = self.types.ids.get(&node) {
            return Some(id);
        }
        let id = self.add(Type { name: String::new(), size: 0, shape: Shape::Opaque })?;
        self.types.ids.insert(node, id);
        self.pending.push_back((node, id));
        Some(id)
    }

    fn translate(&mut self, node: DebugNode<'c>) -> Type {
        let context = self.module.context();
        let base = node.base_type(context);
        let shape = match (node.kind(), node.tag()) {
            (NodeKind::BasicType, _) => Shape::Integer,
            (_, tag::POINTER_TYPE) => Shape::Pointer(base.and_then(|to| self.id(to))),
            (_, tag::STRUCTURE_TYPE | tag::UNION_TYPE) if !node.is_declaration() => self.record(node),
            (_, tag::ENUMERATION_TYPE) => Shape::Enumeration(Enumeration {
                is_kernels: node.files().iter().any(|file| (self.is_kernels)(file)),
                constants: node
                    .elements(context)
                    .into_iter()
                    .filter_map(|element| element.enumerator(context))
                    .collect(),
            }),
            (_, tag::ARRAY_TYPE) => self.array(node, base),
            (NodeKind::SubroutineType, _) => {
                let (result, parameters) = node.signature(context).unwrap_or_default();
                let parameters = parameters.into_iter().map(|ty| self.id(ty?)).collect();
                Shape::Function(result.and_then(|ty| self.id(ty)), parameters)
            }
            (NodeKind::DerivedType, other) => {
                let qualifier = match other {
                    tag::CONST_TYPE => "const",
                    tag::VOLATILE_TYPE => "volatile",
                    // Of no interest to layouts: restrict, _Atomic.
                    _ => "",
                };
                Shape::Alias(base.and_then(|of| self.id(of)), qualifier)
            }
            _ => Shape::Opaque,
        };
        let mut name = node.type_name();
        if matches!(shape, Shape::Opaque) {
            // One that is declared only.
            match node.tag() {
                tag::STRUCTURE_TYPE => name.insert_str(0, "struct "),
                tag::UNION_TYPE => name.insert_str(0, "union "),
                tag::ENUMERATION_TYPE => name.insert_str(0, "enum "),
                _ => {}
            }
        }
        Type { name, size: node.size_in_bits() / 8, shape }
    }

    fn record(&mut self, node: DebugNode<'c>) -> Shape {
        let context = self.module.context();
        let elements = node.elements(context).into_iter().filter(|element| element.tag() == tag::MEMBER);
        let members = elements
            .filter_map(|element| {
                Some(Member {
                    name: element.type_name(),
                    ty: self.id(element.base_type(context)?)?,
                    bit_offset: element.offset_in_bits(),
                    size: element.size_in_bits() / 8,
                    bits: element.is_bit_field().then(|| element.size_in_bits()),
                })
            })
            .collect();
        let is_kernels = node.files().iter().any(|file| (self.is_kernels)(file))
            || node.annotations(context).iter().any(|annotation| annotation == KERNEL_TYPE_TAG);
        Shape::Record(Record {
            is_union: node.tag() == tag::UNION_TYPE,
            is_typedef: false,
            is_kernels,
            members,
        })
    }

    /// An array of arrays is one type with several lengths.
    fn array(&mut self, node: DebugNode<'c>, element: Option<DebugNode<'c>>) -> Shape {
        let context = self.module.context();
        let lengths: Vec<_> = node
            .elements(context)
            .into_iter()
            .filter(|element| element.kind() == NodeKind::Subrange)
            .map(|subrange| subrange.subrange_count(context))
            .collect();
        let Some((outer, inner)) = lengths.split_first() else { return Shape::Opaque };
        let Some(element) = element else { return Shape::Opaque };
        let Some(mut id) = self.id(element) else { return Shape::Opaque };
        let mut size = self.size_of(element);
        for length in inner.iter().rev() {
            size = size.saturating_mul(length.unwrap_or(0));
            let ty = Type { name: String::new(), size, shape: Shape::Array(id, *length) };
            let Some(array) = self.add(ty) else { return Shape::Opaque };
            id = array;
        }
        Shape::Array(id, *outer)
    }

    /// Size of a type in bytes; typedefs and qualifiers have none of their own.
    fn size_of(&self, mut node: DebugNode<'c>) -> u64 {
        for _ in 0..MOST_DEPTH {
            match (node.size_in_bits(), node.base_type(self.module.context())) {
                (0, Some(base)) if node.tag() != tag::ARRAY_TYPE => node = base,
                (bits, _) => return bits / 8,
            }
        }
        0
    }
}
