//! A person's word: attributes, the owner too, whoever it is now.

use nvmf_types::{AttrName, DeviceName, Owner};

use super::look::publish;
use super::{Kind, again, done, look, withdraw};
use crate::registry::RegistryErrorKind;
use crate::registry::stamp;
use crate::registry::steps::{Existing, Step, Steps};

/// Sets an attribute of the incarnation `sysfs_ino` of `device`. `owner` is the value, if the
/// attribute is the owner.
pub(in crate::registry) fn set<S: Steps>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
    (attribute, value): (&AttrName, &str),
    owner: Option<&Owner>,
) -> Kind<()> {
    let gone = || RegistryErrorKind::NoSuchController(device.clone());
    let name = attribute.as_str();
    let _lock = steps.lock()?;
    again(|| {
        if steps.current(device)? != Some(sysfs_ino) {
            return Err(gone());
        }
        let step = match look(steps, device)? {
            Some(live) if live.is_live(Some(sysfs_ino)) => match owner {
                Some(owner) => live.give_to(steps, device, sysfs_ino, owner, Existing::Replace)?,
                None => match steps.write(&live.entry, name, value, Existing::Replace)? {
                    Step::Done => live.is_still_in_place(steps, device)?,
                    Step::Overtaken => Step::Overtaken,
                },
            },
            stale => {
                let mut attributes = stamp::of(steps, sysfs_ino);
                attributes.insert(name.to_owned(), value.to_owned());
                publish(steps, device, &attributes, stale.as_ref())?
            }
        };
        Ok(done(step, ()))
    })?;
    // The controller may have gone before its entry came.
    if steps.current(device)? != Some(sysfs_ino) {
        withdraw(steps, device, sysfs_ino)?;
        return Err(gone());
    }
    Ok(())
}
