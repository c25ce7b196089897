// SPDX-License-Identifier: MIT OR Apache-2.0

//! Debug information about types and variables.
//!
//! LLVM's C interface reads names, sizes, offsets and flags of types. What refers to other nodes is read from the operands of
//! a node, whose order is that of IR/DebugInfoMetadata.h of LLVM 22.

use std::marker::PhantomData;

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::*;
use inkwell::llvm_sys::prelude::{LLVMMetadataRef, LLVMValueRef};

use super::ty::metadata_kind;
use super::{Context, Module, Value, c_string, copied};

/// Classes of metadata nodes, as far as they are of interest here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are LLVM's, without DI")]
pub enum NodeKind {
    BasicType,
    DerivedType,
    CompositeType,
    SubroutineType,
    Subrange,
    Enumerator,
    CompileUnit,
    GlobalVariableExpression,
    Tuple,
    /// A string or a value, which have no operands.
    Leaf,
    Other,
}

/// `DW_TAG_*` of types and their members, in DWARF 5, section 7.5.3.
#[allow(missing_docs, reason = "the names are DWARF's")]
pub mod tag {
    pub const ARRAY_TYPE: u16 = 0x01;
    pub const ENUMERATION_TYPE: u16 = 0x04;
    pub const MEMBER: u16 = 0x0d;
    pub const POINTER_TYPE: u16 = 0x0f;
    pub const STRUCTURE_TYPE: u16 = 0x13;
    pub const TYPEDEF: u16 = 0x16;
    pub const UNION_TYPE: u16 = 0x17;
    pub const CONST_TYPE: u16 = 0x26;
    pub const VOLATILE_TYPE: u16 = 0x35;
}

/// Operands of each class of nodes.
mod operand {
    pub const BASE_TYPE: u32 = 5;
    pub const ELEMENTS: u32 = 6;
    pub const COMPOSITE_ANNOTATIONS: u32 = 15;
    pub const SUBRANGE_COUNT: u32 = 0;
    pub const ENUMERATOR_NAME: u32 = 0;
    pub const SIGNATURE: u32 = 5;
    pub const SUBPROGRAM_NAME: u32 = 2;
    pub const SUBPROGRAM_TYPE: u32 = 4;
    pub const VARIABLE_TYPE: u32 = 3;
    pub const UNIT_ENUMERATIONS: u32 = 4;
    pub const UNIT_RETAINED_TYPES: u32 = 5;
}

/// A node of debug information; lives as long as its context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DebugNode<'c>(LLVMMetadataRef, PhantomData<&'c Context>);

impl<'c> DebugNode<'c> {
    fn some(raw: LLVMMetadataRef) -> Option<Self> {
        (!raw.is_null()).then_some(Self(raw, PhantomData))
    }

    /// What class of node this is.
    pub fn kind(self) -> NodeKind {
        // SAFETY: self is metadata of a live context.
        match unsafe { LLVMGetMetadataKind(self.0) } {
            LLVMMetadataKind::LLVMDIBasicTypeMetadataKind => NodeKind::BasicType,
            LLVMMetadataKind::LLVMDIDerivedTypeMetadataKind => NodeKind::DerivedType,
            LLVMMetadataKind::LLVMDICompositeTypeMetadataKind => NodeKind::CompositeType,
            LLVMMetadataKind::LLVMDISubroutineTypeMetadataKind => NodeKind::SubroutineType,
            LLVMMetadataKind::LLVMDISubrangeMetadataKind => NodeKind::Subrange,
            LLVMMetadataKind::LLVMDIEnumeratorMetadataKind => NodeKind::Enumerator,
            LLVMMetadataKind::LLVMDICompileUnitMetadataKind => NodeKind::CompileUnit,
            LLVMMetadataKind::LLVMDIGlobalVariableExpressionMetadataKind => {
                NodeKind::GlobalVariableExpression
            }
            LLVMMetadataKind::LLVMMDTupleMetadataKind => NodeKind::Tuple,
            LLVMMetadataKind::LLVMMDStringMetadataKind
            | LLVMMetadataKind::LLVMConstantAsMetadataMetadataKind
            | LLVMMetadataKind::LLVMLocalAsMetadataMetadataKind
            | LLVMMetadataKind::LLVMDIArgListMetadataKind => NodeKind::Leaf,
            _ => NodeKind::Other,
        }
    }

