//! The parameters: the kernel command line, files of /etc/ironic-python-agent.d, and the one table of keys.

mod declined_options;
pub mod flags;
mod help;
pub mod ini;
pub mod manual_page;
pub mod parameter_file;
mod protecting;
mod settings;
mod sources;
mod startup_warnings;
pub mod table;
mod values;
pub mod verbs;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::startup_warnings::Notes;
use crate::error::{Context, Error, Result};
use crate::secret::Secret;
use crate::system_root::SystemRoot;
pub use help::parameters_help;
pub use settings::{
    Advertise, Api, DiskWait, Image, Inspection, Listen, Mdns, Ntp, Order, Standalone, Tls,
};
pub use sources::tokens;
use sources::{files, from_media, read};
use table::{Parameter, TABLE};
use values::Values;

/// Everything that was set or is the default, in plain values by who needs them.
pub struct Config {
    /// Where Ironic is.
    pub api: Api,
    /// What to tell of the machine first.
    pub inspection: Inspection,
    /// What may be asked of multicast DNS.
    pub mdns: Mdns,
    /// Where to listen.
    pub listen: Listen,
    /// What Ironic is told to call.
    pub advertise: Advertise,
    /// Whom to believe, and as whom to be known.
    pub tls: Tls,
    /// How images are fetched and written.
    pub image: Image,
    /// How long to wait for disks at the start.
    pub disk_wait: DiskWait,
    /// A token agreed on beforehand.
    pub token: Option<Secret>,
    /// Log more.
    pub debug: bool,
    /// To wait before looking at the hardware.
    pub hardware_delay: Duration,
    /// Who says the time.
    pub ntp: Ntp,
    /// Go on where no boot entry could be made.
    pub ignore_bootloader_failure: bool,
    /// May a boot loader be installed where the machine has no UEFI? It decides what is said, not what is done.
    pub bios_bootloader: bool,
    /// Do cluster file systems protect their disks?
    pub guard: bool,
    /// May a disk that failed to erase itself be discarded?
    pub discard: bool,
    /// Of the step `inject_files`.
    pub inject_files_priority: u64,
    /// What a person calls the medium this machine was started from.
    pub medium: Option<String>,
    /// `BOOTIF` as the boot loader wrote it, for Ironic to read.
    pub boot_interface: Option<String>,
    /// Entries of `ipa-enable-vlan-interfaces`.
    pub vlan_interfaces: Vec<String>,
    /// Put what was heard into the inventory.
    pub collect_lldp: bool,
    /// Where to send the log.
    pub syslog: Option<String>,
    /// Serve figures to whoever asks.
    pub metrics: bool,
    /// Show browsers how the machine stands; none where that was not said.
    pub page: Option<bool>,
    /// Nobody can switch this machine on or off but a person at it.
    pub no_bmc: bool,
    /// Where to post reports.
    pub report: Option<String>,
    /// How long nothing may work before somebody looks why; none never looks.
    pub doctor: Option<Duration>,
    /// Deploy by itself, as ordered there.
    pub order: Option<Order>,
    /// Deploy by itself; without this and an order Ironic is waited for.
    pub standalone: Option<Standalone>,
    /// What the log is to say of the parameters: it begins only once `debug` is known.
    pub notes: Vec<String>,
}

const COMMAND_LINE: &str = "the kernel command line";
const MEDIA: &str = "parameters.txt of virtual media";
/// No medium may switch media on, or have a disk written without an Ironic.
const KERNELS_OWN: [&str; 2] = ["boot_method", "ironlet."];
/// What names of the kernel command line that are meant for the agent begin with.
const OURS: [&str; 2] = ["ipa-", "ironlet."];

