//! Walks through worlds that are made up: what becomes of each target, and in which order.

mod interrupted;
mod properties;
mod scenarios;
mod world;
