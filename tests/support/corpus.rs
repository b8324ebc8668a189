//! Folders of images that a script in fixtures/images makes, once for as long as the script stays the same.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The folder `NAME.sh` fills.
pub fn folder(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images");
    let script = scripts.join(format!("{name}.sh"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (made_by, text) = (folder.join("made-by"), read(&script));
    if std::fs::read(&made_by).ok().as_ref() != Some(&text) {
        let made = Command::new("bash").arg(&script).arg(&folder).status();
        made.ok()
            .filter(|status| status.success())
            .unwrap_or_else(|| panic!("{name}.sh failed: has it the packages it needs?"));
        std::fs::write(&made_by, text).expect("the folder was just made");
    }
    folder
}

/// Every file NAME.`ending` in `folder`, by name.
pub fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(ending).map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
