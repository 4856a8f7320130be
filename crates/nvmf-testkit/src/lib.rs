//! Worlds for tests: kernel targets, daemons and conditions in the guest; fake targets

pub mod agent;
