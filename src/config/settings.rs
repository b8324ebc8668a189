//! The parameters as plain values, a section for each who needs them, each made of the texts that were set.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::startup_warnings::Notes;
use crate::config::values::Values;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::units::Bytes;

/// How Ironic is asked.
pub struct Api {
    /// Empty: nobody to call.
    pub urls: Vec<String>,
    /// For `X-OpenStack-Request-ID`.
    pub request_id: Option<String>,
    /// A fixed API version, major and minor; none asks Ironic.
    pub version: Option<(u32, u32)>,
    /// Per connection and per read.
    pub timeout: Duration,
    /// Of the whole search for the node.
    pub lookup_timeout: Duration,
    /// The shortest pause between two lookups.
    pub lookup_interval: Duration,
}

/// What is told of the machine before Ironic is asked for its node, and to whom.
pub struct Inspection {
    /// Was it asked for: by a URL to post to, or by collectors where Ironic's own URL is known?
    pub is_wanted: bool,
    /// Empty: a place below each URL of Ironic.
    pub urls: Vec<String>,
    /// By the names upstream gives them.
    pub collectors: Vec<String>,
    /// How long to wait for addresses; zero does not.
    pub address_wait: Duration,
    /// On every NIC, not only on the one the machine was booted from.
    pub every_nic: bool,
    /// How long to listen for what switches say.
    pub lldp_timeout: Duration,
    /// Posting by hand goes on, with this pause between.
    pub again_after: Option<Duration>,
}

/// What may be asked of multicast DNS. A URL that is `mdns` is to be found so, whatever this says.
pub struct Mdns {
    /// Ask for Ironic if it has no URL.
    pub is_wanted: bool,
    /// How often to ask.
    pub attempts: u32,
    /// Settings that an answer may make, by the names of configuration files.
    pub overrides: Vec<String>,
}

/// The API's own port.
pub struct Listen {
    /// An address, `::` for all.
    pub host: String,
    /// A TCP port.
    pub port: u16,
}

/// The callback URL.
pub struct Advertise {
    /// An address or a name; none finds one.
    pub host: Option<String>,
    /// A TCP port.
    pub port: u16,
    /// `http` or `https`, where TLS is not automatic.
    pub protocol: String,
    /// Tell this interface's IPv4 address.
    pub interface: Option<String>,
    /// How often to look for an address.
    pub attempts: u32,
    /// Between two looks.
    pub pause: Duration,
}

/// The time server.
#[derive(Clone, Debug, Default)]
pub struct Ntp {
    /// Instead of those a lease names: a name or an address, with a port or without.
    pub server: Option<String>,
    /// Nothing goes on unless it sets the clock.
    pub is_required: bool,
}

