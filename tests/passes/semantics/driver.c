/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs one case natively and translated, on the same operands and memory, and
 * compares what comes out. cases.inc lists the cases.
 *
 *	driver CASE SEED
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "case.h"

#define MEMORY 256
#define RANDOM_PAIRS 4000

typedef void test_case(unsigned long *out, unsigned char *memory, unsigned long a, unsigned long b);

#define LISTED(name) test_case native_##name, gpufas_entry_##name;
#include "cases.inc"
#undef LISTED

static const struct {
	const char *name;
	test_case *native, *translated;
} cases[] = {
#define LISTED(name) { #name, native_##name, gpufas_entry_##name },
#include "cases.inc"
};

/* __sw_hweight64 and __sw_hweight32 of arch/x86/lib/hweight.S: all registers but rax are kept. */
asm(".globl __sw_hweight32, __sw_hweight64\n"
    "__sw_hweight32: popcntl %edi, %eax; ret\n"
    "__sw_hweight64: popcntq %rdi, %rax; ret\n");

/*
 * This CPU: what is relative to %gs lies this far beyond what it is for the
 * program, as the kernel's per-CPU areas do. kernel-asm knows it by these names.
 */
#define CPU_OFFSET 24
unsigned long cpu_offset asm("gpufas.cpu_offset") = CPU_OFFSET;
unsigned int cpu asm("gpufas.cpu") = 3;

/* ARCH_SET_GS of arch/x86/include/uapi/asm/prctl.h */
#define SET_GS 0x1001

static const uint64_t edges[] = {
	0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
	0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};
#define EDGES (sizeof(edges) / sizeof(*edges))

static uint64_t state;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void show(const char *which, const unsigned long *out, const unsigned char *memory)
{
	printf("%s:\n ", which);
	for (int i = 0; i < OUTPUTS; i++)
		printf(" %lx", out[i]);
	for (int i = 0; i < MEMORY; i++)
		printf("%s%02x", i % 32 ? "" : "\n  ", memory[i]);
	printf("\n");
}

/* 1 if both did the same. */
static int compare(test_case *native, test_case *translated, uint64_t a, uint64_t b)
{
	static _Alignas(64) unsigned char before[MEMORY], memory[MEMORY], first[MEMORY];
	unsigned long first_out[OUTPUTS] = { 0 }, out[OUTPUTS] = { 0 };

	for (int i = 0; i < MEMORY; i += 8) {
		uint64_t word = next() % 4 ? next() : edges[next() % EDGES];
		memcpy(before + i, &word, 8);
	}
	/* At the same address, which may be among the results. */
	memcpy(memory, before, MEMORY);
	native(first_out, memory + MEMORY / 2, a, b);
	memcpy(first, memory, MEMORY);
	memcpy(memory, before, MEMORY);
	translated(out, memory + MEMORY / 2, a, b);
	if (!memcmp(out, first_out, sizeof(out)) && !memcmp(memory, first, MEMORY))
		return 1;
	printf("a=%#lx b=%#lx\n", a, b);
	show("memory before", (unsigned long[OUTPUTS]){ 0 }, before);
	show("native", first_out, first);
	show("translated", out, memory);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3 || syscall(SYS_arch_prctl, SET_GS, CPU_OFFSET))
		return 2;
	state = strtoull(argv[2], NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		for (size_t a = 0; a < EDGES; a++)
			for (size_t b = 0; b < EDGES; b++)
				if (!compare(cases[i].native, cases[i].translated, edges[a], edges[b]))
					return 1;
		for (int pair = 0; pair < RANDOM_PAIRS; pair++)
			if (!compare(cases[i].native, cases[i].translated, next(), next()))
				return 1;
		return 0;
	}
	printf("no case is called %s\n", argv[1]);
	return 2;
}
