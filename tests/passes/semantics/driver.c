/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs one case natively and translated, on the same operands and memory, and
 * compares what comes out. cases.inc lists the cases.
 *
 *	driver CASE SEED
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "case.h"

#define MEMORY 256
#define PAGE 4096
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

/* clear_page() of arch/x86/lib/clear_page_64.S, on CPUs that have nothing faster. */
asm(".globl clear_page_orig, clear_page_rep, clear_page_erms, __clear_pages_unrolled\n"
    "clear_page_orig: clear_page_rep: clear_page_erms: movl $4096, %ecx\n"
    "__clear_pages_unrolled: xorl %eax, %eax; rep stosb; ret\n");

/* __iowrite32_copy() where it is no inline function (arch/x86/lib/iomap_copy_64.S). */
asm(".globl __iowrite32_copy\n"
    "__iowrite32_copy: movl %edx, %ecx; rep movsl; ret\n");

/* struct cpuinfo_x86, of which only the bits for features count here. */
unsigned char boot_cpu_data[4096];

/*
 * This CPU: what is relative to %gs lies this far beyond what it is for the
 * program, as the kernel's per-CPU areas do. kernel-asm knows it by these names.
 */
#define CPU_OFFSET 24
unsigned long cpu_offset asm("gpufas.cpu_offset") = CPU_OFFSET;
unsigned int cpu asm("gpufas.cpu") = 3;

/* ARCH_SET_GS of arch/x86/include/uapi/asm/prctl.h */
#define SET_GS 0x1001

/* Which kernel this is: one with four levels of page tables. */
unsigned int pgdir_shift = 39;

/*
 * Per-CPU variables. This CPU's copies lie CPU_OFFSET bytes beyond them.
 */
#define THIS_CPU(name, value) unsigned long name[8] = { [CPU_OFFSET / 8] = value }
THIS_CPU(current_task, 0x1234567812345678);
THIS_CPU(const_current_task, 0x1234567812345678);
THIS_CPU(pcpu_hot, 0x8765432187654321);
THIS_CPU(const_pcpu_hot, 0x8765432187654321);
THIS_CPU(this_cpu_off, CPU_OFFSET);
THIS_CPU(cpu_number, 3);

/* In older kernels those of struct pcpu_hot: the task, the preemption count, the number. */
static void prepare_this_cpu(void)
{
	unsigned int *hot[] = { (unsigned int *)&pcpu_hot[CPU_OFFSET / 8], (unsigned int *)&const_pcpu_hot[CPU_OFFSET / 8] };

	for (int i = 0; i < 2; i++) {
		hot[i][2] = 0x80000000;
		hot[i][3] = cpu;
	}
}

/* What ends a case: BUG(). What it says besides: how often WARN() warned. */
static sigjmp_buf end;
static unsigned int warned;

void bug(void) asm("gpufas.bug");
void bug(void)
{
	siglongjmp(end, 1);
}

void warn(unsigned char *done) asm("gpufas.warn");
void warn(unsigned char *done)
{
	if (done && *done)
		return;
	warned++;
	if (done)
		*done = 1;
}

/* WARN() with a text says first what, and then traps. */
void warn_text(const char *format, ...) asm("__warn_printk");
void warn_text(const char *format, ...)
{
	(void)format;
}

/* Or it hands the entry of the table of bugs over, from 6.19 on. The translation has none, and has warned. */
void warn_entry(unsigned char *entry, ...) asm("__SCT__WARN_trap");
unsigned long warn_key[2] asm("__SCK__WARN_trap");

/* The table of bugs, in which the place of the trap comes first (struct bug_entry, include/asm-generic/bug.h). */
extern const unsigned int bug_entry_size __attribute__((weak));
extern const unsigned int bug_entry_flags __attribute__((weak));
extern unsigned char bugs[] asm("__start___bug_table") __attribute__((weak));
extern unsigned char bugs_end[] asm("__stop___bug_table") __attribute__((weak));
#define BUGFLAG_WARNING 1
#define BUGFLAG_ONCE 2
#define BUGFLAG_DONE 4

