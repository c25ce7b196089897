// SPDX-License-Identifier: MIT OR Apache-2.0

//! Scenes: what the functions under test work on (tests/differential/scene.h), of random size and contents.

use std::collections::{BTreeMap, HashSet};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::allocator::Allocator;
use crate::fields::Fields;
use crate::machine::Machine;
use crate::memory::{Memory, PAGE_SIZE, Page};
use crate::symbols;

/// Names of items.
pub const NAMES: &[&str] = &[
    "task",
    "kworker",
    "init",
    "",
    "kworker/0:1H-events",
    "a-name-as-long-as-23-by",
    "tasks",
    "Task",
    "\u{e4}\u{f6}\u{fc}",
];

/// A scene in the kernel's address space.
pub struct Scene {
    /// Its bytes by kernel address.
    pub contents: Memory,
    /// Where pointers are, and where they point to. Colours of tree nodes may be in the lowest bits.
    pub pointers: BTreeMap<u64, u64>,
    /// Where `struct scene` is.
    pub root: u64,
    /// Start and size of all objects.
    pub objects: Vec<(u64, u64)>,
}

impl Scene {
    /// A scene in a machine's zones.
    pub fn new(random: &mut StdRng, machine: &Machine, fields: &Fields) -> Self {
        let mut contents = Memory::default();
        let windows: Vec<_> = machine.zones.iter().flat_map(|zone| zone.windows()).collect();
        for page in windows.iter().flat_map(|window| window.clone().step_by(PAGE_SIZE as usize)) {
            contents.insert(page, noise(random.random()));
        }
        let image = machine.layout.image_start;
        let mut objects_at = windows;
        for window in &mut objects_at {
            if window.start == image {
                window.start += symbols::IMAGE_BYTES;
            }
        }
        let scene = Self { contents, pointers: BTreeMap::new(), root: 0, objects: Vec::new() };
        Builder { random, fields, allocator: Allocator::new(objects_at), image, scene, keys: HashSet::new() }
            .build()
    }
}

/// A page of bytes that look like nothing in particular.
fn noise(seed: u64) -> Page {
    let mut page = [0; PAGE_SIZE as usize];
    let mut state = seed;
    for bytes in page.chunks_exact_mut(8) {
        // Knuth's multiplier (MMIX).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.copy_from_slice(&(state ^ state >> 29).to_le_bytes());
    }
    page
}

struct Builder<'a> {
    random: &'a mut StdRng,
    fields: &'a Fields,
    allocator: Allocator,
    image: u64,
    scene: Scene,
    keys: HashSet<u64>,
}

