/* SPDX-License-Identifier: GPL-2.0 */
/* Sorting in place: arrays, lists, pointers. */
#include "scene.h"

GPUFAS_ENTRY(sort_insertion, "insertion sort of an array", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	u32 *numbers = scene->numbers;
	u32 i, j;

	n %= NUMBERS / 2;
	for (i = 1; i < n; i++) {
		u32 number = numbers[i];

		for (j = i; j && numbers[j - 1] > number; j--)
			numbers[j] = numbers[j - 1];
		numbers[j] = number;
	}
	return numbers[0];
}

static void sift_down(u32 *numbers, u32 start, u32 end)
{
	u32 top = start, child;

	while ((child = 2 * top + 1) < end) {
		if (child + 1 < end && numbers[child] < numbers[child + 1])
			child++;
		if (numbers[top] >= numbers[child])
			return;
		swap(numbers[top], numbers[child]);
		top = child;
	}
}

GPUFAS_ENTRY(sort_heap, "heap sort of an array", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	u32 *numbers = scene->numbers;
	u32 i, n = scene->number_count;

	for (i = n / 2; i-- > 0;)
		sift_down(numbers, i, n);
	for (i = n; i-- > 1;) {
		swap(numbers[0], numbers[i]);
		sift_down(numbers, 0, i);
	}
	return numbers[n - 1];
}

static noinline void quick(u32 *low, u32 *high)
{
	u32 *left = low, *right = high, pivot;

	if (high - low < 1)
		return;
	pivot = low[(high - low) / 2];
	while (left <= right) {
		while (*left < pivot)
			left++;
		while (*right > pivot)
			right--;
		if (left <= right) {
			swap(*left, *right);
			left++;
			right--;
		}
	}
	if (low < right)
		quick(low, right);
	if (left < high)
		quick(left, high);
}

GPUFAS_ENTRY(sort_quick, "quick sort, which is recursive", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	quick(scene->numbers, scene->numbers + NUMBERS - 1);
	return scene->numbers[NUMBERS / 2];
}

static struct list_head *merge(struct list_head *a, struct list_head *b)
{
	struct list_head *head = NULL, **tail = &head;

	for (;;) {
		if (list_entry(a, struct item, list)->weight <= list_entry(b, struct item, list)->weight) {
			*tail = a;
			tail = &a->next;
			a = a->next;
			if (!a) {
				*tail = b;
				break;
			}
		} else {
			*tail = b;
			tail = &b->next;
			b = b->next;
			if (!b) {
				*tail = a;
				break;
			}
		}
	}
	return head;
}

/* As lib/list_sort.c was before 5.2: pending runs in own memory, by the power of two of their length. */
GPUFAS_ENTRY(sort_list, "merge sort of a list", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct list_head *pending[10] = {}, *list, *last = &scene->items;
	int level;

	if (list_empty(&scene->items))
		return 0;
	list = scene->items.next;
	scene->items.prev->next = NULL;
	while (list) {
		struct list_head *run = list;

		list = list->next;
		run->next = NULL;
		for (level = 0; level < ARRAY_SIZE(pending) - 1 && pending[level]; level++) {
			run = merge(pending[level], run);
			pending[level] = NULL;
		}
		pending[level] = run;
	}
	for (level = 0; level < ARRAY_SIZE(pending); level++)
		if (pending[level])
			list = list ? merge(pending[level], list) : pending[level];
	for (scene->items.next = list; list; list = list->next) {
		list->prev = last;
		last = list;
	}
	last->next = &scene->items;
	scene->items.prev = last;
	return list_first_entry(&scene->items, struct item, list)->weight;
}

GPUFAS_ENTRY(sort_slots, "sort pointers by what they point to", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *own[SLOTS];
	int i, j;

	memcpy(own, scene->slots, sizeof(own));
	for (i = 0; i < SLOTS; i++)
		for (j = i + 1; j < SLOTS; j++)
			if (own[j] && (!own[i] || own[j]->key < own[i]->key))
				swap(own[i], own[j]);
	memcpy(scene->slots, own, sizeof(own));
	return own[0] ? own[0]->id : 0;
}

GPUFAS_ENTRY(sort_search, "binary search", unsigned long, root, u32, wanted)
{
	struct scene *scene = (struct scene *)root;
	u32 low = 0, high = NUMBERS;
	u32 i;

	/* Sorted for sure. */
	for (i = 1; i < NUMBERS; i++)
		scene->numbers[i] = max(scene->numbers[i], scene->numbers[i - 1]);
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (scene->numbers[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
