//! The registry's operations, as sequences of [`Steps`](super::steps::Steps): what is asked for,
//! what is decided on, and in which order it is written.
//!
//! The rules that hold them together:
//!
//! - Our own writers hold the lock. What other tools do meanwhile makes a step come out as
//!   [`Step::Overtaken`], and the operation looks again.
//! - A stamp is written with the owner or before it, and removed after it: an owner without a
//!   stamp is another tool's.
//! - An entry that appeared is looked at once more: if its controller went meanwhile, whoever
//!   wrote it takes it back.
//! - Nothing but an explicit wish removes an entry about a controller that is there.

mod claim;
mod disconnect;
mod look;
mod owner;
mod register;
mod remove;
mod set;

pub(super) use claim::{claim, release};
pub(crate) use disconnect::Asked;
pub(super) use disconnect::delete_if;
use look::look;
pub(super) use owner::{attribute, owner, owner_of, stable};
pub(super) use register::{New, register, withdraw};
pub(super) use remove::{delete, reap, remove, remove_if_stale};
pub(super) use set::set;

use super::RegistryErrorKind;
use super::steps::Step;

pub(super) type Kind<T> = Result<T, RegistryErrorKind>;

/// How often a writer looks again when others were faster.
const ATTEMPTS: usize = 1000;

/// Repeats until no other writer was faster.
fn again<T>(mut attempt: impl FnMut() -> Kind<Option<T>>) -> Kind<T> {
    for _ in 0..ATTEMPTS {
        if let Some(outcome) = attempt()? {
            return Ok(outcome);
        }
    }
    Err(RegistryErrorKind::Contended)
}

fn done<T>(step: Step, outcome: T) -> Option<T> {
    (step == Step::Done).then_some(outcome)
}
