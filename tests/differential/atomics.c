/* SPDX-License-Identifier: GPL-2.0 */
/* Atomic operations of every width, ordered accesses, lock words. */
#include "scene.h"

#include <linux/seqlock.h>
#include <linux/spinlock.h>

GPUFAS_ENTRY(atomic_words, "atomic_t", unsigned long, root, int, by)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;
	struct item *item;
	int result = 0;

	list_for_each_entry(item, &scene->items, list) {
		atomic_t *count = &item->count;

		atomic_inc(count);
		atomic_add(by, count);
		out[0] += atomic_add_return(3, count);
		out[1] += atomic_sub_return(by, count);
		out[2] += atomic_fetch_add(by, count);
		out[3] += atomic_fetch_sub(7, count);
		out[4] += atomic_fetch_and(~0x10, count);
		out[5] += atomic_fetch_or(0x2, count);
		out[6] += atomic_fetch_xor(by, count);
		out[7] += atomic_fetch_andnot(0x40, count);
		result += atomic_dec_and_test(count);
		result += atomic_inc_and_test(count) << 1;
		result += atomic_sub_and_test(by, count) << 2;
		result += atomic_add_negative(by, count) << 3;
		result += atomic_add_unless(count, 5, by) << 4;
		result += atomic_inc_not_zero(count) << 5;
		result += atomic_dec_if_positive(count) & 0x40;
		atomic_andnot(0x800, count);
		atomic_or(0x1000, count);
		atomic_xor(by, count);
		atomic_and(0x7fffffff, count);
		out[8] += atomic_xchg(count, by + atomic_read(count));
		out[9] += atomic_cmpxchg(count, by, 0);
		atomic_dec(count);
	}
	return result;
}

GPUFAS_ENTRY(atomic_quads, "atomic64_t", unsigned long, root, s64, by)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;
	struct item *item;
	int result = 0;

	list_for_each_entry(item, &scene->items, list) {
		atomic64_t *total = &item->total;
		s64 old = atomic64_read(total);

		atomic64_inc(total);
		out[0] += atomic64_add_return(by, total);
		out[1] += atomic64_fetch_sub(by / 3, total);
		out[2] += atomic64_fetch_or(BIT_ULL(50), total);
		out[3] += atomic64_fetch_xor(by, total);
		result += atomic64_dec_and_test(total);
		result += atomic64_add_negative(by, total) << 1;
		result += atomic64_add_unless(total, by, old) << 2;
		do {
			old = atomic64_read(total);
		} while (!atomic64_try_cmpxchg(total, &old, old * 5 + 1));
		out[4] += atomic64_xchg(total, by ^ old);
		out[5] += atomic64_dec_if_positive(total);
		atomic64_set(total, atomic64_read_acquire(total) + 1);
	}
	return result;
}

GPUFAS_ENTRY(atomic_widths, "xchg, cmpxchg and xadd of 1, 2, 4 and 8 bytes", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		union view *view = &item->view;

		out[0] += xchg(&view->bytes[1], (u8)value);
		out[1] += xchg(&view->quarters[1], (u16)value);
		out[2] += xchg(&view->halves[1], (u32)value);
		out[3] += xchg(&view->word, value ^ view->word);
		out[4] += cmpxchg(&view->bytes[2], view->bytes[2] & ~1, (u8)(value >> 3));
		out[5] += cmpxchg(&view->quarters[2], view->quarters[2], (u16)(value >> 5));
		out[6] += cmpxchg(&view->halves[0], (u32)value, 0);
		out[7] += cmpxchg(&view->word, view->word & ~2UL, value >> 9);
		out[8] += xadd(&view->bytes[7], (u8)value);
		out[9] += xadd(&view->quarters[0], (u16)value);
		out[10] += xadd(&view->halves[1], (u32)value);
		out[11] += xadd(&view->word, value);
		out[12] += cmpxchg_local(&view->word, view->word, value);
		out[13] += try_cmpxchg(&view->word, &out[12], 5);
	}
	return 0;
}

GPUFAS_ENTRY(atomic_pointer, "exchange of pointers", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item **slot = &scene->slots[number % SLOTS];
	struct item *old = xchg(slot, scene->first);
	struct item *seen = cmpxchg(&scene->slots[(number + 3) % SLOTS], NULL, old);

	if (seen)
		seen->weight ^= 1;
	return !old | !seen << 1;
}

GPUFAS_ENTRY(ordered_accesses, "READ_ONCE() and its like", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item = READ_ONCE(scene->first);

	if (!item)
		return -ENOENT;
	WRITE_ONCE(item->sign, (s8)value);
	WRITE_ONCE(item->kind, (u16)(value % KINDS));
	WRITE_ONCE(item->weight, (s32)value);
	WRITE_ONCE(item->key, value);
	smp_wmb();
	smp_store_release(&item->id, (u32)value);
	smp_store_mb(item->flags, value);
	smp_mb();
	smp_rmb();
	mb();
	barrier();
	return READ_ONCE(item->sign) + READ_ONCE(item->kind) + smp_load_acquire(&item->id) +
	       (int)READ_ONCE(item->weight);
}

GPUFAS_ENTRY(lock_words, "look at locks and release them", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	raw_spinlock_t *lock = (raw_spinlock_t *)&scene->bitmap[number % BITMAP_WORDS];
	seqcount_t *sequence = (seqcount_t *)&scene->bitmap[(number + 1) % BITMAP_WORDS];
	int locked = raw_spin_is_locked(lock);

	/* What queued_spin_unlock() does; by that name it is an unlock, which --locks gives a meaning of its own. */
	smp_store_release(&lock->raw_lock.locked, 0);
	locked |= raw_spin_is_locked(lock) << 1;
	locked |= raw_spin_is_contended(lock) << 2;
	locked |= (raw_read_seqcount(sequence) & 1) << 3;
	locked |= read_seqcount_retry(sequence, number) << 4;
	return locked;
}
