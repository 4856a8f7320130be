//! What is printed about the world of a failed test.

use super::World;

/// Lines of the journal that are shown.
const LINES: &str = "-n300";

impl World {
    pub(super) fn report(&self) {
        eprintln!(
            "--- world `{}` after {:.1?} ---",
            self.name,
            self.started.elapsed()
        );
        eprintln!("controllers:");
        for controller in self.controllers() {
            eprintln!("  {controller}");
        }
        eprintln!("uevents of nvme:");
        for event in self.uevents() {
            eprintln!("  {event}");
        }
        eprintln!("journal:");
        for line in self.log(&["-o", "short-monotonic", LINES]).lines() {
            eprintln!("  {line}");
        }
        eprintln!("--- end of world `{}` ---", self.name);
    }
}
