//! A directory that stands for efivarfs and holds what a real firmware wrote, and what efibootmgr makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use ironlet::efi::boot_order::BootOrder;
use ironlet::efi::efivars::Variables;
use ironlet::error::Result;
use ironlet::system_root::SystemRoot;

pub struct Firmware {
    host: SystemRoot,
    folder: PathBuf,
}

impl Firmware {
    /// That of the machine `host`, which gets OVMF's own entries.
    pub fn of(host: &SystemRoot) -> Self {
        let recorded = include_str!("../fixtures/machines/ovmf.tree");
        let folder = host.sys("firmware/efi/efivars");
        fs::create_dir_all(&folder).expect("a directory in the scratch");
        for line in recorded.lines().filter(|line| !line.starts_with('#')) {
            let (path, digits) = line.split_once(" hex ").expect("a line of the manifest");
            let name = Path::new(path).file_name().expect("a file");
            fs::write(folder.join(name), unhex(digits)).expect("room for a variable");
        }
        Firmware {
            host: host.clone(),
            folder,
        }
    }

    pub fn menu(&self) -> BootOrder {
        self.try_menu().expect("they can be read")
    }

    pub fn try_menu(&self) -> Result<BootOrder> {
        BootOrder::read(Variables::open(&self.host)?)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn file(&self, name: &str) -> PathBuf {
        let global = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
        self.folder.join(format!("{name}-{global}"))
    }

    /// Writes the entry of a number as it is.
    pub fn put(&self, number: &str, data: &[u8]) {
        let bytes = [&[7, 0, 0, 0], data].concat();
        fs::write(self.file(&format!("Boot{number}")), bytes).expect("room for a variable");
    }

    pub fn set_order(&self, numbers: &[u16]) {
        let data: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.put("Order", &data);
    }

    /// Names and times of all variables.
    pub fn stamps(&self) -> Vec<(PathBuf, SystemTime)> {
        let files = fs::read_dir(&self.folder).expect("a directory").flatten();
        let stamp = |path: &Path| path.metadata().and_then(|of| of.modified());
        let mut all: Vec<_> = files
            .map(|file| (file.path(), stamp(&file.path()).expect("a time")))
            .collect();
        all.sort();
        all
    }

    /// As efibootmgr lists them.
    pub fn listed(&self) -> Vec<String> {
        let entry = |line: &String| line.starts_with("Boot") && line.get(8..10) == Some("* ");
        self.says().into_iter().filter(entry).collect()
    }

    /// Those of the list that begin a disk's.
    pub fn of_disks(&self) -> Vec<String> {
        let listed = self.listed().into_iter();
        listed.filter(|line| line.contains("\tHD(")).collect()
    }

    /// The order by efibootmgr; empty for none.
    pub fn order(&self) -> String {
        let lines = self.says();
        let order = lines
            .iter()
            .find_map(|line| line.strip_prefix("BootOrder: "));
        order.unwrap_or_default().to_owned()
    }

    fn says(&self) -> Vec<String> {
        let output = Command::new("efibootmgr")
            .arg("-v")
            .env("EFIVARFS_PATH", format!("{}/", self.folder.display()))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("efibootmgr is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "efibootmgr: {text}{error}");
        text.lines().map(str::to_owned).collect()
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    (0..digits.len())
        .step_by(2)
        .map(|at| digit(at).expect("pairs of hex digits"))
        .collect()
}
