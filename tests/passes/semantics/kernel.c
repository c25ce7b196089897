/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own inline functions, with their assembly as the kernel's headers have it. */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/prefetch.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/math64.h>
#include <linux/swab.h>
#include <linux/version.h>
#include <asm/barrier.h>
#include <asm/checksum.h>
#include <asm/cmpxchg.h>
#include <asm/cpufeature.h>
#include <asm/local.h>
#include <asm/qspinlock.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include "case.h"

/* Bits on both sides of the pointer, and words of it. */
#define NUMBER ((long)(a % 1024) - 512)
#define WORDS ((unsigned long *)memory)

CASE(set_bit) { set_bit(NUMBER, WORDS); }
CASE(set_bit_constant) { set_bit(100, WORDS); }
CASE(clear_bit) { clear_bit(NUMBER, WORDS); }
CASE(clear_bit_constant) { clear_bit(100, WORDS); }
CASE(change_bit) { change_bit(NUMBER, WORDS); }
CASE(change_bit_constant) { change_bit(100, WORDS); }
CASE(nonatomic_set_bit) { __set_bit(NUMBER, WORDS); }
CASE(nonatomic_clear_bit) { __clear_bit(NUMBER, WORDS); }
CASE(nonatomic_change_bit) { __change_bit(NUMBER, WORDS); }
CASE(clear_bit_unlock) { clear_bit_unlock(NUMBER, WORDS); }
#ifdef clear_bit_unlock_is_negative_byte
CASE(clear_bit_unlock_is_negative_byte) { out[0] = clear_bit_unlock_is_negative_byte(a % 7, WORDS); }
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
CASE(xor_unlock_is_negative_byte) { out[0] = xor_unlock_is_negative_byte(1 << a % 7, WORDS); }
#endif
CASE(test_bit) { out[0] = test_bit(NUMBER, WORDS); }
CASE(test_bit_constant) { out[0] = test_bit(100, WORDS); }
#ifdef test_bit_acquire
CASE(test_bit_acquire) { out[0] = test_bit_acquire(100, WORDS); }
#endif
CASE(test_and_set_bit) { out[0] = test_and_set_bit(NUMBER, WORDS); }
CASE(test_and_set_bit_constant) { out[0] = test_and_set_bit(100, WORDS); }
CASE(test_and_set_bit_lock) { out[0] = test_and_set_bit_lock(NUMBER, WORDS); }
CASE(test_and_clear_bit) { out[0] = test_and_clear_bit(NUMBER, WORDS); }
CASE(test_and_change_bit) { out[0] = test_and_change_bit(NUMBER, WORDS); }
CASE(nonatomic_test_and_set_bit) { out[0] = __test_and_set_bit(NUMBER, WORDS); }
CASE(nonatomic_test_and_clear_bit) { out[0] = __test_and_clear_bit(NUMBER, WORDS); }
CASE(nonatomic_test_and_change_bit) { out[0] = __test_and_change_bit(NUMBER, WORDS); }

CASE(find_first) { out[0] = __ffs(a | 1UL << 63); out[1] = ffz(a & ~(1UL << 63)); }
CASE(find_last) { out[0] = __fls(a | 1); }
CASE(ffs) { out[0] = ffs(a); }
CASE(fls) { out[0] = fls(a); }
CASE(fls64) { out[0] = fls64(a); }
CASE(weights) { out[0] = hweight64(a); out[1] = hweight32(a); out[2] = hweight16(a); out[3] = hweight8(a); }
CASE(swap_bytes) { out[0] = swab64(a); out[1] = swab32(a); out[2] = swab16(a); }

#define A ((atomic_t *)memory)
#define A64 ((atomic64_t *)memory)