impl Config {
    /// Parameters from virtual media win over `command_line`, which alone can say that there are some; files win over both, as
    /// they do upstream; `ipa-debug` alone wins over files.
    pub fn read(host: &SystemRoot, command_line: &str) -> Result<Self> {
        let (mut values, mut notes) = (Values::default(), Notes::default());
        let mut tokens = tokens(command_line);
        for (name, value) in &tokens {
            match named(name) {
                Some(parameter) => values.set(parameter, value, COMMAND_LINE),
                // Most of the others are the kernel's.
                None => unknown(COMMAND_LINE, name, &mut notes)?,
            }
        }
        protecting::check_bare(COMMAND_LINE, command_line)?;
        let media = from_media(host, values.text("boot_method"))?;
        for (name, value) in sources::tokens(&media) {
            match named(name) {
                // Ironic writes it there as well.
                Some(_) if name == "boot_method" && value == "vmedia" => {}
                Some(_) if KERNELS_OWN.iter().any(|prefix| name.starts_with(prefix)) => {
                    notes.say(format!(
                        "{name} counts on the kernel command line alone, not in {MEDIA}"
                    ));
                }
                Some(parameter) => {
                    values.set(parameter, value, MEDIA);
                    tokens.push((name, value));
                }
                None => unknown(MEDIA, name, &mut notes)?,
            }
        }
        for file in files(host) {
            let name = file.display().to_string();
            let settings = read(&file).and_then(|text| ini::parse(&text));
            for (key, value) in settings.with_context(|| format!("reading {name}"))? {
                let key = current(&key);
                let Some(parameter) = TABLE.iter().find(|p| p.key == key && !p.key.is_empty())
                else {
                    match declined_options::reason(key) {
                        Some(reason) => notes.declined(&name, &ini::titled(key), reason),
                        None => {
                            protecting::check(&name, key)?;
                            notes.unknown(&name, &ini::titled(key));
                        }
                    }
                    continue;
                };
                let is_set = tokens.iter().any(|(name, _)| *name == "ipa-debug");
                if parameter.name != "ipa-debug" || !is_set {
                    values.set(parameter, &value, &name);
                }
            }
        }
        values.check()?;
        notes.idle(&values);
        if values.is_set("cafile") && values.text("cafile").is_none() {
            notes.say(
                "cafile is set to nothing: the public authorities are trusted, and no other"
                    .to_owned(),
            );
        }
        let config = Config::from(host, &values, &mut notes)?;
        Ok(Config {
            notes: notes.lines(),
            ..config
        })
    }

    fn from(host: &SystemRoot, values: &Values, notes: &mut Notes) -> Result<Self> {
        let file = |title: &str| values.text(title).map(|path| rooted(host, path));
        let identity = file("certfile").zip(file("keyfile"));
        if identity.is_none() && (file("certfile").is_some() || file("keyfile").is_some()) {
            notes.say("certfile and keyfile go together: neither is used".to_owned());
        }
        let fixed = file("tls_cert_file").zip(file("tls_key_file"));
        if values.flag("listen_tls") && fixed.is_none() {
            return Err(Error::plain(
                "listen_tls needs tls_cert_file and tls_key_file",
            ));
        }
        Ok(Config {
            api: Api {
                urls: values.list("ipa-api-url"),
                request_id: values.owned("ipa-global-request-id"),
                version: values
                    .text("ipa-ironic-api-version")
                    .and_then(|text| settings::version(text, notes)),
                timeout: values.seconds("ipa-http-request-timeout"),
                lookup_timeout: values.seconds("ipa-lookup-timeout"),
                lookup_interval: values.seconds("ipa-lookup-interval"),
            },
            inspection: Inspection::from(values, notes),
            mdns: Mdns {
                is_wanted: values.flag("ipa-use-mdns"),
                attempts: values.number("mdns.lookup_attempts") as u32, // at most 100 by the table
                overrides: values.list("mdns.allowed_overrides"),
            },
            listen: Listen {
                host: values.owned("ipa-listen-host").unwrap_or_default(),
                port: values.number("ipa-listen-port") as u16, // at most 65535 by the table
            },
            advertise: Advertise {
                host: values.owned("ipa-advertise-host"),
                port: values.number("ipa-advertise-port") as u16, // at most 65535 by the table
                protocol: values.owned("ipa-advertise-protocol").unwrap_or_default(),
                interface: values.owned("ipa-network-interface"),
                attempts: values.number("ipa-ip-lookup-attempts") as u32, // fits by the table
                pause: values.seconds("ipa-ip-lookup-timeout"),
            },
            tls: Tls {
                insecure: values.flag("ipa-insecure"),
                min_version: values.owned("ipa-tls-min-version").unwrap_or_default(),
                ciphers: values.owned("ipa-tls-cipher-suites"),
                curve: values
                    .owned("ipa-tls-certificate-curve")
                    .unwrap_or_default(),
                automatic: values.flag("enable_auto_tls") && !values.flag("listen_tls"),
                fixed: fixed.filter(|_| values.flag("listen_tls")),
                cafile: file("cafile").or_else(|| parameter_file::authorities(host)),
                identity,
            },
            image: Image::from(values)?,
            disk_wait: DiskWait {
                attempts: values.number("ipa-disk-wait-attempts") as u32, // fits by the table
                delay: values.seconds("ipa-disk-wait-delay"),
            },
            token: values.owned("ipa-agent-token").map(Secret::new),
            debug: values.flag("ipa-debug"),
            ntp: Ntp {
                server: values.owned("ipa-ntp-server"),
                is_required: values.flag("fail_if_clock_not_set"),
            },
            ignore_bootloader_failure: values.flag("ipa-ignore-bootloader-failure"),
            bios_bootloader: values.flag("enable_bios_bootloader_install"),
            guard: values.flag("ipa-guard-special-filesystems"),
            discard: values.flag("ipa-enable-discard-erase"),
            hardware_delay: values.seconds("ipa-hardware-initialization-delay"),
            inject_files_priority: values.number("ipa-inject-files-priority"),
            medium: values.owned("ironlet.medium"),
            boot_interface: values.owned("BOOTIF"),
            vlan_interfaces: values.list("ipa-enable-vlan-interfaces"),
            collect_lldp: values.flag("ipa-collect-lldp"),
            syslog: values.owned("ironlet.syslog"),
            metrics: values.flag("ironlet.metrics"),
            page: (values.text("ironlet.page") != Some("auto"))
                .then(|| values.flag("ironlet.page")),
            no_bmc: values.flag("ironlet.no-bmc"),
            report: values.owned("ironlet.report"),
            doctor: Some(values.seconds("ironlet.doctor")).filter(|time| !time.is_zero()),
            order: Order::from(values)?,
            standalone: Standalone::from(values)?,
            notes: Vec::new(),
        })
    }
}

