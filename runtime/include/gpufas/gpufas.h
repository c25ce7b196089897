/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The base of every recovery program: entry points and the log.
 *
 * A recovery program is kernel code that runs outside the kernel. It sees the
 * kernel's own types, macros, inline functions and variables, and every
 * pointer that it follows leads into the failing system's memory. What it
 * does not have is the kernel's CPU: no function of the running kernel can be
 * called, nothing be allocated or woken there. It runs as one of the CPUs, whose
 * task is current; taking a lock means to see that it is free, unless --locks
 * says otherwise; rcu_read_lock() and its like do nothing. docs/meaning.md lists
 * what differs.
 */
#ifndef _GPUFAS_GPUFAS_H
#define _GPUFAS_GPUFAS_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/types.h>

/*
 * gpufas_log - print a line for whoever runs the program
 *
 * This is printk() without a level; printk() and pr_info() and their like work
 * as well. Formats are the kernel's. The text reaches the log of `gpufas run`,
 * never the failing system's own log.
 */
#define gpufas_log(format, ...) printk(format, ##__VA_ARGS__)

/*
 * gpufas_clock - nanoseconds from some moment on, of the machine that the program runs on
 *
 * For how long something is waited for; jiffies and the like are the failing system's,
 * and stand still while that is paused.
 */
u64 gpufas_clock(void);

/*
 * gpufas_tries - how often this run of the program was tried before, each time ending with -EAGAIN
 *
 * Nothing else is known of the tries before: a program's variables are as they were
 * compiled each time. What it did is in the system's memory.
 */
unsigned int gpufas_tries(void);

/* Most arguments of an entry point: MAX_ARGUMENTS in runtime/abi/src/context.rs. */
#define GPUFAS_MAX_ARGUMENTS 8

/*
 * gpufas_all_or_nothing - say that half of what a program writes is worse than nothing
 *
 * If a program in which this is called anywhere does not come to its end, `gpufas
 * run` takes back all that it wrote, as long as the guest is paused. A fault because
 * of a lock that is held is then tried again, as after -EAGAIN. So that all is known
 * that it wrote, it ends with a fault before a store that finds no room in the journal.
 */
void gpufas_all_or_nothing(void) __asm__("gpufas.all_or_nothing");

/*
 * GPUFAS_ENTRY - define an entry point of a recovery program
 * @entry:	its name, a C identifier; `gpufas run FILE NAME` starts it
 * @help:	one line of help, a string
 * @...:	up to GPUFAS_MAX_ARGUMENTS pairs of a type and a name, as in SYSCALL_DEFINEn()
 *
 * The body that follows returns int: 0 or more for success, a negative errno
 * for failure. -EAGAIN asks to be run again a moment later, when the system
 * has moved on; return it only as long as nothing was written, or if writing
 * it again does no harm.
 *
 *	GPUFAS_ENTRY(greet, "say hello", const char *, name, int, times)
 *	{
 *		while (times-- > 0)
 *			gpufas_log("hello, %s\n", name);
 *		return 0;
 *	}
 *
 * Arguments come from the command line of `gpufas run`. Their types are bool,
 * int, unsigned int, long and unsigned long (or long long), and char * or
 * const char * for text; so u32, u64, pid_t and size_t are fine. Another type
 * is an error at the line of the entry.
 */
#define GPUFAS_ENTRY(entry, help, ...)						\
	static int gpufas_program_##entry(GPUFAS_PARAMETERS(__VA_ARGS__));	\
	static const struct gpufas_entry_descriptor				\
	__used __section(".gpufas.entries") gpufas_entry_descriptor_##entry = {	\
		.name = #entry,							\
		.description = help,						\
		.function = (int (*)(void))(void *)gpufas_program_##entry,	\
		.argument_count = GPUFAS_ARGUMENT_COUNT(__VA_ARGS__),		\
		.arguments = { GPUFAS_DESCRIPTIONS(__VA_ARGS__) },		\
	};									\
	static int gpufas_program_##entry(GPUFAS_PARAMETERS(__VA_ARGS__))

/* What GPUFAS_ENTRY() leaves for the compiler, which makes the exported function from it. */
struct gpufas_entry_descriptor {
	const char *name;
	const char *description;
	int (*function)(void);		/* the real type is in its definition */
	unsigned int argument_count;
	struct {
		const char *type;	/* "bool", "i32", "u32", "i64", "u64" or "string" */
		const char *name;
	} arguments[GPUFAS_MAX_ARGUMENTS];
};

/*
 * How GPUFAS_ENTRY() takes its list of types and names apart. Nothing below
 * is for programs.
 */

/* The name of an argument's type in struct gpufas_entry_descriptor. */
#define GPUFAS_TYPE_NAME(type) _Generic((type)0,	\
	bool: "bool",					\
	int: "i32",					\
	unsigned int: "u32",				\
	long: "i64",					\
	long long: "i64",				\
	unsigned long: "u64",				\
	unsigned long long: "u64",			\
	char *: "string",				\
	const char *: "string")

/* What becomes of one argument in the function, in the descriptor and in the count. */
#define GPUFAS_PARAMETER(type, name)	type name
#define GPUFAS_DESCRIPTION(type, name)	{ GPUFAS_TYPE_NAME(type), #name }
#define GPUFAS_ONE(type, name)		1

#define GPUFAS_PARAMETERS(...) \
	GPUFAS_EACH(GPUFAS_PARAMETER, __VA_ARGS__) GPUFAS_VOID_IF_NONE(__VA_ARGS__)
#define GPUFAS_DESCRIPTIONS(...)	GPUFAS_EACH(GPUFAS_DESCRIPTION, __VA_ARGS__)
#define GPUFAS_ARGUMENT_COUNT(...)	sizeof((char []){ GPUFAS_EACH(GPUFAS_ONE, __VA_ARGS__) })

/* Apply a macro to each pair. Half a pair gives it too few arguments, a ninth pair too many. */
#define GPUFAS_EACH(macro, ...) __VA_OPT__(GPUFAS_EACH_8(macro, __VA_ARGS__))
#define GPUFAS_EACH_8(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_7(macro, __VA_ARGS__))
#define GPUFAS_EACH_7(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_6(macro, __VA_ARGS__))
#define GPUFAS_EACH_6(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_5(macro, __VA_ARGS__))
#define GPUFAS_EACH_5(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_4(macro, __VA_ARGS__))
#define GPUFAS_EACH_4(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_3(macro, __VA_ARGS__))
#define GPUFAS_EACH_3(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_2(macro, __VA_ARGS__))
#define GPUFAS_EACH_2(macro, type, name, ...) \
	macro(type, name) __VA_OPT__(, GPUFAS_EACH_1(macro, __VA_ARGS__))
#define GPUFAS_EACH_1(macro, type, name) \
	macro(type, name)

/* "void" without arguments, nothing with them */
#define GPUFAS_VOID_IF_NONE(...)	GPUFAS_FIRST(__VA_OPT__(,) void, )
#define GPUFAS_FIRST(first, ...)	first

#endif /* _GPUFAS_GPUFAS_H */
