//! ext4 file systems made here: judged by e2fsck, dumpe2fs beside mke2fs, resize2fs, and the kernel that mounts and fills them.

mod support;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ironlet::disk::filesystem::ext4::{Named, Place, check, format};
use ironlet::error::Result;
use support::mounted::Mounted;
use support::partition_tables::{Loop, name, says};
use support::scratch::Scratch;
use support::small_filesystem::Small;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// A file that notes how much was written, and takes no more than it is told to.
struct Device {
    file: File,
    written: u64,
    writes: usize,
    most: usize,
}

impl Place for Device {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.count(bytes.len() as u64)?;
        Ok(self.file.write_all_at(bytes, at)?)
    }

    fn zeros(&mut self, at: u64, len: u64) -> Result<()> {
        self.count(len)?;
        const STEP: u64 = 1 << 20;
        for at in (at..at + len).step_by(STEP as usize) {
            self.file.write_all_at(&vec![0; STEP as usize], at)?;
        }
        Ok(())
    }
}

impl Device {
    fn count(&mut self, bytes: u64) -> Result<()> {
        if self.writes == self.most {
            return Err(std::io::Error::other("the plug was pulled").into());
        }
        (self.writes, self.written) = (self.writes + 1, self.written + bytes);
        Ok(())
    }
}

fn named() -> Named<'static> {
    Named {
        label: "ephemeral0",
        uuid: *b"\x51\x2f\xb0\xc3\x42\x6a\x4e\x08\x9d\x77\x10\x20\x30\x40\x50\x60",
        hash_seed: *b"no two are alike",
        made: 1_800_000_000,
    }
}

/// A sparse file of `size` bytes, old bytes at its beginning and here and there.
fn old(scratch: &Scratch, size: u64) -> PathBuf {
    old_at(scratch.path("device"), size)
}

fn old_at(path: PathBuf, size: u64) -> PathBuf {
    let file = File::create(&path).expect("the scratch takes files");
    file.set_len(size).expect("a sparse file");
    let junk = vec![0xaa; MIB as usize];
    for at in 0..(size / MIB).min(300) {
        file.write_all_at(&junk, at * MIB).expect("room");
    }
    path
}

fn make(path: &Path, most: usize) -> Result<(u64, usize)> {
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    let size = file.metadata().expect("a file").len();
    let mut device = Device {
        file,
        written: 0,
        writes: 0,
        most,
    };
    format(&mut device, size, &named())?;
    Ok((device.written, device.writes))
}

fn made(scratch: &Scratch, size: u64) -> PathBuf {
    let path = old(scratch, size);
    make(&path, usize::MAX).expect("it is large enough");
    path
}

/// e2fsck's exit code is 0 only if there was nothing at all to mend.
fn judge(path: &Path) {
    says("e2fsck", &["-f", "-n", name(path)], "");
}

/// What dumpe2fs says of the whole, but for what no two file systems have in common.
fn summary(path: &Path) -> Vec<String> {
    let all = says("dumpe2fs", &["-h", name(path)], "");
    let differs = [
        "dumpe2fs",
        "Filesystem UUID",
        "Filesystem created",
        "Last write time",
        "Last checked",
        "Lifetime writes",
        "Directory Hash Seed",
        "Checksum:",
        // Whoever mounts it counts.
        "Overhead clusters",
    ];
    let lines = all
        .lines()
        .filter(|line| !differs.iter().any(|own| line.starts_with(own)));
    lines.map(str::to_owned).collect()
}

