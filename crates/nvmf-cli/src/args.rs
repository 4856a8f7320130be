//! Options that several commands have.

mod device;
mod entry;
mod output;
mod target;
mod tunables;

pub(crate) use device::{DeviceArg, DeviceArgError};
pub(crate) use entry::EntryArgs;
pub(crate) use output::{Format, OutputArgs};
pub(crate) use target::{TargetArgs, identify};
pub(crate) use tunables::TunableArgs;
