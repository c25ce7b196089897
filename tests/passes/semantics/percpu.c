/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations on variables of "this CPU", as the kernel's headers have them. The
 * driver has this CPU's copies a few bytes beyond the variables.
 */
#include <linux/percpu.h>
#include "case.h"

#define U8 (*(u8 __percpu *)memory)
#define U16 (*(u16 __percpu *)memory)
#define U32 (*(u32 __percpu *)memory)
#define U64 (*(u64 __percpu *)memory)

#define CASES_OF(size)									\
CASE(read_##size) { out[0] = this_cpu_read(U##size); }					\
CASE(write_##size) { this_cpu_write(U##size, (u##size)a); }				\
CASE(write_constant_##size) { this_cpu_write(U##size, 5); }				\
CASE(add_##size) { this_cpu_add(U##size, (u##size)a); }					\
CASE(sub_##size) { this_cpu_sub(U##size, (u##size)a); }					\
CASE(inc_##size) { this_cpu_inc(U##size); }						\
CASE(dec_##size) { __this_cpu_dec(U##size); }						\
CASE(and_##size) { this_cpu_and(U##size, (u##size)a); }					\
CASE(or_##size) { this_cpu_or(U##size, (u##size)a); }					\
CASE(add_return_##size) { out[0] = this_cpu_add_return(U##size, (u##size)a); }		\
CASE(inc_return_##size) { out[0] = this_cpu_inc_return(U##size); }			\
CASE(xchg_##size) { out[0] = this_cpu_xchg(U##size, (u##size)a); }			\
CASE(raw_xchg_##size) { out[0] = raw_cpu_xchg(U##size, (u##size)a); }			\
CASE(cmpxchg_##size) { out[0] = this_cpu_cmpxchg(U##size, (u##size)a, (u##size)b); }	\
CASE(cmpxchg_equal_##size)								\
{											\
	out[0] = this_cpu_cmpxchg(U##size, this_cpu_read(U##size), (u##size)b);		\
}

CASES_OF(8)
CASES_OF(16)
CASES_OF(32)
CASES_OF(64)

/* Conditions of instructions on this CPU's memory. */
#define FLAGS_OF(name, instruction)							\
CASE(name)										\
{											\
	unsigned char f[14];								\
											\
	asm volatile(instruction " %%gs:%[to]"						\
		     : FLAGS(f), [to] "+m"(*(u32 *)memory) : [value] "r"((u32)a));	\
	out[0] = f[0] | f[2] << 1 | f[4] << 2 | f[6] << 3;				\
}
FLAGS_OF(flags_of_add, "addl %[value],")
FLAGS_OF(flags_of_sub, "subl %[value],")
FLAGS_OF(flags_of_cmp, "cmpl %[value],")
FLAGS_OF(flags_of_test, "testl %[value],")

CASE(flags_of_decrement)
{
	bool zero;

	asm volatile("decl %%gs:%1" : "=@cce"(zero), "+m"(*(u32 *)memory));
	out[0] = zero;
}

CASE(add_to_a_register)
{
	asm volatile("add %%gs:%1, %0" : "+r"(a) : "m"(*(u64 *)memory));
	out[0] = a;
}

CASE(bits)
{
	bool set;

	asm volatile("btsl %2, %%gs:%1" : "=@ccc"(set), "+m"(*(u32 *)memory) : "I"(7));
	out[0] = set;
	asm volatile("btrq %2, %%gs:%1" : "=@ccc"(set), "+m"(*(u64 *)memory) : "r"(a % 256));
	out[1] = set;
}
