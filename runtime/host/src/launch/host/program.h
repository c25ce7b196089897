/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The interface of runtime/abi for programs that are made by hand, in the tests of the host launcher. */

typedef unsigned int u32;
typedef int i32;
typedef unsigned long u64;
typedef long i64;
typedef unsigned char u8;

struct segment {
	u64 start, end, base;
};

struct window {
	u64 start, size, offset;
};

struct buffer {
	u64 address, size;
};

struct context {
	u32 version, flags;
	u64 direct_map_start, direct_map_end, image_start, image_end, image_physical, page_table_root;
	u32 page_table_levels, segment_count;
	struct segment segments[16];
	struct window windows[2];
	u64 arguments[8];
	struct buffer strings, report, log, journal, interrupts;
	u64 budget, stack_size;
	u32 cpu, tries;
	u64 cpu_offset;
};

struct report {
	u32 status, stop;
	i64 result;
	u32 fault_kind, fault_access;
	u64 fault_address, fault_size;
	u32 fault_site, fault_reserved;
	u64 log_used, log_lost, journal_used, journal_lost, interrupts_used, budget_left;
};

struct journal_entry {
	u64 address, physical, old, new;
	u32 size, site, kind, after;
};

struct interrupt_request {
	u32 cpu, apic_id, vector, site;
	u64 address, value;
	u32 size, reserved;
};

enum { FINISHED = 2, FAULTED = 3 };
enum { STOPPED = 8 };
enum { STORE, LOCK_TAKEN, LOCK_RELEASED, PAUSE_BEGUN, PAUSE_ENDED, KEPT };
enum { UNKNOWN, STORED, EXCHANGED };

struct context gpufas_context = { 1 };
u64 gpufas_symbol_table[2] = { 1, 1 };

#define CONTEXT ((volatile struct context *)&gpufas_context)
#define REPORT ((volatile struct report *)gpufas_context.report.address)
#define JOURNAL ((volatile struct journal_entry *)gpufas_context.journal.address)
#define INTERRUPTS ((volatile struct interrupt_request *)gpufas_context.interrupts.address)
#define ENTRY(name) void gpufas_entry_##name(void)

static inline void finish(i64 result)
{
	REPORT->result = result;
	__sync_synchronize();
	REPORT->status = FINISHED;
}

static inline void end_process(int status)
{
	__asm__ volatile("syscall" : : "a"(231), "D"(status) : "rcx", "r11", "memory");
}

static inline void fault(u32 kind, u64 address)
{
	REPORT->fault_kind = kind;
	REPORT->fault_address = address;
	REPORT->fault_site = 1;
	__sync_synchronize();
	REPORT->status = FAULTED;
	end_process(0);
}

static inline void print(const char *text)
{
	volatile u8 *log = (u8 *)gpufas_context.log.address;
	u64 used = REPORT->log_used;
	while (*text)
		log[used++] = *text++;
	__sync_synchronize();
	REPORT->log_used = used;
}

/* Where physical memory is; 0 if it is not there. */
static inline volatile u8 *physical(u64 address)
{
	for (u32 i = 0; i < CONTEXT->segment_count; i++) {
		volatile struct segment *s = &CONTEXT->segments[i];
		if (s->start <= address && address < s->end)
			return (u8 *)(s->base + (address - s->start));
	}
	return 0;
}

static inline u64 get(u64 address, u32 size)
{
	volatile u8 *p = physical(address);
	return size == 1 ? *p : size == 4 ? *(volatile u32 *)p : *(volatile u64 *)p;
}

static inline void put(u64 address, u32 size, u64 value)
{
	volatile u8 *p = physical(address);
	if (size == 1)
		*p = value;
	else if (size == 4)
		*(volatile u32 *)p = value;
	else
		*(volatile u64 *)p = value;
}

static inline volatile struct journal_entry *enter(u32 kind, u64 address, u32 size, u64 old, u64 new)
{
	volatile struct journal_entry *e = &JOURNAL[REPORT->journal_used];
	e->address = address + 0xffff888000000000;
	e->physical = address;
	e->old = old;
	e->new = new;
	e->size = size;
	e->site = 1;
	e->kind = kind;
	e->after = UNKNOWN;
	__sync_synchronize();
	REPORT->journal_used++;
	return e;
}

static inline void record(u64 address, u32 size, u64 old)
{
	enter(STORE, address, size, old, 0);
}

/* A store in a program that takes locks. */
static inline void change(u64 address, u32 size, u64 value)
{
	volatile struct journal_entry *e = enter(STORE, address, size, get(address, size), value);
	put(address, size, value);
	e->after = STORED;
}

static inline void set_flag(u64 address, u8 flag)
{
	u8 old = __sync_fetch_and_or(physical(address), flag);
	enter(STORE, address, 1, old, old | flag)->after = EXCHANGED;
}

/* A lock whose word has 4 bytes, of which the lowest is 1 while it is held. */
static inline void take(u64 address)
{
	change(address, 4, get(address, 4) | 1);
	enter(LOCK_TAKEN, address, 4, 0xff, 1);
}

static inline void release(u64 address)
{
	change(address, 1, 0);
	enter(LOCK_RELEASED, address, 4, 0, 0);
}

static inline void store(u64 address, u32 size, u64 value)
{
	record(address, size, get(address, size));
	put(address, size, value);
}
