//! The RAID levels there are: their names in Ironic's words and the kernel's numbers.

/// A level that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Stripes.
    Raid0,
    /// Mirrors.
    Raid1,
    /// Stripes of mirrors.
    Raid10,
    /// Stripes with one parity.
    Raid5,
    /// Stripes with two.
    Raid6,
}

/// Ironic's word, the kernel's, its number and layout (linux/raid/md_p.h), and the fewest disks.
const TABLE: &[(Level, &str, &str, i32, u32, usize)] = &[
    // drivers/md/raid0.h: RAID0_ALT_MULTIZONE_LAYOUT; with disks of one size both are the same.
    (Level::Raid0, "0", "raid0", 0, 2, 2),
    (Level::Raid1, "1", "raid1", 1, 0, 2),
    // md(4): near, two copies.
    (Level::Raid10, "1+0", "raid10", 10, 0x102, 2),
    // drivers/md/raid5.h: ALGORITHM_LEFT_SYMMETRIC.
    (Level::Raid5, "5", "raid5", 5, 2, 3),
    (Level::Raid6, "6", "raid6", 6, 2, 4),
];

/// Of a stripe, in sectors of 512 bytes: 512 KiB, as mdadm has it.
const CHUNK: u32 = 1024;

impl Level {
    /// By the word of `raid_level`.
    pub fn parse(word: &str) -> Option<Level> {
        let mut table = TABLE.iter();
        table.find(|row| row.1 == word).map(|row| row.0)
    }

    fn row(self) -> &'static (Level, &'static str, &'static str, i32, u32, usize) {
        let at = TABLE.iter().position(|row| row.0 == self);
        &TABLE[at.unwrap_or_default()] // every level has its row
    }

    /// In Ironic's words.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// In the kernel's words.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// In a superblock.
    pub fn number(self) -> i32 {
        self.row().3
    }

    /// How the data lies, in a superblock.
    pub fn layout(self) -> u32 {
        self.row().4
    }

    /// Fewer disks make no array of this level.
    pub fn fewest(self) -> usize {
        self.row().5
    }

    /// Sectors of 512 bytes in one stripe of a disk; 0 where there are none.
    pub fn chunk(self) -> u32 {
        if self == Level::Raid1 { 0 } else { CHUNK }
    }

    /// Does it live on when a disk fails?
    pub fn is_redundant(self) -> bool {
        self != Level::Raid0
    }
}

/// What the kernel calls the level of this number.
pub fn name(number: i32) -> String {
    let mut table = TABLE.iter();
    match table.find(|row| row.3 == number) {
        Some(row) => row.2.to_owned(),
        None => format!("level {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_its_row() {
        for (level, word, name, number, ..) in TABLE {
            assert_eq!(Level::parse(word), Some(*level));
            assert_eq!((level.name(), level.number()), (*name, *number));
            assert_eq!(super::name(*number), *name);
        }
        assert_eq!(Level::parse("10"), None);
    }
}
