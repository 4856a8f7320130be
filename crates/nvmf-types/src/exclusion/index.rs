//! Finding rules without looking at all of them.
//!
//! Entries that ask for the same fields are found together: their values make one key, and so do
//! the connection's values of these fields. Lists have few such combinations (nqn; traddr and
//! nqn; transport …), so a question costs a few look-ups, however many entries there are.

use super::Rule;
use super::matching::{Fields, Shape};

/// Rules by the values of all their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The combinations of fields that rules ask for.
    shapes: Vec<Shape>,
    /// Keys and positions, sorted.
    slots: Vec<(u64, usize)>,
    /// Where the keys begin whose first bits are the place in here, and the end.
    starts: Vec<usize>,
    /// How many bits those are.
    bits: u32,
}

impl Index {
    /// An index of rules, each with its position.
    pub(super) fn new<'a>(rules: impl Iterator<Item = (usize, &'a Rule)>) -> Self {
        let mut shapes: Vec<Shape> = Vec::new();
        let mut slots = Vec::with_capacity(rules.size_hint().1.unwrap_or_default());
        for (position, rule) in rules {
            // what no connection can match is left out
            let Some(fields) = Fields::of_rule(rule) else {
                continue;
            };
            if let Err(place) = shapes.binary_search(&fields.shape()) {
                shapes.insert(place, fields.shape());
            }
            slots.extend(fields.key(fields.shape()).map(|key| (key, position)));
        }
        slots.sort_unstable();
        let bits = slots.len().next_power_of_two().trailing_zeros();
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (place, (key, _)) in slots.iter().enumerate() {
            while starts.len() <= first(bits, *key) {
                starts.push(place);
            }
        }
        starts.resize((1 << bits) + 1, slots.len());
        Self {
            shapes,
            slots,
            starts,
            bits,
        }
    }

    /// For each combination of fields that the connection has, the positions of the rules that
    /// ask for its values of them, in ascending order. Some may not match after all.
    pub(super) fn candidates<'a>(
        &'a self,
        connection: &'a Fields,
    ) -> impl Iterator<Item = impl Iterator<Item = usize> + 'a> + 'a {
        let shapes = self.shapes.iter();
        shapes.filter_map(|shape| {
            let key = connection.key(*shape)?;
            let place = first(self.bits, key);
            let (start, end) = (*self.starts.get(place)?, *self.starts.get(place + 1)?);
            let slots = self.slots.get(start..end)?;
            let slots = slots.get(slots.partition_point(|(k, _)| *k < key)..)?;
            let same = slots.iter().take_while(move |(k, _)| *k == key);
            Some(same.map(|(_, position)| *position))
        })
    }
}

/// The first bits of a key.
fn first(bits: u32, key: u64) -> usize {
    let first = key.checked_shr(u64::BITS - bits).unwrap_or_default();
    usize::try_from(first).unwrap_or_default()
}
