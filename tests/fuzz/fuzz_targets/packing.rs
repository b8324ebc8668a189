#![no_main]
use ironlet::image::decode::format::Format;
use ironlet::image::decode::packing::Packing;
use ironlet::codec::xz::Unxz;
use ironlet::codec::zstd::Unzstd;
use ironlet::image::write::sink::Sink;
use std::io::Read;

// A packed image as a server sends it, how by its first byte: any outcome, but nothing beyond the disk.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((how, mut image)) = bytes.split_first() else { return };
    let format = match how % 8 {
        0 => Format::Packed(Packing::Gzip),
        1 => Format::Packed(Packing::Zstd),
        2 => Format::Packed(Packing::Xz),
        4 => Format::Packed(Packing::Bzip2),
        5 => Format::Archived(None),
        6 => Format::Archived(Some(Packing::Gzip)),
        _ => Format::MaybePacked,
    };
    let mut disk = Disk(vec![0; 1 << 20], 0);
    let packed = image;
    let outcome = format.decode(&mut image, &mut disk);
    if let Ok(size) = &outcome {
        assert_eq!(size.0, disk.1);
    }
    // What several threads take is what one decoder takes, and the same.
    let alone: Option<Box<dyn Read>> = match format {
        Format::Packed(Packing::Zstd) => Some(Box::new(Unzstd::new(packed))),
        Format::Packed(Packing::Xz) => Some(Box::new(Unxz::new(packed))),
        _ => None,
    };
    if let (Some(mut alone), Ok(size)) = (alone, outcome) {
        let mut plain = Vec::new();
        alone.read_to_end(&mut plain).expect("it was just unpacked");
        assert!(plain == disk.0[..size.0 as usize]);
    }
});

// What it holds, and how far it is written.
struct Disk(Vec<u8>, u64);

impl Sink for Disk {
    fn capacity(&self) -> u64 {
        self.0.len() as u64
    }
    fn room(&mut self, at: u64) -> std::io::Result<&mut [u8]> {
        assert_eq!(at, self.1, "a gap");
        Ok(&mut self.0[at as usize..])
    }
    fn filled(&mut self, count: usize) -> std::io::Result<()> {
        self.1 += count as u64;
        assert!(self.1 <= self.capacity(), "beyond the end");
        Ok(())
    }
    fn zeros(&mut self, _: u64, _: u64) -> std::io::Result<()> {
        unreachable!("what is unpacked is written as it is")
    }
}
