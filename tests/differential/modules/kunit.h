/* SPDX-License-Identifier: GPL-2.0 */
/* As much of lib/kunit/ as a suite needs: its cases are run, and what fails is counted. */
#ifndef _KUNIT_H
#define _KUNIT_H

#include <kunit/test.h>

#include <linux/slab.h>
#include <linux/version.h>

static int kunit_failures;

/* What is expected, and is not so. 6.1 has another name. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define FAILED	__kunit_do_failed_assertion
#else
#define FAILED	kunit_do_failed_assertion
#endif

void FAILED(struct kunit *test, const struct kunit_loc *place, enum kunit_assert_type type,
	    const struct kunit_assert *assertion, assert_format_t format, const char *text, ...)
{
	printk("%s:%d: an assertion failed\n", place->file, place->line);
	kunit_failures++;
	if (type == KUNIT_ASSERTION)
		BUG();
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
void __noreturn __kunit_abort(struct kunit *test)
{
	BUG();
}
#endif

/* How an assertion would be told. */
#define FORMAT(name)								\
	void name(const struct kunit_assert *assertion, const struct va_format *message,	\
		  struct string_stream *stream)					\
	{									\
	}

FORMAT(kunit_fail_assert_format)
FORMAT(kunit_unary_assert_format)
FORMAT(kunit_ptr_not_err_assert_format)
FORMAT(kunit_binary_assert_format)
FORMAT(kunit_binary_ptr_assert_format)
FORMAT(kunit_binary_str_assert_format)

void *kunit_kmalloc_array(struct kunit *test, size_t count, size_t size, gfp_t flags)
{
	return kmalloc_array(count, size, flags);
}

/* How many assertions fail. */
static int run_suite(struct kunit_suite *suite)
{
	struct kunit_case *test_case;
	int cases = 0;

	for (test_case = suite->test_cases; test_case->run_case; test_case++) {
		struct kunit test = {};

		test_case->run_case(&test);
		cases++;
	}
	printk("%s: %d cases, %d failures\n", suite->name, cases, kunit_failures);
	return cases ? kunit_failures : -ENOENT;
}

#endif /* _KUNIT_H */
