/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks of the list of processes, written without a thought of how they are
 * translated, and how long each takes. A benchmark runs them.
 */
#include <gpufas/gpufas.h>

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/types.h>

#define MAX_ROUNDS 64

static u64 times[MAX_ROUNDS];

/* Keeps them sorted: the shortest first. */
static void note(unsigned int round, u64 time)
{
	for (; round && times[round - 1] > time; round--)
		times[round] = times[round - 1];
	times[round] = time;
}

static long say(unsigned int rounds, unsigned long tasks, u64 sum)
{
	gpufas_log("%lu tasks, best %llu ns, median %llu ns, worst %llu ns, sum %llx\n", tasks,
		   times[0], times[rounds / 2], times[rounds - 1], sum);
	return tasks;
}

GPUFAS_ENTRY(follow, "follow the list of processes and read nothing else", unsigned int, rounds)
{
	struct task_struct *task;
	unsigned long tasks = 0;
	unsigned int round;

	if (!rounds || rounds > MAX_ROUNDS)
		return -EINVAL;

	for (round = 0; round < rounds; round++) {
		u64 begin = gpufas_clock();

		tasks = 0;
		for_each_process(task)
			tasks++;
		note(round, gpufas_clock() - begin);
	}
	return say(rounds, tasks, 0);
}

GPUFAS_ENTRY(walk, "read number and name of every process", unsigned int, rounds)
{
	struct task_struct *task;
	unsigned long tasks = 0;
	unsigned int round;
	u64 sum = 0;

	if (!rounds || rounds > MAX_ROUNDS)
		return -EINVAL;

	for (round = 0; round < rounds; round++) {
		u64 begin = gpufas_clock();

		tasks = 0;
		sum = 0;
		for_each_process(task) {
			u64 name[TASK_COMM_LEN / sizeof(u64)];

			memcpy(name, task->comm, sizeof(name));
			sum = sum * 31 + task->pid + name[0] + name[1];
			tasks++;
		}
		note(round, gpufas_clock() - begin);
	}
	return say(rounds, tasks, sum);
}
