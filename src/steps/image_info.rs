//! Parses `image_info`, as Ironic sends it, into a request for the image path.

use crate::codec;
use crate::codec::json::{Fields, Object, Value};
use crate::disk::table::partition_plan::{Scheme, Sizes};
use crate::error::{Context, Error, Kind, Result};
use crate::image::decode::format::Format;
use crate::image::layout::{Ephemeral, Partitions};
use crate::image::verify::checksum::Checksum;
use crate::image::verify::digest::Algorithm;
use crate::image::verify::image_signature::ImageSignature;
use crate::image::{Layout, Request};
use crate::net::http::proxy::Proxies;
use crate::net::http::url;
use crate::secret::{Secret, redacted};

use crate::steps::step_context::{Login, Settings};

/// In MiB: what is written last, the ends of the partition, is a MiB each.
const LEAST_ROOT: u64 = 2;

/// What upstream checks before it starts; the texts are part of the protocol (deploy.md §3).
pub fn validate(info: Option<&Object>, settings: &Settings) -> Result<()> {
    let md5 = settings.md5;
    let empty = Object::new();
    let info = info.unwrap_or(&empty);
    for field in ["id", "urls"] {
        if !info.contains_key(field) {
            return Err(invalid(format!("Image is missing '{field}' field.")));
        }
    }
    if !matches!(info.get("urls"), Some(Value::Array(urls)) if !urls.is_empty()) {
        return Err(invalid(
            "Image 'urls' must be a list with at least one element.",
        ));
    }
    let checksum = filled(info, "checksum")?;
    // As many digits as MD5 has, or fewer, count only where MD5 does.
    let checksum = checksum.filter(|text| md5 || url::is_http(text) || text.len() > 32);
    let named = |field| info.field(field).is_some_and(is_truthy);
    let pair = named("os_hash_algo") || named("os_hash_value");
    if pair {
        for field in ["os_hash_algo", "os_hash_value"] {
            if filled(info, field)?.is_none() {
                return Err(not_text(field));
            }
        }
    }
    if checksum.is_none() && !pair && signature(info, settings)?.is_none() {
        return Err(invalid(
            "Image checksum is not available, either the 'checksum' field or the 'os_hash_algo' and \
             'os_hash_value' fields pair must be set for image verification.",
        ));
    }
    Ok(())
}

/// Everything the image path needs, for a machine that starts from a disk made by `scheme`; what this build
/// cannot do is refused here, before any write.
pub fn request(info: &Object, settings: &Settings, scheme: Scheme) -> Result<Request> {
    validate(Some(info), settings)?;
    let id = match info.get("id") {
        // The end of the URL, so that of a temporary URL has the signature in it.
        Some(Value::String(id)) => redacted(id),
        _ => return Err(not_text("id")),
    };
    Ok(Request {
        urls: urls(info)?,
        checksum: checksum(info, settings.md5)?,
        signature: signature(info, settings)?,
        format: format(info, settings)?,
        authorization: authorization(info, &id, settings)?,
        proxies: proxies(info)?,
        layout: layout(info, scheme, settings)?,
        drive: None,
        id,
    })
}

/// A whole disk unless it is called a partition.
pub fn layout(info: &Object, scheme: Scheme, settings: &Settings) -> Result<Layout> {
    if info.string("image_type")? != Some("partition") {
        return Ok(Layout::Disk);
    }
    let preserve = info.boolean("preserve_ephemeral")?.unwrap_or(false);
    let sizes = Sizes {
        root: mebibytes(info, "root_mb")?.unwrap_or(0),
        swap: mebibytes(info, "swap_mb")?.unwrap_or(0),
        ephemeral: mebibytes(info, "ephemeral_mb")?.unwrap_or(0),
        drive: 0,
        firmware: match scheme {
            Scheme::Uefi => settings.efi_mib,
            Scheme::BiosGpt => settings.bios_boot_mib,
            Scheme::Mbr => None,
        },
    };
    if sizes.root < LEAST_ROOT {
        return Err(invalid(format!(
            "'root_mb' must be {LEAST_ROOT} or more: the size in MiB of the root partition, which the image is for"
        )));
    }
    let ephemeral = match info.string("ephemeral_format")? {
        None | Some("ext4") => Ephemeral::Ext4,
        Some("vfat") => Ephemeral::Vfat,
        Some("none") => Ephemeral::Bare,
        // Whatever it is: nobody makes it.
        Some(_) if sizes.ephemeral == 0 || preserve => Ephemeral::Bare,
        Some(format) => {
            return Err(invalid(format!(
                "ephemeral_format '{format:.40}' is not in this build, ext4, vfat and none are \
                 (instance_info.ephemeral_format, else Ironic's own default_ephemeral_format); no disk was touched"
            )));
        }
    };
    Ok(Layout::Partition(Partitions {
        scheme,
        sizes,
        ephemeral,
        preserve,
    }))
}

/// A whole number, which may come as text.
fn mebibytes(info: &Object, field: &str) -> Result<Option<u64>> {
    match info.field(field) {
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| {
            let why = format!("'{field}' must be a whole number of MiB, 0 or more");
            invalid(why)
        }),
        _ => info.integer(field),
    }
}

fn urls(info: &Object) -> Result<Vec<String>> {
    let urls = info.array("urls")?.into_iter().flatten();
    urls.map(|url| match url {
        Value::String(url) => Ok(url.clone()),
        _ => Err(invalid("Image 'urls' must be a list of strings.")),
    })
    .collect()
}

