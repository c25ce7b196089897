/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Multiplication and division, values in two registers, parts of registers, and where operands may live. */
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

#define WIDER(of, ...)		\
	of(w, u16, ##__VA_ARGS__)	\
	of(l, u32, ##__VA_ARGS__)	\
	of(q, u64, ##__VA_ARGS__)

#define MULTIPLY(s, type, op)							\
CASE(op##s)									\
{										\
	u64 low = a, high = 0; u8 c, o;						\
	asm(#op #s " %[by]" : "+a"(low), "+d"(high), "=@ccc"(c), "=@cco"(o)	\
	    : [by] "rm"((type)b));						\
	out[0] = low; out[1] = high; out[2] = c | o << 1;			\
}										\
CASE(op##s##_memory)								\
{										\
	u64 low = a, high = 0;							\
	asm(#op #s " %[by]" : "+a"(low), "+d"(high) : [by] "m"(*(type *)memory)); \
	out[0] = low; out[1] = high;						\
}
WIDTHS(MULTIPLY, mul)
WIDTHS(MULTIPLY, imul)

#define MULTIPLY_REGISTER(s, type)						\
CASE(imul##s##_register)							\
{										\
	type to = a; u8 c, o;							\
	asm("imul" #s " %[by], %[to]" : [to] "+r"(to), "=@ccc"(c), "=@cco"(o) : [by] "rm"((type)b)); \
	out[0] = to; out[1] = c | o << 1;					\
}										\
CASE(imul##s##_number)								\
{										\
	type to; u8 c, o;							\
	asm("imul" #s " $-77, %[by], %[to]" : [to] "=r"(to), "=@ccc"(c), "=@cco"(o) : [by] "rm"((type)b)); \
	out[0] = to; out[1] = c | o << 1;					\
}
WIDER(MULTIPLY_REGISTER)

/* The high half is below the divisor, so that the quotient fits. */
#define DIVIDE(s, type)								\
CASE(div##s)									\
{										\
	type divisor = b ? b : 1, low = a, high;				\
	divisor = divisor ? divisor : 1;					\
	high = *(type *)memory % divisor;					\
	asm("div" #s " %[by]" : "+a"(low), "+d"(high) : [by] "rm"(divisor));	\
	out[0] = low; out[1] = high;						\
}										\
CASE(div##s##_short)								\
{										\
	type divisor = b, low = a, high = 0;					\
	divisor = divisor ? divisor : 1;					\
	asm("div" #s " %[by]" : "+a"(low), "+d"(high) : [by] "rm"(divisor));	\
	out[0] = low; out[1] = high;						\
}
WIDER(DIVIDE)

/* mul_u64_u64_div_u64() of include/linux/math64.h */
CASE(multiply_and_divide)
{
	u64 divisor = b | 1, by = *(u64 *)memory % divisor, quotient;
	asm("mulq %2; divq %3" : "=a"(quotient) : "a"(a), "rm"(by), "rm"(divisor) : "rdx");
	out[0] = quotient;
}

#define DOUBLE_SHIFT(s, type, op)						\
CASE(op##s)									\
{										\
	type to = a;								\
	asm(#op #s " %%cl, %[from], %[to]" : [to] "+r"(to) : [from] "r"((type)*(u64 *)memory), "c"((u8)b)); \
	out[0] = to;								\
}										\
CASE(op##s##_number)								\
{										\
	asm(#op #s " $7, %[from], %[to]" : [to] "+m"(*(type *)memory) : [from] "r"((type)b)); \
}
#define LONG(of, ...) of(l, u32, ##__VA_ARGS__) of(q, u64, ##__VA_ARGS__)
LONG(DOUBLE_SHIFT, shld)
LONG(DOUBLE_SHIFT, shrd)

#define COMPARE_DOUBLE(name, type, prefix, instruction)			\
CASE(name)									\
{										\
	type *words = (type *)memory, low = a & 1 ? words[0] : (type)a, high = words[1]; u8 z; \
	asm volatile(prefix instruction " %[to]"				\
		     : [to] "+m"(*(type(*)[2])memory), "+a"(low), "+d"(high), "=@ccz"(z) \
		     : "b"((type)b), "c"((type)~b) : "memory");		\
	out[0] = low; out[1] = high; out[2] = z;				\
}
COMPARE_DOUBLE(cmpxchg8b, u32, "", "cmpxchg8b")
COMPARE_DOUBLE(cmpxchg8b_locked, u32, "lock; ", "cmpxchg8b")
COMPARE_DOUBLE(cmpxchg16b, u64, "", "cmpxchg16b")
COMPARE_DOUBLE(cmpxchg16b_locked, u64, "lock; ", "cmpxchg16b")

CASE(second_byte)
{
	u64 from = a, to = b;
	asm("movb %h[from], %h[to]; addb %h[to], %b[from]" : [from] "+Q"(from), [to] "+Q"(to));
	out[0] = from; out[1] = to;
}

CASE(second_byte_by_name)
{
	u64 ax = a, cx = b;
	asm("movb %%cl, %%ah; xorb %%ch, %%al" : "+a"(ax), "+c"(cx));
	out[0] = ax; out[1] = cx;
}

/* clang passes both as addresses of variables. */
CASE(register_or_memory)
{
	u64 sum = a, hidden = b;
	asm("addq %1, %0" : "+rm"(sum) : "r"(b));
	asm("" : "+rm"(hidden));
	out[0] = sum; out[1] = hidden;
}

CASE(clobbered_register)
{
	u64 sum = a;
	asm("movq %1, %%rcx; leaq 3(%%rcx), %%rcx; addq %%rcx, %0" : "+r"(sum) : "r"(b) : "rcx");
	out[0] = sum;
}

static const u64 somewhere = 0x1234;

CASE(address_in_text)
{
	const u64 *pointer;
	asm("leaq %c1(%%rip), %0" : "=r"(pointer) : "i"(&somewhere));
	out[0] = *pointer;
}

CASE(indexed_memory)
{
	u64 where = a % 8, loaded, *pointer;
	asm volatile("movq -64(%1,%2,8), %0" : "=r"(loaded) : "r"(memory), "r"(where));
	asm("leaq 3(%1,%2,4), %0" : "=r"(pointer) : "r"(b), "r"(a));
	asm volatile("incl (%0,%1)" : : "r"(memory), "r"(where) : "memory");
	out[0] = loaded; out[1] = (u64)pointer;
}

CASE(expression)
{
	u32 value;
	asm("mov $~0xfa1e0ff3, %0; not %0" : "=&r"(value));
	out[0] = value;
}

CASE(without_cache)
{
	asm volatile("movntiq %1, %0" : "=m"(*(u64 *)memory) : "r"(a));
	asm volatile("movntil %1, %0" : "=m"(*(u32 *)(memory + 8)) : "r"((u32)b));
	asm volatile("clflush %0" : "+m"(*memory));
}
