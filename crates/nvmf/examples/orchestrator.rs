//! How an orchestrator gets along with the others on a host: `orchestrator my-csi-driver nvme3`.
//!
//! It takes a controller over if nobody owns it, looks after it, and gives it up again.

use std::error::Error;

use nvmf::Root;
use nvmf::registry::{Claim, Registry};
use nvmf::sysfs::Pinned;
use nvmf_types::{DeviceName, Owner};

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let me: Owner = arguments.next().ok_or("who are you?")?.parse()?;
    let device: DeviceName = arguments.next().ok_or("which controller?")?.parse()?;
    let root = Root::system();
    let registry = Registry::open(&root);

    // This very controller, not whichever has its number later.
    let pinned = Pinned::open(&root, &device)?.ok_or("no such fabrics controller")?;

    match registry.claim_of(&device, pinned.sysfs_ino(), &me)? {
        Claim::Granted | Claim::AlreadyMine => {}
        Claim::OwnedBy(other) => {
            println!("{device} is {other}'s: hands off");
            return Ok(());
        }
        Claim::NoSuchController => {
            println!("{device} is gone");
            return Ok(());
        }
    }
    registry.set(&device, &"volume".parse()?, "pvc-0042")?;

    // … use it …

    // Only what is still mine. To disconnect it as well, ask once more and use the pin:
    //     if pinned.owner(&registry)?.as_ref() == Some(&me) { pinned.delete()?; }
    println!("{device}: {}", registry.release(&device, &me)?);
    Ok(())
}
