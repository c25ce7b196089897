/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Variable arguments of all types, behind named ones that leave some registers, or none. */
#include "case.h"
#include <stdarg.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

struct three { u8 bytes[3]; };
struct twelve { u32 words[3]; };
struct pair { u64 first, second; };
struct even { u64 first, second; } __attribute__((aligned(16)));
struct single { u64 only; } __attribute__((aligned(16)));
struct wide { u64 words[3]; u8 last; };
struct even_wide { u64 words[3]; } __attribute__((aligned(16)));
struct page { u64 words[5]; } __attribute__((aligned(64)));
struct packed { u8 byte; u64 word; } __attribute__((packed));
struct number { double value; };
struct mixed { double number; u64 word; };
struct reverse { u64 word; double number; };
struct floats { float values[2]; };
struct more_floats { float values[4]; };
struct doubles { double values[2]; };
struct nothing { };
typedef u32 vector __attribute__((vector_size(16)));

static u64 bits(double value)
{
	return *(u64 *)&value;
}

#define TAKE(type, name) type name = va_arg(*list, type)

/* Each letter is the type of an argument. */
static __attribute__((noinline)) u64 read(const char *types, va_list *list)
{
	u64 sum = 0;

	for (; *types; types++) {
		u64 value = 0;

		switch (*types) {
		case 'i': { value = va_arg(*list, int); break; }
		case 'l': { value = va_arg(*list, u64); break; }
		case 's': { value = *va_arg(*list, u8 *); break; }
		case 'q': { TAKE(unsigned __int128, x); value = x ^ (x >> 61); break; }
		case 't': { TAKE(struct three, x); value = x.bytes[0] ^ x.bytes[1] << 8 ^ x.bytes[2] << 16; break; }
		case 'T': { TAKE(struct twelve, x); value = x.words[0] + 3 * x.words[1] + 7ul * x.words[2]; break; }
		case 'p': { TAKE(struct pair, x); value = x.first - 3 * x.second; break; }
		case 'e': { TAKE(struct even, x); value = x.first - 3 * x.second; break; }
		case 'o': { TAKE(struct single, x); value = x.only; break; }
		case 'w': { TAKE(struct wide, x); value = x.words[0] ^ x.words[2] ^ x.last; break; }
		case 'W': { TAKE(struct even_wide, x); value = x.words[0] ^ 5 * x.words[2]; break; }
		case 'P': { TAKE(struct page, x); value = x.words[0] ^ 5 * x.words[4]; break; }
		case 'k': { TAKE(struct packed, x); value = x.byte * x.word; break; }
		case 'd': { value = bits(va_arg(*list, double)); break; }
		case 'n': { TAKE(struct number, x); value = bits(x.value); break; }
		case 'm': { TAKE(struct mixed, x); value = bits(x.number) ^ x.word; break; }
		case 'r': { TAKE(struct reverse, x); value = 3 * bits(x.number) ^ x.word; break; }
		case 'f': { TAKE(struct floats, x); value = bits(x.values[0]) ^ 3 * bits(x.values[1]); break; }
		case 'F': { TAKE(struct more_floats, x); value = bits(x.values[0]) ^ 3 * bits(x.values[3]); break; }
		case 'D': { TAKE(struct doubles, x); value = bits(x.values[0]) ^ 3 * bits(x.values[1]); break; }
		case 'L': { value = bits(va_arg(*list, long double)); break; }
		case 'v': { TAKE(vector, x); value = x[0] ^ 3ul * x[3]; break; }
		case 'z': { TAKE(struct nothing, x); (void)x; break; }
		}
		sum = sum * 31 + value;
	}
	return sum;
}

/* Functions with the same variable arguments behind different named ones. */
#define READER(name, ...)							\
static __attribute__((noinline)) u64 name(__VA_ARGS__ const char *types, ...)	\
{										\
	va_list list, again;							\
	u64 once, twice;							\
										\
	va_start(list, types);							\
	va_copy(again, list);							\
	once = read(types, &list);						\
	twice = read(types, &again);						\
	va_end(again);								\
	va_end(list);								\
	return once + 2 * twice;						\
}
READER(behind_none)
READER(behind_one, u64 one,)
READER(behind_four, int one, u8 *two, u64 three, char four,)
READER(behind_five, u64 one, u64 two, u64 three, u64 four, u64 five,)
READER(behind_seven, u64 one, u64 two, u64 three, u64 four, u64 five, u64 six, u32 seven,)
READER(behind_wide, unsigned __int128 one, u64 two, u64 three, unsigned __int128 four, struct pair five,)
READER(behind_numbers, double one, float two, struct wide three, struct floats four, double five, double six, double seven,)