/// TLS, both ways.
pub struct Tls {
    /// Believe any certificate.
    pub insecure: bool,
    /// `1.2` or `1.3`.
    pub min_version: String,
    /// OpenSSL names of TLS 1.2 suites, colons between.
    pub ciphers: Option<String>,
    /// `p256`, `p384` or `p521`.
    pub curve: String,
    /// Make a certificate if Ironic can verify it.
    pub automatic: bool,
    /// Certificate and key to serve with, instead of making one.
    pub fixed: Option<(PathBuf, PathBuf)>,
    /// PEM, instead of the public authorities.
    pub cafile: Option<PathBuf>,
    /// Certificate and key to show to servers.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// How images are fetched and written.
pub struct Image {
    /// Per connection and per read.
    pub timeout: Duration,
    /// Further attempts after the first, in a row without progress.
    pub retries: u32,
    /// Between two attempts.
    pub retry_interval: Duration,
    /// None: any time.
    pub max_duration: Option<Duration>,
    /// User and password for HTTP basic authentication.
    pub login: Option<(String, Secret)>,
    /// May an MD5 digest vouch for an image?
    pub md5_allowed: bool,
    /// By the names Ironic gives them.
    pub permitted_formats: Vec<String>,
    /// Public keys of minisign; none takes images that are not signed, too.
    pub keys: Vec<String>,
    /// Where signatures are: a URL or a word for it.
    pub signature: Option<String>,
    /// Read the disk back at the end?
    pub readback: bool,
    /// Bytes a second at the most.
    pub rate: Option<Bytes>,
    /// Any format there is a decoder for, permitted or not.
    pub any_format: bool,
    /// Unpack what is declared raw, if it is packed.
    pub unpack: bool,
    /// Make a config drive anew on any disk.
    pub rebuild_drive: bool,
    /// Of the EFI system partition beside a partition image, in MiB.
    pub efi_mib: u64,
    /// Of the BIOS boot partition beside one, in MiB.
    pub bios_boot_mib: u64,
    /// How often, a second apart, to look for the device of a new partition.
    pub partition_attempts: u32,
}

/// How long to wait for disks at the start.
pub struct DiskWait {
    /// How often to look.
    pub attempts: u32,
    /// Between two looks.
    pub delay: Duration,
}

/// Where the order is that this machine does without Ironic.
pub struct Order {
    /// A URL or a path, with names of the machine in braces.
    pub place: String,
    /// Public keys of minisign; none takes what is not signed, too.
    pub keys: Vec<String>,
    /// The lowest serial that is taken; 0 takes orders without one, too.
    pub least_serial: u64,
    /// `poweroff`, `reboot` or `wait`, where the order does not say it.
    pub then: String,
}

/// A deploy without Ironic, ordered by parameters alone.
pub struct Standalone {
    /// The same image at several places.
    pub images: Vec<String>,
    /// `algorithm:digest`, a bare digest or the URL of a checksum file; none where a signature vouches for it.
    pub checksum: Option<String>,
    /// A path below /dev; none lets the agent choose.
    pub disk: Option<String>,
    /// `poweroff`, `reboot` or `wait`.
    pub then: String,
}

impl Inspection {
    pub(super) fn from(values: &Values, notes: &mut Notes) -> Self {
        let (urls, named) = (
            values.list("ipa-inspection-callback-url"),
            values.list("ipa-inspection-collectors"),
        );
        if values.text("ipa-inspection-benchmarks").is_some() {
            notes.say("ipa-inspection-benchmarks: this agent runs no benchmarks".to_owned());
        }
        let interval = values.seconds("introspection_daemon_post_interval");
        Inspection {
            is_wanted: !urls.is_empty()
                || !named.is_empty() && !values.list("ipa-api-url").is_empty(),
            urls,
            collectors: match named.is_empty() {
                true => ["default", "logs"].map(str::to_owned).to_vec(),
                false => named,
            },
            address_wait: values.seconds("ipa-inspection-dhcp-wait-timeout"),
            every_nic: values.flag("ipa-inspection-dhcp-all-interfaces"),
            lldp_timeout: values.decimal_seconds("ipa-lldp-timeout"),
            again_after: values.flag("introspection_daemon").then_some(interval),
        }
    }
}

impl Image {
    pub(super) fn from(values: &Values) -> Result<Self> {
        let max = values.seconds("ipa-image-download-max-duration");
        let user = values.owned("image_server_user");
        let login = user.zip(values.owned("image_server_password").map(Secret::new));
        let basic = values.text("image_server_auth_strategy") == Some("http_basic");
        if basic && login.is_none() {
            return Err(Error::plain(
                "image_server_auth_strategy=http_basic needs image_server_user and image_server_password",
            ));
        }
        let keys = keys(values, "ironlet.image-key")?;
        let signature = values.owned("ironlet.signature");
        if signature.is_some() && keys.is_empty() {
            return Err(Error::plain(
                "ironlet.signature needs ironlet.image-key=RW…: nobody else says whose signature counts",
            ));
        }
        Ok(Image {
            keys,
            signature,
            timeout: values.seconds("ipa-image-download-connection-timeout"),
            retries: values.number("ipa-image-download-connection-retries") as u32, // fits by the table
            retry_interval: values.seconds("ipa-image-download-connection-retry-interval"),
            max_duration: (!max.is_zero()).then_some(max),
            login: login.filter(|_| basic),
            md5_allowed: values.flag("md5_enabled"),
            permitted_formats: values.list("permitted_image_formats"),
            readback: values.text("ironlet.verify") == Some("readback"),
            rate: values.rate("ironlet.rate"),
            any_format: values.flag("disable_deep_image_inspection"),
            unpack: values.flag("ironlet.decompress"),
            rebuild_drive: values.flag("config_drive_rebuild"),
            efi_mib: values.number("disk_utils.efi_system_partition_size"),
            bios_boot_mib: values.number("disk_utils.bios_boot_partition_size"),
            partition_attempts: values.number("disk_utils.partition_detection_attempts") as u32,
        })
    }
}

impl Order {
    pub(super) fn from(values: &Values) -> Result<Option<Self>> {
        let keys = keys(values, "ironlet.order-key")?;
        let Some(place) = values.owned("ironlet.order") else {
            // Whoever asks for a signature does not want what has none.
            return match keys.is_empty() {
                true => Ok(None),
                false => Err(Error::plain(
                    "ironlet.order-key needs ironlet.order=URL: parameters are signed by nobody",
                )),
            };
        };
        for other in ["ironlet.image", "ironlet.checksum", "ironlet.disk"] {
            if values.text(other).is_some() {
                return Err(Error::plain(format!(
                    "ironlet.order and {other}: take one away; which of the two is meant, nobody here can know"
                )));
            }
        }
        not_with_ironic(values, "ironlet.order")?;
        Ok(Some(Order {
            place,
            keys,
            least_serial: values.number("ironlet.order-serial"),
            then: values.owned("ironlet.then").unwrap_or_default(),
        }))
    }
}

impl Standalone {
    pub(super) fn from(values: &Values) -> Result<Option<Self>> {
        let images = values.list("ironlet.image");
        if images.is_empty() {
            return Ok(None);
        }
        not_with_ironic(values, "ironlet.image")?;
        let checksum = values.owned("ironlet.checksum");
        if checksum.is_none() && values.text("ironlet.signature").is_none() {
            return Err(Error::plain(
                "ironlet.image needs ironlet.checksum=sha256:…, or ironlet.signature and ironlet.image-key: an image nobody can verify is not written",
            ));
        }
        Ok(Some(Standalone {
            images,
            checksum,
            disk: values.owned("ironlet.disk"),
            then: values.owned("ironlet.then").unwrap_or_default(),
        }))
    }
}

/// Public keys; a parameter for some that has none is not what anybody means.
fn keys(values: &Values, title: &str) -> Result<Vec<String>> {
    let keys = values.list(title);
    match keys.is_empty() && values.is_set(title) {
        false => Ok(keys),
        true => Err(Error::plain(format!(
            "{title} is there, and no key in it: what is not signed is not taken then; take it away if nobody signs"
        ))),
    }
}

/// An error if an Ironic is named too.
fn not_with_ironic(values: &Values, order: &str) -> Result<()> {
    match values.list("ipa-api-url").is_empty() {
        true => Ok(()),
        false => Err(Error::plain(format!(
            "{order} and ipa-api-url: take one away; whether this machine is Ironic's or not, nobody here can know"
        ))),
    }
}

/// `x.y` as two numbers; none, with a note, if it is not that.
pub(super) fn version(text: &str, notes: &mut Notes) -> Option<(u32, u32)> {
    let parts = text.split_once('.');
    let version = parts.and_then(|(major, minor)| major.parse().ok().zip(minor.parse().ok()));
    if version.is_none() {
        let text = text.escape_debug();
        notes.say(format!(
            "ipa-ironic-api-version={text} is not x.y: asking Ironic instead"
        ));
    }
    version
}
