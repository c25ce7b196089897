/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registers have 64 bits, whatever the type of the C operand that is kept in them. */
#include "case.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

CASE(wide_value_in_int)
{
	int half;
	asm("movq %1, %q0; shrq $32, %q0" : "=&r"(half) : "r"(a));
	out[0] = (u32)half;
}

CASE(wide_value_in_byte)
{
	u8 byte;
	asm("movq %1, %q0; rolq $16, %q0; addl $3, %k0" : "=&q"(byte) : "r"(a));
	out[0] = byte;
}

CASE(wide_value_in_two)
{
	u16 one = a; u32 other = b;
	asm("movzwl %w0, %k0; movl %k1, %k1; imulq %q1, %q0; xchgq %q0, %q1; shrq $17, %q0; addw %w1, %w0; bswapq %q1" : "+&r"(one), "+&r"(other));
	out[0] = one; out[1] = other;
}

CASE(product_of_bytes)
{
	u8 low = a, high;
	asm("mulb %2; movb %%ah, %b1" : "+a"(low), "=&q"(high) : "q"((u8)b));
	out[0] = low; out[1] = high;
}

CASE(second_byte_of_a_byte)
{
	u8 low = a;
	asm("movb %1, %%ah; addb %%ah, %%al; movzbl %%ah, %%eax" : "+a"(low) : "Q"((u8)b));
	out[0] = low;
}

/* A write of 32 bits clears what 64 bits had; one of 16 or 8 bits keeps it. */
CASE(parts_of_a_narrow_operand)
{
	u16 one = a, other = a, last = a; u64 b1, b2, b3;
	asm("movq %6, %q0; movl %k6, %k0; movq %q0, %3\n\t"
	    "movq %6, %q1; movw $-1, %w1; movq %q1, %4\n\t"
	    "movq %6, %q2; movb $1, %b2; movq %q2, %5"
	    : "+&q"(one), "+&q"(other), "+&q"(last), "=&r"(b1), "=&r"(b2), "=&r"(b3) : "r"(b));
	out[0] = one; out[1] = other; out[2] = last; out[3] = b1; out[4] = b2; out[5] = b3;
}

CASE(clobbered_parts)
{
	u64 result;
	asm("movq %1, %%rcx; movb $5, %%ch; movw %%cx, %%dx; movzwl %%dx, %%edx; addq %%rdx, %%rcx; movq %%rcx, %0"
	    : "=r"(result) : "r"(a) : "rcx", "rdx");
	out[0] = result;
}

/* The register keeps its upper half where the comparison holds, and only there. */
CASE(exchange_in_a_wide_register)
{
	u64 expected = b & 1 ? (a & ~0xffffffffUL) | *(u32 *)memory : a;
	asm volatile("lock; cmpxchgl %k2, %1" : "+a"(expected), "+m"(*(u32 *)memory) : "r"(b) : "memory");
	out[0] = expected;
}

CASE(exchange_without_lock_in_a_wide_register)
{
	u64 expected = b & 1 ? (a & ~0xffffffffUL) | *(u32 *)memory : a;
	asm volatile("cmpxchgl %k2, %1" : "+a"(expected), "+m"(*(u32 *)memory) : "r"(b) : "memory");
	out[0] = expected;
}

CASE(double_exchange_in_wide_registers)
{
	u32 *words = (u32 *)memory;
	u64 low = a, high = b;
	if (b & 1) {
		low = (low & ~0xffffffffUL) | words[0];
		high = (high & ~0xffffffffUL) | words[1];
	}
	asm volatile("lock; cmpxchg8b %2" : "+a"(low), "+d"(high), "+m"(*(u64 *)memory) : "b"(a), "c"(b) : "memory");
	out[0] = low; out[1] = high;
}

CASE(nothing_found_in_a_wide_register)
{
	u64 found = a; u32 from = b & 1 ? 0 : b;
	asm("bsfl %1, %k0" : "+r"(found) : "r"(from));
	/* Of something that is found the upper half becomes 0. */
	out[0] = found;
	asm("bsrl %1, %k0" : "+r"(a) : "r"(from));
	out[1] = a;
}

CASE(moves_that_do_not_happen)
{
	u64 kept = a;
	asm("testq %1, %1; cmovzl %k1, %k0" : "+r"(kept) : "r"(b));
	out[0] = kept;
}

CASE(shifts_by_nothing)
{
	u64 one = a, other = b, last = a;
	asm("shll %%cl, %k0; rorw %%cl, %w1; shldl %%cl, %k1, %k2" : "+&r"(one), "+&r"(other), "+&r"(last) : "c"((u8)(b & 32)));
	out[0] = one; out[1] = other; out[2] = last;
}

/* With control flow, where registers are variables. */
CASE(wide_values_in_a_loop)
{
	u16 value = a; u8 count = b % 5 + 1; u32 high;
	asm("movq %[a], %q[value]; 1: rolq $13, %q[value]; addb $7, %b[value]; decb %[count]; jnz 1b\n\t"
	    "movq %q[value], %q[high]; shrq $32, %q[high]"
	    : [value] "+&q"(value), [count] "+&q"(count), [high] "=&r"(high) : [a] "r"(a) : "cc");
	out[0] = value; out[1] = count; out[2] = high;
}

/* The rest of a register that was never set is nobody's business. */
CASE(conditions_in_a_loop)
{
	u8 yes; u64 count = b % 5 + 1, sum = a;
	asm("1: addq %[sum], %[sum]; setc %[yes]; decq %[count]; jnz 1b"
	    : [sum] "+&r"(sum), [count] "+&r"(count), [yes] "=&q"(yes) : : "cc");
	out[0] = sum; out[1] = yes;
}

CASE(pointers_in_a_loop)
{
	u8 *at = memory; u32 sum = 0;
	asm volatile("1: addl (%[at]), %[sum]; addq $4, %[at]; cmpq %[end], %[at]; jne 1b"
		     : [at] "+&r"(at), [sum] "+&r"(sum) : [end] "r"(memory + 32) : "cc", "memory");
	out[0] = at - memory; out[1] = sum;
}
