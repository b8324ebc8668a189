//! A power cut at any moment of the erasing: what is left leads to everything that still has to go.

use ironlet::disk::boot_sector::disarm_sector;
use ironlet::disk::wipe::partition_ranges::Places;
use ironlet::disk::wipe::zeroing_order::plan;
use ironlet::error::Error;

use super::blank;
use super::support::partition_tables::{name, says};
use super::support::scratch::Scratch;

const SIZE: usize = 64 << 20;

fn places(disk: &[u8]) -> Places {
    Places::read(SIZE as u64, 512, &mut |at, bytes| {
        let place = (at as usize).min(SIZE)..;
        let found = disk[place].get(..bytes.len());
        bytes.copy_from_slice(found.ok_or_else(|| Error::plain("beyond"))?);
        Ok(())
    })
}

#[test]
fn what_a_power_cut_leaves_is_found_again() {
    let gpt = "label: gpt\nsize=8MiB\nsize=8MiB\nsize=8MiB\nsize=8MiB\n";
    let mbr =
        "label: dos\nsize=8MiB\nsize=48MiB, type=5\nd5: size=8MiB\nd6: size=8MiB\nd7: size=8MiB\n";
    for script in [gpt, mbr] {
        let scratch = Scratch::new();
        let path = blank(&scratch, SIZE as u64);
        says("sfdisk", &["-q", name(&path)], script);
        let whole = std::fs::read(&path).expect("it was made");
        let Places {
            partitions,
            records,
            ..
        } = places(&whole);
        assert!(partitions.len() >= 4, "{partitions:?}");
        let steps = |disk: &[u8]| {
            let (middle, ends) = plan(SIZE as u64, 512, &places(disk));
            [&middle[..], &ends[..]].concat()
        };
        for cut in 0..steps(&whole).len() {
            let mut disk = whole.clone();
            // Something that must go from both ends of each partition.
            for own in &partitions {
                disk[own.start as usize + 512..][..4].copy_from_slice(b"here");
                disk[own.end as usize - 512..][..4].copy_from_slice(b"here");
            }
            let erase = |disk: &mut Vec<u8>, until: usize| {
                disarm_sector(&mut disk[..512]);
                for range in steps(disk).into_iter().take(until) {
                    disk[range.start as usize..range.end as usize].fill(0);
                }
            };
            erase(&mut disk, cut);
            assert!(disk[510..512] == [0; 2], "BIOS would start it");
            let protective = disk[446..510].chunks(16).any(|entry| entry[4] == 0xee);
            assert!(!protective, "UEFI would look at its GPT");
            erase(&mut disk, usize::MAX);
            for at in records.iter().map(|at| *at as usize) {
                let record = &disk[at..at + 512];
                assert!(
                    record.iter().all(|byte| *byte == 0),
                    "{at} after {cut} steps of {script}"
                );
            }
            for own in &partitions {
                for at in [own.start as usize + 512, own.end as usize - 512] {
                    assert_eq!(
                        disk[at..at + 4],
                        [0; 4],
                        "{at} after {cut} steps of {script}"
                    );
                }
            }
        }
    }
}
