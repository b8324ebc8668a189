//! A clone that has nothing but scripts of the initramfs, for tests of what they do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Gone with the test.
pub struct Clone(pub PathBuf);

impl Clone {
    /// With those scripts and tables of `initramfs/` that `wants` says yes to, in a folder called `name`.
    pub fn at(name: &str, wants: impl Fn(&str) -> bool) -> Clone {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&place);
        let into = place.join("initramfs");
        fs::create_dir_all(&into).expect("the target directory is writable");
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("initramfs");
        for entry in fs::read_dir(scripts).expect("scripts").flatten() {
            let name = entry.file_name();
            if entry.path().is_file() && wants(&name.to_string_lossy()) {
                fs::copy(entry.path(), into.join(name)).expect("a copy");
            }
        }
        Clone(place)
    }

    /// A file of the clone's.
    pub fn with(self, file: &str, text: &str) -> Clone {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
        self
    }

    /// A program that goes before everybody else's of its name.
    pub fn program(self, name: &str, text: &str) -> Clone {
        let file = format!("bin/{name}");
        let clone = self.with(&file, &format!("#!/bin/sh\n{text}\n"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(clone.0.join(file), mode).expect("it may be run");
        clone
    }

    /// Whether `script` succeeds in bash after `sourced`, as strict as the scripts themselves are, and all it says.
    pub fn bash(&self, sourced: &str, script: &str) -> (bool, String) {
        let set = "set -euo pipefail; shopt -s inherit_errexit; exec 2>&1";
        let path = format!("{}:/usr/bin:/bin", self.0.join("bin").display());
        let output = Command::new("bash")
            .args(["-c", &format!("{set}; {sourced}\n{script}")])
            .current_dir(&self.0)
            .env("PATH", path)
            .env("IRONLET_APT_PATIENCE", "900")
            .output()
            .expect("bash");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
