//! Which files of an EFI system partition the firmware is to start (protocol/deploy.md §13).

use log::warn;

use super::csv;
use crate::disk::filesystem::fat::Volume;
use crate::error::Result;

/// A file the firmware can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loader {
    /// From the root of the partition, folders parted by `\`.
    pub file: String,
    /// The entry's.
    pub label: String,
}

/// In small letters. The first file of these that can be used stands for all loaders: shim brings it, and it
/// names the right one and its label.
const POINTERS: &[&str] = &["boot.csv", "bootaa64.csv", "bootx64.csv"];
const LOADERS: &[&str] = &[
    "bootaa64.efi",
    "bootarm.efi",
    "bootia32.efi",
    "bootia64.efi",
    "bootriscv128.efi",
    "bootriscv32.efi",
    "bootriscv64.efi",
    "bootx64.efi",
    "grubaa64.efi",
    "winload.efi",
];

/// No partition of an honest image has more; an entry each would fill the firmware's store.
const MOST: usize = 16;

/// All it should start, the first first: by a CSV file beside a shim, else by the well-known paths.
pub fn find(volume: &Volume) -> Result<Vec<Loader>> {
    let (mut pointers, mut loaders) = (Vec::new(), Vec::new());
    volume.files(&mut |path, _| {
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        for (names, found) in [(POINTERS, &mut pointers), (LOADERS, &mut loaders)] {
            if names.contains(&name.as_str()) && found.len() < MOST {
                found.push(path.to_owned());
            }
        }
        Ok(())
    })?;
    for pointer in pointers {
        match follow(volume, &pointer) {
            Ok(loader) => return Ok(vec![loader]),
            Err(error) => warn!("{pointer} is passed over: {error}"),
        }
    }
    let numbered = (1..).zip(loaders);
    let all = numbered.map(|(number, path)| loader(&path, format!("ironic{number}")));
    Ok(all.collect())
}

fn follow(volume: &Volume, pointer: &str) -> Result<Loader> {
    let (file, label) = csv::first(&volume.read(pointer, csv::LONGEST)?)?;
    let path = match pointer.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{file}"),
        None => file,
    };
    volume.file(&path)?;
    Ok(loader(&path, label))
}

fn loader(path: &str, label: String) -> Loader {
    Loader {
        file: format!("\\{}", path.replace('/', "\\")),
        label,
    }
}
