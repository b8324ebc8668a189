#![no_main]
use ironlet::codec::tar_member::Member;
use std::io::Read;

// An archive, the sums of whose headers are made right: any outcome, and never more than was asked for.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut archive = bytes.to_vec();
    for record in archive.chunks_exact_mut(512).filter(|record| record[156] != 0) {
        record[148..156].fill(b' ');
        let sum: u32 = record.iter().map(|byte| u32::from(*byte)).sum();
        record[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    let mut member = Member::new(&archive[..]);
    let mut plain = Vec::new();
    let _ = member.by_ref().take(1 << 20).read_to_end(&mut plain);
});
