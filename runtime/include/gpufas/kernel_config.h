/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recovery program leaves out of the target kernel's configuration.
 *
 * The compiler includes this after linux/kconfig.h and before everything else.
 * Each option here changes how the kernel's inline functions work on the CPU,
 * and none changes the layout of a structure: that was compared for all named
 * types with the BTF of Debian's 5.10, 6.1, 6.12 and 7.2 kernels. (Undefining
 * JUMP_LABEL or GENERIC_BUG would change layouts.)
 */
#ifndef _GPUFAS_KERNEL_CONFIG_H
#define _GPUFAS_KERNEL_CONFIG_H

/* Per-CPU variables in an address space of their own, which only an x86 code generator knows. */
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_USE_X86_SEG_SUPPORT

/* Has a structure whose layout depends on the options below. */
#if __has_include(<asm/paravirt-base.h>)
#include <linux/compiler_types.h>
#include <linux/types.h>
#include <asm/paravirt-base.h>
#endif

/* Calls into the hypervisor through a table of functions. */
#undef CONFIG_PARAVIRT_XXL
#ifdef CONFIG_PARAVIRT_SPINLOCKS
/* Nodes of queued locks are larger then: gpufas/lock_waiters.h. */
#define GPUFAS_HAS_PARAVIRT_SPINLOCKS 1
#undef CONFIG_PARAVIRT_SPINLOCKS
#endif
#undef CONFIG_PARAVIRT_CLOCK
#ifdef CONFIG_PARAVIRT
#undef CONFIG_PARAVIRT
#else
#undef GPUFAS_KEEPS_PARAVIRT
#endif
#ifdef CONFIG_ARCH_HAS_LAZY_MMU_MODE
/* Without it nothing defines these two from 6.19 on. */
#define arch_enter_lazy_mmu_mode()	do {} while (0)
#define arch_leave_lazy_mmu_mode()	do {} while (0)
#endif

/*
 * Checks that call functions of the running kernel. The kernel sources that
 * define or test these functions do not compile without; for them the compiler
 * defines which option it keeps.
 */
#ifndef GPUFAS_KEEPS_LIST_CHECKS
#undef CONFIG_DEBUG_LIST
#undef CONFIG_LIST_HARDENED
#endif
#ifndef GPUFAS_KEEPS_STRING_CHECKS
#undef CONFIG_FORTIFY_SOURCE
#endif

/* Preemption points that the running kernel patches. */
#undef CONFIG_PREEMPT_DYNAMIC
#if __has_include(<linux/livepatch_sched.h>)
/* Without that option it asks a key that the running kernel does not have. */
#define _LINUX_LIVEPATCH_SCHED_H_
#define klp_sched_try_switch(...)	do {} while (0)
#endif

/*
 * struct rq of kernel/sched/sched.h depends on CONFIG_PARAVIRT. For what may
 * include that, the compiler says that it stays, and the headers that have calls
 * into the hypervisor are read before, as without it.
 */
#ifdef GPUFAS_KEEPS_PARAVIRT
#include <linux/compiler_types.h>
#include <linux/types.h>
/* Who called a function, which tracepoints tell: nothing of the running kernel's did. */
#if __has_include(<linux/instruction_pointer.h>)
#include <linux/instruction_pointer.h>
#undef _RET_IP_
#define _RET_IP_ 0UL
#endif
struct mm_struct;
#include <asm/paravirt.h>
#include <asm/irqflags.h>
#define CONFIG_PARAVIRT 1
#ifndef _ASM_X86_PARAVIRT_TYPES_H
#define _ASM_X86_PARAVIRT_TYPES_H
#endif
#if !__has_include(<asm/paravirt-base.h>)
#define slow_down_io()	native_io_delay()
#endif
#ifndef CONFIG_HAVE_PV_STEAL_CLOCK_GEN
struct static_key;
extern struct static_key paravirt_steal_enabled;
extern struct static_key paravirt_steal_rq_enabled;
u64 paravirt_steal_clock(int cpu);
#endif
#endif

#endif /* _GPUFAS_KERNEL_CONFIG_H */
