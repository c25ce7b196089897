/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the kernel as recovery programs have them.
 *
 * The files in this folder are no part of a program as it is written. Where a
 * program calls a kernel function that is defined here, the compiler compiles
 * the file against the headers of the program's kernel and links it, and the
 * call is of the version here. docs/meaning.md says what each means.
 *
 * src/kernel_functions/table.rs lists which file defines what.
 */
#ifndef _GPUFAS_FUNCTIONS_H
#define _GPUFAS_FUNCTIONS_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/version.h>

/* The name of our version of a kernel function. */
#define KERNEL(name) gpufas_kernel_##name

/* Declares our version to be of the same type as the kernel's function, which some header declares. */
#define KERNEL_FUNCTION(name) extern typeof(name) KERNEL(name)

#endif /* _GPUFAS_FUNCTIONS_H */
