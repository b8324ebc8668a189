//! Other people's packed files, good and bad, beside the programs they were made for; what zstd's golden ones are
//! their folder tells, for zstd before 1.5.5 takes bad ones. By hand:
//! `IRONLET_CORPORA=FOLDER cargo test --test packing corpora -- --ignored --nocapture` with xz's `tests/files` and zstd's
//! `tests/golden-decompression*` somewhere below the folder.

use std::path::PathBuf;
use std::process::Command;

use super::*;

#[test]
#[ignore = "by hand: it wants corpora of others"]
fn corpora_are_judged_as_by_their_own_programs() {
    let mut folders = vec![PathBuf::from(
        std::env::var_os("IRONLET_CORPORA").expect("IRONLET_CORPORA names a folder"),
    )];
    let (mut seen, mut wrong) = ([0; 3], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let (format, tool) = match name.rsplit('.').next() {
                Some("xz") => (&XZ, "xz"),
                Some("zst") => (&ZSTD, "zstd"),
                Some("bz2") => (&BZIP2, "bzip2"),
                Some("gz") => (&GZIP, "gzip"),
                _ => continue,
            };
            let theirs = Command::new(tool).arg("-dc").arg(&path).output();
            let theirs = theirs.expect("the program is there");
            let mut out = MemorySink::new(16 * MIB);
            let image = std::fs::read(&path).expect("a file");
            let ours = format.decode(&mut &image[..], &mut out);
            let told = path
                .parent()
                .and_then(|folder| folder.file_name()?.to_str());
            let good = match told {
                Some("golden-decompression") => true,
                Some("golden-decompression-errors") => false,
                _ => theirs.status.success(),
            };
            let same = match &ours {
                Ok(size) if theirs.status.success() => {
                    good && out.bytes[..size.0 as usize] == theirs.stdout
                }
                ours => ours.is_ok() == good,
            };
            if !same {
                wrong.push(name.clone());
            }
            let verdict = if same { "as it should be" } else { "ANOTHER" };
            seen[if same { usize::from(ours.is_err()) } else { 2 }] += 1;
            let told =
                ours.map_or_else(|error| error.details().to_owned(), |size| size.to_string());
            println!("{name:44} {verdict}: {told:.120}");
        }
    }
    let [taken, refused, other] = seen;
    println!("{taken} good ones taken, {refused} bad ones refused, {other} otherwise");
    assert!(wrong.is_empty() && taken > 0, "{wrong:?}");
}
