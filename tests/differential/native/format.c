// SPDX-License-Identifier: GPL-2.0
/* What lib/vsprintf.c prints besides what functions_format.c asks for. Nothing here is reached. */

#define NOT_REACHED(name)		\
	void name(void);		\
	void name(void)			\
	{				\
		__builtin_trap();	\
	}

NOT_REACHED(__clk_get_name)
NOT_REACHED(fwnode_count_parents)
NOT_REACHED(fwnode_get_name)
NOT_REACHED(fwnode_get_name_prefix)
NOT_REACHED(fwnode_get_nth_parent)
NOT_REACHED(fwnode_handle_put)
NOT_REACHED(has_capability_noaudit)
NOT_REACHED(sprint_backtrace)
NOT_REACHED(sprint_backtrace_build_id)
NOT_REACHED(sprint_symbol)
NOT_REACHED(sprint_symbol_build_id)
NOT_REACHED(sprint_symbol_no_offset)

/* Tables of names. */
NOT_REACHED(gfpflag_names)
NOT_REACHED(guid_index)
NOT_REACHED(pageflag_names)
NOT_REACHED(uuid_index)
NOT_REACHED(vmaflag_names)
