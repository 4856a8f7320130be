//! Given events, expect actions; and what holds whatever happens.

#[cfg(test)]
mod picture;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod visits;
#[cfg(test)]
mod world;

#[cfg(test)]
mod discovery;
#[cfg(test)]
mod exclusions;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod many;
#[cfg(test)]
mod nudges;
#[cfg(test)]
mod others;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod start;
