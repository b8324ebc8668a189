//! What the log says of parameters: names nobody knows, settings without effect.

use super::Machine;

#[test]
fn what_nobody_knows_is_said_once_by_name() {
    let files = [
        (
            "ironic-python-agent.d/a.conf",
            "[DEFAULT]\nlog-dri = /var/log\ncafile = /c\n[tempest]\nbackend = noop\n[mdns]\ninterface = 3\n",
        ),
        (
            "ironic-python-agent.d/b.conf",
            "[tempest]\nbackend = statsd\n[DEFAULT]\nlog_dri = /x\n= 1\n[a\u{1b}b]\nsecret = hunter2\n",
        ),
    ];
    let line =
        "quiet root=/dev/sda ipa-ap-url=http://h ironlet.colour=red ironlet.colour=2 ip=dhcp";
    let config = Machine::new("unknown", &files).read(line).expect("fine");
    let [command_line, one, other] = &config.notes[..] else {
        panic!("{:?}", config.notes)
    };
    let command = "the kernel command line sets what nobody here knows: ipa-ap-url (did you mean ipa-api-url?), ironlet.colour";
    assert_eq!(command_line, command);
    let known = "a.conf sets what nobody here knows: log_dri, [tempest] backend, [mdns] interface";
    assert!(one.ends_with(known), "{one}");
    let new = "b.conf sets what nobody here knows: , [a\\u{1b}b] secret";
    assert!(other.ends_with(new), "{other}");
    let all = config.notes.concat();
    assert!(!all.contains("hunter2") && !all.contains("statsd"), "{all}");
}

#[test]
fn a_file_full_of_unknown_names_is_one_line() {
    let many: String = (0..9999).map(|n| format!("option_{n} = {n}\n")).collect();
    let long = format!("[DEFAULT]\n{} = 1\n{many}", "x".repeat(5000));
    let file = ("ironic-python-agent.d/a.conf", long.as_str());
    let config = Machine::new("many", &[file]).read("").expect("fine");
    let [line] = &config.notes[..] else {
        panic!("{} lines", config.notes.len())
    };
    assert!(
        line.len() < 1000 && line.ends_with("option_18, …"),
        "{line}"
    );
}

#[test]
fn options_of_upstream_that_mean_nothing_here_are_told_with_the_reason() {
    let file = (
        "ironic-python-agent.d/a.conf",
        "[container]\nrunner = podman\nrun_options = --rm\n[DEFAULT]\nlog-dir = /var/log\n[metrics]\nbackend = noop\n",
    );
    let config = Machine::new("declined", &[file]).read("").expect("fine");
    let expected = [
        "(this agent runs no containers): [container] runner, [container] run_options",
        "ironlet.syslog=host:port sends it): log_dir",
        "(no statsd is spoken; ironlet.metrics=1 serves /metrics): [metrics] backend",
    ];
    assert_eq!(config.notes.len(), expected.len(), "{:?}", config.notes);
    for (note, end) in config.notes.iter().zip(expected) {
        assert!(
            note.contains("a.conf sets what has no effect here (") && note.ends_with(end),
            "{note}"
        );
    }
}

#[test]
fn settings_without_effect_are_said() {
    let file = (
        "ironic-python-agent.d/a.conf",
        "[DEFAULT]\nauto_tls_allowed_clock_skew = 7\ndisable_bootc_deploy = true\nenable_bios_bootloader_install = true\ncertfile = /c\n",
    );
    let line = "ipa-inject-files-priority=7 ipa-ironic-api-version=one";
    let config = Machine::new("idle", &[file]).read(line).expect("fine");
    assert!(config.bios_bootloader && config.inject_files_priority == 7);
    let expected = [
        "accepted, but without effect: auto_tls_allowed_clock_skew, disable_bootc_deploy",
        "certfile and keyfile go together: neither is used",
        "ipa-ironic-api-version=one is not x.y: asking Ironic instead",
    ];
    assert_eq!(config.notes, expected);
    let quiet = Machine::new("quiet", &[]).read("quiet ipa-debug=1");
    assert!(quiet.expect("fine").notes.is_empty());
}

#[test]
fn what_counts_in_files_alone_is_told_where_it_stands_elsewhere() {
    let order = "ironlet.order=https://h/o";
    for (line, key) in [
        ("ironlet.cafile=/etc/ssl/own.crt", "`cafile = …`"),
        ("ironlet.cafile=", "`cafile = …`"),
        ("ironlet.certfile=/x", "`certfile = …`"),
        ("ironlet.listen-tls=1", "`listen_tls = …`"),
    ] {
        let read = Machine::new("elsewhere", &[]).read(&format!("{order} {line}"));
        let said = read
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        for words in [
            line.split_once('=').map_or("", |(name, _)| name),
            key,
            "counts in files alone",
        ] {
            assert!(said.contains(words), "{line}: {said}");
        }
    }
    // Ironic's own agent passes these over.
    for line in ["cafile=/c", "ipa-cafile=/c", "ipa-keyfile=/c"] {
        let config = Machine::new("passed", &[]).read(line).expect("fine");
        assert!(config.tls.cafile.is_none());
        assert!(
            config.notes.concat().contains("counts in files alone"),
            "{:?}",
            config.notes
        );
    }
    let file = ("ironic-python-agent.d/a.conf", "[DEFAULT]\ncafile =\n");
    let config = Machine::new("nothing", &[file]).read("").expect("fine");
    let expected = "cafile is set to nothing: the public authorities are trusted, and no other";
    assert_eq!(config.notes, [expected]);
}

#[test]
fn a_slip_in_the_name_of_what_protects_stops() {
    let key = "ironlet.order=http://h/o";
    for (line, why) in [
        (
            "ironlet.order_key=RW",
            "sets ironlet.order_key, which nobody knows; ironlet.order-key protects something",
        ),
        ("ironlet-order-key=RW", "ironlet.order-key protects"),
        ("Ironlet.order-key=RW", "ironlet.order-key protects"),
        ("irnolet.order-key=RW", "ironlet.order-key protects"),
        ("ironlet.order-serail=7", "ironlet.order-serial protects"),
        ("ironlet.disks=/dev/sda", "ironlet.disk protects"),
        ("ironlet.image_key=RW", "ironlet.image-key protects"),
        ("ironlet.imagekey=RW", "ironlet.image-key protects"),
        ("ironlet.signatur=1", "ironlet.signature protects"),
        (
            "ironlet.signature",
            "names ironlet.signature without a value",
        ),
        (
            "ironlet.image-key",
            "names ironlet.image-key without a value",
        ),
        (
            "ipa-gaurd-special-filesystems=1",
            "ipa-guard-special-filesystems protects",
        ),
        (
            "ironlet.order-key",
            "names ironlet.order-key without a value",
        ),
    ] {
        let read = Machine::new("slip", &[]).read(&format!("quiet {key} {line}"));
        let said = read
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(said.contains(why), "{line}: {said}");
    }
    let file = ("ironic-python-agent.d/a.conf", "[DEFAULT]\nca_file = /c\n");
    let said = Machine::new("slip-file", &[file]).read("").err();
    let said = said.map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("cafile protects"), "{said}");
    let other = "ro root=/dev/sda disk=x order=1 ironlet.x=1 systemd.unit=rescue.target ipa-new=1 rootfstype=ramfs";
    assert!(Machine::new("no-slip", &[]).read(other).is_ok());
}
