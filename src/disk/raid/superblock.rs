//! What says on a disk or partition that it is a member of an md array: superblocks 0.90, 1.0, 1.1 and 1.2 are read, 1.0 and 1.2 made.
//!
//! Fields are those of linux/raid/md_p.h, rules those of drivers/md/md.c. Pure: whoever has the device reads and writes.

use crate::codec::uuid;
use crate::disk::raid::array_name::volume;
use crate::disk::raid::level::Level;
use crate::error::Result;

/// md_p.h: MD_SB_MAGIC.
const MAGIC: u32 = 0xa92b_4efc;
/// Bytes up to the table of roles.
const FIXED: usize = 256;
/// Bytes that are kept for a superblock, and all that is written of one.
pub const LENGTH: usize = 4096;
/// Roles in the table of one that is made here; mdadm has as many for up to so many disks.
const ROLES: usize = 128;
/// In the table: nobody.
const FAULTY: u16 = 0xfffe;
/// md_p.h: MD_FEATURE_BITMAP_OFFSET, MD_FEATURE_RAID0_LAYOUT.
const HAS_BITMAP: u32 = 1;
const HAS_RAID0_LAYOUT: u32 = 4096;
/// Sectors from the superblock on: the list of bad blocks, and the bitmap of what has to be synchronised.
const BAD_BLOCKS: u64 = 8;
const BITMAP: u64 = 16;
/// Sectors in the list of bad blocks.
const BAD_BLOCKS_LENGTH: u16 = 8;
/// In sectors: what one bit of the bitmap stands for at the least, 64 MiB.
const BITMAP_CHUNK: u64 = 128 << 10;
/// In sectors: what a MiB has.
const MIB: u64 = 2048;

/// Bytes and where on a member they belong.
pub type Piece = (u64, Vec<u8>);

/// What a member says of itself and its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Major and minor: 0 and 90, or 1 and 0 to 2.
    pub version: (u8, u8),
    /// Of the array.
    pub uuid: [u8; 16],
    /// Of the array, as it stands there; 0.90 has none.
    pub name: String,
    /// The kernel's number.
    pub level: i32,
    /// How many the array has when it is whole.
    pub disks: u32,
    /// Grows with every change; who has fewer was left behind.
    pub events: u64,
    /// Its place in the array; none for a spare or one that failed.
    pub role: Option<u32>,
    /// The byte of the device where the superblock begins.
    pub at: u64,
}

/// Reads bytes at an offset of the device.
pub type Read<'a> = &'a mut dyn FnMut(u64, &mut [u8]) -> Result<()>;

impl Member {
    /// What a device of `size` bytes says it is; none if it is no member.
    pub fn find(size: u64, read: Read) -> Result<Option<Member>> {
        for (minor, at) in places(size) {
            let mut block = vec![0; LENGTH.min((size - at) as usize)];
            read(at, &mut block)?;
            if let Some(member) = Member::parse(&block, minor, at) {
                return Ok(Some(member));
            }
        }
        let Some(at) = place_of_old(size) else {
            return Ok(None);
        };
        let mut block = vec![0; LENGTH];
        read(at, &mut block)?;
        Ok(Member::parse_old(&block, at))
    }

    /// The superblock of version 1 that `block` is, if it is whole and says that it lies at byte `at`.
    pub fn parse(block: &[u8], minor: u8, at: u64) -> Option<Member> {
        if block.len() < FIXED || (word(block, 0), word(block, 4)) != (MAGIC, 1) {
            return None;
        }
        let roles = word(block, 220) as usize;
        let length = roles.checked_mul(2)?.checked_add(FIXED)?;
        let whole = block.get(..length).filter(|_| length <= LENGTH)?;
        if checksum(whole) != word(block, 216) || long(block, 144) != at / 512 {
            return None;
        }
        let number = word(block, 160) as usize;
        let role = whole[FIXED..].chunks_exact(2).nth(number);
        let role = role.map(|two| u16::from_le_bytes([two[0], two[1]]));
        let mut own = [0; 16];
        own.copy_from_slice(&block[16..32]);
        let name = block[32..64].split(|byte| *byte == 0).next();
        Some(Member {
            version: (1, minor),
            uuid: own,
            name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            level: word(block, 72) as i32,
            disks: word(block, 92),
            events: long(block, 200),
            // md_p.h: MD_DISK_ROLE_MAX; what is above is a spare, a failed disk or a journal.
            role: role.filter(|role| *role < 0xff00).map(u32::from),
            at,
        })
    }

