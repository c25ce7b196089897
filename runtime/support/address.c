// SPDX-License-Identifier: GPL-2.0
/*
 * Words at addresses that came from outside.
 *
 * An address is looked up in the kernel's page tables before it is used, and used
 * by instructions that may fault: what it leads to can be unmapped in between.
 * Nothing here takes a lock, so that it can be done in an NMI.
 */
#include "support.h"

#include <linux/errno.h>
#include <linux/mm.h>

#include <asm/asm.h>
#include <asm/pgtable.h>
#include <asm/set_memory.h>

/*
 * Device memory is mapped with caching off or write-combining. The third bit of
 * the cache mode is elsewhere in large pages; it is set for nothing that is memory.
 */
#define NOT_WRITE_BACK	(_PAGE_PCD | _PAGE_PWT)

struct gpufas_outcome gpufas_check_word(u64 address, u32 width, bool write)
{
	struct gpufas_outcome bad = GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);
	unsigned int level;
	unsigned long pfn;
	pte_t *entry, pte;

	if (width != 1 && width != 2 && width != 4 && width != 8)
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	if (address & (width - 1))
		return GPUFAS_REFUSED(-EADDRNOTAVAIL, GPUFAS_SUPPORT_BAD_ALIGNMENT);

	/* The kernel's half; what is not canonical is in neither. */
	if (address < PAGE_OFFSET || (s64)address >> __VIRTUAL_MASK_SHIFT != -1)
		return bad;

	entry = lookup_address(address, &level);
	if (!entry)
		return bad;

	pte = READ_ONCE(*entry);
	if (!(pte_flags(pte) & _PAGE_PRESENT) || (pte_flags(pte) & NOT_WRITE_BACK))
		return bad;

	/* Large pages have the same layout of entries, with more of the address to add. */
	pfn = (pte_val(pte) & PTE_PFN_MASK & page_level_mask(level)) >> PAGE_SHIFT;
	pfn += (address & ~page_level_mask(level)) >> PAGE_SHIFT;
	if (!pfn_valid(pfn))
		return bad;

	if (write && !(pte_flags(pte) & _PAGE_RW))
		return GPUFAS_REFUSED(-EACCES, GPUFAS_SUPPORT_BAD_ADDRESS);

	return GPUFAS_DONE(0);
}

/* An instruction on one word; where it faults, it is left out with what follows. */
#define READ_WORD(type, suffix) ({							\
	type word = 0;								\
	asm volatile("1: mov" suffix " %2, %1\n"				\
		     "   movl $0, %0\n"						\
		     "2:\n" _ASM_EXTABLE(1b, 2b)				\
		     : "+r" (error), "+q" (word)				\
		     : "m" (*(volatile type *)address));			\
	*value = word;								\
})

#define CHANGE_WORD(type, suffix) ({							\
	type word = expected;							\
	asm volatile("1: lock cmpxchg" suffix " %3, %2\n"			\
		     "   movl $0, %0\n"						\
		     "2:\n" _ASM_EXTABLE(1b, 2b)				\
		     : "+r" (error), "+a" (word), "+m" (*(volatile type *)address)	\
		     : "q" ((type)new) : "cc", "memory");			\
	*old = word;								\
})

int gpufas_read_word(u64 address, u32 width, u64 *value)
{
	int error = -EFAULT;

	switch (width) {
	case 1:
		READ_WORD(u8, "b");
		break;
	case 2:
		READ_WORD(u16, "w");
		break;
	case 4:
		READ_WORD(u32, "l");
		break;
	case 8:
		READ_WORD(u64, "q");
		break;
	}
	return error;
}

int gpufas_change_word(u64 address, u32 width, u64 expected, u64 new, u64 *old)
{
	int error = -EFAULT;

	switch (width) {
	case 1:
		CHANGE_WORD(u8, "b");
		break;
	case 2:
		CHANGE_WORD(u16, "w");
		break;
	case 4:
		CHANGE_WORD(u32, "l");
		break;
	case 8:
		CHANGE_WORD(u64, "q");
		break;
	}
	return error;
}