    /// Whether it is a type, or a member of one.
    pub fn is_type(self) -> bool {
        matches!(
            self.kind(),
            NodeKind::BasicType | NodeKind::DerivedType | NodeKind::CompositeType | NodeKind::SubroutineType
        )
    }

    /// Its `DW_TAG_*`; 0 for what is no type.
    pub fn tag(self) -> u16 {
        // SAFETY: checked to be a type, which has a tag.
        if self.is_type() { unsafe { LLVMGetDINodeTag(self.0) } } else { 0 }
    }

    /// Name of a type or member; empty if it has none.
    pub fn type_name(self) -> String {
        if !self.is_type() {
            return String::new();
        }
        let mut length = 0;
        // SAFETY: checked to be a type; LLVM returns a pointer and its length.
        unsafe {
            let name = LLVMDITypeGetName(self.0, &mut length);
            copied(name, length)
        }
    }

    /// Size of a type or member in bits.
    pub fn size_in_bits(self) -> u64 {
        // SAFETY: checked to be a type.
        if self.is_type() { unsafe { LLVMDITypeGetSizeInBits(self.0) } } else { 0 }
    }

    /// Where a member begins, in bits from the start of its structure.
    pub fn offset_in_bits(self) -> u64 {
        // SAFETY: checked to be a type.
        if self.is_type() { unsafe { LLVMDITypeGetOffsetInBits(self.0) } } else { 0 }
    }

    fn has_flag(self, flag: LLVMDIFlags) -> bool {
        // SAFETY: checked to be a type.
        self.is_type() && unsafe { LLVMDITypeGetFlags(self.0) } & flag != 0
    }

    /// Whether it is a bit-field.
    pub fn is_bit_field(self) -> bool {
        self.has_flag(LLVMDIFlagBitField)
    }

    /// Whether it is a type that is declared and not defined.
    pub fn is_declaration(self) -> bool {
        self.has_flag(LLVMDIFlagFwdDecl)
    }

    /// The file that defines a type, as the compiler found it, and with the folder that clang took off: whatever it has in common
    /// with the current one. None if it is not known.
    pub fn files(self) -> Vec<String> {
        if !self.is_type() {
            return Vec::new();
        }
        // SAFETY: a type is a scope; a file that is not there is null, and names come with their lengths.
        let (name, folder) = unsafe {
            let file = LLVMDIScopeGetFile(self.0);
            if file.is_null() {
                return Vec::new();
            }
            let mut length = 0;
            let name = LLVMDIFileGetFilename(file, &mut length);
            let name = copied(name, length as usize);
            let folder = LLVMDIFileGetDirectory(file, &mut length);
            (name, copied(folder, length as usize))
        };
        let whole = format!("{}/{name}", folder.trim_end_matches('/'));
        if name.starts_with('/') || folder.is_empty() { vec![name] } else { vec![name, whole] }
    }

    /// The type that a pointer, typedef, qualifier, member or array is made of; none is `void`.
    pub fn base_type(self, context: &'c Context) -> Option<Self> {
        let has_base = matches!(self.kind(), NodeKind::DerivedType | NodeKind::CompositeType);
        self.node(context, operand::BASE_TYPE).filter(|_| has_base)
    }

    /// Members of a structure, subranges of an array, constants of an enumeration.
    pub fn elements(self, context: &'c Context) -> Vec<Self> {
        if self.kind() != NodeKind::CompositeType {
            return Vec::new();
        }
        self.list(context, operand::ELEMENTS).into_iter().flatten().collect()
    }