/* The result takes a register, too. */
static __attribute__((noinline)) struct wide with_result(const char *types, ...)
{
	struct wide result = { { 1 }, 2 };
	va_list list;

	va_start(list, types);
	result.words[2] = read(types, &list);
	va_end(list);
	return result;
}

#define VALUES									\
	u64 c = *(u64 *)memory, d = ((u64 *)memory)[1];				\
	/* Numbers that are none would make more than one way to copy them. */	\
	double x = (int)c, y = (int)d; float g = (short)d;			\
	unsigned __int128 q = (unsigned __int128)c * d;				\
	struct three t = { { a, b, c } }; struct twelve T = { { a, b, d } };	\
	struct pair p = { a, b }; struct even e = { c, a }; struct single o = { d };	\
	struct wide w = { { c, 1, b }, d }; struct even_wide W = { { a, 2, c } };	\
	struct page P = { { d, 1, 2, 3, a } }; struct packed k = { c, d };	\
	struct number n = { y }; struct mixed m = { x, b }; struct reverse r = { d, y }; \
	struct floats f = { { g, 2 } }; struct more_floats F = { { 1, 2, 3, g } }; \
	struct doubles D = { { y, x } }; long double L = y; vector v = { a, b, c, d }; \
	struct nothing z; int i = d; u64 l = c; u8 *s = memory + 5

/* The same behind all of them. */
#define EACH(name, types, ...)							\
CASE(name)									\
{										\
	VALUES;									\
	out[0] = behind_none(types, __VA_ARGS__);				\
	out[1] = behind_one(a, types, __VA_ARGS__);				\
	out[2] = behind_four(a, s, b, c, types, __VA_ARGS__);			\
	out[3] = behind_five(a, b, c, d, a, types, __VA_ARGS__);		\
	out[4] = behind_seven(a, b, c, d, a, b, c, types, __VA_ARGS__);		\
	out[5] = behind_wide(q, a, b, q, p, types, __VA_ARGS__);		\
	out[6] = behind_numbers(x, g, w, f, y, x, y, types, __VA_ARGS__);	\
	out[7] = with_result(types, __VA_ARGS__).words[2];			\
	(void)t; (void)T; (void)p; (void)e; (void)o; (void)w; (void)W; (void)P; (void)k; (void)n; (void)m; \
	(void)r; (void)f; (void)F; (void)D; (void)L; (void)v; (void)z; (void)i; (void)l; (void)s; (void)g; \
}

EACH(integers, "lilislllllilsi", l, i, l, i, s, l, l, l, l, l, i, l, s, i)
EACH(wide_integers, "qiqlqqiq", q, i, q, l, q, q, i, q)
EACH(small_structures, "tTttTiTtTt", t, T, t, t, T, i, T, t, T, t)
EACH(pairs, "pipplpp", p, i, p, p, l, p, p)
EACH(even_pairs, "eieelee", e, i, e, e, l, e, e)
EACH(even_behind_odd, "iiiieie", i, i, i, i, e, i, e)
EACH(single_words, "oioololoo", o, i, o, o, l, o, l, o, o)
EACH(structures_in_memory, "wiWlPwkPiW", w, i, W, l, P, w, k, P, i, W)
EACH(aligned_in_memory, "lllllllPlWlPe", l, l, l, l, l, l, l, P, l, W, l, P, e)
EACH(numbers, "dlddddnddnddl", x, l, y, x, y, x, n, x, y, n, x, y, l)
EACH(numbers_and_words, "mrmmrrmrml", m, r, m, m, r, r, m, r, m, l)
EACH(structures_of_numbers, "fFDfFDfFDfF", f, F, D, f, F, D, f, F, D, f, F)
EACH(vectors, "vlvdvvvvfvlvv", v, l, v, x, v, v, v, v, f, v, l, v, v)
EACH(long_numbers, "LlLdLiLe", L, l, L, x, L, i, L, e)
EACH(nothing_at_all, "zizlzezz", z, i, z, l, z, e, z, z)
EACH(all, "itTpeowWPkdnmrfFDLvzqls", i, t, T, p, e, o, w, W, P, k, x, n, m, r, f, F, D, L, v, z, q, l, s)
EACH(all_reversed, "slqzvLDFfrmndkPWwoepTti", s, l, q, z, v, L, D, F, f, r, m, n, x, k, P, W, w, o, e, p, T, t, i)

CASE(through_a_pointer)
{
	struct even e = { a, b }; unsigned __int128 q = a;
	u64 (*volatile function)(const char *, ...) = behind_none;

	out[0] = function != 0;
	out[1] = function("qeiq", q, e, (int)b, q);
	(void)memory;
}
