#![no_main]
use ironlet::disk::raid::superblock::Member;
use ironlet::error::Error;

// A device whose bytes somebody else wrote: what is found lies on it, and its words are no longer than their fields.
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
        Ok(())
    });
    let Some(member) = found.expect("four looks are enough") else { return };
    assert!(member.at < size && member.name.len() <= 96 && !member.volume().contains(':'));
    assert!(member.role.is_none_or(|role| role < 0xff00 || member.version.0 == 0));
    assert!(!member.array().is_empty());
});
