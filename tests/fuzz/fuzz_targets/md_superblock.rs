#![no_main]
use ironlet::disk::raid::level::Level;
use ironlet::disk::raid::superblock::{Array, Member};
use ironlet::error::Error;

// A device whose bytes somebody else wrote, with a checksum and a place that fit: what is found lies on it, and its words are no longer
// than their fields.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((size, data)) = data.split_first_chunk() else { return };
    // Mostly zeros, with the bytes wherever a superblock may be.
    let size = u64::from(u32::from_le_bytes(*size)) << 4;
    let mut reads = 0;
    let found = Member::find(size, &mut |at, bytes| {
        assert!(at + bytes.len() as u64 <= size, "beyond the device");
        reads += 1;
        if reads > 4 { return Err(Error::plain("it looks for ever")) }
        bytes.fill(0);
        let held = &data[..data.len().min(bytes.len())];
        bytes[..held.len()].copy_from_slice(held);
        vouch(bytes, at);
        Ok(())
    });
    made(data);
    let Some(member) = found.expect("four looks are enough") else { return };
    assert!(member.at < size && member.name.len() <= 96 && !member.volume().contains(':'));
    assert!(member.role.is_none_or(|role| role < 0xff00 || member.version.0 == 0));
    assert!(!member.array().is_empty());
});

// The place and the checksum of version 1.
fn vouch(block: &mut [u8], at: u64) {
    let roles = block.get(220..224).map(|four| u32::from_le_bytes(four.try_into().expect("four bytes")) as usize);
    let Some(length) = roles.and_then(|roles| roles.checked_mul(2)?.checked_add(256)).filter(|length| *length <= block.len()) else { return };
    if block[4..8] != [1, 0, 0, 0] { return }
    block[144..152].copy_from_slice(&(at / 512).to_le_bytes());
    block[216..220].fill(0);
    let words = block[..length].chunks(4).map(|four| four.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    let sum: u64 = words.sum();
    block[216..220].copy_from_slice(&((sum + (sum >> 32)) as u32).to_le_bytes());
}

// What is made here is found again, at either end.
fn made(data: &[u8]) {
    let Some((uuid, rest)) = data.split_first_chunk::<16>() else { return };
    let Some((&[level, members, mib], name)) = rest.split_first_chunk::<3>() else { return };
    let levels = [Level::Raid0, Level::Raid1, Level::Raid10, Level::Raid5, Level::Raid6];
    let level = levels[usize::from(level) % levels.len()];
    let size = (16 + u64::from(mib)) << 20;
    let name = String::from_utf8_lossy(&name[..name.len().min(10)]).replace('\0', "");
    let array = Array { name, uuid: *uuid, level, at_end: members & 1 == 1, members: vec![size; 2 + usize::from(members) % 8], made: 1 };
    for (member, pieces) in [0, array.members.len() - 1].map(|member| (member, array.pieces(member, [7; 16]))) {
        let found = Member::find(size, &mut |at, bytes| {
            bytes.fill(0);
            // All of it or nothing: both begin at whole blocks of 4 KiB.
            for (start, piece) in pieces.iter().filter(|(start, _)| *start == at) {
                let held = piece.len().min(bytes.len());
                bytes[..held].copy_from_slice(&piece[..held]);
                assert!(start % 4096 == 0);
            }
            Ok(())
        });
        let found = found.expect("nothing fails").expect("it was made just now");
        assert!(found.uuid == *uuid && found.level == level.number() && found.role == Some(member as u32));
        assert!(pieces.iter().all(|(at, piece)| at + piece.len() as u64 <= size) && array.data_at(member) < size);
    }
}
