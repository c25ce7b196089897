/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Each instruction that kernel-asm executes, in each form that it has. */
#include "case.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define WIDTHS(of, ...)		\
	of(b, u8, ##__VA_ARGS__)	\
	of(w, u16, ##__VA_ARGS__)	\
	of(l, u32, ##__VA_ARGS__)	\
	of(q, u64, ##__VA_ARGS__)

#define WIDE(of, ...)		\
	of(l, u32, ##__VA_ARGS__)	\
	of(q, u64, ##__VA_ARGS__)

/* Two operands, the second changed, and all conditions. */
#define TWO(s, type, op)							\
CASE(op##s##_register)								\
{										\
	type to = a; u8 f[14];							\
	asm volatile(#op #s " %[from], %[to]"					\
		     : [to] "+r"(to), CONDITIONS(f) : [from] "r"((type)b));	\
	out[0] = to; out[1] = packed(f, 14);					\
}										\
CASE(op##s##_memory)								\
{										\
	u8 f[14];								\
	asm volatile(#op #s " %[from], %[to]"					\
		     : [to] "+m"(*(type *)memory), CONDITIONS(f) : [from] "r"((type)b)); \
	out[1] = packed(f, 14);							\
}										\
CASE(op##s##_from_memory)							\
{										\
	type to = a; u8 f[14];							\
	asm volatile(#op #s " %[from], %[to]"					\
		     : [to] "+r"(to), CONDITIONS(f) : [from] "m"(*(type *)memory)); \
	out[0] = to; out[1] = packed(f, 14);					\
}										\
CASE(op##s##_number)								\
{										\
	type to = a; u8 f[14];							\
	asm volatile(#op #s " %[from], %[to]"					\
		     : [to] "+r"(to), CONDITIONS(f) : [from] "i"(-5));		\
	out[0] = to; out[1] = packed(f, 14);					\
}										\
CASE(op##s##_text)								\
{										\
	u8 f[14];								\
	asm volatile(#op #s " $0x7f, %[to]"					\
		     : [to] "+m"(*(type *)memory), CONDITIONS(f));		\
	out[1] = packed(f, 14);							\
}										\
CASE(op##s##_locked)								\
{										\
	u8 f[14];								\
	asm volatile("lock; " #op #s " %[from], %[to]"				\
		     : [to] "+m"(*(type *)memory), CONDITIONS(f)		\
		     : [from] "r"((type)b) : "memory");				\
	out[1] = packed(f, 14);							\
}
WIDTHS(TWO, add)
WIDTHS(TWO, sub)
WIDTHS(TWO, and)
WIDTHS(TWO, or)
WIDTHS(TWO, xor)

/* A comparison changes neither. */
#define COMPARE(s, type, op)							\
CASE(op##s)									\
{										\
	u8 f[14];								\
	asm volatile(#op #s " %[from], %[to]" : CONDITIONS(f) : [to] "r"((type)a), [from] "r"((type)b)); \
	out[1] = packed(f, 14);							\
}										\
CASE(op##s##_memory)								\
{										\
	u8 f[14];								\
	asm volatile(#op #s " %[from], %[to]"					\
		     : CONDITIONS(f) : [to] "m"(*(type *)memory), [from] "ri"((type)b)); \
	out[1] = packed(f, 14);							\
}
WIDTHS(COMPARE, cmp)
WIDTHS(COMPARE, test)

/* inc and dec leave carry alone, so something sets it before. */
#define STEP(s, type, op)							\
CASE(op##s##_register)								\
{										\
	type to = a, other = b; u8 f[14] = { 0 };					\
	asm volatile("add" #s " %[other], %[other]; " #op #s " %[to]"		\
		     : [to] "+&r"(to), [other] "+&r"(other), FLAGS(f));	\
	out[0] = to; out[1] = packed(f, 14);					\
}										\
CASE(op##s##_memory)								\
{										\
	type other = b; u8 f[14] = { 0 };						\
	asm volatile("add" #s " %[other], %[other]; " #op #s " %[to]"		\
		     : [to] "+m"(*(type *)memory), [other] "+&r"(other), FLAGS(f)); \
	out[1] = packed(f, 14);							\
}										\
CASE(op##s##_locked)								\
{										\
	u8 z, s_, o;								\
	asm volatile("lock; " #op #s " %[to]"					\
		     : [to] "+m"(*(type *)memory), "=@ccz"(z), "=@ccs"(s_), "=@cco"(o) : : "memory"); \
	out[1] = z | s_ << 1 | o << 2;						\
}
WIDTHS(STEP, inc)
WIDTHS(STEP, dec)

#define NEGATE(s, type)								\
CASE(neg##s)									\
{										\
	type to = a; u8 f[14];							\
	asm volatile("neg" #s " %[to]" : [to] "+r"(to), CONDITIONS(f));		\
	out[0] = to; out[1] = packed(f, 14);					\
}										\
CASE(not##s)									\
{										\
	u8 f[14];								\
	asm volatile("cmp" #s " %[one], %[other]; not" #s " %[to]"		\
		     : [to] "+m"(*(type *)memory), CONDITIONS(f)		\
		     : [one] "r"((type)a), [other] "r"((type)b));		\
	out[1] = packed(f, 14);							\
}
WIDTHS(NEGATE)

/* The carry of one addition goes into the next, as in checksums. */
#define CARRY(s, type)								\
CASE(adc##s)									\
{										\
	type low = a, high = b; u8 c, z, sign;					\
	asm volatile("add" #s " %[more], %[low]; adc" #s " %[more], %[high]"	\
		     : [low] "+&r"(low), [high] "+&r"(high), "=@ccc"(c), "=@ccz"(z), "=@ccs"(sign) \
		     : [more] "m"(*(type *)memory));				\
	out[0] = low; out[1] = high; out[2] = c | z << 1 | sign << 2;		\
}										\
CASE(adc##s##_nothing)								\
{										\
	type sum = a;								\
	asm("add" #s " %1, %0\n\tadc" #s " $0, %0" : "+r"(sum) : "r"((type)b));	\
	out[0] = sum;								\
}										\
CASE(sbb##s)									\
{										\
	type low = a, high = b; u8 c, z, sign;					\
	asm volatile("sub" #s " %[more], %[low]; sbb" #s " %[more], %[high]"	\
		     : [low] "+&r"(low), [high] "+&r"(high), "=@ccc"(c), "=@ccz"(z), "=@ccs"(sign) \
		     : [more] "m"(*(type *)memory));				\
	out[0] = low; out[1] = high; out[2] = c | z << 1 | sign << 2;		\
}
WIDTHS(CARRY)

/* array_index_mask_nospec() of arch/x86/include/asm/barrier.h */
CASE(sbb_itself)
{
	u64 mask;
	asm volatile("cmp %1,%2; sbb %0,%0;" : "=r"(mask) : "g"(b), "r"(a) : "cc");
	out[0] = mask;
}

CASE(xor_itself)
{
	u64 zero; u32 half; u8 z;
	asm volatile("xor %0,%0; subl %1,%1" : "=&r"(zero), "=&r"(half), "=@ccz"(z));
	out[0] = zero; out[1] = half; out[2] = z;
}

#define EXCHANGE(s, type)							\
CASE(xchg##s##_memory)								\
{										\
	type value = a;								\
	asm volatile("xchg" #s " %0, %1" : "+q"(value), "+m"(*(type *)memory) : : "memory"); \
	out[0] = value;								\
}										\
CASE(xchg##s##_registers)							\
{										\
	type one = a, other = b;						\
	asm volatile("xchg" #s " %0, %1" : "+q"(one), "+q"(other));		\
	out[0] = one; out[1] = other;						\
}										\
CASE(xadd##s)									\
{										\
	type value = a; u8 f[14];						\
	asm volatile("xadd" #s " %[value], %[to]"				\
		     : [value] "+q"(value), [to] "+m"(*(type *)memory), CONDITIONS(f)); \
	out[0] = value; out[1] = packed(f, 14);					\
}										\
CASE(xadd##s##_locked)								\
{										\
	type value = a; u8 f[14];						\
	asm volatile("lock; xadd" #s " %[value], %[to]"				\
		     : [value] "+q"(value), [to] "+m"(*(type *)memory), CONDITIONS(f) : : "memory"); \
	out[0] = value; out[1] = packed(f, 14);					\
}										\
CASE(xadd##s##_registers)							\
{										\
	type one = a, other = b;						\
	asm volatile("xadd" #s " %0, %1" : "+q"(one), "+q"(other));		\
	out[0] = one; out[1] = other;						\
}										\
CASE(cmpxchg##s##_locked)							\
{										\
	/* Equal half of the time. */						\
	type old = a & 1 ? *(type *)memory : (type)a; u8 equal, different;	\
	asm volatile("lock; cmpxchg" #s " %[new], %[to]"			\
		     : [to] "+m"(*(type *)memory), "+a"(old), "=@ccz"(equal), "=@ccne"(different) \
		     : [new] "q"((type)b) : "memory");				\
	out[0] = old; out[1] = equal | different << 1;				\
}										\
CASE(cmpxchg##s)								\
{										\
	type old, expected = a & 1 ? *(type *)memory : (type)a;			\
	asm volatile("cmpxchg" #s " %2, %1"					\
		     : "=a"(old), "+m"(*(type *)memory) : "q"((type)b), "0"(expected)); \
	out[0] = old;								\
}										\
CASE(cmpxchg##s##_set)								\
{										\
	type expected = a & 1 ? *(type *)memory : (type)a; u8 success;		\
	asm volatile("lock; cmpxchg" #s " %[new], %[to]; sete %[success]"	\
		     : [to] "+m"(*(type *)memory), [success] "=&q"(success), "+a"(expected) \
		     : [new] "q"((type)b) : "memory");				\
	out[0] = success; out[1] = expected;					\
}
WIDTHS(EXCHANGE)

/* Bits of memory around the pointer: the number counts, signed, from there. */
#define NUMBER ((long)(a % 1024) - 512)

#define BIT_IN_MEMORY(s, type, op)						\
CASE(op##s##_memory)								\
{										\
	u8 c, nc;								\
	asm volatile(#op #s " %[number], %[to]"					\
		     : [to] "+m"(*(type *)memory), "=@ccc"(c), "=@ccnc"(nc)	\
		     : [number] "r"((type)NUMBER) : "memory");			\
	out[0] = c | nc << 1;							\
}										\
CASE(op##s##_memory_number)							\
{										\
	u8 c;									\
	asm volatile(#op #s " %[number], %[to]"					\
		     : [to] "+m"(*(type *)memory), "=@ccc"(c) : [number] "i"(13) : "memory"); \
	out[0] = c;								\
}										\
CASE(op##s##_memory_number_beyond)						\
{										\
	u8 c;									\
	asm volatile(#op #s " %[number], %[to]"					\
		     : [to] "+m"(*(type *)memory), "=@ccc"(c) : [number] "i"(100) : "memory"); \
	out[0] = c;								\
}										\
CASE(op##s##_memory_register_constant)						\
{										\
	u8 c;									\
	/* Too large for I, so it goes into a register and reaches beyond the word. */ \
	asm volatile(#op #s " %[number], %[to]"					\
		     : [to] "+m"(*(type *)memory), "=@ccc"(c) : [number] "Ir"((type)100) : "memory"); \
	out[0] = c;								\
}										\
CASE(op##s##_register)								\
{										\
	type to = a; u8 c;							\
	asm volatile(#op #s " %[number], %[to]"					\
		     : [to] "+r"(to), "=@ccc"(c) : [number] "r"((type)b));	\
	out[0] = to; out[1] = c;						\
}

#define BIT_LOCKED(s, type, op)							\
CASE(op##s##_locked)								\
{										\
	u8 c;									\
	asm volatile("lock; " #op #s " %[number], %[to]"			\
		     : [to] "+m"(*(type *)memory), "=@ccc"(c)			\
		     : [number] "Ir"((type)NUMBER) : "memory");			\
	out[0] = c;								\
}

#define BIT(op)			\
	BIT_IN_MEMORY(w, u16, op)	\
	BIT_IN_MEMORY(l, u32, op)	\
	BIT_IN_MEMORY(q, u64, op)
BIT(bt)
BIT(bts)
BIT(btr)
BIT(btc)
WIDE(BIT_LOCKED, bts)
WIDE(BIT_LOCKED, btr)
WIDE(BIT_LOCKED, btc)

#define SCAN(s, type)								\
CASE(bsf##s)									\
{										\
	type found = b; u8 z;							\
	asm("bsf" #s " %[from],%0" : "+r"(found), "=@ccz"(z) : [from] "rm"((type)a));	\
	out[0] = found; out[1] = z;						\
}										\
CASE(bsr##s)									\
{										\
	type found;								\
	asm("bsr" #s " %1,%0" : "=r"(found) : "rm"((type)a), "0"(-1));		\
	out[0] = found;								\
}										\
CASE(tzcnt##s)									\
{										\
	type found; u8 c, z;							\
	asm("tzcnt" #s " %3,%0" : "=r"(found), "=@ccc"(c), "=@ccz"(z) : "rm"((type)a)); \
	out[0] = found; out[1] = c | z << 1;					\
}										\
CASE(rep_bsf##s)								\
{										\
	type found;								\
	asm("rep; bsf" #s " %1,%0" : "=r"(found) : "rm"((type)(a | 0x8000)));	\
	out[0] = found;								\
}										\
CASE(lzcnt##s)									\
{										\
	type found; u8 c, z;							\
	asm("lzcnt" #s " %3,%0" : "=r"(found), "=@ccc"(c), "=@ccz"(z) : "rm"((type)a)); \
	out[0] = found; out[1] = c | z << 1;					\
}										\
CASE(popcnt##s)									\
{										\
	type found; u8 f[14];							\
	asm("popcnt" #s " %[from],%[to]" : [to] "=r"(found), CONDITIONS(f) : [from] "rm"((type)a)); \
	out[0] = found; out[1] = packed(f, 14);					\
}										\
CASE(bswap##s)									\
{										\
	type value = a;								\
	asm("bswap" #s " %0" : "+r"(value));					\
	out[0] = value;								\
}
WIDE(SCAN)

/* fls64() asks for the 64-bit name of a 32-bit operand. */
CASE(bsr_wide_name)
{
	int found = -1;
	asm("bsrq %1,%q0" : "+r"(found) : "rm"(a));
	out[0] = (u32)found;
}

#define SHIFT(s, type, op)							\
CASE(op##s)									\
{										\
	type value = a;								\
	asm(#op #s " %%cl,%0" : "+r"(value) : "c"((u8)b));			\
	out[0] = value;								\
}										\
CASE(op##s##_number)								\
{										\
	asm volatile(#op #s " %1,%0" : "+m"(*(type *)memory) : "I"(5));		\
}										\
CASE(op##s##_once)								\
{										\
	asm volatile(#op #s " %0" : "+m"(*(type *)memory));			\
}
WIDTHS(SHIFT, shl)
WIDTHS(SHIFT, shr)
WIDTHS(SHIFT, sar)
WIDTHS(SHIFT, rol)
WIDTHS(SHIFT, ror)

#define SET(code)								\
CASE(set##code)									\
{										\
	u8 yes;									\
	asm volatile("cmpq %2,%1; set" #code " %0" : "=q"(yes) : "r"(a), "r"(b)); \
	out[0] = yes;								\
}										\
CASE(cmov##code)								\
{										\
	u64 value = a; u32 half = b;						\
	asm volatile("cmpq %[other],%[value]; cmov" #code " %[other],%[value]; cmov" #code " %k[other],%[half]" \
		     : [value] "+&r"(value), [half] "+&r"(half) : [other] "r"(b)); \
	out[0] = value; out[1] = half;						\
}
SET(c) SET(nc) SET(z) SET(nz) SET(s) SET(ns) SET(o) SET(no)
SET(a) SET(ae) SET(b) SET(be) SET(e) SET(ne) SET(g) SET(ge) SET(l) SET(le)

#define EXTEND(name, from, to)							\
CASE(name)									\
{										\
	to value; to loaded;							\
	asm(#name " %1,%0" : "=r"(value) : "q"((from)a));			\
	asm volatile(#name " %1,%0" : "=r"(loaded) : "m"(*(from *)memory));	\
	out[0] = value; out[1] = loaded;					\
}
EXTEND(movzbw, u8, u16)
EXTEND(movzbl, u8, u32)
EXTEND(movzbq, u8, u64)
EXTEND(movzwl, u16, u32)
EXTEND(movzwq, u16, u64)
EXTEND(movsbw, u8, u16)
EXTEND(movsbl, u8, u32)
EXTEND(movsbq, u8, u64)
EXTEND(movswl, u16, u32)
EXTEND(movswq, u16, u64)
EXTEND(movslq, u32, u64)

#define MOVE(s, type)								\
CASE(mov##s)									\
{										\
	type loaded;								\
	asm volatile("mov" #s " %1,%0" : "=q"(loaded) : "m"(*(type *)memory));	\
	asm volatile("mov" #s " %1,%0" : "=m"(*(type *)(memory + 16)) : "qi"((type)a)); \
	asm volatile("mov" #s " $-3,%0" : "=m"(*(type *)(memory + 32)));	\
	out[0] = loaded;							\
}
WIDTHS(MOVE)

/* What is left of a register when a part of it is written. */
CASE(parts_of_a_register)
{
	u64 byte = a, word = a, half = a;
	asm("movb %b1,%b0" : "+q"(byte) : "q"(b));
	asm("movw %w1,%w0" : "+r"(word) : "r"(b));
	asm("movl %k1,%k0" : "+r"(half) : "r"(b));
	out[0] = byte; out[1] = word; out[2] = half;
}

CASE(addresses)
{
	u8 *beyond; u64 there;
	asm("lea 24(%1),%0" : "=r"(beyond) : "r"(memory));
	asm volatile("movq -8(%1),%0" : "=r"(there) : "r"(memory));
	asm volatile("movl %k0,12(%1)" : : "r"(a), "r"(memory) : "memory");
	out[0] = beyond - memory; out[1] = there;
}

CASE(fixed_registers)
{
	u64 sum = a, other = b;
	asm("addq %%rcx,%%rax; xorq %%rax,%%rdx" : "+a"(sum), "+d"(other) : "c"(b));
	out[0] = sum; out[1] = other;
}

CASE(same_register_in_and_out)
{
	u64 result;
	asm("addq %2,%%rax" : "=a"(result) : "a"(a), "r"(b));
	out[0] = result;
}

CASE(hidden_values)
{
	u64 value = a, *pointer;
	asm("" : "+r"(value));
	asm volatile("" : "=r"(pointer) : "0"(memory) : "memory");
	out[0] = value; out[1] = pointer[1];
}

CASE(barriers)
{
	*(u64 *)memory = a;
	asm volatile("" : : : "memory");
	asm volatile("lock; addl $0,-4(%%rsp)" : : : "memory", "cc");
	asm volatile("mfence" : : : "memory");
	asm volatile("lfence; sfence" : : : "memory");
	asm volatile("rep; nop" : : : "memory");
	asm volatile("pause");
	out[0] = *(u64 *)memory;
}

CASE(prefetch)
{
	asm volatile("prefetcht0 %0" : : "m"(*memory));
	out[0] = *memory;
}

#define JUMP(code)								\
CASE(jump_##code)								\
{										\
	asm goto("cmpq %1,%0; j" #code " %l[yes]" : : "r"(a), "r"(b) : "cc" : yes); \
	out[0] = 1;								\
	return;									\
yes:										\
	out[0] = 2;								\
}
JUMP(c) JUMP(nc) JUMP(z) JUMP(nz) JUMP(s) JUMP(ns) JUMP(l) JUMP(ge) JUMP(a) JUMP(be)

CASE(jump_chain)
{
	asm goto("cmpq %1,%0; jl %l[less]; je %l[equal]; jmp %l[more]"
		 : : "r"(a), "r"(b) : "cc" : less, equal, more);
	out[0] = 1;
	return;
less:
	out[0] = 2;
	return;
equal:
	out[0] = 3;
	return;
more:
	out[0] = 4;
}

CASE(jump_with_output)
{
	u64 sum;
	asm goto("addq %2,%0; jc %l[carry]" : "=r"(sum) : "0"(a), "r"(b) : "cc" : carry);
	out[0] = sum;
	return;
carry:
	out[0] = ~sum;
}
