//! The one table of parameters: what each is called, what it may be, and what it does.

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Commas between.
    List,
    /// `http://…` or `https://…`, commas between.
    Urls,
    /// The same, or `mdns`.
    UrlsOrMdns,
    /// The path of a file.
    File,
    /// Inclusive.
    Integer(u64, u64),
    /// In seconds, up to this many.
    Seconds(u64),
    /// A number with a point.
    Decimal,
    /// Bytes a second: digits, and K, M or G behind them.
    Rate,
    /// `true`, `yes`, `on`, `1` and their opposites, as oslo.config has them.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// Does this build act on it, or only accept it for the sake of those who set it anyway?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does what its help says.
    Works,
    /// It is accepted and does nothing.
    Ignored,
}

/// One parameter, by both of its names.
pub struct Parameter {
    /// On the kernel command line; empty if it cannot stand there.
    pub name: &'static str,
    /// In a configuration file, `section.` before it unless that is `[DEFAULT]`; empty if it cannot stand there.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Empty for none.
    pub default: &'static str,
    /// Whether this build acts on it.
    pub effect: Effect,
    /// One line for `--help-parameters` and the README.
    pub help: &'static str,
}

impl Parameter {
    /// How errors and the help call it.
    pub fn title(&self) -> &'static str {
        match self.name {
            "" => self.key,
            name => name,
        }
    }
}

