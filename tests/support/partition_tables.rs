//! Disks and images made and judged by the programs everybody uses: sfdisk, sgdisk, blkid, losetup.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ironlet::error::Result;
use ironlet::image::decode::format::Format;
use ironlet::image::layout::config_drive::Source;
use ironlet::image::{Layout, Receipt, Tools, deploy};

use super::image_requests::{self, order};
use super::image_server::{Behaviour, ImageServer};
use super::scratch::Scratch;

pub const MIB: usize = 1 << 20;

/// What a program prints, both channels together; it must succeed.
pub fn says(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("it was piped");
    let _ = stdin.write_all(input.as_bytes()); // who does not listen gets nothing
    drop(stdin);
    let output = child.wait_with_output().expect("it was started");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    text
}

pub fn name(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// An image of so many MiB with the partitions of an sfdisk script; between the tables every sector has its
/// number in it.
pub fn image(scratch: &Scratch, mib: usize, script: &str) -> Vec<u8> {
    let path = scratch.path("image");
    std::fs::write(&path, numbered(mib * MIB)).expect("room for an image");
    says("sfdisk", &["-q", "--wipe=never", name(&path)], script);
    std::fs::read(&path).expect("it was written")
}

/// Gives an image an MBR with one bootable partition, from sector 1 on; only its signature stays.
pub fn one_partition(image: &mut [u8]) {
    image[446..512].fill(0);
    image[446..460].copy_from_slice(&[0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0, 9]);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
}

pub fn numbered(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (number, sector) in bytes.chunks_mut(512).enumerate().skip(64) {
        sector[..8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
    }
    bytes
}

/// A file that stands for an old disk of so many MiB: bytes here and there, the last sectors among them.
pub fn old_disk(scratch: &Scratch, mib: usize) -> PathBuf {
    use std::os::unix::fs::FileExt;
    let path = scratch.path("disk");
    let file = std::fs::File::create(&path).expect("the scratch takes files");
    file.set_len((mib * MIB) as u64).expect("a sparse file");
    for at in 0..2 * mib {
        let place = at * MIB / 2 + 64 * 1024;
        file.write_all_at(&[0xaa; 4096], place as u64)
            .expect("room");
    }
    let end = (mib * MIB - 40 * 512) as u64;
    file.write_all_at(&[0xaa; 40 * 512], end).expect("room");
    path
}

/// Deploys as an Ironic would have it.
pub fn put(image: &[u8], disk: &Path, drive: Option<Source>) -> Result<Receipt> {
    let server = ImageServer::start(image.to_vec(), vec![Behaviour::Serve]);
    let mut request = order(server.url("/image.raw"), image, Format::Raw);
    (request.layout, request.drive) = (Layout::Disk, drive);
    deploy(&request, disk, &tools(disk))
}

pub fn tools(permitted: &Path) -> Tools {
    let mut tools = image_requests::tools(permitted, 1);
    tools.timeouts.read = std::time::Duration::from_secs(1);
    tools.readback = true;
    tools
}

/// Panics unless those who know call the table of a disk good.
pub fn judge(disk: &Path) {
    let verdict = says("sgdisk", &["-v", name(disk)], "");
    assert!(verdict.contains("No problems found"), "{verdict}");
    let verdict = says("sfdisk", &["--verify", name(disk)], "");
    assert!(!verdict.contains("mismatch"), "{verdict}");
    assert!(!verdict.contains("corrupt"), "{verdict}");
}

/// The partitions as sfdisk prints them, without the name of the disk.
pub fn listed(disk: &Path) -> Vec<String> {
    let dump = says("sfdisk", &["--dump", name(disk)], "");
    let lines = dump.lines().filter_map(|line| line.split_once(" : "));
    lines.map(|(_, fields)| fields.replace(' ', "")).collect()
}

/// A block device over a file, gone with this.
pub struct Loop(PathBuf);

impl Loop {
    pub fn new(file: &Path, sector: u32) -> Self {
        let sector = format!("--sector-size={sector}");
        let device = says("losetup", &["--find", "--show", &sector, name(file)], "");
        Loop(PathBuf::from(device.trim()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}
