// SPDX-License-Identifier: MIT OR Apache-2.0

//! A machine with a small kernel in its memory: page tables, VMCOREINFO, symbols, types and a few processes.

use super::btf::BtfBuilder;
use super::kallsyms::Tables;
use super::page_tables::PageTables;
use crate::kallsyms::Encoding;
use crate::memory::MemorySlices;

/// Size of the memory at physical address 0. There is a page at 4 GiB, too.
pub(crate) const LOW_SIZE: usize = 16 << 20;
/// Where the image lies physically; it is 2 MiB long and mapped with one large page.
pub(crate) const IMAGE_PHYSICAL: u64 = 4 << 20;
const IMAGE_SIZE: u64 = 2 << 20;
/// Where VMCOREINFO lies physically.
pub(crate) const VMCOREINFO: u64 = 0x30_1000;
/// An address that only the page tables know.
pub(crate) const VMALLOC: u64 = 0xffff_c900_0012_3000;
const VMALLOC_PHYSICAL: u64 = 0x70_0000;

/// Offsets in the image.
const UTS: u64 = 0x1000;
const ROOT: u64 = 0x2000;
pub(crate) const INIT_TASK: u64 = 0x3000;
const PAGE_OFFSET_BASE: u64 = 0x4000;
const VMCOREINFO_DATA: u64 = 0x4008;
const PER_CPU_OFFSET: u64 = 0x4010;
const NR_CPU_IDS: u64 = 0x4040;
pub(crate) const TK_CORE: u64 = 0x4080;
const BANNER: u64 = 0x5000;
const NOTES: u64 = 0x5800;
pub(crate) const KALLSYMS: u64 = 0x10000;
const BTF: u64 = 0x80000;

/// Offsets in the structures.
pub(crate) const TASKS: u64 = 0x40;
const MM_COUNTERS: u64 = 0x20;

pub(crate) const RELEASE: &str = "6.1.0-56-amd64";
pub(crate) const VERSION: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)";

/// What kind of kernel to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Levels of page tables: 4 or 5.
    pub(crate) levels: u32,
    pub(crate) encoding: Encoding,
    /// Whether VMCOREINFO says where the symbol table is and what the build id is.
    pub(crate) says_kallsyms: bool,
    /// Whether resident pages are counted per CPU.
    pub(crate) per_cpu_counters: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { levels: 4, encoding: Encoding::AbsolutePerCpu, says_kallsyms: true, per_cpu_counters: false }
    }
}

/// The machine's memory.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) low: Vec<u8>,
    pub(crate) high: Vec<u8>,
    pub(crate) options: Options,
    /// `_text`.
    pub(crate) text: u64,
    pub(crate) direct_map: u64,
    /// Size of the type information.
    pub(crate) btf_size: u64,
}

impl Machine {
    pub(crate) fn new(options: Options) -> Self {
        let direct_map = if options.levels == 5 { 0xff20_6fff_c000_0000 } else { 0xffff_8880_4000_0000 };
        let text = 0xffff_ffff_9ce0_0000;
        let (low, high) = (vec![0; LOW_SIZE], vec![0; 4096]);
        let mut machine = Self { low, high, options, text, direct_map, btf_size: 0 };
        machine.map();
        machine.fill_image();
        let vmcoreinfo = machine.vmcoreinfo();
        machine.put(VMCOREINFO, vmcoreinfo.as_bytes());
        machine.add_processes();
        machine
    }

