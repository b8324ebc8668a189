//! A directory that stands for efivarfs, and what efibootmgr makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use ironlet::efi::menu::Menu;
use ironlet::efi::variable::Variables;

use super::machine::Machine;

pub struct Firmware {
    pub machine: Machine,
}

impl Firmware {
    /// OVMF's own entries.
    pub fn recorded() -> Self {
        Firmware {
            machine: Machine::recorded("ovmf"),
        }
    }

    pub fn menu(&self) -> Menu {
        let variables = Variables::open(&self.machine.host()).expect("they are there");
        Menu::read(variables).expect("they can be read")
    }

    pub fn folder(&self) -> PathBuf {
        self.machine.place("/sys/firmware/efi/efivars")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder()
            .join(format!("{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c"))
    }

    /// Writes the entry of a number as it is.
    pub fn put(&self, number: &str, data: &[u8]) {
        let bytes = [&[7, 0, 0, 0], data].concat();
        fs::write(self.file(&format!("Boot{number}")), bytes).expect("room for a variable");
    }

    pub fn set_order(&self, numbers: &[u16]) {
        let data: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        self.put("Order", &data);
    }

    /// Names and times of all variables.
    pub fn stamps(&self) -> Vec<(PathBuf, SystemTime)> {
        let files = fs::read_dir(self.folder()).expect("a directory").flatten();
        let stamp = |path: &Path| {
            path.metadata()
                .and_then(|of| of.modified())
                .expect("a time")
        };
        let mut all: Vec<_> = files
            .map(|file| (file.path(), stamp(&file.path())))
            .collect();
        all.sort();
        all
    }

    /// As efibootmgr lists them.
    pub fn listed(&self) -> Vec<String> {
        self.says()
            .into_iter()
            .filter(|line| line.as_bytes().get(4).is_some_and(u8::is_ascii_hexdigit))
            .collect()
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
            .env("EFIVARFS_PATH", format!("{}/", self.folder().display()))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("efibootmgr is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "efibootmgr: {text}{error}");
        text.lines().map(str::to_owned).collect()
    }
}