/* What report_bug() does (lib/bug.c); not 0 if the kernel goes on. */
static int report(unsigned char *entry)
{
	uint16_t flags;

	memcpy(&flags, entry + bug_entry_flags, sizeof(flags));
	if (!(flags & BUGFLAG_WARNING))
		return 0;
	if (flags & BUGFLAG_ONCE && flags & BUGFLAG_DONE)
		return 1;
	warned++;
	if (flags & BUGFLAG_ONCE)
		flags |= BUGFLAG_DONE;
	memcpy(entry + bug_entry_flags, &flags, sizeof(flags));
	return 1;
}

void warn_entry(unsigned char *entry, ...)
{
	if (entry)
		report(entry);
}

/* An instruction that is undefined: ud2, of two bytes. */
static void trap(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	for (unsigned char *entry = bugs; entry < bugs_end; entry += bug_entry_size) {
		int32_t place;

		memcpy(&place, entry, sizeof(place));
		if ((uintptr_t)entry + place != (uint64_t)registers[REG_RIP])
			continue;
		if (!report(entry))
			siglongjmp(end, 1);
		registers[REG_RIP] += 2;
		return;
	}
	_exit(6);
}

/* Static keys (include/linux/jump_label.h): what jump_label_init() does, once and for all. */
struct jump_entry {
	int32_t code, target;
	long key;
};
extern const struct jump_entry jumps[] asm("__start___jump_table") __attribute__((weak));
extern const struct jump_entry jumps_end[] asm("__stop___jump_table") __attribute__((weak));

