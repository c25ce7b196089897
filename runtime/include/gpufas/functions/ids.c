// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers of processes, users and groups as namespaces see them (kernel/pid.c,
 * kernel/user_namespace.c).
 */
#include <gpufas/functions/functions.h>

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/projid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

KERNEL_FUNCTION(pid_nr_ns);
pid_t KERNEL(pid_nr_ns)(struct pid *pid, struct pid_namespace *ns)
{
	/* Of an exiting task there is no namespace. */
	if (!pid || !ns || ns->level > pid->level || pid->numbers[ns->level].ns != ns)
		return 0;
	return pid->numbers[ns->level].nr;
}

KERNEL_FUNCTION(task_active_pid_ns);
struct pid_namespace *KERNEL(task_active_pid_ns)(struct task_struct *task)
{
	struct pid *pid = READ_ONCE(task->thread_pid);

	return pid ? pid->numbers[pid->level].ns : NULL;
}

KERNEL_FUNCTION(pid_vnr);
pid_t KERNEL(pid_vnr)(struct pid *pid)
{
	return KERNEL(pid_nr_ns)(pid, KERNEL(task_active_pid_ns)(current));
}

KERNEL_FUNCTION(__task_pid_nr_ns);
pid_t KERNEL(__task_pid_nr_ns)(struct task_struct *task, enum pid_type type, struct pid_namespace *ns)
{
	struct pid *pid = type == PIDTYPE_PID ? task->thread_pid : task->signal->pids[type];

	if (!ns)
		ns = KERNEL(task_active_pid_ns)(current);
	return KERNEL(pid_nr_ns)(pid, ns);
}

/* A map has a few extents in place, or more behind pointers. */
static const struct uid_gid_extent *extents(const struct uid_gid_map *map, unsigned int count)
{
	return count <= UID_GID_MAP_MAX_BASE_EXTENTS ? map->extent : map->forward;
}

/* From one side of a map to the other; (u32)-1 is nobody. */
static u32 map_id(const struct uid_gid_map *map, u32 id, bool up)
{
	unsigned int i, count = READ_ONCE(map->nr_extents);
	const struct uid_gid_extent *extent = extents(map, count);

	for (i = 0; i < count; i++, extent++) {
		u32 from = up ? extent->lower_first : extent->first;
		u32 to = up ? extent->first : extent->lower_first;

		if (id >= from && id - from < extent->count)
			return to + (id - from);
	}
	return (u32)-1;
}

KERNEL_FUNCTION(make_kuid);
kuid_t KERNEL(make_kuid)(struct user_namespace *ns, uid_t uid)
{
	return KUIDT_INIT(map_id(&ns->uid_map, uid, false));
}

KERNEL_FUNCTION(make_kgid);
kgid_t KERNEL(make_kgid)(struct user_namespace *ns, gid_t gid)
{
	return KGIDT_INIT(map_id(&ns->gid_map, gid, false));
}

KERNEL_FUNCTION(from_kuid);
uid_t KERNEL(from_kuid)(struct user_namespace *ns, kuid_t uid)
{
	return map_id(&ns->uid_map, __kuid_val(uid), true);
}

KERNEL_FUNCTION(from_kgid);
gid_t KERNEL(from_kgid)(struct user_namespace *ns, kgid_t gid)
{
	return map_id(&ns->gid_map, __kgid_val(gid), true);
}

KERNEL_FUNCTION(from_kuid_munged);
uid_t KERNEL(from_kuid_munged)(struct user_namespace *ns, kuid_t uid)
{
	uid_t number = KERNEL(from_kuid)(ns, uid);

	return number == (uid_t)-1 ? overflowuid : number;
}

KERNEL_FUNCTION(from_kgid_munged);
gid_t KERNEL(from_kgid_munged)(struct user_namespace *ns, kgid_t gid)
{
	gid_t number = KERNEL(from_kgid)(ns, gid);

	return number == (gid_t)-1 ? overflowgid : number;
}

KERNEL_FUNCTION(make_kprojid);
kprojid_t KERNEL(make_kprojid)(struct user_namespace *ns, projid_t projid)
{
	return KPROJIDT_INIT(map_id(&ns->projid_map, projid, false));
}

KERNEL_FUNCTION(from_kprojid);
projid_t KERNEL(from_kprojid)(struct user_namespace *ns, kprojid_t projid)
{
	return map_id(&ns->projid_map, __kprojid_val(projid), true);
}
