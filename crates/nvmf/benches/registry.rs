//! How fast the registry is: `taskset -c 0 cargo bench -p nvmf --bench registry`.
//!
//! In memory (`/dev/shm`), where the registry of a host is too. See docs/benchmarks.md.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fs;
use std::path::Path;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::{DeviceName, Owner};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// A host with `count` controllers, whose entries `me` owns.
struct Host {
    _dir: TempDir,
    registry: Registry,
    device: DeviceName,
    me: Owner,
}

impl Host {
    fn new(count: u32) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => TempDir::new_in(memory).unwrap(),
            false => TempDir::new().unwrap(),
        };
        let path = |relative: &str| dir.path().join(relative);
        fs::create_dir_all(path("sys/kernel")).unwrap();
        fs::create_dir_all(path("run")).unwrap();
        fs::write(path("sys/kernel/uevent_seqnum"), "4711\n").unwrap();
        let registry = Registry::open(&Root::new(dir.path()));
        let me: Owner = "discoverd".parse().unwrap();
        for number in 0..count {
            let device = DeviceName::from_number(number);
            let sysfs = path("sys/class/nvme").join(device.as_str());
            fs::create_dir_all(&sysfs).unwrap();
            fs::write(sysfs.join("transport"), "tcp\n").unwrap();
            let _ = registry.claim(&device, &me).unwrap();
        }
        Self {
            _dir: dir,
            registry,
            device: DeviceName::from_number(count / 2),
            me,
        }
    }

    fn claim(&self) {
        let _ = black_box(self.registry.claim(&self.device, &self.me).unwrap());
    }

    fn release(&self) {
        let _ = black_box(self.registry.release(&self.device, &self.me).unwrap());
    }
}

#[divan::bench]
fn owner(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    bencher.bench_local(|| host.registry.owner(black_box(&host.device)).unwrap());
}

#[divan::bench]
fn owner_by_a_watch(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    let watch = host.registry.watch().unwrap();
    bencher.bench_local(|| watch.owner(black_box(&host.device)).unwrap());
}

#[divan::bench(sample_size = 1, sample_count = 10_000)]
fn claim_of_an_unowned_entry(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    bencher
        .with_inputs(|| host.release())
        .bench_local_values(|()| host.claim());
}

#[divan::bench(sample_size = 1, sample_count = 10_000)]
fn claim_without_an_entry(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    bencher
        .with_inputs(|| host.registry.delete(&host.device).unwrap())
        .bench_local_values(|()| host.claim());
}

#[divan::bench]
fn claim_of_what_is_mine(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    bencher.bench_local(|| host.claim());
}

#[divan::bench(sample_size = 1, sample_count = 10_000)]
fn release(bencher: Bencher<'_, '_>) {
    let host = Host::new(100);
    bencher
        .with_inputs(|| host.claim())
        .bench_local_values(|()| host.release());
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 30)]
fn entries(bencher: Bencher<'_, '_>, count: u32) {
    let host = Host::new(count);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| host.registry.entries().unwrap());
}
