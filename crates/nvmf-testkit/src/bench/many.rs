//! Very many connections that are known and not made: what it takes to show them all.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{settle, time};
use crate::files::OrFail;
use crate::host;
use crate::{LATER, World};

/// How many.
const MANY: usize = 10_000;
/// How often it is looked whether all are on the bus.
const GLANCE: Duration = Duration::from_secs(1);

/// Prints how long it takes until all are objects on the bus, and how much memory; there is no goal.
pub(super) fn show(world: &World) {
    world.exclude("transport=tcp");
    let section = |number| {
        format!(
            "[Subsystem]\nnqn = nqn.2026-11.many:{number}\n\
             controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420\n"
        )
    };
    world.config(&(0..MANY).map(section).collect::<String>());
    let started = Instant::now();
    world.start();
    let ready = started.elapsed();
    while objects() < MANY {
        assert!(started.elapsed() < LATER, "not all are on the bus");
        std::thread::sleep(GLANCE);
    }
    let shown = started.elapsed();
    settle();
    let status = time(&["nvmf", "status"]);
    let kib = host::memory_kib(world.pid().or_fail("find the daemon"), "VmRSS");
    println!(
        "daemon: {MANY} excluded connections: ready after {ready:.1?}, all on the bus after {shown:.1?}, \
         nvmf status {status:.1?}, {kib} KiB resident"
    );
    world.stop();
    world.include("transport=tcp");
}

/// Objects of the daemon below its own.
fn objects() -> usize {
    let arguments = [
        "--json=short",
        "call",
        "org.nvmexpress.Discoverd1",
        "/org/nvmexpress/discoverd",
        "org.freedesktop.DBus.ObjectManager",
        "GetManagedObjects",
    ];
    let answer = Command::new("busctl").args(arguments).output();
    let answer = answer.or_fail("run busctl").stdout;
    let answer = String::from_utf8_lossy(&answer);
    answer
        .matches("/org/nvmexpress/discoverd/controller_")
        .count()
}
