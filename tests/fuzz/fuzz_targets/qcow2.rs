#![no_main]
use ironlet::image::decode::format::Format;
use ironlet::image::write::sink::Sink;

// An image as a server sends it: any outcome, but no byte of the disk twice and none beyond its end.
libfuzzer_sys::fuzz_target!(|image: &[u8]| {
    let mut disk = Disk(vec![0; 1 << 20], Vec::new(), 0);
    let result = Format::Qcow2.decode(&mut &image[..], &mut disk);
    disk.1.sort_unstable();
    assert!(disk.1.windows(2).all(|two| two[0].1 <= two[1].0), "a byte is written twice");
    if let Ok(bytes) = result {
        assert_eq!(disk.1.iter().map(|(from, to)| to - from).sum::<u64>(), bytes.0);
    }
});

// What it holds, what was written, and what was offered last.
struct Disk(Vec<u8>, Vec<(u64, u64)>, u64);

impl Sink for Disk {
    fn capacity(&self) -> u64 {
        self.0.len() as u64
    }
    fn room(&mut self, at: u64) -> std::io::Result<&mut [u8]> {
        self.2 = at;
        Ok(&mut self.0[at as usize..])
    }
    fn filled(&mut self, count: usize) -> std::io::Result<()> {
        self.zeros(self.2, count as u64)
    }
    fn zeros(&mut self, at: u64, len: u64) -> std::io::Result<()> {
        assert!(at + len <= self.capacity(), "zeros beyond the end");
        self.1.push((at, at + len));
        Ok(())
    }
}
