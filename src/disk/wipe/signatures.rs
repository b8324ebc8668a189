//! Every signature there is to find: what it belongs to, where it stands, and its bytes.
//!
//! Offsets and bytes are those of libblkid (util-linux 2.42, libblkid/src/superblocks and partitions; it goes
//! by the same ones when wipefs erases) unless a line says otherwise. The second copies are here as well,
//! which libblkid leaves to the repair programs: with one of them a file system can be had back.

use At::{End, Start, Steps};

/// Offsets of the first byte in a disk or partition.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// From its start.
    Start(&'static [u64]),
    /// Before its end, that one rounded down to a multiple of the first number.
    End(u64, &'static [u64]),
    /// Every so many bytes, from one offset up to another.
    Steps(u64, u64, u64),
}

/// What says that a disk or partition holds something.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// What blkid calls it.
    pub name: &'static str,
    /// Where its magic lies.
    pub at: At,
    /// Any of these.
    pub magics: &'static [&'static [u8]],
}

const fn row(name: &'static str, at: At, magics: &'static [&'static [u8]]) -> Signature {
    Signature { name, at, magics }
}

impl Signature {
    /// Where it may begin in `size` bytes.
    pub fn places(&self, size: u64) -> impl Iterator<Item = u64> {
        let (backs, forth, steps): (&[u64], &[u64], _) = match self.at {
            Start(at) => (&[], at, None),
            End(_, back) => (back, &[], None),
            Steps(step, from, to) => (&[], &[], Some((from..to).step_by(step as usize))),
        };
        let end = match self.at {
            End(unit, _) => size / unit * unit,
            _ => size,
        };
        let ends = backs.iter().filter_map(move |back| end.checked_sub(*back));
        let all = forth.iter().copied().chain(ends);
        let len = self.longest();
        all.chain(steps.into_iter().flatten())
            .filter(move |at| size.checked_sub(*at).is_some_and(|room| room >= len))
    }

    /// Bytes that must be looked at.
    pub fn longest(&self) -> u64 {
        let lengths = self.magics.iter().map(|magic| magic.len() as u64);
        lengths.max().unwrap_or(0)
    }

    /// Do these bytes begin with it?
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.magics.iter().any(|magic| bytes.starts_with(magic))
    }
}

/// OpenZFS, include/sys/vdev_impl.h: bytes of a label. Two stand at the start and two before the end, that one rounded down.
const LABEL: u64 = 256 << 10;

