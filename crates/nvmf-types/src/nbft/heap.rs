//! The table's bytes, and what is found wrong while they are read.

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::raw::HeapRef;
use super::{Flaw, NbftProblem, Place};

/// No object is longer than this, in bytes: a URI, or a list with an element for every byte value.
const OBJECT_LIMIT: usize = 1024;

/// A table under its way through the decoder.
pub(super) struct Reader<'a> {
    table: &'a [u8],
    heap: &'a [u8],
    heap_offset: usize,
    pub(super) problems: Vec<NbftProblem>,
}

impl<'a> Reader<'a> {
    /// `None` if the heap is not within the table.
    pub(super) fn new(table: &'a [u8], heap_offset: usize, heap_length: usize) -> Option<Self> {
        let heap = slice(table, heap_offset, heap_length)?;
        Some(Self {
            table,
            heap,
            heap_offset,
            problems: Vec::new(),
        })
    }

    /// A part of the table.
    pub(super) fn slice(&self, offset: usize, length: usize) -> Option<&'a [u8]> {
        slice(self.table, offset, length)
    }

    /// A heap object's bytes; `None`: it is not set.
    pub(super) fn object(
        &self,
        field: &'static str,
        place: HeapRef,
    ) -> Result<Option<&'a [u8]>, Flaw> {
        let (offset, length) = (place.offset.get(), place.length.get());
        if length == 0 {
            return Ok(None);
        }
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|offset| offset.checked_sub(self.heap_offset))
            .and_then(|within| slice(self.heap, within, usize::from(length)))
            .ok_or(Flaw::OutsideHeap {
                field,
                offset,
                length,
            })?;
        if bytes.len() > OBJECT_LIMIT {
            return Err(Flaw::ObjectLength {
                field,
                have: bytes.len(),
                want: "at most 1024",
            });
        }
        Ok(Some(bytes))
    }

    /// A heap object that is a structure, and the bytes behind it that later revisions use.
    pub(super) fn structure<T>(
        &self,
        field: &'static str,
        place: HeapRef,
        want: &'static str,
    ) -> Result<Option<(&'a T, &'a [u8])>, Flaw>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        let Some(bytes) = self.object(field, place)? else {
            return Ok(None);
        };
        let short = |_| Flaw::ObjectLength {
            field,
            have: bytes.len(),
            want,
        };
        T::ref_from_prefix(bytes).map(Some).map_err(short)
    }

    /// A heap object that is text, up to its first NUL; `None`: it is not set, or empty.
    pub(super) fn text(
        &self,
        field: &'static str,
        place: HeapRef,
    ) -> Result<Option<&'a str>, Flaw> {
        let Some(bytes) = self.object(field, place)? else {
            return Ok(None);
        };
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())
            .ok()
            .filter(|text| !text.contains(char::is_control))
            .ok_or(Flaw::Text(field))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Keeps a flaw that costs only a field: `None` in its place.
    pub(super) fn noted<T>(&mut self, place: Place, found: Result<Option<T>, Flaw>) -> Option<T> {
        found.unwrap_or_else(|flaw| {
            self.note(place, flaw);
            None
        })
    }

    /// Keeps a flaw that costs only a field.
    pub(super) fn note(&mut self, place: Place, flaw: Flaw) {
        self.problem(place, flaw, false);
    }

    /// Keeps a flaw that costs the descriptor.
    pub(super) fn leave_out(&mut self, place: Place, flaw: Flaw) {
        self.problem(place, flaw, true);
    }

    fn problem(&mut self, place: Place, flaw: Flaw, left_out: bool) {
        self.problems.push(NbftProblem {
            place,
            flaw,
            left_out,
        });
    }
}

fn slice(bytes: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(length)?)
}
