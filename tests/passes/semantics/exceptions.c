/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses that may fault, as the kernel's headers have them. The page from
 * @guard on cannot be accessed; the driver goes on as the exception table says.
 */
#include <linux/types.h>
#include <linux/uaccess.h>
#include <asm/futex.h>
#include <asm/word-at-a-time.h>
#include "case.h"

extern unsigned char *guard;

/* Kernel memory: the last bytes before the guard page. The driver can only read an instruction with a plain register. */
CASE(padded_load)
{
	unsigned char *at = guard - 8 + a % 8;

	OPTIMIZER_HIDE_VAR(at);
	out[0] = load_unaligned_zeropad(at);
}
CASE(whole_load) { out[0] = load_unaligned_zeropad(memory + a % 64); }

/* Addresses of user processes always fault. */
#define USER(type) ((type __user *)(guard + a % 1024))

#define LOAD(type)						\
CASE(get_##type)						\
{								\
	type value = 7;						\
	unsafe_get_user(value, USER(type), fault);		\
	out[0] = value;						\
	return;							\
fault:								\
	out[1] = 1;						\
}								\
CASE(put_##type)						\
{								\
	unsafe_put_user((type)b, USER(type), fault);		\
	out[0] = 1;						\
	return;							\
fault:								\
	out[1] = 1;						\
}								\
CASE(get_nofault_##type)					\
{								\
	type value = 7;						\
	__get_kernel_nofault(&value, guard + a % 1024, type, fault); \
	out[0] = value;						\
	return;							\
fault:								\
	out[1] = 1;						\
}
LOAD(u8)
LOAD(u16)
LOAD(u32)
LOAD(u64)

#define FUTEX(name, operation)								\
CASE(futex_##name)									\
{											\
	int old = 5;									\
	out[0] = arch_futex_atomic_op_inuser(operation, b, &old, USER(u32));		\
	out[1] = old;									\
}
FUTEX(set, FUTEX_OP_SET)
FUTEX(add, FUTEX_OP_ADD)
FUTEX(or, FUTEX_OP_OR)
FUTEX(andn, FUTEX_OP_ANDN)
FUTEX(xor, FUTEX_OP_XOR)

CASE(futex_compare)
{
	u32 old = 5;
	out[0] = futex_atomic_cmpxchg_inatomic(&old, USER(u32), a, b);
	out[1] = old;
}

/* The type that says nothing of users: what can be accessed is. */
#define TRY(name, instruction)							\
CASE(name)									\
{										\
	unsigned long *at = (unsigned long *)(b & 1 ? guard : memory), value = a; \
	int error = 0;								\
	asm volatile("1: " instruction "; xorl %[error], %[error]; jmp 3f\n"	\
		     "2: movl $-5, %[error]\n3:\n"				\
		     _ASM_EXTABLE(1b, 2b)					\
		     : [value] "+r"(value), [error] "+r"(error), [at] "+m"(*at) : : "memory"); \
	out[0] = value; out[1] = error;						\
}
TRY(try_load, "movq %[at], %[value]")
TRY(try_store, "movq %[value], %[at]")
TRY(try_add, "lock; xaddq %[value], %[at]")
TRY(try_exchange, "xchgq %[value], %[at]")
TRY(try_compare, "cmpq %[at], %[value]")

/* As __clear_user(): what is left of the count says how much was not cleared. */
CASE(clear_user)
{
	unsigned char *to = guard + a % 1024;
	unsigned long count = b % 64 + 1;

	asm volatile("1: rep stosb\n2:\n" _ASM_EXTABLE_UA(1b, 2b) : "+c"(count), "+D"(to) : "a"(0) : "memory");
	out[0] = count; out[1] = to - guard;
}

#ifdef masked_user_access_begin
CASE(masked_address) { out[0] = (unsigned long)mask_user_address((void __user *)a); }
#endif

#ifdef _ASM_EXTABLE_TYPE_REG
CASE(try_move)
{
	unsigned char *to = b & 1 ? guard : memory, *from = b & 2 ? guard : memory - 64;
	unsigned long count = a % 60;
	int error = 0;

	/* A count of 0 accesses nothing. */
	count += !count;
	asm volatile("1: rep movsb\n2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ONE_REG, %[error])
		     : "+D"(to), "+S"(from), "+c"(count), [error] "+r"(error) : : "memory");
	out[0] = count * !!error; out[1] = error;
}
#endif
