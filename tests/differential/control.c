/* SPDX-License-Identifier: GPL-2.0 */
/* Loops, switches, recursion. */
#include "scene.h"

static noinline s64 act(struct item *item, u32 kind, s64 value)
{
	switch (kind) {
	case 0:
		return item->weight + value;
	case 1:
		item->weight++;
		fallthrough;
	case 2:
		return item->weight * 3 - value;
	case 3:
		return item->key;
	case 4:
		item->sign = -item->sign;
		return item->sign;
	case 5:
		return item->array64[value & 3];
	case 6:
		item->array64[value & 3] += 9;
		break;
	case 7:
		return item->peer ? act(item->peer, kind + 1, value) : value;
	case 8:
		return item->data[0];
	case 9:
		item->flag = !item->flag;
		break;
	case 1000:
		return 1000;
	default:
		return -value;
	}
	return value ^ kind;
}

GPUFAS_ENTRY(control_switch, "a switch over many cases", unsigned long, root, s64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		value = act(item, item->kind, value);
		value ^= act(item, value & 0x3ff, value);
	}
	scene->out[0] = value;
	return value;
}

static const char *kind_name(u32 kind)
{
	switch (kind) {
	case 0: return "idle";
	case 1: return "running";
	case 2: return "sleeping";
	case 3: return "stopped";
	case 4: return "traced";
	case 5: return "dead";
	case 6: return "zombie";
	default: return "unknown";
	}
}

GPUFAS_ENTRY(control_table, "a switch that becomes tables", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		const char *name = kind_name(item->kind);

		sum = sum * 3 + name[item->level % 4];
		if (item->flag)
			strscpy(item->name, name, sizeof(item->name));
		switch (item->level) {
		case 0: item->id = 17; break;
		case 1: item->id = 93; break;
		case 2: item->id = 5; break;
		case 3: item->id = 1234567; break;
		case 4: item->id = 8; break;
		case 5: item->id = 77; break;
		}
	}
	return sum;
}

GPUFAS_ENTRY(control_search, "nested loops that are left early", unsigned long, root, u32, wanted)
{
	struct scene *scene = (struct scene *)root;
	struct item *one, *other;
	int steps = 0;

	list_for_each_entry(one, &scene->items, list) {
		list_for_each_entry(other, &scene->items, list) {
			steps++;
			if (other == one)
				break;
			if (((one->id ^ other->id) & 7) == (wanted & 7))
				goto found;
			if (steps > 2000)
				return -ELOOP;
		}
		if (one->kind == wanted % KINDS)
			continue;
		one->flags++;
	}
	return -ENOENT;
found:
	scene->out[0] = one->key + other->key;
	other->weight = steps;
	return steps;
}

static noinline int even(struct item *item, u32 left);

static noinline int odd(struct item *item, u32 left)
{
	if (!item || !left)
		return 1;
	item->array16[1]++;
	return even(item->peer, left - 1) + 2;
}

static noinline int even(struct item *item, u32 left)
{
	u32 own[4] = { left, left + 1, left + 2, left + 3 };

	if (!item || !left)
		return 0;
	own[item->level % 4] += item->array16[0];
	return odd(item->peer, left - 1) + own[left % 4] % 16;
}

GPUFAS_ENTRY(control_recursion, "functions that call each other", unsigned long, root, u32, depth)
{
	struct scene *scene = (struct scene *)root;

	return even(scene->first, depth % 120);
}

GPUFAS_ENTRY(control_loops, "loops of odd shapes", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	u32 *numbers = scene->numbers;
	u32 i = 0, sum = 0;

	n %= NUMBERS;
	do {
		sum += numbers[i];
		i += 1 + sum % 3;
	} while (i < n);
	while (n) {
		n &= n - 1;
		numbers[n] ^= sum;
		if (numbers[n] % 16 == 5)
			break;
	}
	for (i = NUMBERS; i-- > 1;) {
		if (numbers[i] % 2)
			continue;
		numbers[i] = numbers[i - 1];
		if (numbers[i] % 64 == 3)
			goto out;
	}
	sum = -sum;
out:
	scene->out[0] = i;
	return sum;
}

GPUFAS_ENTRY(control_collatz, "a loop whose length is known only at its end", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	u64 value = scene->numbers[n % NUMBERS] % 10000 + 1;
	int steps = 0;

	while (value != 1 && steps < 1000) {
		value = value % 2 ? 3 * value + 1 : value / 2;
		scene->numbers[steps % NUMBERS] += value;
		steps++;
	}
	return steps;
}

GPUFAS_ENTRY(control_states, "a state machine over bytes", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	enum { START, WORD, NUMBER, ESCAPE, END } state = START;
	u32 counts[END + 1] = {};
	u32 i;

	for (i = 0; i < n % BYTES && state != END; i++) {
		u8 byte = scene->bytes[i];

		switch (state) {
		case START:
			state = byte < 0x40 ? NUMBER : byte < 0x80 ? WORD : START;
			break;
		case WORD:
			if (byte == 0x5c)
				state = ESCAPE;
			else if (byte > 0xf0)
				state = START;
			break;
		case NUMBER:
			if (byte & 0x80)
				state = START;
			break;
		case ESCAPE:
			state = byte == 0 ? END : WORD;
			break;
		case END:
			break;
		}
		counts[state]++;
	}
	for (i = 0; i <= END; i++)
		scene->out[i] = counts[i];
	return state;
}
