/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the in-kernel support does with requests that are as they should be, and
 * with those that are not. Words of the queue that nobody uses are what is read
 * and changed: they are kernel memory like any other.
 */
#include <gpufas/gpufas.h>
#include <gpufas/support.h>
#include <gpufas/task.h>

#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/version.h>

/* Of a test that found something to be otherwise. */
#define WRONG(format, ...) ({ gpufas_log("wrong: " format "\n", ##__VA_ARGS__); -EIO; })

static u64 *word(const struct gpufas_support *support, unsigned int index)
{
	return &support->queue->sender.reserved[index];
}

static u64 address_of(const struct gpufas_support *support, unsigned int index)
{
	return (u64)word(support, index);
}

static void clear_words(const struct gpufas_support *support)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(support->queue->sender.reserved); i++)
		WRITE_ONCE(*word(support, i), 0);
}

static u64 served(const struct gpufas_support *support, enum gpufas_support_context context)
{
	return READ_ONCE(support->queue->counters.served[context]);
}

static u64 refused(const struct gpufas_support *support)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < GPUFAS_SUPPORT_REFUSALS; i++)
		sum += READ_ONCE(support->queue->counters.refused[i]);
	return sum;
}

GPUFAS_ENTRY(words, "read and change words of every width")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 before, value;
	u32 width;

	if (error)
		return error;

	before = served(&support, GPUFAS_SUPPORT_IN_HARD_INTERRUPT);
	for (width = 1; width <= 8; width *= 2) {
		u64 mask = width < 8 ? (1ULL << width * 8) - 1 : U64_MAX;
		u64 at = address_of(&support, 1) + (width < 8 ? width : 0);

		clear_words(&support);
		WRITE_ONCE(*word(&support, 1), 0x8182838485868788ULL);
		error = gpufas_support_read(&support, at, width, &value);
		if (error || value != (0x8182838485868788ULL >> (width < 8 ? width * 8 : 0) & mask))
			return WRONG("width %u: read %d: %llx", width, error, value);

		error = gpufas_support_change(&support, at, width, value ^ 1, 7, &value);
		if (error != -EAGAIN || READ_ONCE(*word(&support, 1)) != 0x8182838485868788ULL)
			return WRONG("width %u: a change from another value: %d", width, error);

		error = gpufas_support_change(&support, at, width, value, mask - 5, &before);
		if (error || before != value)
			return WRONG("width %u: change %d: %llx", width, error, before);
		error = gpufas_support_read(&support, at, width, &value);
		if (error || value != mask - 5)
			return WRONG("width %u: changed to %llx", width, value);
		if (READ_ONCE(*word(&support, 0)) || READ_ONCE(*word(&support, 2)) ||
		    (width < 8 && (READ_ONCE(*word(&support, 1)) & 0xff) != 0x88))
			return WRONG("width %u: more than the word was changed", width);
	}
	clear_words(&support);
	if (refused(&support))
		return WRONG("%llu were refused", refused(&support));
	return 0;
}

/* A variable of the kernel's image, memory of a module, and a place in the vmalloc area. */
GPUFAS_ENTRY(places, "read words of every kind of kernel memory")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	struct task_struct *first;
	struct module *module;
	u64 value;

	if (error)
		return error;

	error = gpufas_support_read(&support, (u64)&gpufas_modules, 8, &value);
	if (error || value != (u64)READ_ONCE(gpufas_modules.next))
		return WRONG("the image: %d: %llx", error, value);

	module = list_first_entry(&gpufas_modules, struct module, list);
	error = gpufas_support_read(&support, (u64)&module->name, 8, &value);
	if (error || value != *(u64 *)module->name)
		return WRONG("a module: %d: %llx", error, value);

	first = list_first_entry(&init_task.tasks, struct task_struct, tasks);
	error = gpufas_support_read(&support, (u64)first->stack, 8, &value);
	if (error || value != STACK_END_MAGIC)
		return WRONG("the end of a stack: %d: %llx", error, value);
	return 0;
}