    pub(crate) fn memory(&self) -> MemorySlices<'_> {
        MemorySlices::new([(0, &self.low[..]), (1 << 32, &self.high[..])])
    }

    /// Writes at a physical address below 4 GiB.
    pub(crate) fn put(&mut self, physical: u64, bytes: &[u8]) {
        self.low[physical as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn put_u64(&mut self, physical: u64, value: u64) {
        self.put(physical, &value.to_le_bytes());
    }

    pub(crate) fn put_u32(&mut self, physical: u64, value: u32) {
        self.put(physical, &value.to_le_bytes());
    }

    fn map(&mut self) {
        let root = IMAGE_PHYSICAL + ROOT;
        let mut tables = PageTables::new(root, self.options.levels, 0x10_0000, 0x20_0000);
        for physical in (0..LOW_SIZE as u64).step_by(2 << 20) {
            tables.map(&mut self.low, self.direct_map + physical, physical, 21);
        }
        tables.map(&mut self.low, self.direct_map + (1 << 32), 1 << 32, 12);
        tables.map(&mut self.low, self.text, IMAGE_PHYSICAL, 21);
        tables.map(&mut self.low, VMALLOC, VMALLOC_PHYSICAL, 12);
        tables.map(&mut self.low, VMALLOC + 0x1000, VMALLOC_PHYSICAL + 0x5000, 12);
        // A device: mapped, but not memory.
        tables.map(&mut self.low, VMALLOC + 0x2000, 0xfee0_0000, 12);
    }

    fn fill_image(&mut self) {
        for (index, text) in ["Linux", "(none)", RELEASE, VERSION, "x86_64", "(none)"].iter().enumerate() {
            self.put(IMAGE_PHYSICAL + UTS + 65 * index as u64, text.as_bytes());
        }
        let banner = format!("Linux version {RELEASE} (debian-kernel@example) (gcc-12) {VERSION}\n");
        self.put(IMAGE_PHYSICAL + BANNER, banner.as_bytes());
        let note: Vec<u8> = [4u32, 4, 3].iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(IMAGE_PHYSICAL + NOTES, &[&note[..], b"GNU\0", &[0xeb, 0x4f, 0xbc, 0xd0]].concat());
        self.put_u64(IMAGE_PHYSICAL + PAGE_OFFSET_BASE, self.direct_map);
        self.put_u64(IMAGE_PHYSICAL + VMCOREINFO_DATA, self.direct_map + VMCOREINFO);
        self.put_u32(IMAGE_PHYSICAL + NR_CPU_IDS, 2);
        for cpu in 0..2 {
            self.put_u64(
                IMAGE_PHYSICAL + PER_CPU_OFFSET + 8 * cpu,
                self.direct_map + 0x90_0000 + cpu * 0x1000,
            );
        }
        self.put_u64(IMAGE_PHYSICAL + TK_CORE + 8, 1_800_000_000);
        let btf = self.types();
        self.btf_size = btf.len() as u64;
        self.put(IMAGE_PHYSICAL + BTF, &btf);
        let kallsyms = self.kallsyms();
        self.put(IMAGE_PHYSICAL + KALLSYMS, &kallsyms.bytes);
    }

    /// The symbols, kind and name in one, in the order of their addresses.
    fn symbols(&self) -> Vec<(String, u64)> {
        let mut symbols: Vec<(String, u64)> = [
            ("T_text", 0),
            ("T_stext", 0),
            ("Dinit_uts_ns", UTS),
            ("Dinit_top_pgt", ROOT),
            ("Dinit_task", INIT_TASK),
            ("Dpage_offset_base", PAGE_OFFSET_BASE),
            ("Dvmcoreinfo_data", VMCOREINFO_DATA),
            ("D__per_cpu_offset", PER_CPU_OFFSET),
            ("Dnr_cpu_ids", NR_CPU_IDS),
            ("dtk_core", TK_CORE),
            ("Dlinux_banner", BANNER),
            ("R__start_notes", NOTES),
            ("R__stop_notes", NOTES + 24),
            ("D__start_BTF", BTF),
            ("D__stop_BTF", BTF + self.btf_size),
            ("B_end", IMAGE_SIZE - 0x800),
        ]
        .iter()
        .map(|&(name, offset)| (name.to_owned(), self.text + offset))
        .collect();
        // Enough to need several markers.
        symbols.extend((0..600).map(|index| (format!("tfunction_{index}"), self.text + 0x100 + index)));
        if self.options.encoding == Encoding::AbsolutePerCpu {
            symbols.push(("Arunqueues".into(), 0x31c40));
        }
        symbols.sort_by_key(|(_, address)| *address);
        symbols
    }

    pub(crate) fn kallsyms(&self) -> Tables {
        let long_names = true;
        Tables::new(&self.symbols(), self.text + KALLSYMS, self.text, self.options.encoding, long_names)
    }

    fn vmcoreinfo(&self) -> String {
        let text = self.text;
        let phys_base = IMAGE_PHYSICAL.wrapping_sub(text - 0xffff_ffff_8000_0000) as i64;
        let mut info = format!(
            "OSRELEASE={RELEASE}\nPAGESIZE=4096\nSYMBOL(init_uts_ns)={:x}\nOFFSET(uts_namespace.name)=0\n\
             SYMBOL(swapper_pg_dir)={:x}\nSYMBOL(_stext)={text:x}\nSYMBOL(mem_section)={:x}\n\
             NUMBER(phys_base)={phys_base}\nNUMBER(pgtable_l5_enabled)={}\nKERNELOFFSET={:x}\n",
            text + UTS,
            text + ROOT,
            self.direct_map + 0x1000,
            self.options.levels - 4,
            text - 0xffff_ffff_8100_0000,
        );
        if self.options.says_kallsyms {
            let places = self.kallsyms().places(text + KALLSYMS, self.options.encoding);
            info += &format!(
                "BUILD-ID=0123456789\nSYMBOL(kallsyms_names)={:x}\nSYMBOL(kallsyms_num_syms)={:x}\n\
                 SYMBOL(kallsyms_token_table)={:x}\nSYMBOL(kallsyms_token_index)={:x}\n\
                 SYMBOL(kallsyms_offsets)={:x}\n",
                places.names, places.count, places.token_table, places.token_index, places.offsets
            );
            if let Some(base) = places.relative_base {
                info += &format!("SYMBOL(kallsyms_relative_base)={base:x}\n");
            }
        }
        info
    }

    fn types(&self) -> Vec<u8> {
        let mut btf = BtfBuilder::new();
        let int = btf.int("int", 4);
        let long = btf.int("long int", 8);
        let char = btf.int("char", 1);
        let pointer = btf.pointer(0);
        let comm = btf.array(char, 16);
        let list_head = btf.structure("list_head", 16, &[("next", pointer, 0), ("prev", pointer, 8)]);
        btf.structure(
            "task_struct",
            0x100,
            &[
                ("__state", int, 0x10),
                ("flags", int, 0x14),
                ("tasks", list_head, TASKS as u32),
                ("mm", pointer, 0x50),
                ("exit_state", int, 0x58),
                ("pid", int, 0x5c),
                ("tgid", int, 0x60),
                ("real_parent", pointer, 0x68),
                ("comm", comm, 0x70),
                ("signal", pointer, 0x80),
            ],
        );
        btf.structure("signal_struct", 0x40, &[("nr_threads", int, 0x10)]);
        btf.structure("timekeeper", 0x40, &[("xtime_sec", long, 0)]);
        let seqcount = btf.structure("seqcount_raw_spinlock", 4, &[("sequence", int, 0)]);
        let counter = btf.structure("percpu_counter", 16, &[("count", long, 0), ("counters", pointer, 8)]);
        let members = ["MM_FILEPAGES", "MM_ANONPAGES", "MM_SWAPENTS", "MM_SHMEMPAGES"];
        let members: Vec<_> = members.iter().enumerate().map(|(index, name)| (*name, index as i32)).collect();
        btf.enumeration("", false, &members);
        let rss_stat = if self.options.per_cpu_counters {
            btf.array(counter, 4)
        } else {
            let atomic = btf.structure("atomic64_t", 8, &[("counter", long, 0)]);
            let counts = btf.array(atomic, 4);
            btf.structure("mm_rss_stat", 32, &[("count", counts, 0)])
        };
        let inner = btf.structure("", 0x80, &[("rss_stat", rss_stat, MM_COUNTERS as u32)]);
        btf.structure("mm_struct", 0x80, &[("", inner, 0)]);
        btf.typedef("seqcount_raw_spinlock_t", seqcount);
        btf.finish(None)
    }

    /// Physical address of the n-th process's task; 0 is `init_task`.
    pub(crate) fn task(&self, index: u64) -> u64 {
        if index == 0 { IMAGE_PHYSICAL + INIT_TASK } else { 0x80_0000 + 0x1000 * index }
    }

    /// Virtual address of the n-th process's task.
    pub(crate) fn task_va(&self, index: u64) -> u64 {
        match index {
            0 => self.text + INIT_TASK,
            _ => self.direct_map + self.task(index),
        }
    }

    /// systemd (1), kthreadd (2), a stopped process with three threads (3), a zombie (4).
    fn add_processes(&mut self) {
        let processes: [(u32, u32, u32, &str, u64); 5] = [
            (0, 0, 0x0020_0000, "swapper/0", 0),
            (1, 0, 0, "systemd", 0),
            (1, 0, 0x0020_0000, "kthreadd", 0),
            (4, 0, 0, "fifteen-letters", 1),
            (0x80, 0x20, 0, "gone", 1),
        ];
        for (index, (state, exit_state, flags, comm, parent)) in processes.into_iter().enumerate() {
            let index = index as u64;
            let (task, after) = (self.task(index), (index + 1) % 5);
            let signal = 0xa0_0000 + 0x100 * index;
            let mm = 0xb0_0000 + 0x100 * index;
            self.put_u32(task + 0x10, state);
            self.put_u32(task + 0x14, flags);
            self.put_u64(task + TASKS, self.task_va(after) + TASKS);
            self.put_u64(task + TASKS + 8, self.task_va((index + 4) % 5) + TASKS);
            let has_memory = index == 1 || index == 3;
            self.put_u64(task + 0x50, if has_memory { self.direct_map + mm } else { 0 });
            self.put_u32(task + 0x58, exit_state);
            self.put_u32(task + 0x5c, index as u32);
            self.put_u32(task + 0x60, index as u32);
            self.put_u64(task + 0x68, self.task_va(parent));
            self.put(task + 0x70, comm.as_bytes());
            self.put_u64(task + 0x80, self.direct_map + signal);
            self.put_u32(signal + 0x10, if index == 3 { 3 } else { 1 });
            // 10 + 20 + 30 pages; swapped ones do not count.
            for (counter, pages) in [10u64, 20, 1000, 30].into_iter().enumerate() {
                let counter = counter as u64;
                let parts = 0x40 * index + 4 * counter;
                if self.options.per_cpu_counters {
                    self.put_u64(mm + MM_COUNTERS + 16 * counter, pages.wrapping_sub(5));
                    self.put_u64(mm + MM_COUNTERS + 16 * counter + 8, parts);
                    self.put_u32(0x90_0000 + parts, 8);
                    self.put_u32(0x90_1000 + parts, -3i32 as u32);
                } else {
                    self.put_u64(mm + MM_COUNTERS + 8 * counter, pages);
                }
            }
        }
    }
}
