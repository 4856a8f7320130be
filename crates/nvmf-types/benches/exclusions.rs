//! How fast exclusions are: `taskset -c 0 cargo bench -p nvmf-types --bench exclusions`.
//!
//! See docs/benchmarks.md.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fmt::Write;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use nvmf_types::exclusion::{Document, ExclusionSet, Exclusions, Rule};
use nvmf_types::{ControllerClass, TransportId};

const SIZES: [usize; 3] = [10, 1_000, 100_000];
const CLASS: ControllerClass = ControllerClass::Io;

fn main() {
    divan::main();
}

/// What the entry of this number asks for: four in five have a subsystem, an address, or both.
fn entry(number: usize) -> String {
    let nqn = format!("nqn=nqn.2014-08.org.example:array.{number:06}");
    let [_, a, b, c] = u32::try_from(number).unwrap().to_be_bytes();
    match number % 5 {
        0 => nqn,
        1 => format!("transport=tcp;traddr=10.{a}.{b}.{c};trsvcid=4420;{nqn}"),
        2 => format!("traddr=fd00::{a:x}:{b:x}:{c:x}"),
        3 => format!("traddr=10.{a}.{b}.{c};{nqn}"),
        _ => format!("transport=rdma;host-traddr=10.{a}.{b}.{c}"),
    }
}

fn list(count: usize) -> String {
    let mut text = "# A list\n[exclusions]\n".to_owned();
    for number in 0..count {
        writeln!(text, "exclusion = {}", entry(number)).unwrap();
    }
    text
}

fn set(count: usize) -> ExclusionSet {
    ExclusionSet::new(Exclusions::parse("exclusions.conf", &list(count)))
}

/// Connections that differ, so that one answer does not help the next: 1,000 from all over the
/// list, or, if `hit` is not set, that no entry matches.
fn connections(count: usize, hit: bool) -> Vec<TransportId> {
    let one = |step: usize| {
        let number = (step * 7919 + 1) % count;
        let number = number - number % 5 + 3;
        let [_, a, b, c] = u32::try_from(number).unwrap().to_be_bytes();
        let net = if hit { 10 } else { 11 };
        let text = format!(
            "transport=tcp;traddr={net}.{a}.{b}.{c};nqn=nqn.2014-08.org.example:array.{number:06};hostnqn=nqn.2014-08.org.example:host"
        );
        text.parse().unwrap()
    };
    (0..1_000).map(one).collect()
}

fn ask(bencher: Bencher<'_, '_>, count: usize, hit: bool) {
    let set = set(count);
    let connections = connections(count, hit);
    let hits = |tid: &TransportId| set.matches(tid, CLASS).is_some();
    assert!(connections.iter().all(|tid| hits(tid) == hit));
    bencher
        .counter(ItemsCount::new(connections.len()))
        .bench_local(|| {
            let asked = black_box(&connections).iter();
            asked.filter(|tid| hits(tid)).count()
        });
}

/// 1,000 questions to lists of different length.
#[divan::bench(args = SIZES)]
fn excluded(bencher: Bencher<'_, '_>, entries: usize) {
    ask(bencher, entries, true);
}

/// The same with connections that may be made, which is the usual answer.
#[divan::bench(args = SIZES)]
fn not_excluded(bencher: Bencher<'_, '_>, entries: usize) {
    ask(bencher, entries, false);
}

/// For comparison: 1,000 questions without an index.
#[divan::bench(args = [10, 1_000], sample_count = 10)]
fn without_an_index(bencher: Bencher<'_, '_>, entries: usize) {
    let set = set(entries);
    let rules: Vec<&Rule> = set
        .entries()
        .iter()
        .map(|e| e.kind.as_ref().unwrap())
        .collect();
    let connections = connections(entries, false);
    bencher
        .counter(ItemsCount::new(connections.len()))
        .bench_local(|| {
            let asked = black_box(&connections).iter();
            asked
                .filter(|tid| rules.iter().any(|rule| rule.matches(tid, CLASS)))
                .count()
        });
}

/// A text of `bytes` with as many lines as that takes.
fn ten_megabytes(line: impl Fn(usize) -> String) -> String {
    let mut text = "[exclusions]\n".to_owned();
    for number in 0.. {
        text.push_str(&line(number));
        if text.len() >= 10_000_000 {
            break;
        }
    }
    text
}

#[divan::bench(args = ["entries", "comments"], sample_count = 20)]
fn parse_10_mb(bencher: Bencher<'_, '_>, of: &str) {
    let text = ten_megabytes(|number| match of {
        "entries" => format!("exclusion = {}\n", entry(number)),
        _ => format!("# exclusion = {}\n", entry(number)),
    });
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| Exclusions::parse("exclusions.conf", black_box(&text)));
}

/// Read to be edited: the text is kept.
#[divan::bench(sample_count = 20)]
fn document_of_10_mb(bencher: Bencher<'_, '_>) {
    let text = ten_megabytes(|number| format!("exclusion = {}\n", entry(number)));
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| Document::parse("exclusions.conf", black_box(text.as_str())));
}

/// What the daemon does after a change: text to a set that can be asked.
#[divan::bench(sample_count = 50)]
fn rebuild_10_000(bencher: Bencher<'_, '_>) {
    let text = list(10_000);
    bencher
        .bench_local(|| ExclusionSet::new(Exclusions::parse("exclusions.conf", black_box(&text))));
}