GPUFAS_ENTRY(locks, "take and release a lock")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 lock, odd;

	if (error)
		return error;

	clear_words(&support);
	lock = address_of(&support, 3);
	error = gpufas_support_unlock(&support, lock);
	if (error != -ENOLCK || READ_ONCE(*word(&support, 3)))
		return WRONG("unlock of what is free: %d", error);
	error = gpufas_support_lock(&support, lock, 0);
	if (error || READ_ONCE(*word(&support, 3)) != 1)
		return WRONG("lock: %d", error);
	error = gpufas_support_lock(&support, lock, 100);
	if (error != -EBUSY || READ_ONCE(*word(&support, 3)) != 1)
		return WRONG("lock of what is held: %d", error);
	error = gpufas_support_unlock(&support, lock);
	if (error || READ_ONCE(*word(&support, 3)))
		return WRONG("unlock: %d", error);
	/* No lock has such a byte; nor this one, if nobody waits. */
	for (odd = 2; odd <= 3; odd++) {
		WRITE_ONCE(*word(&support, 3), odd);
		error = gpufas_support_unlock(&support, lock);
		if (error != -EINVAL || READ_ONCE(*word(&support, 3)) != odd)
			return WRONG("unlock of what is no lock, %llu: %d", odd, error);
	}
	clear_words(&support);
	return 0;
}

GPUFAS_ENTRY(locked, "ask for a lock, and say whether it is taken", bool, ask)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	if (!error && ask)
		error = gpufas_support_lock(&support, address_of(&support, 3), 0);
	return error ? error : READ_ONCE(*word(&support, 3)) != 0;
}

GPUFAS_ENTRY(several, "have as many requests wait at once as there are slots")
{
	struct gpufas_support_request requests[GPUFAS_SUPPORT_SLOTS];
	struct gpufas_support_request more = { .operation = GPUFAS_SUPPORT_READ };
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	unsigned int i, got = 0;
	u64 held = 0;

	if (error)
		return error;

	clear_words(&support);
	for (i = 0; i < GPUFAS_SUPPORT_SLOTS; i++) {
		struct gpufas_support_request *request = &requests[i];
		bool is_byte = i < 40;

		*request = (struct gpufas_support_request) {
			/* Bytes of their own for most, one lock for the others. */
			.operation = is_byte ? GPUFAS_SUPPORT_CHANGE : GPUFAS_SUPPORT_LOCK,
			.cpu = GPUFAS_SUPPORT_ANY_CPU,
			.width = 1,
			.address = is_byte ? address_of(&support, 0) + i : address_of(&support, 5),
			.value = is_byte ? i + 1 : 0,
			.cookie = 1000 + i,
		};
		error = gpufas_support_submit(&support, request);
		if (error)
			return WRONG("request %u: %d", i, error);
	}

	/* The last first. */
	for (i = GPUFAS_SUPPORT_SLOTS; i-- > 0;) {
		struct gpufas_support_answer answer;

		error = gpufas_support_wait(&support, &requests[i], &answer);
		if (error)
			return WRONG("answer %u: %d", i, error);
		if (i < 40 && answer.status)
			return WRONG("byte %u: %d", i, answer.status);
		if (i >= 40 && answer.status && answer.status != -EBUSY)
			return WRONG("lock %u: %d", i, answer.status);
		if (i >= 40 && !answer.status)
			got++;
	}
	for (i = 0; i < 40; i++)
		if (READ_ONCE(((u8 *)word(&support, 0))[i]) != i + 1)
			return WRONG("byte %u is %u", i, ((u8 *)word(&support, 0))[i]);
	held = READ_ONCE(*word(&support, 5));
	if (got != 1 || held != 1)
		return WRONG("%u got the lock, which is %llx", got, held);
	clear_words(&support);

	more.cpu = GPUFAS_SUPPORT_ANY_CPU;
	more.address = address_of(&support, 0);
	more.width = 8;
	return gpufas_support_ask(&support, &more, NULL);
}