    /// A superblock 0.90, on which the kernel has the last word: its checksum is not looked at.
    fn parse_old(block: &[u8], at: u64) -> Option<Member> {
        let field = |index: usize| word(block, 4 * index);
        if (field(0), field(1), field(2)) != (MAGIC, 0, 90) {
            return None;
        }
        let mut own = [0; 16];
        for (place, index) in own.chunks_exact_mut(4).zip([5, 13, 14, 15]) {
            place.copy_from_slice(&field(index).to_le_bytes());
        }
        // this_disk is the last descriptor, 32 words long: number, major, minor, raid_disk, state.
        let (role, disks) = (field(992 + 3), field(10));
        Some(Member {
            version: (0, 90),
            uuid: own,
            name: String::new(),
            level: field(7) as i32,
            disks,
            events: u64::from(field(39)) | u64::from(field(40)) << 32,
            role: Some(role).filter(|role| *role < disks),
            at,
        })
    }

    /// The volume's name, without the machine's before it (protocol/inventory.md §8); empty if there is none.
    pub fn volume(&self) -> &str {
        volume(&self.name)
    }

    /// In words: version and UUID.
    pub fn array(&self) -> String {
        let (major, minor) = self.version;
        format!("{} (metadata {major}.{minor})", uuid::text(&self.uuid))
    }
}

/// md.c, super_1_load: minor version and byte of each place on a device of `size` bytes.
fn places(size: u64) -> impl Iterator<Item = (u8, u64)> {
    let last = (size / 512).checked_sub(16);
    let last = last.map(|sector| (0, sector / 8 * 8 * 512));
    let fits = move |place: &(u8, u64)| place.1 + FIXED as u64 <= size;
    [Some((2, 4096)), Some((1, 0)), last]
        .into_iter()
        .flatten()
        .filter(fits)
}

/// md_p.h, MD_NEW_SIZE_SECTORS: the last whole 64 KiB of a device.
fn place_of_old(size: u64) -> Option<u64> {
    const RESERVED: u64 = 64 << 10;
    (size / RESERVED * RESERVED).checked_sub(RESERVED)
}

/// An array about to be made.
#[derive(Clone, Debug)]
pub struct Array {
    /// Its name, at most 32 bytes.
    pub name: String,
    /// Random.
    pub uuid: [u8; 16],
    /// How it is made.
    pub level: Level,
    /// Where the superblock goes: 1.2, or at the end of a member, where firmware reads the member as if there were no array.
    pub at_end: bool,
    /// Sizes of its members, in bytes.
    pub members: Vec<u64>,
    /// Seconds since 1970.
    pub made: u64,
}

/// Where everything lies on one member, in sectors.
struct Places {
    superblock: u64,
    data: u64,
    length: u64,
}

impl Array {
    fn places(&self, size: u64) -> Places {
        let sectors = size / 512;
        if self.at_end {
            // Data first; the rest is for what mdadm may add one day.
            let superblock = sectors.saturating_sub(16) / 8 * 8;
            return Places {
                superblock,
                data: 0,
                length: superblock.saturating_sub(256) / MIB * MIB,
            };
        }
        // As mdadm does, room to give the array another form without a backup of what is moved.
        let data = (sectors / 1024).clamp(MIB, 128 * MIB) / MIB * MIB;
        Places {
            superblock: 8,
            data,
            length: sectors.saturating_sub(data),
        }
    }

    /// Of every member as many sectors are used as the smallest has, in whole stripes; RAID 0 uses what each has.
    fn used(&self) -> u64 {
        let chunk = u64::from(self.level.chunk()).max(128);
        let lengths = self.members.iter().map(|size| self.places(*size).length);
        lengths.min().unwrap_or_default() / chunk * chunk
    }

    fn has_bitmap(&self) -> bool {
        self.level.is_redundant() && !self.at_end
    }

    /// Where a member's data begins, in bytes.
    pub fn data_at(&self, member: usize) -> u64 {
        self.places(self.members[member]).data * 512
    }

    /// What makes the member of this number one: the superblock comes last.
    pub fn pieces(&self, member: usize, own: [u8; 16]) -> Vec<Piece> {
        let places = self.places(self.members[member]);
        let mut pieces = Vec::new();
        if !self.at_end {
            let at = (places.superblock + BAD_BLOCKS) * 512;
            pieces.push((at, vec![0xff; usize::from(BAD_BLOCKS_LENGTH) * 512]));
        }
        if self.has_bitmap() {
            pieces.push(((places.superblock + BITMAP) * 512, self.bitmap()));
        }
        let block = self.superblock(member, own, &places);
        pieces.push((places.superblock * 512, block));
        pieces
    }