static void patch(unsigned char *code, const unsigned char *target, int is_taken)
{
	int length = *code == 0xeb ? 2 : 5;
	unsigned char new[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	if (length == 2) {
		new[0] = is_taken ? 0xeb : 0x66;
		new[1] = is_taken ? target - code - 2 : 0x90;
	} else if (is_taken) {
		int32_t distance = target - code - 5;

		new[0] = 0xe9;
		memcpy(new + 1, &distance, sizeof(distance));
	}
	uintptr_t page = (uintptr_t)code & ~(PAGE - 1ul), last = (uintptr_t)(code + length - 1) & ~(PAGE - 1ul);
	if (mprotect((void *)page, last - page + PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		exit(2);
	memcpy(code, new, length);
}

static void patch_all(void)
{
	for (const struct jump_entry *entry = jumps; entry < jumps_end; entry++) {
		uintptr_t key = (uintptr_t)&entry->key + entry->key;
		/* `enabled` is the first member; the lowest bit says whether the branch is compiled as likely taken. */
		int is_enabled = *(int *)(key & ~3ul) != 0;

		patch((unsigned char *)(uintptr_t)((uintptr_t)&entry->code + entry->code),
		      (unsigned char *)(uintptr_t)((uintptr_t)&entry->target + entry->target),
		      is_enabled ^ (key & 1));
	}
}

/* Functions for the memory of users (arch/x86/lib/getuser.S, putuser.S), where every access faults. */
#define USER_FUNCTIONS(size)							\
	asm(".globl __get_user_" size ", __get_user_nocheck_" size "\n"	\
	    ".globl __put_user_" size ", __put_user_nocheck_" size "\n"	\
	    "__get_user_" size ": __get_user_nocheck_" size ": xorl %edx, %edx; movq $-14, %rax; ret\n" \
	    "__put_user_" size ": __put_user_nocheck_" size ": movl $-14, %ecx; ret\n")
USER_FUNCTIONS("1");
USER_FUNCTIONS("2");
USER_FUNCTIONS("4");
USER_FUNCTIONS("8");

/* Another task's turn. */
asm(".globl preempt_schedule_thunk, preempt_schedule_notrace_thunk\n"
    "preempt_schedule_thunk: preempt_schedule_notrace_thunk: ret\n");

/* The end of user space, as kernels have it in their code before they find out. */
unsigned long USER_PTR_MAX = 0x0123456789abcdef;

/* A page that cannot be accessed; memory lies right before it. */
unsigned char *guard;

/* What the runtime is asked for, of the one page and of addresses that are none. */
unsigned int accessible(uint64_t address, uint64_t size, unsigned int access) asm("gpufas.accessible");
unsigned int accessible(uint64_t address, uint64_t size, unsigned int access)
{
	uint64_t page = (uintptr_t)guard;

	(void)access;
	return address >= PAGE && (address + size <= page || address >= page + PAGE);
}

/* An entry of the exception table (arch/x86/include/asm/extable.h), of the cases as they are. */
struct exception {
	int32_t instruction, fixup, type;
};

/* Kernels before 5.16 name the function that handles it; these all just go on. */
asm(".globl ex_handler_default, ex_handler_uaccess, ex_handler_fault, ex_handler_copy\n"
    "ex_handler_default: ex_handler_uaccess: ex_handler_fault: ex_handler_copy: ud2\n");
extern const char plain_handler[] asm("ex_handler_default");
extern const struct exception exceptions[] asm("__start___ex_table") __attribute__((weak));
extern const struct exception exceptions_end[] asm("__stop___ex_table") __attribute__((weak));

/* What the kernel does at a fault (arch/x86/mm/extable.c). */
static void handle(int number, siginfo_t *info, void *context)
{
	/* EX_DATA_REG's numbers, as struct pt_regs has the registers. */
	static const int order[] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	/* cli and sti: nothing interrupts a process that it can mask. */
	if ((*(unsigned char *)registers[REG_RIP] & 0xfe) == 0xfa) {
		registers[REG_RIP]++;
		return;
	}
	for (const struct exception *entry = exceptions; entry < exceptions_end; entry++) {
		greg_t *named = &registers[order[entry->type >> 8 & 15]];

		if ((uintptr_t)&entry->instruction + entry->instruction != (uint64_t)registers[REG_RIP])
			continue;
		registers[REG_RIP] = (uintptr_t)&entry->fixup + entry->fixup;
		if ((uintptr_t)&entry->type + entry->type == (uintptr_t)plain_handler)
			return;
		switch (entry->type & 0xff) {
		case 17: /* EX_TYPE_IMM_REG */
			*named = entry->type >> 16;
			break;
		case 20: { /* EX_TYPE_ZEROPAD, of "mov (%rax), %rbx" with any two registers */
			const unsigned char *code = (const unsigned char *)(uintptr_t)
				((uintptr_t)&entry->instruction + entry->instruction);
			int to = (code[2] >> 3 & 7) | (code[0] & 4) << 1, from = (code[2] & 7) | (code[0] & 1) << 3;

			uint64_t address = registers[order[from]];

			if (code[1] != 0x8b || code[2] >> 6 || from % 8 == 4 || from % 8 == 5)
				_exit(3);
			registers[order[to]] = *(uint64_t *)(address & ~7ul) >> (address & 7) * 8;
			break;
		}
		default:
			break;
		}
		if (entry->type & 1 << 12)
			registers[REG_RAX] = 0;
		if (entry->type & 2 << 12)
			registers[REG_RDX] = 0;
		return;
	}
	static const char message[] = "a fault at an instruction that the exception table does not have\n";
	_exit(write(1, message, sizeof(message) - 1) < 0 ? 3 : 4);
}

static void prepare(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	unsigned char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	struct sigaction trapped = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };

	if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) || sigaction(SIGSEGV, &action, NULL) ||
	    sigaction(SIGILL, &trapped, NULL))
		exit(2);
	prepare_this_cpu();
	patch_all();
	guard = pages + PAGE;
	for (int i = 1; i <= 64; i++)
		guard[-i] = i * 37;
	for (size_t i = 0; i < sizeof(boot_cpu_data); i++)
		boot_cpu_data[i] = i * 0x9d;
}

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

/* Runs one of both; how it ended is among its outputs. */
static void call(test_case *function, unsigned long *out, unsigned char *memory, uint64_t a, uint64_t b)
{
	warned = 0;
	if (sigsetjmp(end, 1))
		out[OUTPUTS - 1] += 0xb06;
	else
		function(out, memory, a, b);
	out[OUTPUTS - 2] += warned;
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
	call(native, first_out, memory + MEMORY / 2, a, b);
	memcpy(first, memory, MEMORY);
	memcpy(memory, before, MEMORY);
	call(translated, out, memory + MEMORY / 2, a, b);
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
	prepare();
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