const fn works(
    name: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Parameter {
    Parameter {
        name,
        key,
        kind,
        default,
        help,
        effect: Effect::Works,
    }
}

const fn ignored(
    name: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Parameter {
    Parameter {
        effect: Effect::Ignored,
        ..works(name, key, kind, default, help)
    }
}

const ANY: u64 = u32::MAX as u64;
const PORT: Kind = Kind::Integer(0, 65535);

use Kind::*;

// protocol/lifecycle.md §3
/// All parameters, in the order of the README.
#[rustfmt::skip]
pub const TABLE: &[Parameter] = &[
    works("ipa-api-url", "api_url", UrlsOrMdns, "", "where Ironic is; several are tried in turn; mdns asks the network, where anybody may answer"),
    works("ipa-global-request-id", "global_request_id", Text, "", "sent to Ironic as X-OpenStack-Request-ID"),
    works("ipa-ironic-api-version", "ironic_api_version", Text, "", "a fixed API version x.y instead of asking Ironic"),
    works("ipa-http-request-timeout", "http_request_timeout", Seconds(1), "30", "patience with Ironic, per connection and per read"),
    works("ipa-lookup-timeout", "lookup_timeout", Seconds(0), "600", "how long to look for this node in Ironic before starting over"),
    works("ipa-lookup-interval", "lookup_interval", Seconds(0), "1", "the shortest pause between two lookups"),
    works("ipa-agent-token", "agent_token", Text, "", "a token agreed on beforehand (virtual media)"),
    works("ipa-listen-host", "listen_host", Text, "::", "the address the agent listens on"),
    works("ipa-listen-port", "listen_port", PORT, "9999", "the port the agent listens on"),
    works("ipa-advertise-host", "advertise_host", Text, "", "the address told to Ironic; found by itself if not set"),
    works("ipa-advertise-port", "advertise_port", PORT, "9999", "the port told to Ironic"),
    works("ipa-advertise-protocol", "advertise_protocol", Choice(&["http", "https"]), "http", "the scheme told to Ironic when TLS is not automatic"),
    works("ipa-network-interface", "network_interface", Text, "", "tell Ironic the IPv4 address of this interface"),
    works("ipa-ip-lookup-attempts", "ip_lookup_attempts", Integer(1, ANY), "6", "how often to look for an address to tell"),
    works("ipa-ip-lookup-timeout", "ip_lookup_sleep", Seconds(0), "10", "the pause between two such attempts"),
    works("ipa-insecure", "insecure", Boolean, "false", "believe any server certificate"),
    works("ipa-tls-min-version", "tls_min_version", Choice(&["1.2", "1.3"]), "1.2", "the oldest TLS version spoken, until Ironic names one"),
    works("ipa-tls-cipher-suites", "tls_cipher_suites", Text, "", "OpenSSL names of the TLS 1.2 suites for outgoing calls, colons between"),
    works("ipa-tls-certificate-curve", "tls_certificate_curve", Choice(&["p256", "p384", "p521"]), "p384", "the curve of the agent's own key; p521 becomes p384"),
    works("", "enable_auto_tls", Boolean, "true", "make a certificate and serve with TLS if Ironic can verify it"),
    works("", "listen_tls", Boolean, "false", "serve with tls_cert_file instead"),
    works("", "tls_cert_file", File, "", "the certificate for listen_tls, PEM"),
    works("", "tls_key_file", File, "", "its key, PEM"),
    works("", "cafile", File, "", "the authorities trusted instead of the public ones, PEM"),
    works("", "certfile", File, "", "a certificate to show to servers, PEM"),
    works("", "keyfile", File, "", "its key, PEM"),
    works("ipa-debug", "debug", Text, "false", "log more"),
    works("ipa-hardware-initialization-delay", "hardware_initialization_delay", Seconds(0), "0", "wait before looking at the hardware"),
    works("ipa-disk-wait-attempts", "disk_wait_attempts", Integer(0, ANY), "10", "how often to look for a disk at the start"),
    works("ipa-disk-wait-delay", "disk_wait_delay", Seconds(0), "3", "the pause between two such attempts"),
    works("ipa-image-download-connection-timeout", "image_download_connection_timeout", Seconds(1), "60", "patience with an image server, per connection and per read"),
    works("ipa-image-download-connection-retries", "image_download_connection_retries", Integer(0, ANY), "9", "further attempts to fetch an image"),
    works("ipa-image-download-connection-retry-interval", "image_download_connection_retry_interval", Seconds(0), "10", "the pause between two such attempts"),
    works("ipa-image-download-max-duration", "image_download_max_duration", Seconds(0), "0", "the longest a download may take; 0 is any time"),
    works("", "image_server_auth_strategy", Choice(&["noauth", "http_basic"]), "noauth", "how to log in to image servers"),
    works("", "image_server_user", Text, "", "the user for http_basic"),
    works("", "image_server_password", Text, "", "the password for http_basic"),
    works("", "md5_enabled", Boolean, "false", "accept MD5 checksums; Ironic usually says"),
    works("", "permitted_image_formats", List, "raw,gpt,qcow2", "image formats accepted; Ironic usually says"),
    works("", "disable_deep_image_inspection", Boolean, "false", "accept formats that are not permitted; Ironic usually says"),
    works("", "config_drive_rebuild", Boolean, "false", "make config drives anew, as vfat; on sectors larger than theirs they always are"),
    works("", "disk_utils.efi_system_partition_size", Integer(1, ANY), "550", "MiB of the EFI system partition beside a partition image"),
    works("", "disk_utils.bios_boot_partition_size", Integer(1, ANY), "1", "MiB of the BIOS boot partition beside one"),
    works("", "disk_utils.partition_detection_attempts", Integer(1, ANY), "3", "how often, a second apart, to look for the device of a new partition"),
    works("BOOTIF", "", Text, "", "the MAC address of the NIC the machine booted from, plain or as 01-aa-bb-…"),
    works("ironlet.verify", "", Choice(&["none", "readback"]), "none", "readback: read the whole image back from the disk and compare"),
    works("ironlet.rate", "", Rate, "", "fetch an image no faster than so many bytes a second: 512K, 20M, 1G"),
    works("ironlet.decompress", "", Boolean, "false", "unpack an image declared raw if it begins like gzip, zstd, xz or bzip2"),
    works("ironlet.medium", "", Text, "", "the disk this machine was started from, which is never taken: /dev/…, serial number, WWN, LABEL=, UUID= or PARTUUID=; what firmware and loader tell is found without"),
    works("ironlet.syslog", "", Text, "", "send the log there: host:port by UDP, tcp://host:port or tls://host:port"),
    works("ironlet.metrics", "", Boolean, "false", "serve /metrics (OpenMetrics) to whoever asks"),
    works("ironlet.page", "", Choice(&["auto", "0", "1", "false", "true"]), "auto", "show a browser at the agent's port how this machine stands; auto: without Ironic, not with it"),
    works("ironlet.no-bmc", "", Boolean, "false", "nobody but a person can switch this machine on: restart where Ironic has it powered off or locked down, and ask anew where Ironic has forgotten the agent"),
    works("ironlet.report", "", Text, "", "post JSON there at each change and every few seconds of progress: http://… or https://…, with names of this machine in braces as in ironlet.order"),
    works("ironlet.doctor", "", Seconds(0), "120", "when nothing has worked for so long, say on the console step by step what is wrong first, as ironlet doctor does; 0 never"),
    works("ironlet.order", "", Text, "", "without Ironic: do what the document at this URL or path orders; {mac}, {serial}, {uuid}, {asset_tag} and {hostname} in it are this machine's, else default"),
    works("ironlet.order-key", "", List, "", "public keys of minisign: an order without a signature by one of them, at its URL with .minisig behind, is not taken"),
    works("ironlet.order-serial", "", Integer(0, ANY), "0", "an order with a lower serial, or where this is not 0 with none, is not taken"),
    works("ironlet.image", "", Urls, "", "without Ironic: write this image"),
    works("ironlet.checksum", "", Text, "", "without Ironic: its digest, sha256:… or sha512:…, or the URL of a checksum file or of its block map (.bmap)"),
    works("ironlet.signature", "", Text, "", "where an image's signature by minisign is: a URL, or 1: at the image's URL with .minisig behind, or checksum: there beside the checksum file, which is signed then; an order may say another"),
    works("ironlet.image-key", "", List, "", "public keys of minisign: no image is written without a signature by one of them"),
    works("ironlet.disk", "", Text, "", "without Ironic: the disk to write, chosen by itself if not set"),
    works("ironlet.then", "", Choice(&["poweroff", "reboot", "kexec", "wait"]), "poweroff", "without Ironic: what to do when the image is written, unless the order says that"),
    works("ipa-use-mdns", "mdns.use_mdns", Boolean, "false", "ask the network by multicast DNS where Ironic is, if there is no URL; anybody there may answer"),
    works("", "mdns.lookup_attempts", Integer(1, 100), "3", "how often to ask"),
    works("", "mdns.allowed_overrides", List, "inspection_callback_url,ntp_server", "which of these two an answer may set, where nobody else has"),
    works("ipa-inspection-callback-url", "inspection_callback_url", UrlsOrMdns, "", "inspect, and post what is found there before the lookup; several are tried in turn; or mdns"),
    works("ipa-inspection-collectors", "inspection_collectors", List, "", "what to collect, default,logs if not set; with ipa-api-url it asks for inspection by itself"),
    works("ipa-inspection-dhcp-wait-timeout", "inspection_dhcp_wait_timeout", Seconds(0), "60", "how long inspection waits for an address on the NIC of BOOTIF; 0 does not"),
    works("ipa-inspection-dhcp-all-interfaces", "inspection_dhcp_all_interfaces", Boolean, "false", "wait for one on every NIC instead"),
    works("ipa-inspection-benchmarks", "", Text, "", "accepted for those who set it: no benchmark is run"),
    works("", "introspection_daemon", Boolean, "false", "with --inventory --post: go on posting"),
    works("", "introspection_daemon_post_interval", Seconds(1), "300", "the pause between two such posts, give or take a third"),
    works("ipa-collect-lldp", "collect_lldp", Boolean, "false", "what switches say by LLDP in the inventory, too; the collector lldp needs it not"),
    works("ipa-lldp-timeout", "lldp_timeout", Decimal, "30.0", "how long to listen for LLDP, on all interfaces at once"),
    works("ipa-enable-vlan-interfaces", "enable_vlan_interfaces", List, "", "VLANs to bring up: interface.number or MAC.number, and with ipa-collect-lldp also interface or all, for those that the switch names"),
    works("ipa-ntp-server", "ntp_server", Text, "", "set the clock from this server, at the start and before power off"),
    works("", "fail_if_clock_not_set", Boolean, "false", "stop if ipa-ntp-server does not set the clock, at the start and before power off"),
    works("ipa-guard-special-filesystems", "guard_special_filesystems", Boolean, "true", "never write a disk with a cluster filesystem (VMFS, GPFS, GFS2, OCFS2) or a member of an array that is not put together"),
    works("ipa-enable-discard-erase", "enable_discard_erase", Boolean, "false", "erase by discarding what fails to erase itself"),
    works("ipa-ignore-bootloader-failure", "ignore_bootloader_failure", Boolean, "false", "go on without a boot entry"),
    works("ipa-inject-files-priority", "inject_files_priority", Integer(0, 99), "0", "priority of the step inject_files among those of a deploy; 0: only where it is asked for"),
    works("boot_method", "", Text, "", "vmedia: parameters and files from virtual media; on the kernel command line alone"),
    works("sshkey", "", Text, "", "in a ramdisk for rescues: whose SSH key lets in as root, sshkey=\"ssh-ed25519 AAAA… comment\"; on the kernel command line alone"),
    ignored("", "auto_tls_allowed_clock_skew", Seconds(0), "3600", "our certificate has no dates that a wrong clock could miss"),
    ignored("", "disk_utils.dd_block_size", Text, "1M", "no dd is run: blocks are as large as the disk is fastest with"),
    ignored("", "disk_utils.partprobe_attempts", Integer(0, ANY), "10", "no partprobe is run: the kernel is told of a new table once, and waited for"),
    ignored("", "disk_utils.image_convert_memory_limit", Integer(0, ANY), "2048", "no qemu-img is run: images are decoded while they stream"),
    ignored("", "disk_utils.image_convert_attempts", Integer(0, ANY), "3", "the same"),
    ignored("", "disk_partitioner.check_device_interval", Integer(0, ANY), "1", "a disk in use is refused before it is touched, not waited for"),
    ignored("", "disk_partitioner.check_device_max_retries", Integer(0, ANY), "20", "the same"),
    ignored("", "disable_bootc_deploy", Boolean, "false", "no bootc; there is none"),
    works("", "enable_bios_bootloader_install", Boolean, "false", "where only GRUB could boot an image, say that this build has none, instead of that it is off"),
];
