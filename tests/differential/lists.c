/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of the kernel: doubly linked, hashed, lock-less. */
#include "scene.h"

#include <linux/hash.h>
#include <linux/rculist.h>

GPUFAS_ENTRY(list_sum, "walk a list", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;
	int count = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 31 + item->key;
		count++;
	}
	scene->out[0] = sum;
	return count == scene->item_count ? count : -1;
}

GPUFAS_ENTRY(list_sum_backwards, "walk a list from its end, under RCU", unsigned long, root, u64, most)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	rcu_read_lock();
	list_for_each_entry_reverse(item, &scene->items, list) {
		if (most-- == 0)
			break;
		sum = sum * 31 + item->id;
	}
	list_for_each_entry_rcu(item, &scene->items, list)
		sum ^= item->key;
	rcu_read_unlock();
	scene->out[0] = sum;
	return sum & 0xffff;
}

GPUFAS_ENTRY(list_find, "leave a walk early and write to what was found", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int index = 0;

	if (scene->item_count)
		number %= scene->item_count;

	list_for_each_entry(item, &scene->items, list) {
		if (index == number) {
			item->weight = -item->weight;
			item->name[0] = 'f';
			return index;
		}
		index++;
	}
	return -ENOENT;
}

GPUFAS_ENTRY(list_reverse, "turn a list around", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *next;
	LIST_HEAD(reversed);

	list_for_each_entry_safe(item, next, &scene->items, list)
		list_move(&item->list, &reversed);
	/* For a moment the items pointed to a variable on this program's stack. */
	list_splice(&reversed, &scene->items);
	return list_empty(&scene->items);
}

GPUFAS_ENTRY(list_delete, "unlink while walking", unsigned long, root, u32, kinds)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *next;
	int deleted = 0;

	list_for_each_entry_safe(item, next, &scene->items, list) {
		if (!(kinds & BIT(item->kind)))
			continue;
		list_del(&item->list);
		scene->item_count--;
		deleted++;
	}
	return deleted;
}

GPUFAS_ENTRY(list_rotate, "rotate, cut and join", unsigned long, root, u32, by)
{
	struct scene *scene = (struct scene *)root;
	struct list_head *cut = &scene->items;
	LIST_HEAD(head);
	u32 i;

	by %= 50;
	for (i = 0; i < by; i++) {
		list_rotate_left(&scene->items);
		if (i % 3 == 0)
			cut = cut->next;
	}
	list_cut_position(&head, &scene->items, cut);
	i = list_is_singular(&head);
	list_splice_tail_init(&head, &scene->items);
	return i | list_empty(&head) << 1;
}

GPUFAS_ENTRY(list_order, "move items to one end or the other", unsigned long, root, u64, threshold)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *next;
	LIST_HEAD(low);
	LIST_HEAD(high);

	list_for_each_entry_safe(item, next, &scene->items, list)
		list_move_tail(&item->list, item->key < threshold ? &low : &high);
	list_splice_tail(&low, &scene->items);
	list_splice(&high, &scene->items);
	if (list_empty(&scene->items))
		return 0;
	return list_first_entry(&scene->items, struct item, list)->id ^
	       list_last_entry(&scene->items, struct item, list)->id;
}

GPUFAS_ENTRY(list_positions, "from a member to its structure and back", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item = scene->first;
	struct item *same;

	if (!item)
		return -ENOENT;
	same = container_of(&item->packed.item, struct item, packed.item);
	same = list_entry(&same->list, struct item, list);
	same = container_of(&same->name[3], struct item, name[3]);
	same = rb_entry(&same->rb, struct item, rb);
	same->packed.byte ^= 0x55;
	scene->out[1] = same == item;
	scene->out[2] = (char *)&same->view - (char *)&item->data;
	return item->packed.byte;
}

GPUFAS_ENTRY(hash_find, "look into a hash list", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *found;
	int steps = 0;

	list_for_each_entry(item, &scene->items, list) {
		if (number-- % 4 == 0)
			continue;
		hlist_for_each_entry(found, &scene->buckets[item_hash(item->key)], hash) {
			steps++;
			if (found->key == item->key) {
				found->flags |= BIT(40);
				break;
			}
		}
		if (!found)
			return -ENOENT;
	}
	return steps;
}

GPUFAS_ENTRY(hash_move, "hash everything anew", unsigned long, root, u64, factor)
{
	struct scene *scene = (struct scene *)root;
	struct hlist_node *next;
	struct item *item;
	int bucket, moved = 0;

	for (bucket = 0; bucket < BUCKETS; bucket++) {
		hlist_for_each_entry_safe(item, next, &scene->buckets[bucket], hash) {
			u32 to = hash_64(item->key ^ factor, 4);

			if (to == bucket)
				continue;
			hlist_del_init(&item->hash);
			if (item->flag)
				hlist_add_head(&item->hash, &scene->buckets[to]);
			else
				scene->out[moved % OUTS] = hlist_unhashed(&item->hash);
			/* Items that go up are met again. */
			if (++moved > 500)
				return -E2BIG;
		}
	}
	return moved;
}

GPUFAS_ENTRY(hash_remove, "empty some hash lists", unsigned long, root, u32, which)
{
	struct scene *scene = (struct scene *)root;
	int bucket, removed = 0;

	for (bucket = 0; bucket < BUCKETS; bucket++) {
		struct hlist_head *head = &scene->buckets[bucket];

		if (which & BIT(bucket)) {
			while (!hlist_empty(head)) {
				hlist_del(head->first);
				removed++;
			}
		} else if (head->first && head->first->next) {
			struct hlist_node *second = head->first->next;

			hlist_del(second);
			hlist_add_before(second, head->first);
		}
	}
	return removed;
}

/* lib/llist.c */
bool llist_add_batch(struct llist_node *new_first, struct llist_node *new_last, struct llist_head *head)
{
	struct llist_node *first;

	do {
		new_last->next = first = READ_ONCE(head->first);
	} while (cmpxchg(&head->first, first, new_first) != first);

	return !first;
}

GPUFAS_ENTRY(singles_walk, "walk a lock-less list", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *next;
	u64 sum = 0;

	llist_for_each_entry(item, scene->singles.first, single)
		sum = sum * 3 + item->id;
	scene->out[0] = sum;

	llist_for_each_entry_safe(item, next, llist_del_all(&scene->singles), single) {
		if (item->id & 1)
			llist_add(&item->single, &scene->singles);
		else
			item->single.next = NULL;
	}
	return llist_empty(&scene->singles);
}

GPUFAS_ENTRY(peers_chase, "follow pointers that may lead in a circle", unsigned long, root, u32, steps)
{
	struct scene *scene = (struct scene *)root;
	struct item *item = scene->first;
	int taken = 0;

	steps %= 200;
	while (item && steps--) {
		item->total.counter += taken++;
		if (item->peer == item)
			break;
		item = item->peer;
	}
	return taken;
}

GPUFAS_ENTRY(slots_exchange, "pointers to pointers", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item **slot = &scene->slots[number % SLOTS];
	struct item *item;
	int i, changed = 0;

	list_for_each_entry(item, &scene->items, list) {
		if (*item->slot) {
			(*item->slot)->weight++;
			changed++;
		}
		swap(*item->slot, *slot);
		item->slot = &scene->slots[(item->slot - scene->slots + number) % SLOTS];
	}
	for (i = 0; i < SLOTS; i++)
		if (scene->slots[i])
			scene->out[i] = scene->slots[i]->key;
	return changed;
}
