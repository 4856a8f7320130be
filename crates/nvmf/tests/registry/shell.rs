//! Other tools: shell scripts that write entries in nvme-cli's way, and know of no lock.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::child::{Manners, Work};
use crate::host::Host;
use crate::processes::{
    assert_consistent, assert_usable_and_clean, kernel, kill_at_random, work, world,
};
use crate::program::seed;
use crate::slot::{Histories, Slot, names};

/// Its log is that of a child. `/proc/uptime` has hundredths of a second: an end is one later.
const SCRIPT: &str = r#"
root=$1 log=$2 slot=$3 from=$4 to=$5 manners=$6
registry=$root/run/nvme/registry
mkdir -p "$registry"
now() { read -r up _ </proc/uptime; up=${up%.*}${up#*.}; }
begin() { now; echo "B $number ${up}0000000 nvme$device $1 ." >>"$log"; }
end() { now; echo "E $number $((up + 1))0000000 $1 ." >>"$log"; }

number=$from
while [ "$number" -lt "$to" ]; do
    dice=$(( (number * 7919 + slot * 104729) % 1000003 ))
    device=$(( dice % 8 )) me=s$slot-$number..s$slot-$number
    entry=$registry/nvme$device
    case $manners-$(( dice / 8 % 5 )) in
    *-0|*-1)
        # a whole entry, where there is none
        begin "claim $me -"
        hidden=$registry/.nvme$device.tmp.s$slot-$number
        mkdir "$hidden"
        echo "$me" >"$hidden/owner"
        cat "$root/sys/kernel/uevent_seqnum" >"$hidden/seqnum"
        echo "$me" >"$hidden/pair-a"
        echo "$me" >"$hidden/pair-b"
        if mv -T "$hidden" "$entry"; then end granted; else rm -rf "$hidden"; end fine; fi ;;
    *-2)
        # one attribute, in place
        begin other
        echo "$me" >"$entry/note-b.tmp.s$slot" && mv -T "$entry/note-b.tmp.s$slot" "$entry/note-b"
        end fine ;;
    orderly-*)
        begin read
        owner=-
        read -r owner <"$entry/owner"
        end "saw $owner" ;;
    wild-3)
        # an owner, whoever it was
        begin other
        echo "$me" >"$entry/owner.tmp.s$slot" && mv -T "$entry/owner.tmp.s$slot" "$entry/owner"
        end fine ;;
    wild-4)
        begin other
        mv -T "$entry" "$registry/.trash.s$slot" && rm -rf "$registry/.trash.s$slot"
        end fine ;;
    esac 2>>"$log.complaints"
    number=$(( number + 1 ))
done
"#;

/// Starts one of them.
pub(crate) fn start(work: &Work) -> Child {
    let numbers = [work.slot, work.from, work.to].map(|number| number.to_string());
    let manners = match work.manners {
        Manners::Wild => "wild",
        _ => "orderly",
    };
    let mut shell = Command::new("sh");
    shell
        .args(["-c", SCRIPT, "sh"])
        .arg(&work.root)
        .arg(&work.log);
    shell.args(numbers).arg(manners).stdin(Stdio::null());
    // What it has started goes with it.
    shell.process_group(0).spawn().unwrap()
}

/// Twelve of ours beside four scripts.
fn mixed(host: &Host, seed: u64, manners: Manners) -> Vec<Slot> {
    let slot = |slot: u64| {
        let shell = slot % 4 == 3;
        let count = if shell { 300 } else { 2000 };
        Slot::start(Work {
            shell,
            ..work(host, seed, slot, count, manners)
        })
    };
    (0..16).map(slot).collect()
}

fn histories(slots: &[Slot]) -> (u64, Histories) {
    let mut histories: Histories = names().map(|name| (name, Vec::new())).collect();
    let answered = slots.iter().map(|slot| slot.tell(&mut histories)).sum();
    (answered, histories)
}

/// Scripts that add entries and attributes: nothing that anybody is told turns out untrue.
#[test]
fn beside_shell_scripts() {
    let seed = seed();
    let (host, first): (Host, BTreeMap<String, u64>) = world();
    let mut slots = mixed(&host, seed, Manners::Orderly);
    kill_at_random(&mut slots, seed, 100);
    let (answered, histories) = histories(&slots);
    eprintln!("{answered} answers");
    assert_consistent(&host, &first, histories);
    assert_usable_and_clean(&host);
}

/// Scripts that also overwrite owners and delete entries blindly, while numbers are recycled.
/// Owners get lost to them, but nothing fails, and no value is ever half.
#[test]
fn beside_wild_shell_scripts() {
    let seed = seed();
    let (host, _) = world();
    let mut slots = mixed(&host, seed, Manners::Wild);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let kernel = scope.spawn(|| kernel(&host, seed, &stop));
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            kill_at_random(&mut slots, seed, 100);
        }));
        stop.store(true, Ordering::Relaxed);
        let _ = kernel.join().unwrap();
        killed.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
    });
    let (answered, _) = histories(&slots);
    eprintln!("{answered} answers");
    assert_usable_and_clean(&host);
    complaints_are_expected(&host.path("log"));
}

/// What `mv` and the shell complain about is that others were faster.
fn complaints_are_expected(logs: &Path) {
    for log in std::fs::read_dir(logs).unwrap() {
        let path = log.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "complaints")
        {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let expected = [
                "not empty",
                "No such file",
                "nonexistent",
                "cannot overwrite",
                "File exists",
            ];
            assert!(expected.iter().any(|word| line.contains(word)), "{line}");
        }
    }
}