    /// The values of annotations (`btf_decl_tag`) of a structure or union.
    pub fn annotations(self, context: &'c Context) -> Vec<String> {
        if self.kind() != NodeKind::CompositeType {
            return Vec::new();
        }
        let annotations = self.list(context, operand::COMPOSITE_ANNOTATIONS).into_iter().flatten();
        annotations.filter_map(|annotation| annotation.text(context, 1)).collect()
    }

    /// Elements of a subrange; none if it is unknown.
    pub fn subrange_count(self, context: &'c Context) -> Option<u64> {
        if self.kind() != NodeKind::Subrange {
            return None;
        }
        // Unknown is -1.
        let count = self.operand(context, operand::SUBRANGE_COUNT)?.as_signed()?;
        u64::try_from(count).ok()
    }

    /// Name and value of a constant of an enumeration.
    ///
    /// The C interface has no way to the value but its text: `!DIEnumerator(name: "A", value: 1, isUnsigned: true)`.
    pub fn enumerator(self, context: &'c Context) -> Option<(String, i128)> {
        if self.kind() != NodeKind::Enumerator {
            return None;
        }
        let name = self.text(context, operand::ENUMERATOR_NAME)?;
        let text = self.value(context).print();
        let (_, value) = text.rsplit_once("value: ")?;
        let digits = value.trim_start_matches('-').chars().take_while(char::is_ascii_digit).count();
        let sign = usize::from(value.starts_with('-'));
        Some((name, value.get(..sign + digits)?.parse().ok()?))
    }

    /// Result (none is `void`) and parameters of a function's type.
    pub fn signature(self, context: &'c Context) -> Option<(Option<Self>, Vec<Option<Self>>)> {
        if self.kind() != NodeKind::SubroutineType {
            return None;
        }
        let mut types = self.list(context, operand::SIGNATURE).into_iter();
        Some((types.next().flatten(), types.collect()))
    }

    fn value(self, context: &'c Context) -> Value<'c> {
        // SAFETY: self is metadata of the live context.
        Value::new(unsafe { LLVMMetadataAsValue(context.raw(), self.0) })
    }

    fn raw_operands(self, context: &'c Context) -> Vec<LLVMValueRef> {
        if self.kind() == NodeKind::Leaf {
            return Vec::new();
        }
        let node = self.value(context).0;
        // SAFETY: what is left has operands, for all of which the buffer has room.
        unsafe {
            let mut operands = vec![std::ptr::null_mut(); LLVMGetMDNodeNumOperands(node) as usize];
            LLVMGetMDNodeOperands(node, operands.as_mut_ptr());
            operands
        }
    }

    /// An operand: metadata as a value, or the value of constant metadata.
    fn operand(self, context: &'c Context, index: u32) -> Option<Value<'c>> {
        Value::some(self.raw_operands(context).get(index as usize).copied()?)
    }

    fn node(self, context: &'c Context, index: u32) -> Option<Self> {
        node_of(self.operand(context, index)?)
    }

    fn text(self, context: &'c Context, index: u32) -> Option<String> {
        let operand = self.operand(context, index)?;
        let mut length = 0;
        // SAFETY: what is no string gives null.
        unsafe {
            let text = LLVMGetMDString(operand.0, &mut length);
            (!text.is_null()).then(|| copied(text, length as usize))
        }
    }

    /// The nodes of the list that an operand is.
    fn list(self, context: &'c Context, index: u32) -> Vec<Option<Self>> {
        let Some(list) = self.node(context, index) else { return Vec::new() };
        if list.kind() != NodeKind::Tuple {
            return Vec::new();
        }
        list.raw_operands(context).into_iter().map(|operand| node_of(Value::some(operand)?)).collect()
    }
}

/// The node that a value is made of, if it is metadata.
fn node_of<'c>(value: Value<'c>) -> Option<DebugNode<'c>> {
    let is_metadata = value.kind() == super::ValueKind::LLVMMetadataAsValueValueKind;
    // SAFETY: checked to be metadata as a value.
    is_metadata.then(|| DebugNode::some(unsafe { LLVMValueAsMetadata(value.0) })).flatten()
}

