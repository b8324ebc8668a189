//! What a person asks of the binary by hand, on a machine that is a directory.

use std::io::{pipe, read_to_string};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

#[path = "cli/erase.rs"]
mod erase;
#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;
#[path = "cli/plan.rs"]
mod plan;
mod support;
#[path = "order/web.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod web;
#[path = "cli/write.rs"]
mod write;

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
        (&["--stop"], 2, "", "ironlet help lists what there is"),
        (&["--help"], 0, "--write-image URL", ""),
    ] {
        let (ended, out, log) = ironlet(&root, arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {log}");
        assert!(out.contains(printed), "{arguments:?}: {out}");
        assert!(log.contains(logged), "{arguments:?}: {log}");
    }
}

#[test]
fn a_command_does_what_its_flags_do() {
    let machine = Machine::recorded("ahci-nvme");
    let root = machine.host().sys("..").display().to_string();
    let spinning = r#"{"properties":{"root_device":{"rotational":true,"tran":"sata"}}}"#;
    for (arguments, code, printed, logged) in [
        (
            &["plan", "--root", &root][..],
            0,
            "the smallest of those that will do",
            "",
        ),
        (
            &["plan", "--root", &root, "--node", spinning],
            0,
            "/dev/sda (",
            "",
        ),
        (&["plan", "--root", &root], 0, "\nleave /dev/sda (", ""),
        (
            &["plan", "--root", &root, "--node", spinning],
            0,
            "write /dev/sda (",
            "",
        ),
        (&["plan", "--root", &root, "--json"], 0, "{\"disks\":[{", ""),
        (&["inventory", "--root", &root], 0, "\"disks\":[{", ""),
        (
            &["inventory", "--root", &root, "--json"],
            0,
            "\"disks\":[{",
            "",
        ),
        (&["help", "plan"], 0, "--json                 as JSON", ""),
        (
            &[
                "inventory",
                "--root",
                &root,
                "--cmdline",
                "BOOTIF=01-52-54-00-aa-bb-cc",
            ],
            0,
            "\"pxe_interface\":\"01-52-54-00-aa-bb-cc\"",
            "",
        ),
        (
            &["step", "no_such_step", "--root", &root],
            1,
            "",
            "no such clean step",
        ),
        (&["erase", "all", "--root", &root], 1, "", "--allow-disk"),
        (
            &["erase", "--root", &root],
            2,
            "",
            "usage: ironlet erase metadata|all",
        ),
        (
            &["plan", "--checksum", "x"],
            2,
            "",
            "plan: Unrecognized option: 'checksum'",
        ),
        (
            &["deploy"],
            2,
            "",
            "'deploy' is no command; ironlet help lists",
        ),
        (&["help", "deploy"], 2, "", "'deploy' is no command"),
        (&["help"], 0, "write the image at URL", ""),
        (&["help", "write"], 0, "--checksum SUM", ""),
        (&["parameters"], 0, "ipa-api-url", ""),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ironlet"))
            .args(arguments)
            .output()
            .expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, log) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {log}");
        assert!(out.contains(printed), "{arguments:?}: {out}");
        assert!(log.contains(logged), "{arguments:?}: {log}");
    }
}

/// A pipe whose reader is gone.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn who_reads_no_further_ends_the_program_quietly() {
    let machine = Machine::recorded("ahci-nvme");
    let root = machine.host().sys("..").display().to_string();
    for arguments in [
        &["--help"][..],
        &["--help-parameters"],
        &["--version"],
        &["--inventory"],
        &["--root-disk"],
        &["help"],
        &["help", "write"],
        &["inventory", "--root", &root],
        &["plan", "--json", "--root", &root],
        &["parameters"],
        &["doctor", "--json", "--root", &root],
    ] {
        let (mut logged, log) = pipe().expect("a pipe");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironlet"));
        if arguments[0].starts_with('-') {
            command.args(["--root", &root]);
        }
        command.args(arguments);
        let mut child = command
            .stdout(closed())
            .stderr(log)
            .spawn()
            .expect("it starts");
        drop(command); // it holds the other end of the pipe
        let ended = child.wait().expect("it ends");
        // signal(7): SIGPIPE is 13, a shell's 141.
        assert_eq!(ended.signal(), Some(13), "{arguments:?}");
        assert_eq!(
            read_to_string(&mut logged).expect("text"),
            "",
            "{arguments:?}"
        );
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let machine = Machine::recorded("ahci-nvme");
    let root = machine.host().sys("..").display().to_string();
    for arguments in [
        &["--help"][..],
        &["help"],
        &["help", "write"],
        &["write", "--help"],
        &["version"],
        &["parameters"],
        &["inventory", "--root", &root],
        &["plan", "--root", &root],
        &["plan", "--json", "--root", &root],
        &["doctor", "--json", "--root", &root],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = Command::new(env!("CARGO_BIN_EXE_ironlet"))
            .args(arguments)
            .stdout(full.expect("full(4)"))
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let logged = String::from_utf8(output.stderr).expect("text");
        for words in ["writing to standard output", "No space left on device"] {
            assert!(logged.contains(words), "{arguments:?}: {logged}");
        }
    }
}