GPUFAS_ENTRY(wrap, "go round all slots", unsigned int, times)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 first, i;

	if (error)
		return error;

	clear_words(&support);
	first = READ_ONCE(support.queue->sender.last);
	for (i = 0; i < (u64)times * GPUFAS_SUPPORT_SLOTS; i++) {
		error = gpufas_support_change(&support, address_of(&support, 2), 8, i, i + 1, NULL);
		if (error)
			return WRONG("change %llu: %d", i, error);
	}
	if (READ_ONCE(support.queue->sender.last) != first + i || READ_ONCE(*word(&support, 2)) != i)
		return WRONG("%llu changes were made", READ_ONCE(*word(&support, 2)));
	clear_words(&support);
	return 0;
}

/* A request that is malformed, and how: as it stands, or with bytes changed after the checksum was made. */
struct malformed {
	const char *what;
	struct gpufas_support_request request;
	int status;
	enum gpufas_support_refusal refusal;
	bool bad_checksum, bad_size;
};

/* Leave a request that gpufas_support_submit() would not, and see what becomes of it. */
static int submit_malformed(const struct gpufas_support *support, const struct malformed *malformed)
{
	u64 sequence = READ_ONCE(support->queue->sender.last) + 1;
	struct gpufas_support_request *slot =
		&support->queue->requests[sequence % GPUFAS_SUPPORT_SLOTS];
	struct gpufas_support_request request = malformed->request;
	struct gpufas_support_answer answer;
	u64 before[GPUFAS_SUPPORT_REFUSALS];
	unsigned int i;
	int error;

	for (i = 0; i < GPUFAS_SUPPORT_REFUSALS; i++)
		before[i] = READ_ONCE(support->queue->counters.refused[i]);

	request.sequence = sequence;
	request.size = sizeof(request) - (malformed->bad_size ? 8 : 0);
	request.checksum = GPUFAS_SUPPORT_CHECKSUM(&request, support->instance) +
		malformed->bad_checksum;
	memcpy((void *)slot + sizeof(sequence), (void *)&request + sizeof(sequence),
	       sizeof(request) - sizeof(sequence));
	WRITE_ONCE(support->queue->sender.last, sequence);
	smp_wmb();
	WRITE_ONCE(slot->sequence, sequence);

	error = gpufas_support_wait(support, &request, &answer);
	if (error)
		return WRONG("%s: no answer: %d", malformed->what, error);
	if (answer.status != malformed->status || answer.value)
		return WRONG("%s: %d", malformed->what, answer.status);
	for (i = 0; i < GPUFAS_SUPPORT_REFUSALS; i++)
		if (READ_ONCE(support->queue->counters.refused[i]) - before[i] != (i == malformed->refusal))
			return WRONG("%s: counter %u", malformed->what, i);
	for (i = 0; i < ARRAY_SIZE(support->queue->sender.reserved); i++)
		if (READ_ONCE(*word(support, i)))
			return WRONG("%s: it was done", malformed->what);
	gpufas_log("refused: %s\n", malformed->what);
	return 0;
}

#define ADDRESS		GPUFAS_SUPPORT_BAD_ADDRESS
#define SIZE		GPUFAS_SUPPORT_BAD_SIZE
#define CPU		GPUFAS_SUPPORT_BAD_CPU
#define ANY		.cpu = GPUFAS_SUPPORT_ANY_CPU
#define CHANGE(at, bytes, from, to)							\
	{ .operation = GPUFAS_SUPPORT_CHANGE, ANY, .address = at, .width = bytes,	\
	  .expected = from, .value = to }
#define READ_OF(at, bytes)								\
	{ .operation = GPUFAS_SUPPORT_READ, ANY, .address = at, .width = bytes }

/* Constants of the kernel, where nobody may write. */
extern const char linux_banner[];