CASE(atomic_add) { atomic_add(a, A); }
CASE(atomic_sub) { atomic_sub(a, A); }
CASE(atomic_inc) { atomic_inc(A); }
CASE(atomic_dec) { atomic_dec(A); }
CASE(atomic_set) { atomic_set(A, a); out[0] = atomic_read(A); }
CASE(atomic_and) { atomic_and(a, A); }
CASE(atomic_or) { atomic_or(a, A); }
CASE(atomic_xor) { atomic_xor(a, A); }
CASE(atomic_andnot) { atomic_andnot(a, A); }
CASE(atomic_add_return) { out[0] = atomic_add_return(a, A); }
CASE(atomic_sub_return) { out[0] = atomic_sub_return(a, A); }
CASE(atomic_fetch_add) { out[0] = atomic_fetch_add(a, A); }
CASE(atomic_fetch_sub) { out[0] = atomic_fetch_sub(a, A); }
CASE(atomic_fetch_and) { out[0] = atomic_fetch_and(a, A); }
CASE(atomic_fetch_or) { out[0] = atomic_fetch_or(a, A); }
CASE(atomic_fetch_xor) { out[0] = atomic_fetch_xor(a, A); }
CASE(atomic_sub_and_test) { out[0] = atomic_sub_and_test(b & 1 ? atomic_read(A) : (int)a, A); }
CASE(atomic_dec_and_test) { if (b & 1) atomic_set(A, 1); out[0] = atomic_dec_and_test(A); }
CASE(atomic_inc_and_test) { if (b & 1) atomic_set(A, -1); out[0] = atomic_inc_and_test(A); }
CASE(atomic_add_negative) { out[0] = atomic_add_negative(a, A); }
CASE(atomic_xchg) { out[0] = atomic_xchg(A, a); }
CASE(atomic_cmpxchg) { out[0] = atomic_cmpxchg(A, b & 1 ? atomic_read(A) : (int)a, b); }
CASE(atomic_try_cmpxchg) { int old = b & 1 ? atomic_read(A) : (int)a; out[0] = atomic_try_cmpxchg(A, &old, b); out[1] = old; }
CASE(atomic_add_unless) { out[0] = atomic_add_unless(A, a, b & 1 ? atomic_read(A) : (int)b); }
CASE(atomic_inc_not_zero) { if (b & 1) atomic_set(A, 0); out[0] = atomic_inc_not_zero(A); }
CASE(atomic_dec_if_positive) { out[0] = atomic_dec_if_positive(A); }

CASE(atomic64_add) { atomic64_add(a, A64); }
CASE(atomic64_sub) { atomic64_sub(a, A64); }
CASE(atomic64_inc) { atomic64_inc(A64); }
CASE(atomic64_dec) { atomic64_dec(A64); }
CASE(atomic64_and) { atomic64_and(a, A64); }
CASE(atomic64_or) { atomic64_or(a, A64); }
CASE(atomic64_xor) { atomic64_xor(a, A64); }
CASE(atomic64_add_return) { out[0] = atomic64_add_return(a, A64); }
CASE(atomic64_fetch_sub) { out[0] = atomic64_fetch_sub(a, A64); }
CASE(atomic64_fetch_or) { out[0] = atomic64_fetch_or(a, A64); }
CASE(atomic64_sub_and_test) { out[0] = atomic64_sub_and_test(b & 1 ? atomic64_read(A64) : (long)a, A64); }
CASE(atomic64_inc_and_test) { if (b & 1) atomic64_set(A64, -1); out[0] = atomic64_inc_and_test(A64); }
CASE(atomic64_add_negative) { out[0] = atomic64_add_negative(a, A64); }
CASE(atomic64_xchg) { out[0] = atomic64_xchg(A64, a); }
CASE(atomic64_try_cmpxchg) { s64 old = b & 1 ? atomic64_read(A64) : (s64)a; out[0] = atomic64_try_cmpxchg(A64, &old, b); out[1] = old; }

CASE(xchg8) { out[0] = xchg((u8 *)memory, (u8)a); }
CASE(xchg16) { out[0] = xchg((u16 *)memory, (u16)a); }
CASE(xchg32) { out[0] = xchg((u32 *)memory, (u32)a); }
CASE(xchg64) { out[0] = xchg((u64 *)memory, a); }
CASE(cmpxchg8) { out[0] = cmpxchg((u8 *)memory, b & 1 ? *memory : (u8)a, (u8)b); }
CASE(cmpxchg16) { u16 *m = (u16 *)memory; out[0] = cmpxchg(m, b & 1 ? *m : (u16)a, (u16)b); }
CASE(cmpxchg32) { u32 *m = (u32 *)memory; out[0] = cmpxchg(m, b & 1 ? *m : (u32)a, (u32)b); }
CASE(cmpxchg64) { u64 *m = (u64 *)memory; out[0] = cmpxchg(m, b & 1 ? *m : a, b); }
CASE(cmpxchg_local) { u64 *m = (u64 *)memory; out[0] = cmpxchg_local(m, b & 1 ? *m : a, b); }
CASE(xadd) { out[0] = xadd((u32 *)memory, (u32)a); out[1] = xadd((u8 *)memory + 8, (u8)a); }

CASE(local_inc) { local_inc((local_t *)memory); }
CASE(local_sub) { local_sub(a, (local_t *)memory); }
CASE(local_inc_and_test) { if (b & 1) local_set((local_t *)memory, -1); out[0] = local_inc_and_test((local_t *)memory); }
CASE(local_dec_and_test) { if (b & 1) local_set((local_t *)memory, 1); out[0] = local_dec_and_test((local_t *)memory); }
CASE(local_xchg) { out[0] = local_xchg((local_t *)memory, a); }
CASE(local_cmpxchg) { local_t *m = (local_t *)memory; out[0] = local_cmpxchg(m, b & 1 ? local_read(m) : (long)a, b); }
CASE(local_add) { local_add(a, (local_t *)memory); local_dec((local_t *)memory + 1); }
CASE(local_sub_and_test) { out[0] = local_sub_and_test(b & 1 ? *(long *)memory : (long)a, (local_t *)memory); }
CASE(local_add_negative) { out[0] = local_add_negative(a, (local_t *)memory); }
CASE(local_add_return) { out[0] = local_add_return(a, (local_t *)memory); }

