//! Prints who owns a controller: `owner nvme3`, on this host.
//!
//! With a folder and a number, `owner nvme3 /tmp/host 1000` asks a thousand times in the tree
//! below that folder, and with `watch` after them a watch: for counting system calls
//! (docs/benchmarks.md).

use std::error::Error;

use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::DeviceName;

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let device: DeviceName = arguments.next().ok_or("which controller?")?.parse()?;
    let root = arguments.next().map_or_else(Root::system, Root::new);
    let times: u32 = arguments.next().map_or(Ok(1), |text| text.parse())?;

    let registry = Registry::open(&root);
    let mut owner = None;
    if arguments.next().as_deref() == Some("watch") {
        let watch = registry.watch()?;
        for _ in 0..times {
            owner = watch.owner(&device)?;
        }
    } else {
        for _ in 0..times {
            owner = registry.owner(&device)?;
        }
    }
    match owner {
        Some(owner) => println!("{owner}"),
        None => println!("nobody"),
    }
    Ok(())
}
