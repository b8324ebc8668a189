//! A machine made of files: a recorded manifest laid out in a directory, and the `SystemRoot` that sees it.
//!
//! tests/fixtures/machines/INDEX says what the lines of a manifest mean.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ironlet::system_root::SystemRoot;

pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// A machine with nothing in it.
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("machine-{}-{number}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(root.join("sys")).expect("the target directory is writable");
        let root = fs::canonicalize(root).expect("it was just made");
        Machine { root }
    }

    /// The machine of tests/fixtures/machines/`name`.tree.
    pub fn recorded(name: &str) -> Self {
        let path = format!(
            "{}/tests/fixtures/machines/{name}.tree",
            env!("CARGO_MANIFEST_DIR")
        );
        let manifest = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        Machine::empty().with(&manifest)
    }

    /// The same machine with the files of `manifest` added or replaced.
    pub fn with(self, manifest: &str) -> Self {
        let mut lines = manifest.lines().peekable();
        while let Some(line) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(directory) = line.strip_suffix('/') {
                fs::create_dir_all(self.place(directory)).expect("a directory can be made");
            } else if let Some((path, target)) = line.split_once(" -> ") {
                symlink(target, self.fresh(path)).expect("a link can be made");
            } else if let Some((path, digits)) = line.split_once(" hex ") {
                fs::write(self.fresh(path), unhex(digits)).expect("a file can be made");
            } else if let Some((path, text)) = line.split_once(" = ") {
                fs::write(self.fresh(path), format!("{text}\n")).expect("a file can be made");
            } else if let Some(path) = line.strip_suffix(" =") {
                let mut text = String::new();
                while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                    text += &more[1..];
                    text += "\n";
                }
                fs::write(self.fresh(path), text).expect("a file can be made");
            } else {
                panic!("no line of a manifest: {line}");
            }
        }
        self
    }

    /// The same machine without a file or directory.
    pub fn without(self, path: &str) -> Self {
        let place = self.place(path);
        match place.symlink_metadata().map(|found| found.is_dir()) {
            Ok(true) => fs::remove_dir_all(place),
            _ => fs::remove_file(place),
        }
        .unwrap_or_else(|error| panic!("{path}: {error}"));
        self
    }

    pub fn host(&self) -> SystemRoot {
        SystemRoot::new(&self.root)
    }

    /// Where `path` of the machine is on this one.
    pub fn place(&self, path: &str) -> PathBuf {
        let path = path.strip_prefix('/').expect("paths start at the root");
        assert!(!path.contains(".."), "a machine stays in its directory");
        self.root.join(path)
    }

    /// The place of a file about to be made: its directory exists, it does not.
    fn fresh(&self, path: &str) -> PathBuf {
        let place = self.place(path);
        let above = place.parent().expect("below the root");
        fs::create_dir_all(above).expect("a directory can be made");
        if place.symlink_metadata().is_ok() {
            fs::remove_file(&place).expect("it can be replaced");
        }
        place
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    (0..digits.len())
        .step_by(2)
        .map(|at| digit(at).expect("pairs of hex digits"))
        .collect()
}