/* Memory of a device that the kernel has mapped: its own CPU's APIC, in the fixmap. */
#define DEVICE	__fix_to_virt(FIX_APIC_BASE)

GPUFAS_ENTRY(malformed, "leave requests that are malformed in every way")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 at;
	unsigned int i;

	if (error)
		return error;

	clear_words(&support);
	at = address_of(&support, 4);
	{
		const struct malformed all[] = {
			{ "a checksum", CHANGE(at, 8, 0, 1), -EBADMSG,
			  GPUFAS_SUPPORT_BAD_CHECKSUM, .bad_checksum = true },
			{ "the size of a request", CHANGE(at, 8, 0, 1), -EMSGSIZE, SIZE, .bad_size = true },
			{ "operation 0", { .operation = 0, ANY, .address = at, .width = 8, .value = 1 },
			  -EOPNOTSUPP, GPUFAS_SUPPORT_BAD_OPERATION },
			{ "an unknown light operation", { .operation = 15, ANY, .address = at, .width = 8, .value = 1 },
			  -EOPNOTSUPP, GPUFAS_SUPPORT_BAD_OPERATION },
			{ "an unknown heavy operation", { .operation = 0x80000001, ANY, .address = at, .width = 8, .value = 1 },
			  -EOPNOTSUPP, GPUFAS_SUPPORT_BAD_OPERATION },
			{ "a width of 0", CHANGE(at, 0, 0, 1), -EINVAL, SIZE },
			{ "a width of 3", CHANGE(at, 3, 0, 1), -EINVAL, SIZE },
			{ "a width of 16", CHANGE(at, 16, 0, 1), -EINVAL, SIZE },
			{ "a value beyond its width", CHANGE(at, 1, 0, 256), -EINVAL, SIZE },
			{ "an expected value beyond its width", CHANGE(at, 4, 1ULL << 32, 1), -EINVAL, SIZE },
			{ "a misaligned word", CHANGE(at + 1, 8, 0, 1), -EADDRNOTAVAIL,
			  GPUFAS_SUPPORT_BAD_ALIGNMENT },
			{ "a misaligned lock", { .operation = GPUFAS_SUPPORT_LOCK, ANY, .address = at + 2 },
			  -EADDRNOTAVAIL, GPUFAS_SUPPORT_BAD_ALIGNMENT },
			{ "a null pointer", CHANGE(0, 8, 0, 1), -EFAULT, ADDRESS },
			{ "a user address", CHANGE(0x400000, 8, 0, 1), -EFAULT, ADDRESS },
			{ "an address that is not canonical", READ_OF(0x8000000000000000ULL, 8), -EFAULT, ADDRESS },
			{ "an address below the direct map", READ_OF(0xff00000000000000ULL, 8), -EFAULT, ADDRESS },
			{ "an address beyond memory", READ_OF(page_offset_base + (1ULL << 45), 8), -EFAULT, ADDRESS },
			{ "the last address", READ_OF(0xfffffffffffffff8ULL, 8), -EFAULT, ADDRESS },
			{ "a device", READ_OF(DEVICE, 4), -EFAULT, ADDRESS },
			{ "a lock that is a device", { .operation = GPUFAS_SUPPORT_LOCK, ANY, .address = DEVICE },
			  -EFAULT, ADDRESS },
			{ "a constant", CHANGE((u64)linux_banner & ~7ULL, 8, 0, 1), -EACCES, ADDRESS },
			{ "a lock that is a constant", { .operation = GPUFAS_SUPPORT_UNLOCK, ANY,
			  .address = (u64)linux_banner & ~7ULL }, -EACCES, ADDRESS },
			{ "too many tries", { .operation = GPUFAS_SUPPORT_LOCK, ANY, .address = at,
			  .value = GPUFAS_SUPPORT_MAX_TRIES + 1 }, -EINVAL, SIZE },
			{ "an unknown interrupt", { .operation = GPUFAS_SUPPORT_INTERRUPT, ANY, .width = 9 },
			  -EINVAL, SIZE },
			{ "an interrupt for no CPU", { .operation = GPUFAS_SUPPORT_INTERRUPT, ANY, .value = 100000,
			  .width = GPUFAS_SUPPORT_RESCHEDULE }, -ENXIO, CPU },
			{ "a request for no CPU", { .operation = GPUFAS_SUPPORT_READ, .cpu = 100000, .address = at,
			  .width = 8 }, -ENXIO, CPU },
			{ "signal 0", { .operation = GPUFAS_SUPPORT_SIGNAL, ANY, .value = 1, .width = 2 },
			  -EINVAL, SIZE },
			{ "signal 65", { .operation = GPUFAS_SUPPORT_SIGNAL, ANY, .value = 1, .expected = 65,
			  .width = 2 }, -EINVAL, SIZE },
			{ "a signal to nobody in particular", { .operation = GPUFAS_SUPPORT_SIGNAL, ANY, .value = 1,
			  .expected = 9, .width = 3 }, -EINVAL, SIZE },
		};

		for (i = 0; i < ARRAY_SIZE(all); i++) {
			error = submit_malformed(&support, &all[i]);
			if (error)
				return error;
		}
		gpufas_log("%u were refused\n", i);
	}
	return 0;
}

