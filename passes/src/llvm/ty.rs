// SPDX-License-Identifier: MIT OR Apache-2.0

//! Types.

use std::ffi::CStr;
use std::marker::PhantomData;

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::LLVMTypeRef;
use inkwell::llvm_sys::{LLVMTypeKind, target};

use super::{Context, Module, Value, c_string};

/// A type; lives as long as its context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Type<'c>(pub(super) LLVMTypeRef, PhantomData<&'c Context>);

impl<'c> Type<'c> {
    pub(super) fn new(raw: LLVMTypeRef) -> Self {
        Self(raw, PhantomData)
    }

    /// The integer type of `bits` bits.
    pub fn integer(context: &'c Context, bits: u32) -> Self {
        // SAFETY: the context is alive.
        Self::new(unsafe { LLVMIntTypeInContext(context.raw(), bits) })
    }

    /// The pointer type of address space 0.
    pub fn pointer(context: &'c Context) -> Self {
        // SAFETY: the context is alive.
        Self::new(unsafe { LLVMPointerTypeInContext(context.raw(), 0) })
    }

    /// `void`.
    pub fn void(context: &'c Context) -> Self {
        // SAFETY: the context is alive.
        Self::new(unsafe { LLVMVoidTypeInContext(context.raw()) })
    }

    /// `[count x self]`.
    pub fn array(self, count: u64) -> Self {
        // SAFETY: self is a type of a live context.
        Self::new(unsafe { LLVMArrayType2(self.0, count) })
    }

