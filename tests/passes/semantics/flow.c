/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Templates with a control flow of their own: jumps to labels inside, and repeated instructions. */
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

CASE(loop)
{
	u64 sum = a, count = b % 7 + 1;
	asm("1: addq %[sum], %[sum]; addq $3, %[sum]; decq %[count]; jnz 1b"
	    : [sum] "+&r"(sum), [count] "+&r"(count) : : "cc");
	out[0] = sum; out[1] = count;
}

CASE(skip)
{
	u64 value = a; u8 z;
	asm("testq %[b], %[b]; js 1f; addq %[b], %[value]; jmp 2f; 1: subq %[b], %[value]; 2:"
	    : [value] "+&r"(value), "=@ccz"(z) : [b] "r"(b));
	out[0] = value; out[1] = z;
}

/* The carry of one round goes into the next, as in ip_fast_csum(). */
CASE(carry_around)
{
	u64 sum = a, count = b % 5 + 1; u8 *at = memory;
	asm("addq $1, %[sum]; 1: adcq (%[at]), %[sum]; leaq 8(%[at]), %[at]; decq %[count]; jne 1b; adcq $0, %[sum]"
	    : [sum] "+&r"(sum), [count] "+&r"(count), [at] "+&r"(at) : : "memory", "cc");
	out[0] = sum; out[1] = at - memory;
}

/* As unsafe_atomic_op2() of arch/x86/include/asm/futex.h. */
CASE(compare_and_swap_loop)
{
	u32 old, new, argument = b;
	asm volatile("1: movl %[to], %[old]; 2: movl %[old], %[new]; xorl %[argument], %[new]; "
		     "lock; cmpxchgl %[new], %[to]; jnz 2b"
		     : [old] "=&a"(old), [to] "+m"(*(u32 *)memory), [new] "=&r"(new) : [argument] "r"(argument) : "memory");
	out[0] = old; out[1] = new;
}

CASE(jump_and_go_on)
{
	u64 value = a;
	asm goto("cmpq %[b], %[value]; jl %l[less]; addq $5, %[value]; jc %l[carry]; xorq %[b], %[value]"
		 : [value] "+r"(value) : [b] "r"(b) : "cc" : less, carry);
	out[0] = value;
	return;
less:
	out[1] = value;
	return;
carry:
	out[2] = value;
}

/* Both pointers within what is compared, often so that they overlap. */
#define SIDES									\
	u8 *to = memory + (a & 31) - 16, *from = memory + (a >> 5 & 31) - 16

#define STRINGS(s, type)							\
CASE(movs##s##_repeated)							\
{										\
	SIDES; u64 count = (a >> 10) % (80 / sizeof(type));			\
	asm volatile("rep movs" #s : "+D"(to), "+S"(from), "+c"(count) : : "memory"); \
	out[0] = to - memory; out[1] = from - memory; out[2] = count;		\
}										\
CASE(movs##s)									\
{										\
	SIDES;									\
	asm volatile("movs" #s : "+D"(to), "+S"(from) : : "memory");		\
	out[0] = to - memory; out[1] = from - memory;				\
}										\
CASE(stos##s##_repeated)							\
{										\
	SIDES; u64 count = (a >> 10) % (80 / sizeof(type));			\
	asm volatile("rep; stos" #s : "+D"(to), "+c"(count) : "a"(b) : "memory"); \
	out[0] = to - from; out[1] = count;					\
}										\
CASE(stos##s)									\
{										\
	SIDES;									\
	asm volatile("stos" #s : "+D"(to) : "a"(b) : "memory");		\
	out[0] = to - from;							\
}										\
CASE(lods##s)									\
{										\
	SIDES; u64 value = b;							\
	asm volatile("lods" #s : "+S"(from), "+a"(value) : : "memory");	\
	out[0] = from - to; out[1] = value;					\
}										\
CASE(scas##s)									\
{										\
	SIDES; u8 f[14];							\
	asm volatile("scas" #s : "+D"(to), CONDITIONS(f) : "a"(b) : "memory");	\
	out[0] = to - from; out[1] = packed(f, 14);				\
}										\
/* Few different values, so that runs of equal ones are long. */		\
CASE(scas##s##_until_equal)							\
{										\
	SIDES; u64 count = (a >> 10) % 12; u8 f[14] = { 0 };			\
	for (int i = -64; i < 64; i++)						\
		memory[i] &= 1;							\
	asm volatile("testq %[a], %[a]; repne scas" #s				\
		     : "+D"(to), "+c"(count), FLAGS(f) : [a] "r"(a), "a"((type)(b & 1)) : "memory"); \
	out[0] = to - from; out[1] = count; out[2] = packed(f, 14);		\
}										\
CASE(cmps##s##_while_equal)							\
{										\
	SIDES; u64 count = (a >> 10) % 12; u8 f[14] = { 0 };			\
	for (int i = -64; i < 64; i++)						\
		memory[i] = memory[i] == 0;					\
	asm volatile("testq %[a], %[a]; repe; cmps" #s				\
		     : "+D"(to), "+S"(from), "+c"(count), FLAGS(f) : [a] "r"(a) : "memory"); \
	out[0] = to - memory; out[1] = from - memory; out[2] = count; out[3] = packed(f, 14); \
}
WIDTHS(STRINGS)
