//! The registry's operations under every interleaving.
//!
//! A host in memory: a kernel that gives the lowest free number away at once and queues uevents,
//! a udev that runs its rule late and in any order across devices, tools that connect, claim and
//! disconnect, and somebody who kills them in the middle. The model checker tries every order of
//! their steps. What the tools do is the production code, broken off between any two steps
//! ([`steps::replay`]); only the world around it is made up here.
//!
//! What must hold in every state is in [`properties`]; [`scenarios`] are who is there. The rules
//! that are known to be wrong are there too: the checker must find what is wrong with them.

mod actors;
mod disk;
mod properties;
mod scenarios;
mod steps;
mod world;