/// mke2fs, told what is conservative here: each group for itself, 32 bits while they last, a journal of the old sizes.
#[test]
fn they_are_what_mke2fs_makes() {
    for (size, journal, wide) in [
        (64 * MIB + 4096 * 3, 4, false),
        (130 * MIB, 16, false),
        (GIB, 32, false),
        (1027 * MIB, 32, false),
        (5 * GIB - 512, 64, false),
        (100 * GIB, 128, false),
        (4 * TIB + 77 * MIB, 128, false),
        (16 * TIB + 33 * GIB, 128, true),
    ] {
        let scratch = Scratch::new();
        // ext4, which this may lie on, has no files of 16 TiB.
        let small = wide.then(|| Small::at(scratch.path("small"), 900 << 20));
        let path = old_at(
            small
                .as_ref()
                .map_or(scratch.path("device"), |small| small.0.join("device")),
            size,
        );
        let written = make(&path, usize::MAX).expect("it is large enough").0;
        assert!(written < 600 * MIB, "{size}: {written}");
        judge(&path);
        let own = summary(&path);
        fs::remove_file(&path).expect("it was made");
        let file = File::create(&path).expect("the scratch takes files");
        file.set_len(size).expect("a sparse file");
        let wide = if wide {
            "64bit,^resize_inode"
        } else {
            "^64bit"
        };
        let features = format!("^flex_bg,metadata_csum,{wide}");
        let journal = format!("size={journal}");
        let class = match size {
            size if size >= 16 * TIB => "huge",
            size if size >= 4 * TIB => "big",
            _ => "ext4",
        };
        #[rustfmt::skip]
        says("mke2fs", &["-q", "-F", "-t", "ext4", "-T", class, "-b", "4096", "-I", "256", "-L", "ephemeral0", "-O", &features,
             "-J", &journal, "-E", "lazy_itable_init=1,nodiscard", name(&path)], "");
        assert_eq!(own, summary(&path), "{size}");
    }
}

#[test]
fn what_is_too_small_or_too_large_is_refused() {
    for size in [0, 4096, 8 * MIB - 1, 128 * TIB + 1, u64::MAX] {
        let error = check(size).expect_err("no such file system");
        let said = "it takes 8 MiB at least and 131072 GiB at most";
        assert!(error.details().contains(said), "{error}");
    }
    // Of the second one the last group is not worth its inodes.
    for size in [8 * MIB, 128 * MIB + 30 * 4096] {
        judge(&made(&Scratch::new(), size));
    }
    // Every length of a last group: too short for what it begins with, or just long enough.
    for blocks in (32768 - 3..32768 + 1200)
        .chain(98304 - 3..98304 + 1200)
        .step_by(7)
    {
        check(blocks * 4096).expect("it is large enough");
    }
}

/// What is cut off at any moment is no file system to anybody.
#[test]
fn it_is_there_as_a_whole_or_not_at_all() {
    let scratch = Scratch::new();
    let path = old(&scratch, 300 * MIB);
    let writes = make(&path, usize::MAX).expect("it is large enough").1;
    assert!(writes > 10, "{writes}");
    for most in 0..writes {
        let path = old(&scratch, 300 * MIB);
        make(&path, most).expect_err("it was cut off");
        let seen = std::process::Command::new("blkid")
            .arg("-p")
            .arg(&path)
            .output();
        let seen = seen.expect("blkid is there").stdout;
        assert!(
            seen.is_empty(),
            "{most}: {}",
            String::from_utf8_lossy(&seen)
        );
    }
}

/// The kernel mounts it, on sectors of both sizes; it is filled to the last block, grown and made small.
#[test]
fn the_kernel_fills_it_and_it_grows() {
    for sector in [512, 4096] {
        let scratch = Scratch::new();
        let path = made(&scratch, 300 * MIB + 4096);
        {
            let device = Loop::new(&path, sector);
            let mounted = Mounted::new(device.path(), &scratch.path("tree"), "ext4");
            fs::create_dir(mounted.path("lost+found/deep")).expect("root may");
            let mut made = 0;
            while fs::write(
                mounted.path(&format!("file-{made}")),
                vec![made as u8; 3 << 20],
            )
            .is_ok()
            {
                made += 1;
            }
            assert!(made > 70, "{made}");
        }
        judge(&path);
        {
            let file = OpenOptions::new().write(true).open(&path).expect("a file");
            file.set_len(2 * GIB).expect("a sparse file");
            says("resize2fs", &[name(&path)], "");
            judge(&path);
            let device = Loop::new(&path, sector);
            let mounted = Mounted::new(device.path(), &scratch.path("tree"), "ext4");
            let kept = fs::read(mounted.path("file-7")).expect("it was written");
            assert!(kept == vec![7; 3 << 20]);
            for number in 0..20_000 {
                let path = mounted.path(&format!("lost+found/deep/{number}"));
                fs::write(path, [1]).expect("there are inodes");
            }
        }
        judge(&path);
        let file = OpenOptions::new().write(true).open(&path).expect("a file");
        file.set_len(30 * GIB).expect("a sparse file");
        says("resize2fs", &[name(&path)], "");
        judge(&path);
        says("resize2fs", &["-M", name(&path)], "");
        judge(&path);
    }
}