/// All that libblkid 2.38 knows, and a few more.
#[rustfmt::skip]
pub static SIGNATURES: &[Signature] = &[
    // Partition tables.
    // UEFI 2.10, 5.3.2: the second sector and the last one, of 512 or 4096 bytes.
    row("gpt", Start(&[512, 4096]), &[b"EFI PART"]),
    row("gpt", End(512, &[512, 4096]), &[b"EFI PART"]),
    row("boot record", Start(&[510]), &[b"\x55\xaa"]),
    row("aix", Start(&[0]), &[b"\xc9\xc2\xd4\xc1"]),
    row("bsd", Start(&[64, 128, 512]), &[b"\x57\x45\x56\x82"]),
    // partitions/dasd.c: VOL1 in EBCDIC, in the first, second or third block of 512 to 4096 bytes.
    row("dasd", Start(&[4, 512, 1024, 2048, 4096, 8192, 8196]), &[b"\xe5\xd6\xd3\xf1", b"\xd3\xd5\xe7\xf1", b"\xc3\xd4\xe2\xf1"]),
    row("mac", Start(&[0]), &[b"ER"]),
    row("mac", Start(&[512]), &[b"PM\0\0", b"TS\0\0"]),
    row("sgi", Start(&[0]), &[b"\x0b\xe5\xa9\x41"]),
    row("solaris", Start(&[524]), &[b"\xee\xde\x0d\x60"]),
    row("sun", Start(&[508]), &[b"\xda\xbe"]),
    row("ultrix", Start(&[16312]), &[b"\x57\x29\x03\0"]),
    // 14 KiB and 14838 bytes: as libblkid reckons; and where the label is.
    row("unixware", Start(&[14852, 29174]), &[b"\x0d\x60\xe5\xca"]),
    // block/partitions/ldm.h, OFF_PRIV1: the logical disk manager's private header, in sector 6 and before the end.
    row("ldm", Start(&[3072]), &[b"PRIVHEAD"]),
    row("ldm", End(512, &[512]), &[b"PRIVHEAD"]),
    // Arrays.
    row("linux_raid_member", Start(&[0, 4096]), &[b"\xfc\x4e\x2b\xa9"]),
    row("linux_raid_member", End(4096, &[8192]), &[b"\xfc\x4e\x2b\xa9"]),
    row("linux_raid_member", End(65536, &[65536]), &[b"\xfc\x4e\x2b\xa9", b"\xa9\x2b\x4e\xfc"]),
    row("adaptec_raid_member", End(512, &[512]), &[b"\x37\xfc\x4d\x1e"]),
    row("ddf_raid_member", End(512, &[512, 131584]), &[b"\xde\x11\xde\x11"]),
    row("hpt37x_raid_member", Start(&[4640]), &[b"\xf0\x16\x78\x5a", b"\xfd\x16\x78\x5a"]),
    row("hpt45x_raid_member", End(512, &[5632]), &[b"\xf3\x16\x78\x5a", b"\xfd\x16\x78\x5a"]),
    row("isw_raid_member", End(512, &[1024]), &[b"Intel Raid ISM Cfg Sig. "]),
    row("isw_raid_member", End(4096, &[8192]), &[b"Intel Raid ISM Cfg Sig. "]),
    row("jmicron_raid_member", End(512, &[512]), &[b"JM"]),
    row("lsi_mega_raid_member", End(512, &[512]), &[b"$XIDE$"]),
    row("nvidia_raid_member", End(512, &[1024]), &[b"NVIDIA  "]),
    // promise_raid.c: so many sectors before the end.
    row("promise_fasttrack_raid_member",
        End(512, &[8192, 32256, 130560, 131072, 204288, 302592, 345600, 376320, 466432, 486912, 498688, 507392, 1580544]),
        &[b"Promise Technology, Inc."]),
    row("silicon_medley_raid_member", End(512, &[416]), &[b"\0\0\0\x2f"]),
    row("via_raid_member", End(512, &[512]), &[b"\x55\xaa"]),
    row("drbd", End(1, &[4036]), &[b"\x83\x74\x02\x6b", b"\x83\x74\x02\x6c", b"\x83\x74\x02\x6d"]),
    row("drbdmanage_control_volume", Start(&[0]), &[b"$DRBDmgr=q"]),
    row("drbdproxy_datalog", Start(&[0]), &[b"DRBDdlh*"]),
    // Volume managers, caches, encryption.
    row("LVM2_member", Start(&[24, 536, 1048, 1560]), &[b"LVM2 001"]),
    row("LVM1_member", Start(&[0]), &[b"HM"]),
    row("DM_snapshot_cow", Start(&[0]), &[b"SnAp"]),
    row("DM_verity_hash", Start(&[0]), &[b"verity\0\0"]),
    row("DM_integrity", Start(&[0]), &[b"integrt\0"]),
    row("crypto_LUKS", Start(&[0]), &[b"LUKS\xba\xbe"]),
    // luks.c: where the second header of version 2 may be.
    row("crypto_LUKS", Start(&[0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x10_0000, 0x20_0000, 0x40_0000]), &[b"SKUL\xba\xbe"]),
    row("BitLocker", Start(&[0]), &[b"\xeb\x52\x90-FVE-FS-", b"\xeb\x58\x90-FVE-FS-", b"\xeb\x58\x90MSWIN4.1"]),
    row("cs_fvault2", Start(&[88]), &[b"CS"]),
    row("bcache", Start(&[4120]), &[b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"]),
    row("stratis", Start(&[516, 4612]), &[b"!Stra0tis\x86\xff\x02^\x41rh"]),
    row("vdo", Start(&[0]), &[b"dmvdo001"]),
    row("ceph_bluestore", Start(&[0]), &[b"bluestore block device"]),
    row("oracleasm", Start(&[32]), &[b"ORCLDISK"]),
    row("ubi", Start(&[0]), &[b"UBI#"]),
    row("mpool", Start(&[0]), &[b"mpoolDev"]),
    // vmfs-tools, vmfs_volume.h and vmfs_fs.h: the volume at 1 MiB; the file system at 2 MiB of its data, which begins 16 MiB further.
    row("VMFS_volume_member", Start(&[0x10_0000]), &[b"\x0d\xd0\x01\xc0"]),
    row("VMFS", Start(&[0x20_0000, 0x120_0000, 0x130_0000]), &[b"\x5e\xf1\xab\x2f", b"\x5f\xf1\xab\x2f"]),
    // OpenZFS, module/nvpair: the first pair of a label's list is its version; the ring of 128 überblocks begins in its middle.
    row("zfs_member", Start(&[16 * 1024 + 20, LABEL + 16 * 1024 + 20]), &[b"\0\0\0\x07version"]),
    row("zfs_member", End(LABEL, &[2 * LABEL - 16 * 1024 - 20, LABEL - 16 * 1024 - 20]), &[b"\0\0\0\x07version"]),
    row("zfs_member", Steps(1024, LABEL / 2, LABEL), &[b"\x0c\xb1\xba\0\0\0\0\0", b"\0\0\0\0\0\xba\xb1\x0c"]),
    row("zfs_member", Steps(1024, 3 * LABEL / 2, 2 * LABEL), &[b"\x0c\xb1\xba\0\0\0\0\0", b"\0\0\0\0\0\xba\xb1\x0c"]),
    // Swap and hibernation: the last bytes of a page of 4 to 64 KiB.
    row("swap", Start(&[0xff6, 0x1ff6, 0x3ff6, 0x7ff6, 0xfff6]), &[b"SWAP-SPACE", b"SWAPSPACE2"]),
    row("swsuspend", Start(&[0xff6, 0x1ff6, 0x3ff6, 0x7ff6, 0xfff6]), &[b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001"]),
    row("swsuspend", Start(&[0]), &[b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c"]),
    // File systems.
    row("ext", Start(&[1080]), &[b"\x53\xef"]),
    row("xfs", Start(&[0]), &[b"XFSB"]),
    row("xfs_external_log", Steps(512, 0, 256 << 10), &[b"\xfe\xed\xba\xbe\0\0\0"]),
    // fs/btrfs: the mirrors are at 64 MiB and 256 GiB.
    row("btrfs", Start(&[0x1_0040, 0x400_0040, 0x40_0000_0040]), &[b"_BHRfS_M"]),
    row("bcachefs", Start(&[4120, 0x20_0018]), &[b"\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"]),
    row("bcachefs", End(1, &[0x10_0000 - 24]), &[b"\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"]),
    row("f2fs", Start(&[1024, 5120]), &[b"\x10\x20\xf5\xf2"]),
    row("nilfs2", Start(&[1030]), &[b"\x34\x34"]),
    row("nilfs2", End(512, &[4090]), &[b"\x34\x34"]),
    row("gfs2", Start(&[0x1_0000]), &[b"\x01\x16\x19\x70"]),
    row("ocfs", Start(&[8192]), &[b"OracleCFS"]),
    row("ocfs2", Start(&[1024, 2048, 4096, 8192]), &[b"OCFSV2"]),
    row("reiserfs", Start(&[8212, 8244, 65588]), &[b"ReIsErFs", b"ReIsEr2Fs", b"ReIsEr3Fs"]),
    row("reiser4", Start(&[65536]), &[b"ReIsEr4"]),
    row("jfs", Start(&[32768]), &[b"JFS1"]),
    row("zonefs", Start(&[0]), &[b"SFOZ"]),
    row("erofs", Start(&[1024]), &[b"\xe2\xe1\xf5\xe0"]),
    row("squashfs", Start(&[0]), &[b"hsqs", b"sqsh"]),
    row("cramfs", Start(&[0]), &[b"\x45\x3d\xcd\x28", b"\x28\xcd\x3d\x45"]),
    row("romfs", Start(&[0]), &[b"-rom1fs-"]),
    row("ubifs", Start(&[0]), &[b"\x31\x18\x10\x06"]),
    row("minix", Start(&[1040]), &[b"\x7f\x13", b"\x8f\x13", b"\x13\x7f", b"\x13\x8f", b"\x68\x24", b"\x78\x24", b"\x24\x68", b"\x24\x78"]),
    row("minix", Start(&[1048]), &[b"\x5a\x4d", b"\x4d\x5a"]),
    row("iso9660", Start(&[32769]), &[b"CD001"]),
    row("iso9660", Start(&[32777]), &[b"CDROM"]),
    row("udf", Start(&[32769]), &[b"BEA01", b"BOOT2", b"CDW02", b"NSR02", b"NSR03", b"TEA01"]),
    // Their second boot sectors are the last one (NTFS), the twelfth (exFAT) and the sixth (FAT32).
    row("ntfs", Start(&[3]), &[b"NTFS    "]),
    row("ntfs", End(512, &[509, 4093]), &[b"NTFS    "]),
    row("exfat", Start(&[3, 6147, 49155]), &[b"EXFAT   "]),
    row("vfat", Start(&[82, 3154, 24658]), &[b"MSWIN", b"FAT32   "]),
    row("vfat", Start(&[54]), &[b"MSDOS", b"FAT16   ", b"FAT12   ", b"FAT     "]),
    row("ReFS", Start(&[0]), &[b"\0\0\0ReFS\0"]),
    row("hpfs", Start(&[8192]), &[b"\x49\xe8\x95\xf9"]),
    row("apfs", Start(&[32]), &[b"NXSB"]),
    // Apple TN1150: the second volume header is in the last sector but one.
    row("hfs", Start(&[1024]), &[b"BD", b"H+", b"HX"]),
    row("hfs", End(512, &[1024]), &[b"BD", b"H+\0", b"HX\0"]),
    // ufs.c: in a superblock at 0, 8, 64 or 256 KiB.
    row("ufs", Start(&[0x55c, 0x255c, 0x1_055c, 0x4_055c]), &[
        b"\x54\x19\x01\0", b"\0\x01\x19\x54", b"\x19\x01\x54\x19", b"\x19\x54\x01\x19", b"\x12\x56\x19\0", b"\0\x19\x56\x12",
        b"\x14\x50\x09\0", b"\0\x09\x50\x14", b"\x95\x21\x61\0", b"\0\x61\x21\x95", b"\x94\x19\x23\x05", b"\x05\x23\x19\x94",
    ]),
    row("vxfs", Start(&[1024]), &[b"\xf5\xfc\x01\xa5"]),
    row("vxfs", Start(&[8192]), &[b"\xa5\x01\xfc\xf5"]),
    row("sysv", Start(&[1016, 10232, 16376, 19448]), &[b"\x20\x7e\x18\xfd", b"\xfd\x18\x7e\x20"]),
    row("xenix", Start(&[2048]), &[b"\x2b\x55\x44", b"\x44\x55\x2b"]),
    row("befs", Start(&[32, 544]), &[b"BFS1", b"1SFB"]),
    row("bfs", Start(&[0]), &[b"\xce\xfa\xad\x1b"]),
    row("exfs", Start(&[0]), &[b"EXFS"]),
    row("nss", Start(&[4096]), &[b"SPB5"]),
    row("scoutfs", Start(&[65540]), &[b"\x8b\x42\x3c\x10"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_before_the_end_count_from_whole_units() {
        let disk = (1 << 20) + 512;
        for (at, expected) in [
            (Start(&[0, 4096]), vec![0, 4096]),
            (End(512, &[512]), vec![1 << 20]),
            (End(65536, &[65536]), vec![(1 << 20) - 65536]),
            (End(1, &[2, 1, 1 << 21]), vec![disk - 2]),
            (
                Start(&[(1 << 20) + 511, (1 << 20) + 510, u64::MAX]),
                vec![disk - 2],
            ),
            (Steps(512, 1024, 2048), vec![1024, 1536]),
        ] {
            let found: Vec<u64> = row("", at, &[b"ab"]).places(disk).collect();
            assert_eq!(found, expected, "{at:?}");
        }
    }
}
