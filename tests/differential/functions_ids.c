/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers of processes and users, with what programs have in the place of the kernel's functions. */
/* Native sources: kernel/pid.c kernel/user_namespace.c lib/bsearch.c */
#include "scene.h"

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/projid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#define EXTENTS	12

/* In the kernel's memory. */
struct users {
	struct user_namespace ns;
	struct uid_gid_extent forward[EXTENTS];
	struct uid_gid_extent reverse[EXTENTS];
};

/* A map of so many extents that do not touch, in one order on one side and the other on the other. */
static void make_map(struct scene *scene, struct users *users, struct uid_gid_map *map, u32 count)
{
	u32 i, first = 0, lower = U32_MAX;

	BUILD_BUG_ON(sizeof(struct users) > BYTES);
	for (i = 0; i < count; i++) {
		u32 random = scene->numbers[i];
		struct uid_gid_extent extent;

		extent.count = random % 50 + 1;
		first += random >> 8 & 63;
		lower -= extent.count + (random >> 16 & 63);
		extent.first = first;
		extent.lower_first = lower;
		first += extent.count;
		if (count <= UID_GID_MAP_MAX_BASE_EXTENTS) {
			map->extent[i] = extent;
		} else {
			users->forward[i] = extent;
			users->reverse[count - 1 - i] = extent;
		}
	}
	if (count > UID_GID_MAP_MAX_BASE_EXTENTS) {
		map->forward = users->forward;
		map->reverse = users->reverse;
	}
	map->nr_extents = count;
}

GPUFAS_ENTRY(functions_users, "numbers of users and groups", unsigned long, root, u32, count, u32, id)
{
	struct scene *scene = (struct scene *)root;
	struct users *users = (struct users *)scene->bytes;
	struct user_namespace *ns = &users->ns;
	u32 i, sum = 0;

	count %= EXTENTS + 1;
	make_map(scene, users, &ns->uid_map, count);
	for (i = 0; i < 40; i++) {
		u32 up = U32_MAX - scene->numbers[i] % 2000;

		sum = sum * 31 + __kuid_val(make_kuid(ns, id % 1000 + i * 7));
		sum = sum * 31 + from_kuid(ns, KUIDT_INIT(up));
		sum = sum * 31 + from_kuid_munged(ns, KUIDT_INIT(up));
	}
	make_map(scene, users, &ns->gid_map, EXTENTS - count);
	for (i = 0; i < 40; i++) {
		u32 up = U32_MAX - scene->numbers[i] % 2000;

		sum = sum * 31 + __kgid_val(make_kgid(ns, id % 1000 + i * 7));
		sum = sum * 31 + from_kgid(ns, KGIDT_INIT(up));
		sum = sum * 31 + from_kgid_munged(ns, KGIDT_INIT(up));
	}
	make_map(scene, users, &ns->projid_map, count);
	for (i = 0; i < 40; i++) {
		u32 up = U32_MAX - scene->numbers[i] % 2000;

		sum = sum * 31 + __kprojid_val(make_kprojid(ns, id % 1000 + i * 7));
		sum = sum * 31 + from_kprojid(ns, KPROJIDT_INIT(up));
	}
	scene->out[0] = __kuid_val(make_kuid(ns, id));
	scene->out[1] = from_kuid(ns, KUIDT_INIT(id));
	return sum;
}

#define SPACES	3

/* In the kernel's memory. */
struct processes {
	struct pid_namespace spaces[SPACES];
	struct signal_struct signal;
	struct pid other;
	struct pid pid;
	struct upid more[SPACES];	/* follow the one in pid */
};

GPUFAS_ENTRY(functions_processes, "numbers of processes", unsigned long, root, u32, level, u32, which)
{
	/* Too large for the scene. */
	static struct task_struct task;
	struct scene *scene = (struct scene *)root;
	struct processes *all = (struct processes *)scene->bytes;
	struct pid *pid = &all->pid;
	int i;

	BUILD_BUG_ON(sizeof(struct processes) > BYTES);
	pid->level = level % SPACES;
	for (i = 0; i < SPACES; i++) {
		all->spaces[i].level = i;
		pid->numbers[i].nr = scene->numbers[i] & INT_MAX;
		pid->numbers[i].ns = &all->spaces[i];
	}
	/* One that it is not in. */
	if (which & 1)
		pid->numbers[which / 2 % SPACES].ns = NULL;
	all->other.level = 0;
	all->other.numbers[0].nr = 7;
	all->other.numbers[0].ns = &all->spaces[0];
	all->signal.pids[PIDTYPE_TGID] = &all->other;
	all->signal.pids[PIDTYPE_PGID] = which & 2 ? pid : NULL;
	task.thread_pid = which & 4 ? NULL : pid;
	task.signal = &all->signal;
	for (i = 0; i < SPACES; i++) {
		struct pid_namespace *ns = &all->spaces[i];

		scene->out[i * 4] = pid_nr_ns(pid, ns);
		scene->out[i * 4 + 1] = __task_pid_nr_ns(&task, PIDTYPE_PID, ns);
		scene->out[i * 4 + 2] = __task_pid_nr_ns(&task, PIDTYPE_TGID, ns);
		scene->out[i * 4 + 3] = __task_pid_nr_ns(&task, PIDTYPE_PGID, ns);
	}
	scene->out[12] = pid_nr_ns(NULL, &all->spaces[0]);
	scene->out[13] = pid_nr_ns(pid, NULL);
	scene->slots[0] = (struct item *)task_active_pid_ns(&task);
	return 0;
}
