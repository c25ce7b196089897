/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the compiler learns of offsets.
 *
 * The compiler includes this before all headers of the kernel. An offset must
 * be checked against the kernel that the program meets, whether it comes from
 * `p->member` or from container_of(). But the built-in offsetof() is a number
 * before there is any IR. As the address of a member of nothing, it still
 * names structure and member there. Where C wants a constant expression, clang
 * takes it for one, as it always did with this form (-Wgnu-folding-constant).
 */
#ifndef _GPUFAS_LAYOUT_H
#define _GPUFAS_LAYOUT_H

#define __builtin_offsetof(type, member) ((__SIZE_TYPE__)&((type *)0)->member)

#endif /* _GPUFAS_LAYOUT_H */
