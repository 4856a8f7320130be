//! Options that several commands have.

mod device;
mod entry;
mod output;
mod target;
mod tunables;
mod walk;

pub(crate) use device::{DeviceArg, DeviceArgError};
pub(crate) use entry::EntryArgs;
pub(crate) use output::{Format, OutputArgs};
pub(crate) use target::{RESOLVE_TIMEOUT, TargetArgs, identify};
pub(crate) use tunables::TunableArgs;
pub(crate) use walk::WalkArgs;