impl<'c> Module<'c> {
    /// Types that no variable or function leads to: enumerations, and what casts name.
    pub fn retained_debug_types(&self) -> Vec<DebugNode<'c>> {
        let context = self.context();
        let name = c_string("llvm.dbg.cu");
        // SAFETY: the buffer has room for what LLVM counts.
        let units = unsafe {
            let count = LLVMGetNamedMetadataNumOperands(self.raw(), name.as_ptr()) as usize;
            let mut units = vec![std::ptr::null_mut(); count];
            LLVMGetNamedMetadataOperands(self.raw(), name.as_ptr(), units.as_mut_ptr());
            units
        };
        let units = units.into_iter().filter_map(|unit| node_of(Value::some(unit)?));
        units
            .filter(|unit| unit.kind() == NodeKind::CompileUnit)
            .flat_map(|unit| {
                let enumerations = unit.list(context, operand::UNIT_ENUMERATIONS);
                enumerations.into_iter().chain(unit.list(context, operand::UNIT_RETAINED_TYPES))
            })
            .flatten()
            .collect()
    }
}

impl<'c> Value<'c> {
    /// The type of a function as the source has it.
    pub fn debug_function_type(self, context: &'c Context) -> Option<DebugNode<'c>> {
        if !self.is_function() {
            return None;
        }
        // SAFETY: self is a function; one without debug information gives null.
        let subprogram = DebugNode::some(unsafe { LLVMGetSubprogram(self.0) })?;
        subprogram.node(context, operand::SUBPROGRAM_TYPE)
    }

    /// The name of a function as the source has it.
    pub fn debug_function_name(self, context: &'c Context) -> Option<String> {
        if !self.is_function() {
            return None;
        }
        // SAFETY: self is a function; one without debug information gives null.
        let subprogram = DebugNode::some(unsafe { LLVMGetSubprogram(self.0) })?;
        subprogram.text(context, operand::SUBPROGRAM_NAME)
    }

    /// The type of a global variable as the source has it.
    pub fn debug_variable_type(self, context: &'c Context) -> Option<DebugNode<'c>> {
        if !self.is_global_variable() {
            return None;
        }
        let expression = DebugNode::some(self.attachment(metadata_kind(context, "dbg"))?)
            .filter(|node| node.kind() == NodeKind::GlobalVariableExpression)?;
        // SAFETY: checked to be of this class.
        let variable = DebugNode::some(unsafe { LLVMDIGlobalVariableExpressionGetVariable(expression.0) })?;
        variable.node(context, operand::VARIABLE_TYPE)
    }

    /// The variables that are declared to lie in memory before an instruction: address and type of each.
    pub fn declared_variables(self, context: &'c Context) -> Vec<(Value<'c>, DebugNode<'c>)> {
        use inkwell::llvm_sys::LLVMDbgRecordKind::LLVMDbgRecordDeclare;
        let mut found = Vec::new();
        if !self.is_instruction() {
            return found;
        }
        // SAFETY: self is an instruction; the list is followed by LLVM's own links, and only records that declare variables,
        // which have a value and a variable, are asked for them.
        unsafe {
            let mut record = LLVMGetFirstDbgRecord(self.0);
            while !record.is_null() {
                if matches!(LLVMDbgRecordGetKind(record), LLVMDbgRecordDeclare) {
                    let address = Value::some(LLVMDbgVariableRecordGetValue(record, 0));
                    let variable = DebugNode::some(LLVMDbgVariableRecordGetVariable(record));
                    let ty = variable.and_then(|variable| variable.node(context, operand::VARIABLE_TYPE));
                    found.extend(address.zip(ty));
                }
                record = LLVMGetNextDbgRecord(record);
            }
        }
        found
    }
}