/// The parameter that words on the kernel command line, and on media, call so.
fn named(name: &str) -> Option<&'static Parameter> {
    TABLE
        .iter()
        .find(|parameter| parameter.name == name && !name.is_empty())
}

/// A word that sets no parameter of the command line's: one of files alone, a slip that costs protection, or nobody's business.
fn unknown(origin: &str, name: &str, notes: &mut Notes) -> Result<()> {
    if let Some(key) = of_files_alone(name) {
        let why = format!(
            "{origin} sets {name}, which counts in files alone: write `{} = …` into /etc/ironic-python-agent.d/own.conf of an \
             archive behind the initramfs (README: Files of your own){}",
            ini::titled(key),
            match key {
                "cafile" => ", or lay the authorities beside ironlet.conf on the boot medium",
                _ => "",
            }
        );
        // What is Ironic's own is passed over by its agent.
        return match name.starts_with("ironlet.") {
            true => Err(Error::plain(why)),
            false => {
                notes.say(why);
                Ok(())
            }
        };
    }
    protecting::check(origin, name)?;
    if is_meant_for_us(name) {
        notes.unknown(origin, name);
    }
    Ok(())
}

/// The parameter that has no name on command lines, and that whoever wrote `name` there means.
fn of_files_alone(name: &str) -> Option<&'static str> {
    let bare = OURS.iter().find_map(|prefix| name.strip_prefix(prefix));
    let bare = bare.unwrap_or(name).replace('-', "_");
    let alone = TABLE.iter().filter(|parameter| parameter.name.is_empty());
    alone
        .map(|parameter| parameter.key)
        .find(|key| *key == bare)
}

fn is_meant_for_us(name: &str) -> bool {
    OURS.iter().any(|prefix| name.starts_with(prefix))
}

/// Names that upstream renamed.
fn current(key: &str) -> &str {
    match key {
        "ssl.cert_file" => "tls_cert_file",
        "ssl.key_file" => "tls_key_file",
        key => key,
    }
}

/// Files of /etc are looked for where this machine has its /etc.
fn rooted(host: &SystemRoot, path: &str) -> PathBuf {
    match path.strip_prefix("/etc/") {
        Some(rest) => host.etc(rest),
        None => path.into(),
    }
}
