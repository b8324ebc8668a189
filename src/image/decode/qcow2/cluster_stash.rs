//! Clusters that passed before anybody claimed them, or that more than one part of the disk needs.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::Result;
use crate::image::decode::qcow2::header::invalid;
use crate::image::write::zero_runs::all_zeros;
use crate::units::Bytes;

/// What fits beside everything else in 40 MiB.
const MOST: usize = 16 << 20;
/// What an entry costs beside its bytes.
const OVERHEAD: usize = 96;

struct Held {
    /// Nothing at all stands for zeros.
    bytes: Vec<u8>,
    /// How many parts of the disk ask for it in all; none if that is not known.
    askers: Option<u64>,
    served: u64,
}

/// Clusters in memory, by where they were in the image; bounded by bytes and by number.
pub struct ClusterStash {
    cluster: u64,
    clusters: BTreeMap<u64, Held>,
    held: usize,
}

impl ClusterStash {
    /// For clusters of `cluster` bytes.
    pub fn new(cluster: u64) -> Self {
        ClusterStash {
            cluster,
            clusters: BTreeMap::new(),
            held: 0,
        }
    }

    /// Is there room for another cluster?
    pub fn has_room(&self) -> bool {
        self.held + self.cluster as usize + OVERHEAD <= MOST
    }

    /// Is it more than half full?
    pub fn is_crowded(&self) -> bool {
        self.held > MOST / 2
    }

    /// Nobody will ask for what lies before `at`.
    pub fn forget(&mut self, at: u64) {
        self.clusters = self.clusters.split_off(&at);
        let held = self
            .clusters
            .values()
            .map(|held| held.bytes.len() + OVERHEAD);
        self.held = held.sum();
    }

    /// Keeps the whole cluster at byte `at` of the image for so many `askers`.
    pub fn keep(&mut self, at: u64, mut bytes: Vec<u8>, askers: Option<u64>) -> Result<()> {
        if all_zeros(&bytes) {
            bytes = Vec::new();
        }
        self.held += bytes.len() + OVERHEAD;
        if self.held > MOST {
            return Err(invalid(format!(
                "its tables come so late that more than {} would have to wait for them; 'qemu-img convert' puts it in order",
                Bytes(MOST as u64)
            )));
        }
        let served = 0;
        self.clusters.insert(
            at,
            Held {
                bytes,
                askers,
                served,
            },
        );
        Ok(())
    }

    /// Learns late how many ask for the clusters between two places: those that have served all go.
    pub fn learn(&mut self, places: Range<u64>, askers: impl Fn(u64) -> Option<u64>) {
        let mut done = Vec::new();
        for (at, held) in self.clusters.range_mut(places) {
            held.askers = held.askers.or_else(|| askers(*at));
            if held.askers.is_some_and(|askers| held.served >= askers) {
                done.push(*at);
            }
        }
        for at in done {
            self.drop_cluster(at);
        }
    }

    /// Gives the cluster at `at` away, whole.
    pub fn take(&mut self, at: u64) -> Option<Vec<u8>> {
        let mut bytes = self.drop_cluster(at)?;
        bytes.resize(self.cluster as usize, 0);
        Some(bytes)
    }

    /// Adds `len` bytes from `at` to `into`; false if they are not all here.
    pub fn copy(&self, at: u64, len: u64, into: &mut Vec<u8>) -> bool {
        for (cluster, within) in self.parts(at, len) {
            let Some(held) = self.clusters.get(&cluster) else {
                return false;
            };
            match held.bytes.get(within.clone()) {
                Some(bytes) => into.extend_from_slice(bytes),
                None => into.resize(into.len() + within.len(), 0),
            }
        }
        true
    }

    /// One asker for these bytes is content: clusters that were for nobody else go.
    pub fn served(&mut self, at: u64, len: u64) {
        for (cluster, _) in self.parts(at, len) {
            if let Some(held) = self.clusters.get_mut(&cluster) {
                held.served += 1;
                if held.askers.is_some_and(|askers| held.served >= askers) {
                    self.drop_cluster(cluster);
                }
            }
        }
    }

    fn drop_cluster(&mut self, at: u64) -> Option<Vec<u8>> {
        let held = self.clusters.remove(&at)?;
        self.held -= held.bytes.len() + OVERHEAD;
        Some(held.bytes)
    }

    /// The clusters a stretch of bytes lies in, and where in each.
    fn parts(&self, at: u64, len: u64) -> impl Iterator<Item = (u64, Range<usize>)> + use<> {
        let (step, end) = (self.cluster, at + len);
        let mut next = at;
        std::iter::from_fn(move || {
            let within = next % step;
            let cluster = next - within;
            let last = (end - cluster).min(step);
            (next < end).then(|| {
                next = cluster + last;
                (cluster, within as usize..last as usize)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_across_clusters_for_as_many_as_ask() {
        let mut stash = ClusterStash::new(512);
        stash.keep(512, vec![1; 512], Some(2)).expect("room");
        stash.keep(1024, vec![0; 512], Some(1)).expect("room");
        let mut found = Vec::new();
        assert!(stash.copy(1000, 100, &mut found));
        assert_eq!(found, [[1; 24].as_slice(), &[0; 76]].concat());
        stash.served(1000, 100);
        assert!(!stash.copy(1000, 100, &mut found));
        assert!(stash.copy(512, 512, &mut found));
        stash.served(512, 1);
        assert_eq!(
            (stash.take(512), stash.take(1024), stash.held),
            (None, None, 0)
        );
    }

    #[test]
    fn it_is_bounded_by_bytes_and_by_number() {
        let mut large = ClusterStash::new(2 << 20);
        let room = (0..100).take_while(|at| large.keep(at << 21, vec![1; 2 << 20], None).is_ok());
        assert_eq!(room.count(), 7);
        let mut small = ClusterStash::new(512);
        let room = (0..1 << 20).take_while(|at| small.keep(at << 9, vec![0; 512], None).is_ok());
        assert_eq!(room.count(), MOST / OVERHEAD);
    }
}
