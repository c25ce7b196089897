/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a relocatable program (gpufas-cc --relocatable) can ask of the kernel
 * that it meets.
 *
 * Accesses to members need nothing of this: their offsets are looked up when
 * the program is loaded, and a program that uses a member that the kernel does
 * not have is not run. Where a kernel has another member in its place, a
 * program asks first:
 *
 *	struct GPUFAS_KERNEL_TYPE task_struct___before_5_14 {
 *		long state;
 *	};
 *
 *	if (gpufas_field_exists(struct task_struct, __state))
 *		state = task->__state;
 *	else
 *		state = ((struct task_struct___before_5_14 *)task)->state;
 *
 * A program that asks for a member is taken to use it only where it is there:
 * it is run in any case, and an access to the member where there is none is a
 * fault. So is an access to a member of a structure's other form.
 *
 * A structure of the program's own with GPUFAS_KERNEL_TYPE before its name is
 * another form of a structure of the kernel's. Its name is the kernel's up to
 * the three underscores; it needs the members that are used only, and where
 * they are in it does not matter. It is for pointers only: no variable can be
 * of it.
 */
#ifndef _GPUFAS_RELOCATE_H
#define _GPUFAS_RELOCATE_H

#include <linux/types.h>

#ifndef GPUFAS_RELOCATABLE
#error "gpufas/relocate.h is for programs that are compiled with --relocatable"
#endif

/* A structure of the kernel's, although no header of the kernel's defines it. */
#define GPUFAS_KERNEL_TYPE __attribute__((btf_decl_tag("gpufas:kernel")))

/*
 * gpufas_field_exists - whether the kernel that the program meets has a member
 * @type:	a structure, as in struct task_struct
 * @field:	the member, which may be a member of a member
 */
#define gpufas_field_exists(type, field) ({				\
	type *__gpufas_object = gpufas_any_object();			\
									\
	gpufas_member_exists(&__gpufas_object->field);			\
})

/*
 * gpufas_field_size - how many bytes a member has, 0 if there is none
 * @type:	a structure, as in struct task_struct
 * @field:	the member, which may be a member of a member
 *
 * A program that uses an int is not run where the kernel has a byte in its
 * place, unless it asks this; then it is taken to use the member, and those of
 * that name in other forms of the structure, only where they have their size:
 *
 *	struct GPUFAS_KERNEL_TYPE task_struct___byte {
 *		u8 on_cpu;
 *	};
 *
 *	if (gpufas_field_size(struct task_struct, on_cpu) == sizeof(u8))
 *		on_cpu = ((struct task_struct___byte *)task)->on_cpu;
 *	else
 *		on_cpu = task->on_cpu;
 */
#define gpufas_field_size(type, field) ({				\
	type *__gpufas_object = gpufas_any_object();			\
									\
	gpufas_member_size(&__gpufas_object->field);			\
})

/*
 * gpufas_enumerator - a constant's value in the kernel that the program meets
 * @type:	its enumeration, as in enum pid_type; int for one without a tag
 * @constant:	the constant
 *
 * A constant that is written as it is becomes a number, and the program is not
 * run where its kernel has another. This is a number only when the program is
 * loaded, so it cannot be a case label or the length of an array. A program is
 * not run where there is no such constant.
 */
#define gpufas_enumerator(type, constant)				\
	((type)gpufas_enumerator_value(#type, #constant, (u64)(constant)))

/* The compiler knows these; there are no such functions. */
void *gpufas_any_object(void);
bool gpufas_member_exists(const volatile void *member);
u64 gpufas_member_size(const volatile void *member);
u64 gpufas_enumerator_value(const char *type, const char *constant, u64 compiled);

#endif /* _GPUFAS_RELOCATE_H */
