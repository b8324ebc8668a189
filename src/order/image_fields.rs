//! The fields of an order that are about its image → `image_info` as Ironic sends it, and from there by the same code to a request.

use crate::codec::json::{Object, Value, gather, number, text};
use crate::disk::table::partition_plan::Scheme;
use crate::image::Request;
use crate::image::decode::format::Format;
use crate::image::verify::checksum::Checksum;
use crate::image::verify::digest::Algorithm;
use crate::image::verify::image_signature::{ImageSignature, Place};
use crate::net::http::proxy::Proxies;
use crate::net::http::url;
use crate::order::facts::Facts;
use crate::order::reader::{Reader, put, shown};
use crate::secret::redacted;
use crate::steps::node::Node;
use crate::steps::{boot_mode, image_info};

/// Fields that mean something for a partition image alone, by what Ironic makes of them: the name in `image_info`, and MiB of one.
const SIZES: [(&str, &str, u64); 5] = [
    ("root_gb", "root_mb", 1024),
    ("root_mb", "root_mb", 1),
    ("swap_mb", "swap_mb", 1),
    ("ephemeral_gb", "ephemeral_mb", 1024),
    ("ephemeral_mb", "ephemeral_mb", 1),
];

/// Whoever can make two images of one MD5 digest has had twenty years for it.
const MD5: &str =
    "is MD5, which vouches for nothing: take sha256, or set md5_enabled in a file of parameters";

/// The image that is ordered; none, with a problem, if it cannot be told which.
pub fn request(
    reader: &mut Reader,
    node: &Node,
    ignores_boot_loader: Option<bool>,
    facts: &Facts,
) -> Option<Request> {
    let (mut info, before) = (Object::new(), reader.count());
    let urls = urls(reader);
    checksum(reader, &mut info, facts);
    let scheme = boot_mode::scheme(node, facts.host);
    partition(reader, &mut info, scheme, ignores_boot_loader, facts);
    proxies(reader, &mut info);
    login(reader, &mut info);
    let format = reader.text("image_disk_format");
    put(&mut info, "disk_format", format);
    reader.of(
        image_info::format(&info, facts.settings),
        "image_disk_format",
    );
    let first = urls.first()?;
    let name = redacted(first);
    let unsaid = match format {
        None => reader.of(Format::of_file(&name), "image_source"),
        Some(_) => None,
    };
    put(&mut info, "id", Some(&name));
    info.insert(
        "urls".to_owned(),
        Value::Array(urls.iter().map(|url| text(url.as_str())).collect()),
    );
    if reader.count() > before {
        return None;
    }
    let mut request = reader.of(image_info::request(&info, facts.settings, scheme), "image")?;
    // An ending that says something is as good as a declaration; without one the first bytes say it.
    if let Some(format) = unsaid.filter(|format| *format != Format::Raw) {
        request.format = format;
    }
    Some(request)
}

/// Ironic's own words for it; a login that nobody would show is a mistake, and so is half of one.
fn login(reader: &mut Reader, info: &mut Object) {
    let words = [("noauth", false), ("http_basic", true)];
    let is_basic = reader.choice("image_server_auth_strategy", &words) == Some(true);
    if is_basic {
        put(info, "image_server_auth_strategy", Some("http_basic"));
    }
    let header = reader.text("image_request_authorization");
    put(info, "image_request_authorization", header);
    if header.is_some_and(|header| image_info::header(header).is_none()) {
        reader.problem(
            "image_request_authorization",
            "is not the base64 of a header value",
        );
    }
    for field in ["image_server_user", "image_server_password"] {
        put(info, field, reader.text(field));
        match reader.find(field) {
            Some(_) if !is_basic => {
                reader.problem(field, "is for image_server_auth_strategy=http_basic alone");
            }
            None if is_basic && header.is_none() => {
                reader.problem(
                    field,
                    "is missing, and image_server_auth_strategy=http_basic needs it",
                );
            }
            _ => {}
        }
    }
}

fn urls(reader: &mut Reader) -> Vec<String> {
    let before = reader.count();
    let one = reader.list("image_source");
    let several = reader.list("image_urls");
    let field = match (one.is_empty(), several.is_empty()) {
        // What is there and is none has been told by now.
        (true, true) if reader.count() > before => return Vec::new(),
        (true, true) => {
            reader.problem(
                "image_source",
                "is missing: the http:// or https:// URL of the image",
            );
            return Vec::new();
        }
        (false, false) => {
            reader.problem(
                "image_source",
                "is there, and image_urls too: take one away",
            );
            return Vec::new();
        }
        (false, true) => "image_source",
        (true, false) => "image_urls",
    };
    let urls = [one, several].concat();
    for url in &urls {
        reader.url(field, url);
    }
    urls
}

