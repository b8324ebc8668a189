//! What a person asks of the binary by hand, on a machine that is a directory.

use std::path::Path;
use std::process::Command;

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;
use machine::Machine;

/// Exit code, what it printed, and what it logged.
fn ironlet(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ironlet"))
        .arg("--root")
        .arg(root)
        .args(arguments)
        .output()
        .expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn every_question_is_answered_or_told_why_not() {
    let machine = Machine::recorded("ahci-nvme");
    let host = machine.host();
    let root = host.sys("..");
    let spinning = r#"{"properties":{"root_device":{"rotational":true,"tran":"sata"}}}"#;
    let strange = r#"{"properties":{"root_device":{"colour":"red"}}}"#;
    for (arguments, code, printed, logged) in [
        (&["--inventory"][..], 0, "\"disks\":[{", ""),
        (
            &["--root-disk"],
            0,
            "the smallest of those that will do",
            "",
        ),
        (&["--root-disk", "--node", spinning], 0, "/dev/sda (", ""),
        (
            &["--root-disk", "--node", strange],
            1,
            "",
            "'colour' is none of size",
        ),
        (
            &["--root-disk", "--node", "7"],
            1,
            "",
            "--node must be an object in JSON",
        ),
        (&["--step", "no_such_step"], 1, "", "no such clean step"),
        // This is no ramdisk, and no disk was named.
        (&["--step", "erase_devices"], 1, "", "--allow-disk"),
        (&["--step", "erase_devices_metadata"], 1, "", "--allow-disk"),
        (&["--stop"], 2, "", "--help lists what there is"),
    ] {
        let (ended, out, log) = ironlet(&root, arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {log}");
        assert!(out.contains(printed), "{arguments:?}: {out}");
        assert!(log.contains(logged), "{arguments:?}: {log}");
    }
}