/// The `os_hash_…` pair decides, unless its algorithm is strange to us and there is a checksum.
fn checksum(info: &Object, md5: bool) -> Result<Option<Checksum>> {
    let checksum = filled(info, "checksum")?;
    if let (Some(name), Some(value)) = (
        filled(info, "os_hash_algo")?,
        filled(info, "os_hash_value")?,
    ) {
        match (Algorithm::named(name), checksum) {
            (Some(algorithm), _) => return Checksum::new(value, Some(algorithm)).map(Some),
            (None, Some(_)) => (),
            (None, None) => {
                return Err(invalid(format!(
                    "os_hash_algo '{name:.40}' is not in this build: {} are",
                    Algorithm::NAMES
                )));
            }
        }
    }
    let Some(checksum) = checksum else {
        return Ok(None);
    };
    if !md5
        && !url::is_http(checksum)
        && Algorithm::of_length(checksum.len()) == Some(Algorithm::Md5)
    {
        return Err(invalid(
            "Image 'checksum' is MD5, which Ironic does not allow.",
        ));
    }
    let checksum = Checksum::new(checksum, None)?;
    Ok(Some(match md5 {
        true => checksum,
        false => checksum.without_md5(),
    }))
}

/// Whose signature it must have. Ironic knows none and says nothing of it; an order may.
fn signature(info: &Object, settings: &Settings) -> Result<Option<ImageSignature>> {
    let place = filled(info, "signature")?.or(settings.image_signature.as_deref());
    ImageSignature::parse(&settings.image_keys, place)
}

/// As declared, or by its content; anything but declared raw must be among those Ironic permits.
pub fn format(info: &Object, settings: &Settings) -> Result<Format> {
    let permitted = &settings.formats;
    // Of what a registry has of an image Ironic tells the format and not that it is packed: its media type stays behind.
    let unpack = settings.unpack || urls(info)?.iter().all(|url| is_registry_blob(url));
    let name = match info.string("disk_format")? {
        // protocol/deploy.md §8
        None | Some("" | "unknown") => {
            return Ok(Format::Unsaid {
                permitted: permitted.clone(),
                unpack,
            });
        }
        Some(name) => name,
    };
    match Format::named(name)? {
        Format::Raw if unpack => Ok(Format::MaybePacked),
        Format::Raw => Ok(Format::Raw),
        format if permitted.iter().any(|other| other == name) => Ok(format),
        _ => {
            let permitted = permitted.join(", ");
            let why =
                format!("Security: images of format '{name}' are not permitted, only {permitted}");
            Err(Error::new(Kind::InvalidImage, why))
        }
    }
}

/// A blob of a container registry, by the only path it has: OCI Distribution Specification 1.1, "Pulling blobs".
fn is_registry_blob(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or("", |(_, rest)| rest);
    let (place, blob) = path.rsplit_once("/blobs/").unwrap_or_default();
    place.contains("/v2/")
        && ["sha256:", "sha512:"]
            .iter()
            .any(|algorithm| blob.starts_with(algorithm))
}

/// A complete Authorization header: as given, else from the image's login, else from our own.
fn authorization(info: &Object, id: &str, settings: &Settings) -> Result<Option<Secret>> {
    let failed = |why: &str| {
        let why = format!("Download of image {id:.100} failed: {why}");
        Error::new(Kind::ImageDownloadError, why)
    };
    if let Some(encoded) = info.string("image_request_authorization")?
        && !encoded.is_empty()
    {
        let why = "image_request_authorization is not the base64 of a header value";
        return header(encoded).map(Some).ok_or_else(|| failed(why));
    }
    let login = match info.string("image_server_auth_strategy")? {
        Some("http_basic") => Some(Login {
            user: info.string("image_server_user")?.map(str::to_owned),
            password: info.string("image_server_password")?.map(Secret::new),
        }),
        _ => settings.login.clone(),
    };
    let incomplete = "http_basic needs both image_server_user and image_server_password";
    let header = login.map(|login| login.header().ok_or_else(|| failed(incomplete)));
    header.transpose()
}

/// A header's value, of its base64.
pub fn header(encoded: &str) -> Option<Secret> {
    let value = String::from_utf8(codec::base64::decode(encoded)?).ok()?;
    (!value.contains(char::is_control)).then(|| Secret::new(value))
}

fn proxies(info: &Object) -> Result<Proxies> {
    let Some(given) = info.object("proxies")? else {
        return Ok(Proxies::default());
    };
    let proxies = Proxies {
        http: given.string("http")?.map(str::to_owned),
        https: given.string("https")?.map(str::to_owned),
        no_proxy: info.string("no_proxy")?.unwrap_or_default().to_owned(),
    };
    proxies.check().kind(Kind::InvalidCommandParamsError)?;
    Ok(proxies)
}

/// A text that is there must not be empty.
fn filled<'a>(info: &'a Object, field: &str) -> Result<Option<&'a str>> {
    match info.field(field) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(not_text(field)),
    }
}

fn is_truthy(value: &Value) -> bool {
    !matches!(value, Value::String(text) if text.is_empty())
}

fn not_text(field: &str) -> Error {
    invalid(format!("Image '{field}' must be a non-empty string."))
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidCommandParamsError, why)
}
