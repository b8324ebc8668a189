//! Reference counts: how many parts of the disk use a cluster of the image.
//!
//! They tell which clusters nobody will ever ask for, and when a compressed one has served all.
//! QEMU, docs/interop/qcow2.txt, "Host cluster management".

use std::collections::BTreeMap;

/// All blocks of counts at hand; beyond, counts are forgotten, which costs room in the stash only.
const MOST: usize = 2 << 20;

/// What is known of them so far.
#[derive(Default)]
pub struct RefCounts {
    /// log2 of the bits of a count.
    order: u32,
    /// RefCounts from a cluster's number on, without the zeros at their end; and how many there are.
    blocks: BTreeMap<u64, (Vec<u8>, u64)>,
    held: usize,
}

impl RefCounts {
    /// Of an image whose counts have 2 to the power of `order` bits each.
    pub fn new(order: u32) -> Self {
        RefCounts {
            order,
            ..Default::default()
        }
    }

    /// How many counts a block of `len` bytes has.
    pub fn in_block(&self, len: u64) -> u64 {
        (len << 3) >> self.order
    }

    /// Learns the counts of the clusters from number `first` on; forgets those below number `passed`.
    pub fn learn(&mut self, first: u64, block: &[u8], passed: u64) {
        self.blocks.retain(|first, (bytes, count)| {
            let ahead = *first + *count > passed;
            if !ahead {
                self.held -= bytes.len();
            }
            ahead
        });
        let len = block
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        if self.held + len <= MOST {
            let count = self.in_block(block.len() as u64);
            let old = self.blocks.insert(first, (block[..len].to_vec(), count));
            self.held += len;
            self.held -= old.map_or(0, |(bytes, _)| bytes.len());
        }
    }

    /// How many use the cluster of this number; none if that is not known.
    pub fn of(&self, cluster: u64) -> Option<u64> {
        let (first, (bytes, count)) = self.blocks.range(..=cluster).next_back()?;
        let index = cluster - first;
        (index < *count).then(|| self.read(bytes, index))
    }

    /// RefCounts of whole bytes are big-endian; of narrower ones the first is in the lowest bits.
    fn read(&self, bytes: &[u8], index: u64) -> u64 {
        let byte = |at: u64| {
            let at = usize::try_from(at).ok();
            u64::from(at.and_then(|at| bytes.get(at)).copied().unwrap_or(0))
        };
        let bits = 1u64 << self.order;
        match bits / 8 {
            0 => byte(index * bits / 8) >> (index * bits % 8) & ((1 << bits) - 1),
            wide => (index * wide..(index + 1) * wide).fold(0, |all, at| all << 8 | byte(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_every_width() {
        for (order, block, expected) in [
            (0, vec![0b0000_0101], vec![1, 0, 1, 0, 0, 0, 0, 0]),
            (1, vec![0b11_00_10_01], vec![1, 2, 0, 3]),
            (2, vec![0xA7, 0], vec![7, 10, 0, 0]),
            (3, vec![5, 0, 9], vec![5, 0, 9]),
            (4, vec![1, 0, 0, 2], vec![256, 2]),
            (6, vec![0, 0, 0, 0, 0, 0, 1, 1], vec![257]),
        ] {
            let mut counts = RefCounts::new(order);
            counts.learn(100, &block, 0);
            let found: Vec<u64> = (100..).map_while(|cluster| counts.of(cluster)).collect();
            assert_eq!(found, expected, "order {order}");
            assert_eq!(counts.of(99), None);
        }
    }

    #[test]
    fn what_has_passed_is_forgotten() {
        let mut counts = RefCounts::new(4);
        counts.learn(0, &[1; 512], 0);
        counts.learn(256, &[1; 512], 300);
        assert_eq!((counts.of(0), counts.held), (None, 512));
        assert_eq!(counts.of(256), Some(0x101));
        let mut many = RefCounts::new(4);
        many.learn(0, &[1; MOST], 0);
        many.learn(1 << 30, &[1; 512], 0);
        assert_eq!((many.of(1 << 30), many.held), (None, MOST));
    }
}