GPUFAS_ENTRY(sequences, "leave requests with numbers that are not the next")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 next, before;
	unsigned int i;

	if (error)
		return error;

	clear_words(&support);
	next = READ_ONCE(support.queue->sender.last) + 1;
	for (i = 0; i < 4; i++) {
		const u64 wrong[] = { next - 2 * GPUFAS_SUPPORT_SLOTS, next + GPUFAS_SUPPORT_SLOTS, next + 1, U64_MAX };
		struct gpufas_support_request *slot =
			&support.queue->requests[next % GPUFAS_SUPPORT_SLOTS];
		struct gpufas_support_request request = CHANGE(address_of(&support, 4), 8, 0, 1);
		unsigned long start = jiffies;

		before = READ_ONCE(support.queue->counters.refused[GPUFAS_SUPPORT_BAD_SEQUENCE]);
		request.sequence = wrong[i];
		request.size = sizeof(request);
		request.checksum = GPUFAS_SUPPORT_CHECKSUM(&request, support.instance);
		*slot = request;
		while (READ_ONCE(slot->sequence) == wrong[i])
			if (jiffies - start > 10 * HZ)
				return WRONG("%llu: it was left there", wrong[i]);
		while (READ_ONCE(support.queue->counters.refused[GPUFAS_SUPPORT_BAD_SEQUENCE]) == before)
			if (jiffies - start > 10 * HZ)
				return WRONG("%llu: it was not counted", wrong[i]);
		if (READ_ONCE(slot->sequence) != next - GPUFAS_SUPPORT_SLOTS || READ_ONCE(*word(&support, 4)))
			return WRONG("%llu: it was done", wrong[i]);
	}
	/* The slot still serves, also if the number of the last request is noted wrongly. */
	WRITE_ONCE(support.queue->sender.last, next + 1000);
	error = gpufas_support_read(&support, address_of(&support, 4), 8, &before);
	if (!error && READ_ONCE(support.queue->sender.last) != next)
		return WRONG("%llu was noted", READ_ONCE(support.queue->sender.last));
	return error;
}

/* For a CPU that has interrupts off: leave a request, and look for the answer in another run. */
GPUFAS_ENTRY(leave, "leave a request for a CPU and announce an NMI", unsigned int, cpu, bool, announce)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	struct gpufas_support_request request = { .operation = GPUFAS_SUPPORT_READ, .width = 8 };

	if (error)
		return error;
	request.cpu = cpu;
	request.address = address_of(&support, 0);
	error = gpufas_support_submit(&support, &request);
	if (!error && announce)
		gpufas_support_announce_nmis(&support, 1);
	return error;
}

