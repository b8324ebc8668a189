//! Parameters: what wins over what, what is refused, and that the table and its readers agree.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ironlet::config::table::{Effect, Kind, TABLE};
use ironlet::config::{Config, parameters_help, tokens};
use ironlet::error::Result;
use ironlet::system_root::SystemRoot;

#[path = "config/notes.rs"]
mod notes;

/// A machine that is nothing but its /etc.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("ironlet-config-{name}-{}-{count}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(root.join("etc/ironic-python-agent.d")).expect("a folder");
        for (file, text) in files {
            fs::write(root.join("etc").join(file), text).expect(file);
        }
        Machine(root)
    }

    fn read(&self, command_line: &str) -> Result<Config> {
        Config::read(&SystemRoot::new(&self.0), command_line)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refusal(command_line: &str) -> String {
    match Machine::new("refusal", &[]).read(command_line) {
        Ok(_) => panic!("accepted: {command_line}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn nothing_set_means_the_documented_defaults() {
    let config = Machine::new("defaults", &[])
        .read("quiet BOOT_IMAGE=/x")
        .expect("fine");
    assert!(config.api.urls.is_empty() && config.token.is_none() && config.standalone.is_none());
    assert_eq!(
        (config.listen.host.as_str(), config.listen.port),
        ("::", 9999)
    );
    assert_eq!(
        (config.advertise.port, config.advertise.attempts),
        (9999, 6)
    );
    assert_eq!(config.api.lookup_timeout, Duration::from_secs(600));
    assert_eq!(config.image.permitted_formats, ["raw", "gpt", "qcow2"]);
    assert!(!config.image.any_format && !config.image.unpack && !config.image.rebuild_drive);
    assert_eq!(
        (config.image.timeout, config.image.retries),
        (Duration::from_secs(60), 9)
    );
    assert_eq!(config.image.max_duration, None);
    assert_eq!(
        (config.tls.min_version.as_str(), config.tls.curve.as_str()),
        ("1.2", "p384")
    );
    assert!(config.tls.automatic && !config.tls.insecure);
}

#[test]
fn the_command_line_of_a_real_deploy_is_understood() {
    let line = "nofb vga=normal ipa-debug=1 ipa-api-url=http://172.22.0.1:6385,https://[fd00::1]/baremetal \
        ipa-global-request-id=req-bbe8a574 BOOTIF=01-52-54-00-AA-BB-01 selinux=0 ipa-insecure=yes \
        ipa-unheard-of=x ipa-lookup-timeout=7 ipa-agent-token=secret ipa-ironic-api-version=1.90\n";
    let config = Machine::new("real", &[]).read(line).expect("fine");
    assert_eq!(
        config.api.urls,
        ["http://172.22.0.1:6385", "https://[fd00::1]/baremetal"]
    );
    assert_eq!(config.api.request_id.as_deref(), Some("req-bbe8a574"));
    assert_eq!(config.api.version, Some((1, 90)));
    assert_eq!(
        config.boot_interface.as_deref(),
        Some("01-52-54-00-AA-BB-01")
    );
    assert_eq!(config.api.lookup_timeout, Duration::from_secs(7));
    assert!(config.debug && config.tls.insecure);
    assert_eq!(config.token.expect("a token").expose(), "secret");
}

#[test]
fn the_last_word_wins_and_words_without_equals_are_nothing() {
    assert_eq!(
        tokens("a=1 b c=2=3\n a=4"),
        [("a", "1"), ("c", "2=3"), ("a", "4")]
    );
    let config = Machine::new("last", &[])
        .read("ipa-listen-port=1 ipa-listen-port=2 ipa-insecure")
        .expect("fine");
    assert_eq!((config.listen.port, config.tls.insecure), (2, false));
}

#[test]
fn files_win_over_the_command_line_and_later_files_over_earlier_ones() {
    let machine = Machine::new(
        "files",
        &[
            (
                "ironic-python-agent.conf",
                "[DEFAULT]\nlisten_port = 1\nadvertise_port = 1\nlookup_timeout = 1\n",
            ),
            (
                "ironic-python-agent.d/10.conf",
                "[DEFAULT]\nadvertise_port = 2\nlookup_timeout = 2\ndebug = false\n",
            ),
            (
                "ironic-python-agent.d/20.conf",
                "[DEFAULT]\nlookup_timeout: 3\nunheard_of = x\n[disk_utils]\nlisten_port = 9\n",
            ),
            (
                "ironic-python-agent.d/30.txt",
                "[DEFAULT]\nlookup_timeout = 4\n",
            ),
        ],
    );
    let config = machine
        .read("ipa-listen-port=8 ipa-advertise-port=8 ipa-lookup-timeout=8 ipa-lookup-interval=8 ipa-debug=1")
        .expect("fine");
    assert_eq!((config.listen.port, config.advertise.port), (1, 2));
    assert_eq!(config.api.lookup_timeout, Duration::from_secs(3));
    assert_eq!(config.api.lookup_interval, Duration::from_secs(8));
    assert!(config.debug, "the command line's debug wins");
}

#[test]
fn the_authority_injected_by_ironic_is_found_on_this_machine() {
    let machine = Machine::new(
        "cafile",
        &[(
            "ironic-python-agent.d/ironic-tls.conf",
            "[DEFAULT]\ncafile=/etc/ironic-python-agent/ironic.crt\ncertfile = /opt/own.crt\nkeyfile = \"/opt/own.key\"\n",
        )],
    );
    let tls = machine.read("").expect("fine").tls;
    assert_eq!(
        tls.cafile,
        Some(machine.0.join("etc/ironic-python-agent/ironic.crt"))
    );
    assert_eq!(
        tls.identity,
        Some(("/opt/own.crt".into(), "/opt/own.key".into()))
    );
    assert_eq!(tls.fixed, None);
}

#[test]
fn a_fixed_certificate_turns_the_automatic_one_off() {
    let machine = Machine::new(
        "fixed",
        &[(
            "ironic-python-agent.conf",
            "[DEFAULT]\nlisten_tls = on\n[ssl]\ncert_file = /c\nkey_file = /k\n",
        )],
    );
    let tls = machine.read("").expect("fine").tls;
    assert_eq!(
        (tls.automatic, tls.fixed),
        (false, Some(("/c".into(), "/k".into())))
    );
}

#[test]
fn a_bad_value_is_refused_by_name_and_origin() {
    for (line, word) in [
        ("ipa-listen-port=70000", "from 0 to 65535"),
        ("ipa-listen-port=-1", "from 0 to 65535"),
        ("ipa-lookup-timeout=1.5", "seconds"),
        ("ipa-lookup-timeout=99999999999999999999", "seconds"),
        ("ipa-ip-lookup-attempts=0", "1 or more"),
        ("ipa-insecure=maybe", "true or false"),
        ("ipa-collect-lldp=maybe", "true or false"),
        ("ipa-lldp-timeout=soon", "a number"),
        ("ipa-api-url=ftp://ironic", "http://"),
        ("ipa-api-url=http://", "http://"),
        ("ipa-api-url=http://a,b", "http://"),
        ("ipa-api-url=mdns,http://h", "mdns, or one or more"),
        ("ipa-tls-min-version=1.1", "1.2, 1.3"),
        ("ipa-tls-certificate-curve=P384", "p256, p384, p521"),
        ("ipa-image-download-connection-timeout=0", "1 or more"),
        ("ironlet.then=sleep", "poweroff, reboot"),
    ] {
        let (name, text) = (line.split('=').next().unwrap_or_default(), refusal(line));
        let told =
            text.contains(name) && text.contains(word) && text.contains("the kernel command line");
        assert!(told, "{line}: {text}");
    }
    for (file, word) in [
        ("listen_port = x", "bad.conf: line 1"),
        ("[DEFAULT]\nlisten_port = x", "from 0 to 65535"),
        ("[DEFAULT]\nlisten_tls = true", "tls_cert_file"),
        (
            "[DEFAULT]\nimage_server_auth_strategy = http_basic",
            "image_server_user",
        ),
        ("[DEFAULT]\nlisten_port", "bad.conf: line 2"),
    ] {
        let machine = Machine::new("bad", &[("ironic-python-agent.d/bad.conf", file)]);
        let error = machine.read("").err().expect(file).to_string();
        assert!(error.contains(word), "{file}: {error}");
    }
}

#[test]
fn debug_is_never_a_reason_not_to_start() {
    for (value, on) in [
        ("1", true),
        ("t", true),
        ("Yes", true),
        ("0", false),
        ("loud", false),
    ] {
        let config = Machine::new("debug", &[]).read(&format!("ipa-debug={value}"));
        assert_eq!(config.map(|config| config.debug), Ok(on), "{value}");
    }
}

#[test]
fn images_are_unpacked_and_formats_not_asked_for_where_told_so() {
    let file = (
        "ironic-python-agent.d/a.conf",
        "[DEFAULT]\ndisable_deep_image_inspection = true\nconfig_drive_rebuild = true\n",
    );
    let config = Machine::new("images", &[file]).read("ironlet.decompress=1");
    let image = config.expect("fine").image;
    assert!(image.any_format && image.unpack && image.rebuild_drive);
}

#[test]
fn what_upstream_s_files_say_of_disks_is_done_or_named() {
    let file = (
        "ironic-python-agent.d/a.conf",
        "[disk_utils]\nefi_system_partition_size = 200\nbios_boot_partition_size = 2\npartition_detection_attempts = 9\n\
         dd_block_size = 4M\nimage_convert_attempts = 5\n[disk_partitioner]\ncheck_device_interval = 7\ncheck_device_max_retries = 20\n",
    );
    let config = Machine::new("disk_utils", &[file]).read("").expect("fine");
    let image = &config.image;
    assert_eq!(
        (image.efi_mib, image.bios_boot_mib, image.partition_attempts),
        (200, 2, 9)
    );
    // What is set to what it is anyway is not worth a word.
    let said = "without effect: disk_utils.dd_block_size, disk_utils.image_convert_attempts, disk_partitioner.check_device_interval";
    assert!(
        config.notes.iter().any(|note| note.ends_with(said)),
        "{:?}",
        config.notes
    );
    let plain = Machine::new("no disk_utils", &[]).read("").expect("fine");
    assert_eq!((plain.image.efi_mib, plain.image.bios_boot_mib), (550, 1));
    let wrong = (
        "ironic-python-agent.d/a.conf",
        "[disk_utils]\nefi_system_partition_size = large\n",
    );
    let error = Machine::new("wrong disk_utils", &[wrong]).read("");
    let error = error.err().expect("it is no number").to_string();
    assert!(error.contains("efi_system_partition_size"), "{error}");
}

#[test]
fn a_deploy_without_ironic_needs_a_checksum() {
    assert!(refusal("ironlet.image=http://h/i").contains("ironlet.checksum"));
    let config = Machine::new("alone", &[])
        .read("ironlet.image=http://h/i,https://g/i ironlet.checksum=sha256:00 ironlet.disk=/dev/vda ironlet.then=reboot")
        .expect("fine");
    let alone = config.standalone.expect("a deploy");
    assert_eq!(
        (alone.images.join(" "), alone.checksum.as_deref()),
        ("http://h/i https://g/i".to_owned(), Some("sha256:00"))
    );
    assert_eq!(
        (alone.disk.as_deref(), alone.then.as_str()),
        (Some("/dev/vda"), "reboot")
    );
}

#[test]
fn a_signature_stands_for_a_checksum_where_a_key_says_whose() {
    let (image, key) = ("ironlet.image=http://h/i", "ironlet.image-key=RWx,RWy");
    let config = Machine::new("signed", &[])
        .read(&format!("{image} {key} ironlet.signature=1"))
        .expect("fine");
    assert_eq!(config.standalone.expect("a deploy").checksum, None);
    assert_eq!(
        (config.image.keys.len(), config.image.signature.as_deref()),
        (2, Some("1"))
    );
    for (line, words) in [
        (format!("{image} {key}"), "needs ironlet.checksum"),
        (format!("{image} {key} ironlet.signature="), "is empty"),
        (
            format!("{image} ironlet.signature=1"),
            "needs ironlet.image-key",
        ),
        (
            format!("{image} ironlet.checksum=sha256:00 ironlet.image-key="),
            "is empty",
        ),
    ] {
        assert!(refusal(&line).contains(words), "{line}: {}", refusal(&line));
    }
}

#[test]
fn the_page_is_for_the_agent_to_decide_unless_somebody_does() {
    let machine = Machine::new("page", &[]);
    for (set, page) in [
        ("", None),
        ("ironlet.page=auto", None),
        ("ironlet.page=1", Some(true)),
        ("ironlet.page=true", Some(true)),
        ("ironlet.page=0", Some(false)),
    ] {
        assert_eq!(machine.read(set).expect(set).page, page, "{set}");
    }
    assert!(refusal("ironlet.page=perhaps").contains("ironlet.page"));
}

#[test]
fn an_order_is_no_half_of_one_by_parameters() {
    let config = Machine::new("order", &[])
        .read("ironlet.order=http://h/{mac}.json ironlet.order-key=RWx,RWy ironlet.order-serial=7 ironlet.then=wait")
        .expect("fine");
    let order = config.order.expect("an order");
    assert_eq!(
        (
            order.place.as_str(),
            order.keys.len(),
            order.least_serial,
            order.then.as_str()
        ),
        ("http://h/{mac}.json", 2, 7, "wait")
    );
    for (line, words) in [
        ("ironlet.order-key=RWx", "needs ironlet.order"),
        (
            "ironlet.order=http://h/o ironlet.order-key=",
            "ironlet.order-key= from the kernel command line is empty",
        ),
        (
            "ironlet.image=http://h/i ironlet.checksum=sha256:00 ironlet.disk=",
            "ironlet.disk= from the kernel command line is empty",
        ),
        (
            "ironlet.image=http://h/i ironlet.checksum=sha256:00 ironlet.disk=/dev/vda ironlet.disk=",
            "ironlet.disk= from the kernel command line is empty",
        ),
        (
            "ironlet.order=http://h/o ironlet.order-key=RWx ironlet.order-key=,",
            "no key in it",
        ),
        (
            "ironlet.order=http://h/o ipa-api-url=http://i",
            "ironlet.order and ipa-api-url",
        ),
        (
            "ironlet.image=http://h/i ironlet.checksum=sha256:00 ipa-api-url=http://i",
            "ironlet.image and ipa-api-url",
        ),
        (
            "ironlet.order-key=RWx ironlet.image=http://h/i ironlet.checksum=sha256:00",
            "needs ironlet.order",
        ),
        (
            "ironlet.order=http://h/o ironlet.image=http://h/i ironlet.checksum=sha256:00",
            "ironlet.order and ironlet.image",
        ),
        (
            "ironlet.order=http://h/o ironlet.disk=/dev/vda",
            "ironlet.order and ironlet.disk",
        ),
        (
            "ironlet.order=http://h/o ironlet.order-serial=-1",
            "ironlet.order-serial",
        ),
    ] {
        assert!(refusal(line).contains(words), "{line}: {}", refusal(line));
    }
}

#[test]
fn the_table_holds_together_and_the_help_shows_all_of_it() {
    let help = parameters_help();
    for parameter in TABLE {
        let title = parameter.title();
        assert!(!title.is_empty() && !parameter.help.is_empty());
        let same = TABLE
            .iter()
            .filter(|p| p.title() == title || (!p.key.is_empty() && p.key == parameter.key));
        assert_eq!(same.count(), 1, "{title} is there twice");
        assert!(
            help.contains(&format!("\n{title}")) && help.contains(parameter.help),
            "{title}"
        );
        if parameter.kind == Kind::Boolean {
            assert!(["true", "false"].contains(&parameter.default), "{title}");
        }
        if parameter.effect == Effect::Ignored {
            assert!(
                refused_when_wrong(parameter.kind, parameter.name),
                "{title}"
            );
        }
    }
}

/// Even what is ignored is checked, so that a typing error does not wait for a later release.
fn refused_when_wrong(kind: Kind, name: &str) -> bool {
    let free = matches!(kind, Kind::Text | Kind::List | Kind::File);
    free || name.is_empty() || refusal(&format!("{name}=?")).contains(name)
}
