//! Images of every kind qemu-img writes, made once for as long as their script stays the same.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with NAME.qcow2 and NAME.raw.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images/qcow2.sh");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qcow2");
        let (made_by, text) = (folder.join("made-by"), read(&script));
        if std::fs::read(&made_by).ok().as_ref() != Some(&text) {
            let made = Command::new("bash").arg(&script).arg(&folder).status();
            made.ok()
                .filter(|status| status.success())
                .expect("qcow2.sh ran; it needs qemu-utils and openssl");
            std::fs::write(&made_by, text).expect("the folder was just made");
        }
        folder
    })
}

/// Every image by name.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the corpus is there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".qcow2").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

pub fn image(name: &str) -> Vec<u8> {
    read(&folder().join(format!("{name}.qcow2")))
}

/// What qemu-img makes of it.
pub fn disk(name: &str) -> Vec<u8> {
    read(&folder().join(format!("{name}.raw")))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
