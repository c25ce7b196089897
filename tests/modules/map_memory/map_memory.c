// SPDX-License-Identifier: GPL-2.0
/*
 * Maps all of a guest's memory through /dev/gpufas_memory, and says what it can do.
 *
 *	map_memory map ADDRESS		maps, reads the word at a physical address,
 *					withdraws when it gets SIGUSR1, reads again at the next
 *	map_memory powerless		without CAP_SYS_RAWIO
 *	map_memory wrong		mappings that must be refused
 *
 * Each step is told in /modules/told. The exit status is 0, or the error of what failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory_device.h"

#define DEVICE "/dev/" GPUFAS_MEMORY_DEVICE

static void tell(const char *what, uint64_t value)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%s %llu\n", what, (unsigned long long)value);
	int fd = open("/modules/told", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, length) != length)
		exit(errno);
	close(fd);
}

static void wait_for_signal(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
}

static uint64_t word_at(const void *memory, uint64_t address)
{
	return *(const volatile uint64_t *)((const char *)memory + address);
}

/* Whether a child of this process can read the mapping. */
static int child_reads(const void *memory, uint64_t address)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		word_at(memory, address);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(errno);
	return WIFEXITED(status);
}

/* Whether the kernel reads the mapping for whoever may see this process's memory. */
static int is_read_through_proc(const void *memory, uint64_t address)
{
	int fd = open("/proc/self/mem", O_RDONLY);
	uint64_t word, own = 1, copy = 0;
	off_t at = (off_t)((uintptr_t)memory + address);
	int is_read;

	/* Of other memory it does. */
	if (fd < 0 || pread(fd, &copy, sizeof(copy), (off_t)(uintptr_t)&own) != sizeof(copy) || copy != own)
		exit(ENOTSUP);
	is_read = pread(fd, &word, sizeof(word), at) > 0;
	close(fd);
	return is_read;
}

static int map(uint64_t address)
{
	int fd = open(DEVICE, O_RDWR);
	sigset_t set;
	void *memory;
	uint64_t size;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fd < 0 || ioctl(fd, GPUFAS_MEMORY_SIZE, &size))
		return errno;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return errno;
	if (child_reads(memory, address))
		return ECHILD;
	if (is_read_through_proc(memory, address))
		return EPERM;
	tell("mapped", word_at(memory, address));
	wait_for_signal();
	if (ioctl(fd, GPUFAS_MEMORY_WITHDRAW))
		return errno;
	tell("withdrawn", size);
	wait_for_signal();
	tell("read", word_at(memory, address));
	return 0;
}

static int powerless(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return errno;
	data[0].effective &= ~(1U << CAP_SYS_RAWIO);
	data[0].permitted &= ~(1U << CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &header, data))
		return errno;
	return open(DEVICE, O_RDWR) < 0 ? errno : 0;
}

static int wrong(void)
{
	int fd = open(DEVICE, O_RDWR);
	uint64_t size;

	if (fd < 0 || ioctl(fd, GPUFAS_MEMORY_SIZE, &size))
		return errno;
	if (mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED ||
	    mmap(NULL, size - 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED ||
	    mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 4096) != MAP_FAILED ||
	    ioctl(fd, GPUFAS_MEMORY_WITHDRAW) != -1 || errno != EPERM ||
	    ioctl(fd, _IO('G', 0x42)) != -1 || errno != ENOTTY)
		return EBADF;
	return 0;
}

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "map") == 0)
		return map(strtoull(arguments[2], NULL, 0));
	if (count == 2 && strcmp(arguments[1], "powerless") == 0)
		return powerless();
	if (count == 2 && strcmp(arguments[1], "wrong") == 0)
		return wrong();
	return EINVAL;
}