fn checksum(reader: &mut Reader, info: &mut Object, facts: &Facts) {
    let (sum, algorithm, value) = (
        reader.text("image_checksum"),
        reader.text("image_os_hash_algo"),
        reader.text("image_os_hash_value"),
    );
    // What is there and is no text has been told.
    let mut is_there = |field| reader.find(field).is_some();
    let (has_sum, has_algorithm, has_value, has_own) = (
        is_there("image_checksum"),
        is_there("image_os_hash_algo"),
        is_there("image_os_hash_value"),
        is_there("image_signature"),
    );
    if has_algorithm != has_value && algorithm.or(value).is_some() {
        reader.problem(
            "image_os_hash_algo",
            "goes with image_os_hash_value, and one of them is missing",
        );
    }
    let own = reader.word("image_signature");
    put(info, "signature", own.as_deref());
    let signed = own.as_deref().or(facts.settings.image_signature.as_deref());
    let sound = ImageSignature::parse(&facts.settings.image_keys, signed);
    let place = reader.of(sound, "image_signature").flatten();
    let place = place.map(|signature| signature.place);
    let by_file = place == Some(Place::BesideChecksum);
    if by_file && !(sum.is_some_and(url::is_http) || value.is_some_and(url::is_http)) {
        reader.problem(
            "image_signature",
            "is beside the checksum file, and image_checksum is no URL of one",
        );
    }
    if !has_sum && !has_value && !has_own && signed.is_none() {
        reader.problem(
            "image_checksum",
            "is missing, and image_os_hash_value and image_signature too: an image nobody can verify is not written",
        );
    }
    for (field, digits) in [("image_checksum", sum), ("image_os_hash_value", value)] {
        if facts.signed && !by_file && digits.is_some_and(url::is_http) {
            reader.problem(
                field,
                "must be the digest itself, not a URL: nobody signed what is there",
            );
        }
    }
    put(info, "os_hash_algo", algorithm);
    put(info, "os_hash_value", value);
    if let (Some(name), Some(value)) = (algorithm, value) {
        match Algorithm::named(name) {
            Some(Algorithm::Md5) if !facts.settings.md5 => {
                reader.problem("image_os_hash_algo", MD5);
            }
            Some(algorithm) => {
                digest(reader, "image_os_hash_value", value, Some(algorithm));
            }
            // Beside a checksum it is passed over, as Ironic's agent does.
            None if has_sum => {}
            None => {
                let (name, known) = (shown(name, 40), Algorithm::NAMES);
                let why = format!("'{name}' is none of {known}");
                reader.problem("image_os_hash_algo", why);
            }
        }
    }
    let Some(sum) = sum else {
        return;
    };
    // `sha256:…` is how parameters have it, and no `image_info`.
    match sum.split_once(':') {
        Some((name, digits)) if !digits.starts_with("//") => {
            match Algorithm::named(name) {
                Some(Algorithm::Md5) if !facts.settings.md5 => {
                    reader.problem("image_checksum", MD5)
                }
                None => drop(reader.of(Checksum::parse(sum), "image_checksum")),
                algorithm => {
                    let sound = digest(reader, "image_checksum", digits, algorithm).is_some();
                    if sound && value.is_some_and(|value| !value.eq_ignore_ascii_case(digits)) {
                        reader.problem("image_checksum", "is another one than image_os_hash_value");
                    }
                }
            }
            put(info, "os_hash_algo", Some(name));
            put(info, "os_hash_value", Some(digits));
        }
        _ => {
            let read = digest(reader, "image_checksum", sum, None);
            // Beside another digest it is nobody's business.
            if !facts.settings.md5 && value.is_none() && read.is_some_and(|sum| sum.is_md5()) {
                reader.problem("image_checksum", MD5);
            }
            put(info, "checksum", Some(sum));
        }
    }
}

/// Digits, or the URL of a file that has them; none, with a problem of `field`, if it is neither.
fn digest(
    reader: &mut Reader,
    field: &str,
    text: &str,
    algorithm: Option<Algorithm>,
) -> Option<Checksum> {
    if text.contains("://") {
        reader.url(field, text);
        if !url::is_http(text) {
            return None;
        }
    }
    reader.of(Checksum::new(text, algorithm), field)
}

fn partition(
    reader: &mut Reader,
    info: &mut Object,
    scheme: Scheme,
    ignores: Option<bool>,
    facts: &Facts,
) {
    let before = reader.count();
    let kinds = [("whole-disk", false), ("partition", true)];
    let is_partition = reader.choice("image_type", &kinds).unwrap_or(false);
    for (field, name, unit) in SIZES {
        let Some(size) = reader.number(field) else {
            continue;
        };
        if size.checked_mul(unit).is_none() {
            reader.problem(field, "is more than any disk has");
        }
        let size = size.saturating_mul(unit);
        if !is_partition {
            reader.problem(field, "is for image_type=partition alone");
        }
        if info.insert(name.to_owned(), number(size)).is_some() {
            reader.problem(field, format!("is there twice, in GiB and in MiB ({name})"));
        }
    }
    put(info, "ephemeral_format", reader.text("ephemeral_format"));
    if let Some(keep) = reader.boolean("preserve_ephemeral") {
        info.insert("preserve_ephemeral".to_owned(), Value::Bool(keep));
    }
    if !is_partition {
        return;
    }
    put(info, "image_type", Some("partition"));
    if !info.contains_key("root_mb") {
        reader.problem(
            "root_gb",
            "is missing: how large the root partition is to be",
        );
    }
    if scheme != Scheme::Uefi && ignores != Some(true) {
        reader.problem(
            "image_type",
            "a partition image brings no boot loader that a BIOS would find, and this build installs none: use an image of a whole disk, \
             start the machine by UEFI, or say ignore_bootloader_failure",
        );
    }
    if reader.count() == before
        && let Err(error) = image_info::layout(info, scheme, facts.settings)
    {
        reader.told(error.details().trim_end_matches("; no disk was touched"));
    }
}

fn proxies(reader: &mut Reader, info: &mut Object) {
    let mut proxies = gather([]);
    for (field, name) in [("image_http_proxy", "http"), ("image_https_proxy", "https")] {
        let proxy = reader.text(field);
        let alone = Proxies {
            http: proxy.map(str::to_owned),
            ..Proxies::default()
        };
        reader.of(alone.check(), field);
        put(&mut proxies, name, proxy);
    }
    put(info, "no_proxy", reader.text("image_no_proxy"));
    if !proxies.is_empty() {
        info.insert("proxies".to_owned(), Value::Object(proxies));
    }
}
