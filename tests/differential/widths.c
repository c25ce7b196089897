/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses of 8 to 128 bits, signed and unsigned. */
#include "scene.h"

#include <linux/math64.h>
#include <linux/overflow.h>

GPUFAS_ENTRY(widths_load, "loads of every width", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	s64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 3 + item->sign + item->kind + item->weight + item->id + item->level + item->flag;
		sum += item->array16[item->level % 5] + item->array8[item->level % 7] + item->array64[item->kind % 4];
		sum ^= item->key;
		if (item->sign < 0 && item->weight < 0)
			sum++;
	}
	scene->out[0] = sum;
	return sum;
}

GPUFAS_ENTRY(widths_store, "stores of every width", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		item->sign = value;
		item->kind = value % KINDS;
		item->weight = value >> 7;
		item->flag = value & 1;
		item->array16[value % 5] += value;
		item->array8[value % 7] -= value;
		item->array64[value % 4] ^= value;
		item->flags = value;
		value = value * 6364136223846793005ULL + item->id;
	}
	return value;
}

GPUFAS_ENTRY(widths_128, "128-bit numbers", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	unsigned __int128 sum = value;
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		sum += item->big;
		item->big = sum * value + item->key;
		if (item->big > sum)
			item->big -= 1;
		sum ^= item->big >> (value % 128);
	}
	scene->out[0] = sum;
	scene->out[1] = sum >> 64;
	return sum == 0;
}

GPUFAS_ENTRY(widths_data, "an array of words elsewhere", unsigned long, root, u32, stride)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	stride = stride % 3 + 1;
	list_for_each_entry(item, &scene->items, list) {
		u32 i;

		for (i = 0; i < item->data_size; i += stride) {
			sum += item->data[i];
			item->data[i] = sum;
		}
	}
	scene->out[0] = sum;
	return 0;
}

GPUFAS_ENTRY(arithmetic, "the kernel's arithmetic", unsigned long, root, u64, a, u64, b)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;
	u64 c = scene->numbers[0], quotient = a;
	u32 remainder;
	s64 sum;

	out[0] = div64_u64(a, b | 1);
	out[1] = div64_u64_rem(a, b | 1, &out[2]);
	out[3] = div_s64(a, (s32)b | 1);
	out[4] = mul_u64_u32_shr(a, b, c % 64);
	out[5] = mul_u64_u64_shr(a, b, c % 64);
	out[6] = mul_u32_u32(a, b);
	remainder = do_div(quotient, (u32)b | 1);
	out[7] = quotient ^ remainder;
	out[8] = DIV_ROUND_UP(a >> 1, (b & 0xffff) + 1);
	out[9] = roundup(a >> 8, (c & 0xff) + 1);
	out[10] = abs((s64)(s32)a);
	out[11] = clamp_t(s64, a, -5, 1000);
	out[12] = check_add_overflow((s64)a, (s64)b, &sum);
	out[13] = sum;
	out[14] = check_mul_overflow(a, b, &out[15]);
	out[16] = a % 10 + (s64)b % 7 + (s32)a / 3;
	out[17] = mul_u64_u32_shr(b, a, 32);
	out[18] = (s64)a >> (c % 64);
	out[19] = a << (c % 64) | a >> (b % 64);
	return min_t(u32, a, b) ^ max((u32)a, (u32)c);
}