#[test]
fn complaints_that_nobody_reads_do_not_change_the_exit_code() {
    for (arguments, code) in [
        (&["--stop"][..], 2),
        (&["--agent", "--cmdline", ""], 1),
        (&["--root-disk", "--node", "7"], 1),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_ironlet"))
            .args(["--root", "/nonexistent"])
            .args(arguments)
            .stderr(closed())
            .status()
            .expect("it starts");
        assert_eq!(ended.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_wrong_value_is_told_at_the_start_with_its_name_and_what_would_do() {
    let machine = Machine::empty();
    let root = machine.host().sys("..");
    let places = "is none of host:port, tcp://host:port and tls://host:port";
    for (line, told, wanted) in [
        (
            "ironlet.syslog=http://log:514",
            "ironlet.syslog=http://log:514",
            places,
        ),
        (
            "ironlet.syslog=log:99999",
            "ironlet.syslog=log:99999",
            places,
        ),
        ("ironlet.syslog=udp://", "ironlet.syslog=udp://", places),
        (
            "ironlet.syslog=log:514/path",
            "ironlet.syslog=log:514/path",
            places,
        ),
        (
            "ironlet.syslog=tls://me:Sesame7@log",
            "ironlet.syslog=tls://log",
            "without a user",
        ),
        (
            "ironlet.syslog=me:Sesame7@log",
            "ironlet.syslog=log",
            "without a user",
        ),
        (
            "ironlet.metrics=maybe",
            "ironlet.metrics=maybe from the kernel command line",
            "true or false is needed",
        ),
        (
            "ironlet.metrics=2",
            "ironlet.metrics=2 from the kernel command line",
            "true or false is needed",
        ),
    ] {
        let (_, _, logged) = ironlet(&root, &["--agent", "--cmdline", line]);
        for words in [told, wanted] {
            assert!(logged.contains(words), "{line}: no '{words}' in {logged}");
        }
        assert!(!logged.contains("Sesame7"), "{logged}");
    }
    for line in ["ironlet.syslog=127.0.0.1:9", "ironlet.metrics=yes"] {
        let (_, _, logged) = ironlet(&root, &["--agent", "--cmdline", line]);
        assert!(
            !logged.contains(" is needed") && !logged.contains("is none of"),
            "{line}: {logged}"
        );
    }
}

/// Exit code and all that was said, within ten seconds.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("timeout")
        .arg("10")
        .arg(env!("CARGO_BIN_EXE_ironlet"))
        .args(arguments)
        .output()
        .expect("timeout(1) starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code(),
        text(output.stdout) + &text(output.stderr),
    )
}

#[test]
fn what_would_spare_no_disk_for_a_slip_of_the_fingers_is_refused() {
    let machine = Machine::recorded("ahci-nvme");
    let root = machine.host().sys("..").display().to_string();
    for (node, why) in [
        (
            r#"{"propertys":{}}"#,
            "'propertys' is no part of a node; properties will be meant",
        ),
        (r#"{"Properties":{}}"#, "properties will be meant"),
        (r#"{"instance-info":{}}"#, "instance_info will be meant"),
        (
            r#"{"root_device":{"size":1}}"#,
            "it belongs into properties",
        ),
        (r#"{"skip_block_device":[]}"#, "it belongs into properties"),
        (
            r#"{"properties":{"skip-block-devices":[{"name":"/dev/sda"}]}}"#,
            "nobody knows 'skip-block-devices' in properties; skip_block_devices will be meant",
        ),
        (
            r#"{"properties":{"root_devices":{}}}"#,
            "root_device will be meant",
        ),
    ] {
        for command in [&["plan"][..], &["erase", "metadata"]] {
            let arguments = [command, &["--root", &root, "--node", node]].concat();
            let (code, said) = said(&arguments);
            assert_eq!(code, Some(1), "{node}: {said}");
            assert!(said.contains(why), "{node}: {said}");
        }
    }
    // As `baremetal node show -f json` has it.
    let whole = r#"{"uuid":"u","name":null,"driver":"redfish","driver_info":{},"raid_config":{},"properties":{"cpu_arch":"x86_64"},"instance_uuid":null}"#;
    assert_eq!(said(&["plan", "--root", &root, "--node", whole]).0, Some(0));
}

#[test]
fn what_is_no_disk_is_not_waited_for_and_what_nobody_allowed_not_read() {
    let folder = std::env::temp_dir().join(format!("ironlet-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("writable");
    let fifo = folder.join("fifo").display().to_string();
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo(1)")
            .success()
    );
    let place = folder.display().to_string();
    let sum = &format!("sha256:{}", "0".repeat(64));
    for (disk, more, why) in [
        (
            &fifo[..],
            &["--allow-disk", &fifo, "--checksum", sum][..],
            "it is a pipe, a socket or a character device: a block device or a regular file is needed",
        ),
        (&fifo, &["--checksum", sum], "name it with --allow-disk"),
        (
            "/dev/zero",
            &["--allow-disk", "/dev/zero", "--checksum", sum],
            "character device",
        ),
        (
            &place,
            &["--allow-disk", &place, "--checksum", sum],
            "it is a directory",
        ),
        (
            &fifo,
            &["--allow-disk", &fifo],
            "no checksum: --checksum sha256:",
        ),
        (
            &fifo,
            &["--allow-disk", &fifo, "--signature", "1"],
            "no ironlet.image-key=RW…",
        ),
        (
            &fifo,
            &[
                "--allow-disk",
                &fifo,
                "--checksum",
                sum,
                "--image-key",
                "RWx",
            ],
            "asks for the image's signature",
        ),
        (
            &fifo,
            &["--allow-disk", &fifo, "--checksum", "x"],
            "a checksum of 1 characters is none of",
        ),
    ] {
        let arguments = [&["write", "http://127.0.0.1:9/x", "--disk", disk], more].concat();
        let (code, said) = said(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    std::fs::remove_dir_all(folder).expect("it was made here");
}

#[test]
fn doctor_says_with_its_exit_code_whether_all_is_fine() {
    let machine = Machine::recorded("ahci-nvme");
    let root = machine.host().sys("..").display().to_string();
    let nobody = "ironlet.order=http://u:hunter2@127.0.0.1:9/x?sig=hunter2";
    for (line, first, why) in [
        ("", "parameters", "nothing says what to do"),
        ("ironlet.order=x", "order", "from / on, is needed"),
        (
            "ironlet.image=http://h/i",
            "parameters",
            "needs ironlet.checksum",
        ),
        (nobody, "order", "127.0.0.1:9 refuses connections"),
    ] {
        let (code, json) = said(&["doctor", "--json", "--root", &root, "--cmdline", line]);
        assert_eq!(code, Some(1), "{line}: {json}");
        // A machine without a network has that to mend before.
        let firsts = ["link", "dhcp", first].map(|step| format!("{{\"first\":\"{step}\""));
        assert!(
            firsts.iter().any(|first| json.starts_with(first)),
            "{line}: {json}"
        );
        assert!(
            json.contains(why) || !json.starts_with(&firsts[2]),
            "{line}: {json}"
        );
        let disk = "\"state\":\"fine\",\"step\":\"disks\",\"try\":null,\"what\":\"/dev/";
        assert!(json.contains(disk), "{json}");
        let (code, text) = said(&["doctor", "--root", &root, "--cmdline", line]);
        assert_eq!(code, Some(1), "{line}: {text}");
        let mut last = text.trim_end().lines().rev();
        assert!(
            last.next()
                .is_some_and(|line| line.starts_with(">>> TRY: ")),
            "{text}"
        );
        assert!(
            last.next().is_some_and(|line| line.starts_with(">>> ")),
            "{text}"
        );
        assert!(
            !json.contains("hunter2") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

/// The first wrong step, what of it and the rest, by `ironlet doctor` on that tree.
fn examined(root: &Path, line: &str) -> String {
    let (code, json, log) = ironlet(root, &["--doctor", "--json", "--cmdline", line]);
    assert!(code == Some(1) && log.is_empty(), "{line}: {log}");
    json
}

#[test]
fn doctor_finds_what_is_wrong_with_parameters_before_anything_is_asked() {
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{}", std::process::id()));
    let conf = root.join("etc/ironic-python-agent.d");
    for folder in [
        &conf,
        &root.join("etc/ssl"),
        &root.join("proc"),
        &root.join("sys/block"),
    ] {
        std::fs::create_dir_all(folder).expect("a directory");
    }
    let put = |path: &str, text: &str| std::fs::write(root.join(path), text).expect("a file");
    put("etc/ssl/empty.crt", "");
    put(
        "etc/ssl/odd.crt",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let (https, http) = (
        "ipa-api-url=https://127.0.0.1:9",
        "ipa-api-url=http://127.0.0.1:9",
    );
    let wrong = "{\"first\":\"parameters\"";
    for (cafile, words) in [
        ("/etc/ssl/none.crt", "No such file"),
        ("/etc/ssl/empty.crt", "etc/ssl/empty.crt"),
        ("/etc/ssl/odd.crt", "etc/ssl/odd.crt"),
        ("/etc/ssl", "etc/ssl"),
    ] {
        put(
            "etc/ironic-python-agent.d/own.conf",
            &format!("[DEFAULT]\ncafile = {cafile}\n"),
        );
        let json = examined(&root, https);
        assert!(
            json.starts_with(wrong) && json.contains(words),
            "{cafile}: {json}"
        );
        // The agent says it before it waits for anything.
        let (code, _, log) = ironlet(&root, &["--agent", "--cmdline", https]);
        assert!(
            code == Some(1) && log.contains(words) && log.contains("cafile = "),
            "{log}"
        );
        let json = examined(&root, http);
        assert!(
            !json.starts_with(wrong) && json.contains(words),
            "nobody is asked by TLS: {json}"
        );
    }
    std::fs::remove_file(conf.join("own.conf")).expect("it was made here");
    let sum = format!("sha256:{}", "0".repeat(64));
    for (line, words) in [
        (
            "ironlet.image=http://h/i ironlet.checksum=sha256:abc",
            "checksum: a sha256 checksum is 64 hexadecimal digits, not 'abc'",
        ),
        (
            "ironlet.image=http://h/i ironlet.checksum=abc",
            "checksum: a checksum of 3 characters",
        ),
        (
            &format!("ironlet.image=http://h/i.vmdk ironlet.checksum={sum}"),
            "vmdk",
        ),
        (
            "ironlet.cafile=/x ipa-api-url=https://127.0.0.1:9",
            "counts in files alone",
        ),
    ] {
        let json = examined(&root, line);
        assert!(
            json.starts_with(wrong) && json.contains(words),
            "{line}: {json}"
        );
    }
    // Who is only to tell what it is made of needs no disk.
    for (line, told) in [
        (
            "ipa-inspection-callback-url=http://127.0.0.1:9/",
            "an inspection needs none; for a deploy: no disk to deploy to",
        ),
        (http, "\"no disk to deploy to: the kernel shows no disk"),
    ] {
        let json = examined(&root, line);
        assert!(json.contains(told), "{line}: {json}");
    }
    std::fs::create_dir_all(root.join("sys/block/vda/queue")).expect("a directory");
    put("sys/block/vda/size", "16777216");
    put("sys/block/vda/ro", "1");
    let locked = "every disk is write-protected: /dev/vda (8 GiB) is read-only";
    let json = examined(&root, http);
    assert!(
        json.contains(locked) && json.contains("take the write protection off"),
        "{json}"
    );
    let (code, _, log) = ironlet(&root, &["--plan", "--cmdline", ""]);
    assert!(code == Some(1) && log.contains(locked), "{log}");
    std::fs::remove_dir_all(&root).expect("it was made here");
}
