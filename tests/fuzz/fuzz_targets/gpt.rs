#![no_main]
use ironlet::{codec::gzip::crc32, disk::table::Table};

// A GPT whose checksums are right, whatever it says: what is made of it lies on the disk and is a good table again.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((size, head)) = data.split_first_chunk() else { return };
    let (mut head, size) = (vouched(head.to_vec()), u64::from_le_bytes(*size) >> 20);
    let extent = Table::extent(&head, &[512, 4096]);
    let Ok(Some(Table::Gpt(mut gpt))) = Table::read(&head, &[512], size) else { return };
    assert!(extent <= head.len().max(8192) as u64, "the last word was not on less");
    let Ok(moved) = gpt.fit() else { return };
    assert!(moved.and_then(|moved| moved.old_backup).is_none_or(|at| at < size), "beyond the disk");
    let _ = gpt.has_backup(|at, bytes| {
        assert!(at + bytes.len() as u64 <= size, "beyond the disk");
        if let (true, Some(backup)) = (at == (size / 512 - 1) * 512, mirrored(&head, at / 512)) {
            bytes.copy_from_slice(&backup);
            return Ok(());
        }
        // Its entries are those at the start.
        let from = match size - at {
            ..=100_000 => head.get(584..592).map_or(0, |at| u64::from_le_bytes(at.try_into().expect("eight bytes")).saturating_mul(512) as usize),
            _ => at as usize,
        };
        let from = head.len().min(from);
        let held = &head[from..head.len().min(from + bytes.len())];
        bytes[..held.len()].copy_from_slice(held);
        Ok(())
    });
    if gpt.add(64 << 20, "config-2", [1; 16]).is_err() { return }
    let first = gpt.partitions().into_iter().map(|partition| partition.start).min().unwrap_or_default();
    for (at, bytes) in gpt.pieces() {
        assert!(at + bytes.len() as u64 <= size, "beyond the disk");
        if let Some(place) = head.get_mut(at as usize..at as usize + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    }
    let again = Table::read(&head, &[512], size).expect("a good table");
    assert_eq!(again.as_ref().expect("a table").partitions(), Table::Gpt(gpt).partitions());
    let Some(Table::Gpt(mut again)) = again else { unreachable!("it was one") };
    assert!(again.fit().expect("it fits").is_none(), "it was not made right");
    assert!(again.limit() > first, "nothing usable");
});

// A boot record that announces the table, and both checksums.
fn vouched(mut head: Vec<u8>) -> Vec<u8> {
    if head.len() < 1024 { return head }
    head[446..512].fill(0);
    (head[450], head[454], head[510], head[511]) = (0xee, 1, 0x55, 0xaa);
    head[512..520].copy_from_slice(b"EFI PART");
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes")) as usize;
    let (start, length) = (word(584).saturating_mul(512), word(592).saturating_mul(word(596)));
    let sum = head.get(start..start.saturating_add(length)).map(crc32).unwrap_or_default();
    head[600..604].copy_from_slice(&sum.to_le_bytes());
    head[528..532].fill(0);
    let length = u32::from_le_bytes(head[524..528].try_into().expect("four bytes")) as usize;
    let sum = crc32(&head[512..512 + length.min(512)]);
    head[528..532].copy_from_slice(&sum.to_le_bytes());
    head
}

// The header as it would be at the end of the disk.
fn mirrored(head: &[u8], last: u64) -> Option<Vec<u8>> {
    let mut own = head.get(512..1024)?.to_vec();
    own[24..32].copy_from_slice(&last.to_le_bytes());
    own[32..40].copy_from_slice(&1u64.to_le_bytes());
    own[72..80].copy_from_slice(&last.saturating_sub(32).to_le_bytes());
    own[16..20].fill(0);
    let length = u32::from_le_bytes(own[12..16].try_into().expect("four bytes")) as usize;
    let sum = crc32(&own[..length.min(512)]);
    own[16..20].copy_from_slice(&sum.to_le_bytes());
    Some(own)
}