GPUFAS_ENTRY(announce, "announce NMIs", u64, count)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	if (!error)
		gpufas_support_announce_nmis(&support, count);
	return error;
}

GPUFAS_ENTRY(answer, "say whether a request was answered, and where: 0 is the last, 1 the one before",
	     unsigned int, back)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	struct gpufas_support_answer answer;
	u64 last;

	if (error)
		return error;
	last = READ_ONCE(support.queue->sender.last) - back;
	answer = support.queue->answers[last % GPUFAS_SUPPORT_SLOTS];
	if (answer.sequence != last)
		gpufas_log("no answer\n");
	else
		gpufas_log("answer: status %d, CPU %u, context %u\n", answer.status, answer.cpu,
			   answer.context);
	return 0;
}

GPUFAS_ENTRY(nmi, "have another CPU send an NMI to one", u64, cpu)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	return error ? error : gpufas_support_interrupt(&support, cpu, GPUFAS_SUPPORT_NMI);
}

GPUFAS_ENTRY(interrupts, "send every CPU every interrupt that the kernel knows", unsigned int, cpus)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	unsigned int cpu;

	for (cpu = 0; !error && cpu < cpus; cpu++) {
		error = gpufas_support_interrupt(&support, cpu, GPUFAS_SUPPORT_RESCHEDULE);
		if (!error)
			error = gpufas_support_interrupt(&support, cpu, GPUFAS_SUPPORT_CALL_FUNCTION);
		if (!error)
			error = gpufas_support_interrupt(&support, cpu, GPUFAS_SUPPORT_NMI);
	}
	return error;
}

GPUFAS_ENTRY(counters, "say what was counted")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	unsigned int i;

	if (error)
		return error;
	for (i = 0; i < GPUFAS_SUPPORT_CONTEXTS; i++)
		gpufas_log("served %u: %llu\n", i, served(&support, i));
	gpufas_log("nmis: %llu\n", READ_ONCE(support.queue->counters.nmis));
	gpufas_log("refused: %llu\n", refused(&support));
	gpufas_log("queue: %llu\n", (u64)support.queue);
	return 0;
}

GPUFAS_ENTRY(signal_as, "have the kernel send a signal", u64, pid, u64, signal, bool, thread)
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	return error ? error : gpufas_support_signal(&support, pid, signal,
		thread ? GPUFAS_SUPPORT_THREAD : GPUFAS_SUPPORT_PROCESS);
}

GPUFAS_ENTRY(kill_started, "have the kernel kill a process if it was started so many ns later than it was",
	     pid_t, pid, u64, later)
{
	struct task_struct *task = gpufas_find_task(pid);
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	if (error || !task)
		return error ? error : -ENOENT;
	return gpufas_support_ask(&support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_SIGNAL, .value = pid, .address = task->start_time + later,
		.expected = SIGKILL, .width = GPUFAS_SUPPORT_PROCESS), NULL);
}

/*
 * The word in which a mutex has its owner, beside flags in the low bits: that there are waiters, above all
 * (kernel/locking/mutex.c). With PREEMPT_RT it is one of an rt_mutex (kernel/locking/rtmutex_common.h).
 */
#ifndef CONFIG_PREEMPT_RT
#define OWNER(mutex)	(&(mutex)->owner)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define OWNER(mutex)	(&(mutex)->lock.owner)
#else
#define OWNER(mutex)	(&(mutex)->rtmutex.owner)
#endif

/* A mutex whose owner is dead: who waits is to be woken then. */
GPUFAS_ENTRY(disown_mutex, "take a mutex from its owner", u64, address)
{
	u64 word = (u64)OWNER((struct mutex *)address), owner;
	struct gpufas_support support;
	int error = gpufas_support_find(&support);

	if (error)
		return error;
	error = gpufas_support_read(&support, word, 8, &owner);
	return error ? error : gpufas_support_change(&support, word, 8, owner, owner & 7, NULL);
}
