//! Whether something is connected already.

use std::collections::BTreeMap;

use nvmf_types::{
    ControllerClass, ControllerState, DeviceName, HostIdentity, LiveController, TransportId,
};

use crate::Root;
use crate::sysfs::{self, Known, SysfsError};

/// A controller that is the connection `tid` already, however it came to be; one that is live
/// before one that is being reconnected.
///
/// # Errors
/// sysfs or the registry cannot be read.
pub fn find_existing(
    root: &Root,
    tid: &TransportId,
    class: ControllerClass,
    default: &HostIdentity,
) -> Result<Option<LiveController>, SysfsError> {
    let all = sysfs::controllers(root)?;
    Ok(first(all, |live| tid.is_satisfied_by(class, live, default)))
}

/// For many questions like [`find_existing`]: each costs what has appeared since the one before it,
/// and not all that is connected.
#[derive(Debug, Default)]
pub struct Existing {
    known: Known,
    there: BTreeMap<DeviceName, LiveController>,
}

impl Existing {
    /// As [`find_existing`]. A controller whose first connect is under way is none yet.
    ///
    /// # Errors
    /// sysfs or the registry cannot be read.
    pub fn find(
        &mut self,
        root: &Root,
        tid: &TransportId,
        class: ControllerClass,
        default: &HostIdentity,
    ) -> Result<Option<LiveController>, SysfsError> {
        for live in self.known.newcomers(root)? {
            self.there.insert(live.device.clone(), live);
        }
        // what they are now is asked only of those that it can be: an address may have changed since
        let may_be = |live: &&LiveController| {
            live.tid.transport == tid.transport
                && match class {
                    ControllerClass::Io => live.tid.nqn == tid.nqn,
                    _ => live.class == Some(class),
                }
        };
        let candidates = self.there.values().filter(may_be);
        let candidates: Vec<DeviceName> = candidates.map(|live| live.device.clone()).collect();
        let mut now = Vec::new();
        for device in candidates {
            match sysfs::controller(root, &device)? {
                Some(live) => now.push(live),
                None => drop(self.there.remove(&device)),
            }
        }
        Ok(first(now, |live| tid.is_satisfied_by(class, live, default)))
    }
}

fn first(
    controllers: Vec<LiveController>,
    is_it: impl Fn(&LiveController) -> bool,
) -> Option<LiveController> {
    let going = [ControllerState::Deleting, ControllerState::Dead];
    let mut found: Vec<LiveController> = controllers
        .into_iter()
        .filter(|live| !going.contains(&live.state) && is_it(live))
        .collect();
    found.sort_by_key(|live| live.state != ControllerState::Live);
    found.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const A: &str = "nqn.2014-08.org.example:a";

    #[test]
    fn the_answers_are_those_of_a_look_at_everything() {
        let host = FakeHost::new();
        let mut existing = Existing::default();
        let mut ask = |nqn: &str| {
            let text = format!("transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn={nqn}");
            let tid: TransportId = text.parse().unwrap();
            let (class, default) = (ControllerClass::Io, HostIdentity::default());
            let found = existing.find(&host.root(), &tid, class, &default).unwrap();
            let all = find_existing(&host.root(), &tid, class, &default).unwrap();
            assert_eq!(found, all, "{nqn}");
            found.map(|live| live.device.to_string())
        };
        assert_eq!(ask(A), None, "nothing is there");
        host.tcp("nvme1", A);
        assert_eq!(ask(A).as_deref(), Some("nvme1"));
        host.attribute("nvme1", "state", "deleting\n");
        assert_eq!(ask(A), None, "it goes");
        host.attribute("nvme1", "state", "connecting\n");
        assert_eq!(ask(A).as_deref(), Some("nvme1"), "it is being reconnected");
        host.replace_tcp("nvme1", "nqn.2014-08.org.example:b");
        assert_eq!(ask(A), None, "another one has its name");
        assert_eq!(ask("nqn.2014-08.org.example:b").as_deref(), Some("nvme1"));
        host.remove_controller("nvme1");
        assert_eq!(ask("nqn.2014-08.org.example:b"), None);
    }
}