CASE(array_index_nospec) { out[0] = array_index_nospec(a, 64UL); out[1] = array_index_mask_nospec(a, b); }
CASE(checksums) { out[0] = csum_fold(a); out[1] = add32_with_carry(a, b); out[2] = csum_tcpudp_nofold(a, b, a >> 32, 6, b >> 32); }
/* A header of 5 words at least, as IP's. */
CASE(checksum_of_header) { out[0] = ip_fast_csum(memory, 5 + a % 8); }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
CASE(checksum_ipv6)
{
	out[0] = csum_ipv6_magic((struct in6_addr *)memory, (struct in6_addr *)(memory + 16), a, a >> 32, b);
}
#endif
CASE(multiply_and_divide) { out[0] = mul_u64_u64_div_u64(a, b % 1000, a | 1000); }
CASE(divide) { u64 rest; out[0] = __iter_div_u64_rem(a % 100000, (u32)b | 1000, &rest); out[1] = rest; }

CASE(fill16) { memset16((u16 *)memory, a, b % 60); }
CASE(fill32) { memset32((u32 *)memory, a, b % 30); }
CASE(fill64) { memset64((u64 *)memory, a, b % 15); }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
CASE(inline_fill) { __inline_memset(memory, a, b % 120); }
CASE(inline_copy) { __inline_memcpy(memory, memory - 60 - a % 60, b % 60); }
#endif

CASE(set_pending) { out[0] = queued_fetch_set_pending_acquire((struct qspinlock *)memory); }
CASE(write32_copy) { __iowrite32_copy((void __iomem *)memory, memory - 64, b % 16); }

/* The page before the one that cannot be accessed. */
extern unsigned char *guard;
CASE(clear_page)
{
	unsigned char *page = guard - PAGE_SIZE;
	int i;

	for (i = 0; i < PAGE_SIZE; i++)
		page[i] = a;
	clear_page(page);
	for (i = 0; i < PAGE_SIZE; i++)
		out[0] += page[i] != 0;
}

CASE(task_size) { out[0] = TASK_SIZE_MAX; }

/* What the driver has as the processor's data is different from bit to bit. */
CASE(cpu_features)
{
	out[0] = static_cpu_has(X86_FEATURE_XMM4_2) | static_cpu_has(X86_FEATURE_AVX) << 1 |
		 static_cpu_has(X86_FEATURE_ERMS) << 2 | static_cpu_has(X86_FEATURE_NX) << 3 |
		 static_cpu_has(X86_FEATURE_RDRAND) << 4 | static_cpu_has(X86_FEATURE_AVX2) << 5;
}

#ifdef system_has_cmpxchg128
CASE(exchange128)
{
	u128 *m = (u128 *)memory, old = b & 1 ? *m : a;

	out[0] = try_cmpxchg128(m, &old, (u128)a << 64 | b);
	out[1] = old; out[2] = old >> 64;
	old = cmpxchg128(m, b & 2 ? *m : a, b);
	out[3] = old; out[4] = old >> 64;
	old = cmpxchg128_local(m, b & 2 ? *m : a, b);
	out[5] = old; out[6] = old >> 64;
	old = a;
	out[7] = try_cmpxchg128_local(m, &old, b);
}
#else
CASE(exchange_double)
{
	unsigned long *m = (unsigned long *)memory;

	out[0] = cmpxchg_double(m, m + 1, b & 1 ? *m : a, m[1], b, a);
	out[1] = cmpxchg_double_local(m, m + 1, b & 1 ? *m : a, b & 2 ? m[1] : b, a, a);
}
#endif

#ifdef rip_rel_ptr
static const unsigned long somewhere = 0x5678;
CASE(relative_address) { out[0] = *(const unsigned long *)rip_rel_ptr((void *)&somewhere); }
#endif

CASE(caches)
{
	clflush(memory);
	clflushopt(memory);
	clwb(memory);
	prefetchw(memory);
	weak_wrmsr_fence();
	out[0] = *WORDS;
}

CASE(barriers)
{
	WRITE_ONCE(*WORDS, a);
	smp_mb();
	mb();
	rmb();
	wmb();
	barrier();
	cpu_relax();
	prefetch(memory);
	smp_store_release(&WORDS[1], b);
	out[0] = smp_load_acquire(WORDS);
	smp_store_mb(WORDS[2], a);
	smp_mb__after_atomic();
	OPTIMIZER_HIDE_VAR(a);
	out[1] = a;
}
