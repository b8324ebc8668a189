#![no_main]
use ironlet::disk::identity::by_path::by_path;
use ironlet::disk::identity::unreadable_fields::Reader;
use ironlet::disk::select::edd;
use ironlet::system_root::SystemRoot;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

// A machine as files: lines of a path, and behind a tab what is in it, or behind '>' the path that it leads to. The way from its disk up
// through the buses has an end, and so has the BIOS's word for the disk it started from.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let root = std::env::temp_dir().join(format!("ironlet-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("sys/block")).expect("a temporary folder");
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines().take(60) {
        let Some((path, sign, rest)) = [('\t', false), ('>', true)].into_iter().find_map(|(sign, is_link)| {
            let (path, rest) = line.split_once(sign)?;
            Some((inside(&root, path)?, is_link, rest))
        }) else { continue };
        if let Some(above) = path.parent() {
            let _ = fs::create_dir_all(above);
        }
        let _ = match sign {
            true => inside(&root, rest).map_or(Ok(()), |to| symlink(to, &path)),
            false => fs::write(&path, rest),
        };
    }
    let host = SystemRoot::new(&root);
    let _ = edd::clue(&host);
    if let Ok(block) = fs::canonicalize(host.sys("block/sda")) {
        let names = by_path(&host, &block, &mut Reader::default());
        let all = names.names.iter().chain(&names.others);
        assert!(all.clone().count() <= 16 && all.clone().all(|name| name.len() <= 4 * bytes.len() + 4096));
    }
    let _ = fs::remove_dir_all(&root);
});

/// In the tree, and nowhere else.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\0'));
    (plain && path.len() < 300).then(|| root.join(path))
}