    /// An anonymous structure.
    pub fn structure(context: &'c Context, fields: &[Type<'c>]) -> Self {
        let mut fields: Vec<_> = fields.iter().map(|field| field.0).collect();
        // SAFETY: the fields are types of the live context.
        Self::new(unsafe {
            LLVMStructTypeInContext(context.raw(), fields.as_mut_ptr(), fields.len() as u32, 0)
        })
    }

    /// A function type that returns `self`.
    pub fn function(self, parameters: &[Type<'c>]) -> Self {
        let mut parameters: Vec<_> = parameters.iter().map(|parameter| parameter.0).collect();
        // SAFETY: all are types of one live context.
        Self::new(unsafe { LLVMFunctionType(self.0, parameters.as_mut_ptr(), parameters.len() as u32, 0) })
    }

    fn kind(self) -> LLVMTypeKind {
        // SAFETY: self is a type of a live context.
        unsafe { LLVMGetTypeKind(self.0) }
    }

    /// Whether this is an integer type.
    pub fn is_integer(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMIntegerTypeKind
    }

    /// Whether this is a pointer type.
    pub fn is_pointer(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMPointerTypeKind
    }

    /// Whether this is a floating-point type that goes into a vector register of x86-64 as it is.
    pub fn is_floating_point(self) -> bool {
        matches!(
            self.kind(),
            LLVMTypeKind::LLVMHalfTypeKind
                | LLVMTypeKind::LLVMBFloatTypeKind
                | LLVMTypeKind::LLVMFloatTypeKind
                | LLVMTypeKind::LLVMDoubleTypeKind
        )
    }

    /// Whether this is the floating-point type of the x87 FPU.
    pub fn is_x87(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMX86_FP80TypeKind
    }

    /// Whether this is a vector type of so many elements, whatever the CPU has.
    pub fn is_vector(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVectorTypeKind
    }

    /// Whether this is `void`.
    pub fn is_void(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVoidTypeKind
    }

    /// Whether this is a structure type.
    pub fn is_structure(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMStructTypeKind
    }

    /// Whether this is a structure type without padding.
    pub fn is_packed(self) -> bool {
        // SAFETY: checked to be a structure type.
        self.is_structure() && unsafe { LLVMIsPackedStruct(self.0) != 0 }
    }

    /// Name of a structure type, as in `struct.task_struct`; empty if it has none.
    pub fn structure_name(self) -> String {
        if !self.is_structure() {
            return String::new();
        }
        // SAFETY: self is a structure type; a literal one has no name, which gives null, and the others a NUL-terminated one.
        unsafe {
            let name = LLVMGetStructName(self.0);
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        }
    }

    /// Whether this is an array or vector type.
    pub fn is_sequence(self) -> bool {
        matches!(self.kind(), LLVMTypeKind::LLVMArrayTypeKind | LLVMTypeKind::LLVMVectorTypeKind)
    }

    /// Address space of a pointer type, else 0.
    pub fn address_space(self) -> u32 {
        if !self.is_pointer() {
            return 0;
        }
        // SAFETY: self is a pointer type.
        unsafe { LLVMGetPointerAddressSpace(self.0) }
    }

    /// Width of an integer type in bits, 64 for a pointer, else 0.
    pub fn bits(self) -> u32 {
        match self.kind() {
            // SAFETY: self is an integer type.
            LLVMTypeKind::LLVMIntegerTypeKind => unsafe { LLVMGetIntTypeWidth(self.0) },
            LLVMTypeKind::LLVMPointerTypeKind => 64,
            _ => 0,
        }
    }

    /// Element type of an array, vector or the function type's result.
    pub fn element(self) -> Option<Self> {
        match self.kind() {
            LLVMTypeKind::LLVMArrayTypeKind | LLVMTypeKind::LLVMVectorTypeKind => {
                // SAFETY: self is a sequential type.
                Some(Self::new(unsafe { LLVMGetElementType(self.0) }))
            }
            _ => None,
        }
    }

    /// Result type of a function type.
    pub fn result(self) -> Option<Self> {
        // SAFETY: checked to be a function type.
        (self.kind() == LLVMTypeKind::LLVMFunctionTypeKind)
            .then(|| Self::new(unsafe { LLVMGetReturnType(self.0) }))
    }

    /// Whether a function type takes variable arguments.
    pub fn is_variadic(self) -> bool {
        // SAFETY: checked to be a function type.
        self.kind() == LLVMTypeKind::LLVMFunctionTypeKind && unsafe { LLVMIsFunctionVarArg(self.0) } != 0
    }

    /// Parameter types of a function type.
    pub fn parameters(self) -> Vec<Self> {
        if self.kind() != LLVMTypeKind::LLVMFunctionTypeKind {
            return Vec::new();
        }
        // SAFETY: self is a function type and the buffer has room for all its parameters.
        unsafe {
            let mut raw = vec![std::ptr::null_mut(); LLVMCountParamTypes(self.0) as usize];
            LLVMGetParamTypes(self.0, raw.as_mut_ptr());
            raw.into_iter().map(Self::new).collect()
        }
    }

    /// Fields of a structure type.
    pub fn fields(self) -> Vec<Self> {
        if !self.is_structure() {
            return Vec::new();
        }
        // SAFETY: self is a structure type and the buffer has room for all its fields.
        unsafe {
            let mut raw = vec![std::ptr::null_mut(); LLVMCountStructElementTypes(self.0) as usize];
            LLVMGetStructElementTypes(self.0, raw.as_mut_ptr());
            raw.into_iter().map(Self::new).collect()
        }
    }

    /// Bytes that a store of this type writes, or `None` for a type without a size.
    pub fn store_size(self, module: &Module<'c>) -> Option<u64> {
        // SAFETY: module and type are alive; the size is asked of sized types only.
        unsafe {
            (LLVMTypeIsSized(self.0) != 0)
                .then(|| target::LLVMStoreSizeOfType(target::LLVMGetModuleDataLayout(module.raw()), self.0))
        }
    }

    /// Bytes from one element of an array to the next.
    pub fn allocation_size(self, module: &Module<'c>) -> Option<u64> {
        // SAFETY: as in `store_size`.
        unsafe {
            (LLVMTypeIsSized(self.0) != 0)
                .then(|| target::LLVMABISizeOfType(target::LLVMGetModuleDataLayout(module.raw()), self.0))
        }
    }

    /// The alignment in bytes that values of this sized type have in memory.
    pub fn abi_alignment(self, module: &Module<'c>) -> u64 {
        // SAFETY: module and type are alive, and callers ask it of sized types.
        unsafe {
            u64::from(target::LLVMABIAlignmentOfType(target::LLVMGetModuleDataLayout(module.raw()), self.0))
        }
    }

    /// Offset in bytes of field `index` of a structure type.
    pub fn field_offset(self, module: &Module<'c>, index: u32) -> Option<u64> {
        // SAFETY: self is a sized structure and the index is in range.
        unsafe {
            (self.is_structure()
                && LLVMTypeIsSized(self.0) != 0
                && index < LLVMCountStructElementTypes(self.0))
            .then(|| {
                target::LLVMOffsetOfElement(target::LLVMGetModuleDataLayout(module.raw()), self.0, index)
            })
        }
    }

    /// The integer constant `value` of this integer type.
    pub fn constant(self, value: u64) -> Value<'c> {
        // SAFETY: self is an integer type; LLVM truncates the value to it.
        Value::new(unsafe { LLVMConstInt(self.0, value, 0) })
    }

    /// The signed integer constant `value`.
    pub fn signed_constant(self, value: i64) -> Value<'c> {
        // SAFETY: as in `constant`.
        Value::new(unsafe { LLVMConstInt(self.0, value as u64, 1) })
    }

    /// Zero, null or an aggregate of them.
    pub fn zero(self) -> Value<'c> {
        // SAFETY: self is a type of a live context.
        Value::new(unsafe { LLVMConstNull(self.0) })
    }

    /// A value that does not matter.
    pub fn poison(self) -> Value<'c> {
        // SAFETY: self is a type of a live context.
        Value::new(unsafe { LLVMGetPoison(self.0) })
    }

    /// A constant of this structure or array type.
    pub fn constant_aggregate(self, elements: &[Value<'c>]) -> Value<'c> {
        if let Some(element) = self.element() {
            return element.constant_array(elements);
        }
        let mut raw: Vec<_> = elements.iter().map(|element| element.0).collect();
        // SAFETY: self is a structure type and the elements are constants of its fields' types.
        Value::new(unsafe { LLVMConstNamedStruct(self.0, raw.as_mut_ptr(), raw.len() as u32) })
    }

    /// An array constant of this element type.
    pub fn constant_array(self, elements: &[Value<'c>]) -> Value<'c> {
        let mut raw: Vec<_> = elements.iter().map(|element| element.0).collect();
        // SAFETY: the elements are constants of this type.
        Value::new(unsafe { LLVMConstArray2(self.0, raw.as_mut_ptr(), raw.len() as u64) })
    }
}

/// A constant structure of the fields.
pub fn constant_structure<'c>(context: &'c Context, fields: &[Value<'c>]) -> Value<'c> {
    let mut raw: Vec<_> = fields.iter().map(|field| field.0).collect();
    // SAFETY: the fields are constants of the live context.
    Value::new(unsafe { LLVMConstStructInContext(context.raw(), raw.as_mut_ptr(), raw.len() as u32, 0) })
}

/// A constant array of bytes, with a NUL at its end if `terminated`.
pub fn constant_bytes<'c>(context: &'c Context, bytes: &[u8], terminated: bool) -> Value<'c> {
    // SAFETY: the pointer and length describe `bytes`.
    Value::new(unsafe {
        LLVMConstStringInContext2(context.raw(), bytes.as_ptr().cast(), bytes.len(), i32::from(!terminated))
    })
}

/// Metadata kinds by name.
pub fn metadata_kind(context: &Context, name: &str) -> u32 {
    let name = c_string(name);
    // SAFETY: the name is a NUL-terminated string.
    unsafe { LLVMGetMDKindIDInContext(context.raw(), name.as_ptr(), name.as_bytes().len() as u32) }
}