    fn superblock(&self, member: usize, own: [u8; 16], places: &Places) -> Vec<u8> {
        let mut block = vec![0; LENGTH];
        let mut field =
            |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        let raid0 = self.level == Level::Raid0;
        let mut features = 0;
        if self.has_bitmap() {
            features |= HAS_BITMAP;
            field(96, &(BITMAP as u32).to_le_bytes());
        }
        if raid0 {
            features |= HAS_RAID0_LAYOUT;
        }
        field(0, &MAGIC.to_le_bytes());
        field(4, &1u32.to_le_bytes());
        field(8, &features.to_le_bytes());
        field(16, &self.uuid);
        let name = self.name.as_bytes();
        field(32, &name[..name.len().min(32)]);
        field(64, &self.made.to_le_bytes());
        field(72, &self.level.number().to_le_bytes());
        field(76, &self.level.layout().to_le_bytes());
        let used = if raid0 { 0 } else { self.used() };
        field(80, &used.to_le_bytes());
        field(88, &self.level.chunk().to_le_bytes());
        field(92, &(self.members.len() as u32).to_le_bytes());
        field(128, &places.data.to_le_bytes());
        field(136, &places.length.to_le_bytes());
        field(144, &places.superblock.to_le_bytes());
        field(160, &(member as u32).to_le_bytes());
        field(168, &own);
        if !self.at_end {
            field(186, &BAD_BLOCKS_LENGTH.to_le_bytes());
            field(188, &(BAD_BLOCKS as u32).to_le_bytes());
        }
        field(192, &self.made.to_le_bytes());
        // Nothing is in step yet; where nothing has to be, everything is.
        let in_step = if raid0 { u64::MAX } else { 0 };
        field(208, &in_step.to_le_bytes());
        field(220, &(ROLES as u32).to_le_bytes());
        for role in 0..ROLES {
            let taken = (role < self.members.len()).then_some(role as u16);
            field(FIXED + 2 * role, &taken.unwrap_or(FAULTY).to_le_bytes());
        }
        let sum = checksum(&block[..FIXED + 2 * ROLES]);
        block[216..220].copy_from_slice(&sum.to_le_bytes());
        block
    }

    /// drivers/md/md-bitmap.h, struct bitmap_super_s, and a bit for every chunk: all have to be synchronised.
    fn bitmap(&self) -> Vec<u8> {
        let used = self.used();
        // drivers/md/raid10.c: there it is about the array, elsewhere about one member.
        let covered = match self.level {
            Level::Raid10 => used * self.members.len() as u64 / 2,
            _ => used,
        };
        let most = (MIB - 8 - BITMAP) * 512 * 8 - FIXED as u64 * 8;
        let mut chunk = BITMAP_CHUNK;
        while covered.div_ceil(chunk) > most {
            chunk *= 2;
        }
        let bits = covered.div_ceil(chunk).div_ceil(8) as usize;
        let mut bytes = vec![0xff; (FIXED + bits).next_multiple_of(LENGTH)];
        let mut field =
            |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        field(0, &[0; FIXED]);
        field(0, b"bitm");
        field(4, &4u32.to_le_bytes());
        field(8, &self.uuid);
        field(40, &covered.to_le_bytes());
        field(52, &((chunk * 512) as u32).to_le_bytes());
        // Seconds between two looks at what can be cleared, as mdadm has it.
        field(56, &5u32.to_le_bytes());
        field(
            64,
            &(((FIXED + bits).next_multiple_of(LENGTH) / 512) as u32).to_le_bytes(),
        );
        bytes
    }
}

/// md.c, calc_sb_1_csum; the field itself counts as zero.
fn checksum(block: &[u8]) -> u32 {
    let words = block.chunks(4).enumerate();
    let sum: u64 = words
        .filter(|(index, _)| *index != 54)
        .map(|(_, bytes)| {
            let mut four = [0; 4];
            four[..bytes.len()].copy_from_slice(bytes);
            u64::from(u32::from_le_bytes(four))
        })
        .sum();
    ((sum & 0xffff_ffff) + (sum >> 32)) as u32
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
