//! What becomes zero, and in which order.
//!
//! Whatever leads to something else goes after it: partitions before the tables that say where they are, a
//! chained boot record after what is behind it, the backup of a table before the table, flushes between.

use std::cmp::Reverse;
use std::ops::Range;

use crate::disk::wipe::partition_ranges::Places;
use crate::small_sort;
use crate::units::MIB;

/// At the start of a disk and of each partition: nearly every signature is within, and every table.
const HEAD: u64 = MIB;
/// And at the end, where Promise's arrays have theirs 1.5 MiB before it.
const TAIL: u64 = 2 * MIB;
/// The longest range of any plan.
pub const LONGEST: u64 = TAIL;

/// Both ends, apart from each other; either may be empty.
pub fn ends(range: &Range<u64>) -> [Range<u64>; 2] {
    let head = range.start..range.end.min(range.start.saturating_add(HEAD));
    let tail = range.end.saturating_sub(TAIL).max(head.end)..range.end;
    [tail, head]
}

/// For a disk of `size` bytes: what lies between its ends, then the ends themselves.
pub fn plan(size: u64, sector: u64, places: &Places) -> (Vec<Range<u64>>, [Range<u64>; 2]) {
    let whole = ends(&(0..size));
    let [tail, head] = &whole;
    let record = |at: &u64| *at..at + sector;
    let partitions = places.partitions.iter().map(|own| own.start..own.end);
    let mut chain: Vec<_> = partitions
        .map(|own| (own.start, ends(&own)))
        .chain(places.records.iter().map(|at| (*at, [record(at), 0..0])))
        .collect();
    small_sort::by_key(&mut chain, |(start, _)| Reverse(*start));
    let chain = chain.into_iter().flat_map(|(_, ranges)| ranges);
    let inner = chain.chain(places.headers.iter().map(record));
    let inner = inner.map(|range| range.start.max(head.end)..range.end.min(tail.start));
    let inner = inner.filter(|range| !range.is_empty()).collect();
    (inner, whole)
}