impl Builder<'_> {
    fn build(mut self) -> Scene {
        let bytes = self.fields.get("BYTES");
        let bytes = self.allocate(bytes);
        let number_count = self.fields.get("NUMBERS") + self.random.random_range(0..300);
        let numbers = self.allocate(number_count * 4);
        let root = self.object("scene");
        self.scene.root = root;
        let text_size = self.random.random_range(1..400);
        let text = self.text(text_size);
        let large = [self.object("large"), self.object("large")];
        let count = if self.random.random_bool(0.1) { 0 } else { self.random.random_range(1..36) };
        let items: Vec<_> = (0..count).map(|_| self.object("item")).collect();

        self.number(root, "scene.item_count", count, 4);
        self.number(root, "scene.number_count", number_count, 4);
        self.pointer(root, "scene.numbers", numbers);
        self.pointer(root, "scene.bytes", bytes);
        self.pointer(root, "scene.text", text);
        self.number(root, "scene.text_size", text_size, 8);
        for (index, large) in (0..).zip(large) {
            self.pointer_at(root + self.fields.get("scene.large") + index * 8, large);
        }
        let first = self.any(&items).unwrap_or(0);
        self.pointer(root, "scene.first", first);
        for index in 0..self.fields.get("SLOTS") {
            let item = self.maybe(&items);
            self.pointer_at(root + self.fields.get("scene.slots") + index * 8, item);
        }
        let keys: Vec<_> = items.iter().map(|item| self.item(*item, root, &items)).collect();
        self.list(root + self.fields.get("scene.items"), &items, "item.list");
        self.hash_lists(root, &items, &keys);
        self.singles(root, &items);
        self.tree(root, &items, &keys);
        self.kernel_variables(root, &items);
        self.scene
    }

    /// Fills an item's own fields; returns its key.
    fn item(&mut self, item: u64, root: u64, items: &[u64]) -> u64 {
        let fields = self.fields;
        let peer = self.maybe(items);
        self.pointer(item, "item.peer", peer);
        let other = self.maybe(items);
        self.pointer(item, "item.packed.item", other);
        let slot = self.random.random_range(0..fields.get("SLOTS"));
        self.pointer(item, "item.slot", root + fields.get("scene.slots") + slot * 8);
        let size = self.random.random_range(1..13);
        let data = self.allocate(size * 8);
        self.pointer(item, "item.data", data);
        self.number(item, "item.data_size", size, 4);
        let kind = self.random.random_range(0..fields.get("KINDS"));
        self.number(item, "item.kind", kind, 2);
        let level = self.random.random_range(0..fields.get("LEVELS"));
        self.number(item, "item.level", level, 1);
        let flag = self.random.random_range(0..2);
        self.number(item, "item.flag", flag, 1);
        let divisor = self.interesting() as u32;
        self.number(item, "item.divisor", divisor.max(1).into(), 4);
        let count = self.random.random_range(-3_i64..5) as u64;
        self.number(item, "item.count", count, 4);
        let name = NAMES.choose(self.random).unwrap_or(&"");
        let mut bytes = vec![0; fields.get("NAME_SIZE") as usize];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.scene.contents.write(item + fields.get("item.name"), &bytes);
        let mut key = self.interesting();
        while !self.keys.insert(key) {
            key = self.interesting();
        }
        self.number(item, "item.key", key, 8);
        key
    }

    /// A `struct list_head` with the items, in order.
    fn list(&mut self, head: u64, items: &[u64], member: &str) {
        let nodes: Vec<_> = items.iter().map(|item| item + self.fields.get(member)).collect();
        let ring: Vec<_> = [head].into_iter().chain(nodes).chain([head]).collect();
        for pair in ring.windows(2) {
            self.pointer_at(pair[0], pair[1]);
            self.pointer_at(pair[1] + 8, pair[0]);
        }
    }

    fn hash_lists(&mut self, root: u64, items: &[u64], keys: &[u64]) {
        let buckets = self.fields.get("BUCKETS");
        for bucket in 0..buckets {
            let head = root + self.fields.get("scene.buckets") + bucket * 8;
            let mut link = head;
            for (item, _) in items.iter().zip(keys).filter(|(_, key)| (*key ^ *key >> 32) % buckets == bucket)
            {
                let node = item + self.fields.get("item.hash");
                self.pointer_at(link, node);
                self.pointer_at(node + 8, link);
                link = node;
            }
            self.pointer_at(link, 0);
        }
    }

    fn singles(&mut self, root: u64, items: &[u64]) {
        let mut items = items.to_vec();
        items.shuffle(self.random);
        let mut link = root + self.fields.get("scene.singles");
        for item in items {
            let node = item + self.fields.get("item.single");
            self.pointer_at(link, node);
            link = node;
        }
        self.pointer_at(link, 0);
    }

    /// A search tree of random shape, colours at random.
    fn tree(&mut self, root: u64, items: &[u64], keys: &[u64]) {
        let mut order: Vec<_> = items.iter().copied().zip(keys.iter().copied()).collect();
        order.shuffle(self.random);
        let fields = self.fields;
        let (left, right) = (fields.get("rb_node.rb_left"), fields.get("rb_node.rb_right"));
        let mut links: BTreeMap<u64, u64> = BTreeMap::new();
        let top = root + fields.get("scene.tree");
        for (item, key) in &order {
            let (mut link, mut parent) = (top, 0);
            while let Some(&node) = links.get(&link) {
                let other = node - fields.get("item.rb");
                parent = node;
                let other = self.scene.contents.word(other + fields.get("item.key")).unwrap_or(0);
                link = node + if *key < other { left } else { right };
            }
            let node = item + fields.get("item.rb");
            links.insert(link, node);
            let colour = self.random.random_range(0..2);
            // Both may be in the word: a pointer to nothing is only a colour.
            self.pointer_at(node + fields.get("rb_node.__rb_parent_color"), parent | colour);
        }
        let nodes = items.iter().map(|item| item + fields.get("item.rb"));
        let all: Vec<_> = nodes.flat_map(|node| [node + left, node + right]).chain([top]).collect();
        for link in all {
            self.pointer_at(link, links.get(&link).copied().unwrap_or(0));
        }
    }

    /// The variables of tests/differential/symbols.c.
    fn kernel_variables(&mut self, root: u64, items: &[u64]) {
        self.pointer_at(self.image + symbols::offset("scene_pointer"), root);
        let cpus = self.image + symbols::offset("nr_cpu_ids");
        self.scene.contents.write(cpus, &(symbols::CPUS as u32).to_le_bytes());
        let mut possible = [0; symbols::CPU_MASK_BYTES];
        possible[0] = (1 << symbols::CPUS) - 1;
        self.scene.contents.write(self.image + symbols::offset("__cpu_possible_mask"), &possible);
        for cpu in 0..symbols::CPUS {
            let area = self.allocate(symbols::PER_CPU_BYTES);
            self.pointer_at(self.image + symbols::offset("__per_cpu_offset") + cpu * 8, area);
            let item = self.maybe(items);
            self.pointer_at(area + symbols::offset("scene_current"), item);
            self.pointer_at(area + symbols::offset("this_cpu_off"), area);
            self.pointer_at(area + symbols::offset("current_task"), root);
            self.scene.contents.write(area + symbols::offset("cpu_number"), &(cpu as u32).to_le_bytes());
            // `PREEMPT_ENABLED`: a program is in a task that may be preempted.
            self.scene
                .contents
                .write(area + symbols::offset("__preempt_count"), &0x8000_0000_u32.to_le_bytes());
            self.scene.contents.write(area + symbols::offset("radix_tree_preloads"), &[0; 16]);
            self.scene.contents.write(area + symbols::offset("net_rand_noise"), &[0; 8]);
        }
    }

    fn object(&mut self, structure: &str) -> u64 {
        self.allocate(self.fields.get(structure))
    }

    fn allocate(&mut self, size: u64) -> u64 {
        let at = self.allocator.allocate(self.random, size);
        self.scene.objects.push((at, size));
        at
    }

    /// A text that ends with its only NUL.
    fn text(&mut self, size: u64) -> u64 {
        let at = self.allocate(size);
        let mut text: Vec<u8> = (1..size).map(|_| self.random.random_range(1..=127)).collect();
        text.push(0);
        self.scene.contents.write(at, &text);
        at
    }

    fn number(&mut self, object: u64, field: &str, value: u64, size: usize) {
        let at = object + self.fields.get(field);
        self.scene.contents.write(at, &value.to_le_bytes()[..size]);
    }

    fn pointer(&mut self, object: u64, field: &str, target: u64) {
        self.pointer_at(object + self.fields.get(field), target);
    }

    /// Writes a pointer and remembers that it is one, unless it is NULL (or only a colour).
    fn pointer_at(&mut self, at: u64, target: u64) {
        self.scene.contents.write(at, &target.to_le_bytes());
        if target > 1 {
            self.scene.pointers.insert(at, target);
        } else {
            self.scene.pointers.remove(&at);
        }
    }

    fn any(&mut self, items: &[u64]) -> Option<u64> {
        items.choose(self.random).copied()
    }

    fn maybe(&mut self, items: &[u64]) -> u64 {
        if self.random.random_bool(0.2) { 0 } else { self.any(items).unwrap_or(0) }
    }

    fn interesting(&mut self) -> u64 {
        interesting(self.random)
    }
}

/// A number of the kind at which code goes wrong, or any.
pub fn interesting(random: &mut StdRng) -> u64 {
    let power = 1_u64 << random.random_range(0..64);
    match random.random_range(0..8) {
        0 => random.random_range(0..70),
        1 => power,
        2 => power - 1,
        3 => power.wrapping_neg(),
        4 => random.random_range(0..5000),
        5 => random.random::<u32>().into(),
        _ => random.random(),
    }
}
