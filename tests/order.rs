//! Orders: found at the most specific place, signed where that is asked for, read as a whole, and in Ironic's own words.

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;
mod support;
#[path = "order/web.rs"]
mod web;

use std::path::Path;
use std::time::Duration;

use ironlet::codec::json::{Object, Value, parse, print};
use ironlet::config;
use ironlet::error::Kind;
use ironlet::image::Layout;
use ironlet::image::verify::image_signature::Place;
use ironlet::image::verify::minisign::{Key, verify};
use ironlet::order::drive::{Content, Drive};
use ironlet::order::facts::Facts;
use ironlet::order::{Erase, Names, Order, Source, Then, Unready, fields};
use ironlet::redaction::clean;
use ironlet::steps::step_context::Settings;
use machine::Machine;
use support::image_requests::tools;
use web::Web;

const SUM: &str = "439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363";
/// The key of tests/fixtures/minisign, which Debian's minisign made, as it made the signatures there.
const KEY: &str = include_str!("fixtures/minisign/key.pub");
const SIGNED: &[u8] = include_bytes!("fixtures/minisign/order.json");
const HASHED: &[u8] = include_bytes!("fixtures/minisign/hashed.minisig");
const LEGACY: &[u8] = include_bytes!("fixtures/minisign/legacy.minisig");
const OTHER: &[u8] = include_bytes!("fixtures/minisign/other.minisig");

fn key() -> String {
    KEY.lines().last().expect("two lines").to_owned()
}

fn names() -> Names {
    Names {
        macs: vec!["52:54:00:aa:bb:cc".into(), "52:54:00:00:00:02".into()],
        serial: Some("SN-1".into()),
        uuid: Some("11112222-3333-4444-5555-666677778888".into()),
        asset_tag: None,
        hostname: None,
    }
}

fn source(place: &str, keys: &[&str]) -> Source {
    let order = config::Order {
        place: place.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        least_serial: 0,
        then: String::new(),
    };
    let machine = Machine::empty();
    Source::new(
        &order,
        &machine.host(),
        &tools(Path::new("/nonexistent"), 0),
    )
    .expect("fine")
}

/// The fields of what is found, or what is wrong and how long to wait.
fn found(source: &Source) -> String {
    match source.find(&names()) {
        Ok(found) => print(&Value::Object(found.fields)),
        Err(Unready { error, after }) => format!("{}; after {after:?}", error.details()),
    }
}

#[test]
fn the_most_specific_document_wins_and_only_404_is_none() {
    let web = Web::start();
    let source = source(&web.url("/{serial}/{mac}.json"), &[]);
    let ladder = [
        "/SN-1/52-54-00-aa-bb-cc.json",
        "/SN-1/52-54-00-00-00-02.json",
        "/SN-1/default.json",
        "/default/default.json",
    ];
    let said = found(&source);
    assert!(said.contains("no order for this machine yet"), "{said}");
    assert!(
        said.contains(ladder[0]) && said.contains(ladder[3]),
        "{said}"
    );
    assert_eq!(web.asked(), ladder);
    for at in (0..ladder.len()).rev() {
        web.put_text(ladder[at], format!("{{\"description\":\"{at}\"}}"));
        assert_eq!(found(&source), format!("{{\"description\":\"{at}\"}}"));
        assert_eq!(web.asked(), ladder[..=at]);
    }
    // What is not there for certain is waited for: less specific orders are other machines'.
    for (answer, words, after) in [
        ((500, "", vec![]), "HTTP status 500", 0),
        ((503, "Retry-After: 30\r\n", vec![]), "HTTP status 503", 30),
        (
            (429, "Retry-After: 99999999999\r\n", vec![]),
            "HTTP status 429",
            300,
        ),
        ((503, "Retry-After: -1\r\n", vec![]), "HTTP status 503", 0),
        ((403, "", vec![]), "HTTP status 403", 0),
        ((410, "", vec![]), "HTTP status 410", 0),
        ((204, "", vec![]), "HTTP status 204", 0),
        ((200, "", vec![]), "it is empty", 0),
        ((200, "", b"<!DOCTYPE html>".to_vec()), "a web page", 0),
        (
            (200, "", vec![b' '; 10 << 20]),
            "longer than 1048576 bytes",
            0,
        ),
        ((200, "", b"{\"then\": \"wa".to_vec()), "no whole JSON", 0),
        (
            (302, "Location: http://127.0.0.1:1/login\r\n", vec![]),
            "127.0.0.1:1",
            0,
        ),
    ] {
        web.put(ladder[0], answer);
        let said = found(&source);
        assert!(said.contains(words), "{words}: {said}");
        assert!(
            said.ends_with(&format!("after {:?}", Duration::from_secs(after))),
            "{said}"
        );
        assert_eq!(web.asked(), ladder[..1], "{words}");
    }
}

#[test]
fn a_file_of_the_boot_medium_is_as_good() {
    let machine = Machine::empty();
    let order = config::Order {
        place: "/orders/{serial}.ini".to_owned(),
        keys: vec![],
        least_serial: 0,
        then: String::new(),
    };
    let source = Source::new(
        &order,
        &machine.host(),
        &tools(Path::new("/nonexistent"), 0),
    )
    .expect("fine");
    assert!(found(&source).contains("/orders/SN-1.ini, /orders/default.ini"));
    let machine = machine.with("/orders/default.ini = then=wait");
    assert_eq!(found(&source), r#"{"then":"wait"}"#);
    let _machine = machine.with("/orders/SN-1.ini = then=reboot");
    assert_eq!(found(&source), r#"{"then":"reboot"}"#);
}

#[test]
fn what_minisign_signed_is_known_and_nothing_else() {
    let key = Key::parse(&key()).expect("minisign made it");
    let keys = [key];
    for (signature, comment) in [
        (HASHED, "serial 7\tfile:order.json"),
        (LEGACY, "an old kind"),
    ] {
        assert_eq!(verify(&keys, SIGNED, signature).as_deref(), Ok(comment));
        let windows = String::from_utf8_lossy(signature).replace('\n', "\r\n");
        assert!(verify(&keys, SIGNED, windows.as_bytes()).is_ok());
        // Any letter of it, and any of what was signed, but for what nobody signs.
        let untrusted = signature
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("lines");
        for at in untrusted + 1..signature.len() - 1 {
            let mut other = signature.to_vec();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(verify(&keys, SIGNED, &other).is_err(), "byte {at}");
        }
        for cut in 0..signature.len() - 1 {
            assert!(
                verify(&keys, SIGNED, &signature[..cut]).is_err(),
                "{cut} bytes"
            );
        }
        let mut other = SIGNED.to_vec();
        other[3] ^= 1;
        let error = verify(&keys, &other, signature).expect_err("another file");
        assert!(error.details().contains("of another file"), "{error}");
    }
    let error = verify(&keys, SIGNED, OTHER)
        .expect_err("another key")
        .to_string();
    assert!(
        error.contains("is signed by key") && error.contains("503BA88775764017 is asked for"),
        "{error}"
    );
    for bad in ["", "RWQ", &"A".repeat(56), KEY, "http://h/key"] {
        assert!(Key::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_order_is_taken_with_its_own_signature_alone() {
    let web = Web::start();
    let key = key();
    let source = source(&web.url("/order.json?a=b"), &[&key]);
    let (order, beside) = ("/order.json?a=b", "/order.json.minisig?a=b");
    web.put_text(order, SIGNED);
    let said = found(&source);
    assert!(
        said.contains("is not signed: there is no http://"),
        "{said}"
    );
    assert_eq!(web.asked(), [order, beside]);
    for (answer, words) in [
        ((200, "", OTHER.to_vec()), "is signed by key"),
        ((200, "", b"<html>".to_vec()), "no signature of minisign"),
        ((200, "", vec![b'x'; 1 << 20]), "longer than 32768 bytes"),
        ((503, "Retry-After: 7\r\n", vec![]), "HTTP status 503"),
    ] {
        web.put(beside, answer);
        let said = found(&source);
        assert!(said.contains(words), "{said}");
    }
    for signature in [HASHED, LEGACY] {
        web.put_text(beside, signature);
        web.put_text(order, SIGNED);
        assert!(found(&source).starts_with("{\"image_source\""));
        // One of the two is newer: half of an update.
        web.put_text(order, [SIGNED, b" "].concat());
        assert!(found(&source).contains("of another file"));
    }
    // What it names by URL is signed, too.
    web.put_text("/user-data", SIGNED);
    let error = source
        .document(&web.url("/user-data"))
        .expect_err("unsigned");
    let error = error.error;
    assert!(error.details().contains("is not signed"), "{error}");
    web.put_text("/user-data.minisig", HASHED);
    let document = source.document(&web.url("/user-data"));
    assert_eq!(document.expect("it is signed"), SIGNED);
}

fn object(text: &str) -> Object {
    match parse(text) {
        Ok(Value::Object(object)) => object,
        _ => panic!("{text}"),
    }
}

struct Asked {
    uefi: bool,
    signed: bool,
    least_serial: u64,
}

const ASKED: Asked = Asked {
    uefi: true,
    signed: false,
    least_serial: 0,
};

fn read(text: &str, asked: &Asked) -> Result<Order, String> {
    read_by(Settings::default(), text, asked)
}

fn read_by(settings: Settings, text: &str, asked: &Asked) -> Result<Order, String> {
    let machine = Machine::empty();
    let machine = match asked.uefi {
        true => machine.with("/sys/firmware/efi/"),
        false => machine,
    };
    let settings = Settings {
        md5: false,
        ..settings
    };
    let facts = Facts {
        settings: &settings,
        host: &machine.host(),
        names: &names(),
        least_serial: asked.least_serial,
        signed: asked.signed,
        then: Then::PowerOff,
    };
    fields::order(&object(text), &facts).map_err(|error| error.details().to_owned())
}

/// An order that is fine but for `more`.
fn with(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"image_source":"http://h/disk.raw","image_checksum":"{SUM}"{comma}{more}}}"#)
}

#[test]
fn ironics_words_mean_what_they_mean_to_ironic() {
    let order = read(&with(""), &ASKED).expect("fine");
    assert_eq!((order.then, order.erase), (Then::PowerOff, Erase::Nothing));
    assert_eq!(order.request.layout, Layout::Disk);
    assert!(order.drive.is_none() && !order.node.has_hints());
    let order = read(
        &with(
            r#""image_type":"partition","root_gb":10,"swap_mb":"512","ephemeral_gb":1,"ephemeral_format":"vfat",
            "image_http_proxy":"http://p:3128","no_proxy":"h,i","root_device":{"serial":"X"},"skip_block_devices":[{"size":"> 10"}],
            "erase":"all","then":"reboot","serial":7,"verify":"readback","ignore_bootloader_failure":"yes","description":"rack 3",
            "image_server_auth_strategy":"http_basic","image_server_user":"u","image_server_password":"p",
            "for":{"mac":["52-54-00-00-00-02","00:00:00:00:00:00"],"serial":"sn-1"},"capabilities":"boot_mode:uefi""#,
        ),
        &ASKED,
    )
    .expect("fine");
    let Layout::Partition(parts) = order.request.layout else {
        panic!("{:?}", order.request.layout)
    };
    let sizes = parts.sizes;
    assert_eq!(
        (sizes.root, sizes.swap, sizes.ephemeral),
        (10240, 512, 1024)
    );
    assert_eq!(order.request.proxies.http.as_deref(), Some("http://p:3128"));
    assert_eq!(order.request.proxies.no_proxy, "h,i");
    assert_eq!(
        order
            .request
            .authorization
            .map(|login| login.expose().to_owned())
            .as_deref(),
        Some("Basic dTpw")
    );
    assert!(order.node.has_hints());
    assert_eq!(
        (order.erase, order.then, order.serial),
        (Erase::All, Then::Reboot, Some(7))
    );
    assert_eq!(
        (order.readback, order.ignore_bootloader_failure),
        (Some(true), Some(true))
    );
    // What the ending says is unpacked; what it does not say, the first bytes do.
    for (name, format) in [
        ("d.qcow2", "Qcow2"),
        ("d.raw.xz", "Packed(Xz)"),
        ("d.raw", "Unsaid"),
        ("d", "Unsaid"),
    ] {
        let order = with("").replace("disk.raw", name);
        let format_of = read(&order, &ASKED).expect("fine").request.format;
        assert!(
            format!("{format_of:?}").starts_with(format),
            "{name}: {format_of:?}"
        );
    }
    for (rate, bytes) in [(r#""20M""#, 20 << 20), ("131072", 131_072)] {
        let order = read(&with(&format!(r#""rate":{rate}"#)), &ASKED).expect("fine");
        assert_eq!(order.rate.map(|rate| rate.0), Some(bytes));
    }
    let declared = read(&with(r#""image_disk_format":"raw""#), &ASKED).expect("fine");
    assert_eq!(format!("{:?}", declared.request.format), "Raw");
    for sum in [format!("sha256:{SUM}"), format!("SHA256:{SUM}")] {
        let text = format!(r#"{{"urls":["http://h/a","http://i/a"],"checksum":"{sum}"}}"#);
        let Ok(order) = read(&text, &ASKED) else {
            assert!(sum.starts_with('S'));
            continue;
        };
        assert_eq!(order.request.urls.len(), 2);
        assert!(format!("{:?}", order.request.checksum).contains("Sha256"));
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let error = read(
        r#"{"image_source":"ftp://u:pw@h/x?sig=1","image_type":"partition","swap_mb":-1,"colour":"red","then":"explode","erase":"some",
        "for":{"serial":"other","shoe":"9"},"configdrive":"%","seed":{},"root_device":{"colour":"red"},"serial":"x","rate":20}"#,
        &ASKED,
    )
    .expect_err("much is wrong");
    for words in [
        "things are wrong with the order, and nothing was written",
        "image_source: 'ftp://h/x' is no http:// or https:// URL",
        "image_checksum: is missing",
        "root_gb: is missing",
        "swap_mb: must be a whole number",
        "colour: is no field",
        "then: 'explode' is none of poweroff, reboot, kexec, wait",
        "erase: 'some' is none of none, metadata, all",
        "for.serial: the order is for other, and this machine has SN-1",
        "for.shoe: a machine is called by mac",
        "seed: is there, and configdrive too",
        "root_device: a hint is wrong: 'colour' is none of size",
        "serial: must be a whole number",
        "rate: must be bytes a second, 64 KiB or more: 512K, 20M, 1G",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    assert!(!error.contains("pw@") && !error.contains("sig="), "{error}");
    let error = read(
        r#"{"image_source":"ftp://h/x","image_checksum":"zz","image_os_hash_value":123,"image_disk_format":"frob","image_type":"x",
        "image_server_auth_strategy":"http_basic","image_http_proxy":"p","configdrive":{"foo":1,"meta_data":2},"seed":{"user_dat":"x"}}"#,
        &ASKED,
    )
    .expect_err("all of it");
    for words in [
        "12 things are wrong",
        "image_source: 'ftp://h/x' is no http:// or https:// URL",
        "image_checksum: a checksum of 2 characters is none of md5, sha1",
        "image_os_hash_value: must be text",
        "image_disk_format: images of format 'frob'",
        "image_type: 'x' is none of",
        "image_server_user: is missing",
        "image_server_password: is missing",
        "image_http_proxy: the proxy 'p' is not of the form",
        "configdrive.foo: is none of",
        "configdrive.meta_data: must be an object",
        "seed.user_dat: is none of",
        "seed: is there, and configdrive too",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    // However much there is, a log has room for it.
    let long = "x\\n".repeat(100_000);
    let fields: Vec<_> = (0..20_000).map(|at| format!("\"{at}\":1")).collect();
    for more in [
        format!(r#""then":"{long}""#),
        format!(r#""image_url":"{long}""#),
        format!(r#""{long}":1"#),
        format!(r#""for":{{"serial":["{long}","{long}","{long}","{long}"]}}"#),
        format!(r#""image_urls":["{long}"]"#),
        format!(r#""root_device":{{"{long}":1}}"#),
        fields.join(","),
    ] {
        let error = read(&with(&more), &ASKED).expect_err("wrong");
        assert!(error.len() < 4000, "{}: {error:.200}", error.len());
    }
}

#[test]
fn what_is_wrong_with_the_image_alone_is_told_from_the_rest() {
    let machine = Machine::empty();
    let settings = Settings {
        md5: false,
        ..Settings::default()
    };
    let facts = Facts {
        settings: &settings,
        host: &machine.host(),
        names: &names(),
        least_serial: 0,
        signed: false,
        then: Then::PowerOff,
    };
    let (md5, sha512) = ("0".repeat(32), "0".repeat(128));
    for (source, more, kind, words) in [
        (
            "disk.raw",
            r#""image_checksum":"sha256:abc""#,
            Kind::InvalidImage,
            "image_checksum: a sha256 checksum is 64 hexadecimal digits, not 'abc'",
        ),
        (
            "disk.raw",
            r#""image_checksum":"abc""#,
            Kind::InvalidImage,
            "image_checksum: a checksum of 3 characters is none of",
        ),
        (
            "disk.raw",
            &format!(r#""image_checksum":"{md5}""#),
            Kind::InvalidImage,
            "image_checksum: is MD5",
        ),
        (
            "disk.raw",
            r#""image_checksum":"ftp://x/y""#,
            Kind::InvalidImage,
            "image_checksum: 'ftp://x/y' is no http:// or https:// URL",
        ),
        (
            "disk.raw",
            r#""image_checksum":"http://h/<name>""#,
            Kind::InvalidImage,
            "image_checksum: 'http://h/<name>' has '<' in it, which no URL has",
        ),
        (
            "a<b.raw",
            &format!(r#""image_checksum":"{SUM}""#),
            Kind::InvalidImage,
            "image_source: 'http://h/a<b.raw' has '<' in it, which no URL has",
        ),
        (
            "disk.raw",
            r#""image_os_hash_algo":"crc32","image_os_hash_value":"0""#,
            Kind::InvalidImage,
            "image_os_hash_algo: 'crc32' is none of md5",
        ),
        (
            "disk.vmdk",
            &format!(r#""image_checksum":"{SUM}""#),
            Kind::InvalidImage,
            "image_source: images of format 'vmdk' are not taken",
        ),
        (
            "disk.raw",
            r#""image_checksum":"abc","then":"explode""#,
            Kind::InvalidCommandParamsError,
            "then: 'explode'",
        ),
    ] {
        let text = format!(r#"{{"image_source":"http://h/{source}",{more}}}"#);
        let error = fields::order(&object(&text), &facts).expect_err(words);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.details().contains(words), "{error}");
    }
    // Ironic itself sends both, and the better one counts.
    let both = format!(
        r#"{{"image_source":"http://h/x","image_checksum":"{md5}","image_os_hash_algo":"sha512","image_os_hash_value":"{sha512}"}}"#
    );
    assert!(fields::order(&object(&both), &facts).is_ok());
}

#[test]
fn an_order_that_contradicts_itself_or_this_machine_is_refused() {
    let bios = Asked {
        uefi: false,
        ..ASKED
    };
    let signed = Asked {
        signed: true,
        ..ASKED
    };
    let eighth = Asked {
        least_serial: 8,
        ..ASKED
    };
    for (more, asked, words) in [
        (r#""image_urls":["http://h/2"]"#, &ASKED, "image_urls too"),
        (
            r#""image_url":"http://h/2""#,
            &ASKED,
            "image_source: is image_url as well",
        ),
        (
            r#""os_hash_algo":"sha256""#,
            &ASKED,
            "goes with image_os_hash_value",
        ),
        (
            r#""os_hash_algo":"sha256","os_hash_value":"zz""#,
            &ASKED,
            "image_os_hash_value: a sha256 checksum is 64 hexadecimal digits, not 'zz'",
        ),
        (
            r#""image_os_hash_value":123"#,
            &ASKED,
            "image_os_hash_value: must be text",
        ),
        (
            r#""image_os_hash_algo":"sha256","image_os_hash_value":[]"#,
            &ASKED,
            "image_os_hash_value: must be text",
        ),
        (
            r#""root_gb":10"#,
            &ASKED,
            "root_gb: is for image_type=partition alone",
        ),
        (
            r#""image_type":"partition","root_gb":1,"root_mb":1024"#,
            &ASKED,
            "in GiB and in MiB",
        ),
        (
            r#""image_type":"partition","root_gb":99999999999999999"#,
            &ASKED,
            "more than any disk",
        ),
        (
            r#""image_type":"partition","root_gb":10"#,
            &bios,
            "no boot loader that a BIOS would find",
        ),
        (
            r#""image_type":"container""#,
            &ASKED,
            "image_type: 'container' is none of",
        ),
        (
            r#""image_disk_format":"vmdk""#,
            &ASKED,
            "image_disk_format: images of format 'vmdk'",
        ),
        (
            r#""image_http_proxy":"socks5://p""#,
            &ASKED,
            "image_http_proxy: the proxy 'socks5://p' is not of the form",
        ),
        (
            r#""image_server_auth_strategy":"http_basic","image_server_user":"u""#,
            &ASKED,
            "image_server_password: is missing, and image_server_auth_strategy=http_basic needs it",
        ),
        (
            r#""image_server_auth_strategy":"http_basic","image_server_password":"p""#,
            &ASKED,
            "image_server_user: is missing",
        ),
        (
            r#""image_server_auth_strategy":"http_basic","image_server_user":"u","image_server_password":5"#,
            &ASKED,
            "image_server_password: must be text",
        ),
        (
            r#""image_request_authorization":"%""#,
            &ASKED,
            "image_request_authorization: is not the base64 of a header value",
        ),
        (
            r#""image_type":"partition","root_gb":0"#,
            &ASKED,
            "'root_mb' must be 2 or more",
        ),
        (
            r#""image_type":"partition","root_gb":1,"ephemeral_gb":1,"ephemeral_format":"xfs""#,
            &ASKED,
            "ephemeral_format 'xfs' is not in this build",
        ),
        (
            r#""configdrive":{"user_data":5}"#,
            &ASKED,
            "configdrive.user_data: must be text, an object or a list",
        ),
        (r#""for":{}"#, &ASKED, "for: names nobody"),
        (r#""for":null"#, &ASKED, "for: names nobody"),
        (r#""for":"""#, &ASKED, "for: names nobody"),
        (
            r#""image_type":"partition","root_gb":1,"ephemeral_gb":1,"preserve_ephemeral":true,"erase":"metadata""#,
            &ASKED,
            "erase: and preserve_ephemeral",
        ),
        (
            r#""skip_block_devices":[{"name":"/dev/disk/by-id/virtio-A1"}]"#,
            &ASKED,
            "no disk is called '/dev/disk/by-id/virtio-A1' here",
        ),
        (
            r#""skip_block_devices":[{"name":"/dev/vda1"}]"#,
            &ASKED,
            "'/dev/vda1' is a partition",
        ),
        (
            r#""skip_block_devices":[{"by_path":"pci-0000:00:02.0"}]"#,
            &ASKED,
            "by_path is 'pci-0000:00:02.0'",
        ),
        (r#""image_http_proxy":"pu:PASSW8@h""#, &ASKED, "image"),
        (r#""for":{"uuid":[]}"#, &ASKED, "for.uuid: must be a name"),
        (
            r#""for":{"asset_tag":"A"}"#,
            &ASKED,
            "this machine has none",
        ),
        (
            r#""for":{"mac":"52:54:00:aa:bb:cd"}"#,
            &ASKED,
            "this machine has 52:54:00:aa:bb:cc, 52:",
        ),
        (r#""for":"SN-1""#, &ASKED, "for: must be an object"),
        (
            r#""configdrive":"http://h/drive""#,
            &signed,
            "configdrive: must be in the order itself",
        ),
        (
            r#""configdrive":"H4sI""#,
            &ASKED,
            "configdrive: the config drive",
        ),
        (
            r#""configdrive":{"user-data":"x"}"#,
            &ASKED,
            "configdrive.user-data: is none of meta_data",
        ),
        (
            r#""configdrive":{"network_data":"x"}"#,
            &ASKED,
            "configdrive.network_data: must be an object",
        ),
        (
            r#""seed":{"meta_data":7}"#,
            &ASKED,
            "seed.meta_data: must be a document",
        ),
        (r#""serial":7"#, &eighth, "serial: 7 is older than 8"),
        ("", &eighth, "serial: is missing, and 8 or more"),
        (
            r#""skip_block_devices":{"serial":"x"}"#,
            &ASKED,
            "skip_block_devices must be a list",
        ),
    ] {
        let error = read(&with(more), asked).expect_err(more);
        assert!(error.contains(words), "{more}: {error}");
        // No word of it is taken for a secret where it is shown.
        assert_eq!(clean(error.as_bytes()), error);
        assert!(error.starts_with("one thing is wrong"), "{more}: {error}");
    }
    let by_url = with("").replace(SUM, "http://h/sums");
    let error = read(&by_url, &signed).expect_err("nobody signed the sums");
    assert!(error.contains("must be the digest itself"), "{error}");
    assert!(read(&by_url, &ASKED).is_ok() && read(&with(r#""serial":8"#), &eighth).is_ok());
    let md5 = with("").replace(SUM, &"a".repeat(32));
    assert!(read(&md5, &ASKED).is_err(), "MD5 is for who says so");
}

#[test]
fn an_image_is_signed_where_a_key_asks_for_that() {
    let by = |keys: &[&str], place: Option<&str>| Settings {
        image_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        image_signature: place.map(str::to_owned),
        ..Settings::default()
    };
    let own = key();
    let keys = [own.as_str()];
    let beside = Place::Beside;
    let (alone, sums) = (
        r#"{"image_source":"http://h/disk.raw"}"#.to_owned(),
        with("").replace(SUM, "http://h/sums"),
    );
    let signed = Asked {
        signed: true,
        ..ASKED
    };
    let here = |order: &str, place: &str| {
        order.replace("}", &format!(r#","image_signature":"{place}"}}"#))
    };
    for (settings, order, asked, outcome) in [
        (by(&[], None), with(""), &ASKED, Ok(None)),
        (
            by(&keys, None),
            here(&alone, "1"),
            &ASKED,
            Ok(Some(beside.clone())),
        ),
        (
            by(&keys, None),
            here(&alone, "1").replace("\"1\"", "1"),
            &ASKED,
            Ok(Some(beside.clone())),
        ),
        (
            by(&keys, None),
            here(&alone, ".minisig"),
            &signed,
            Ok(Some(beside.clone())),
        ),
        (
            by(&keys, Some("1")),
            alone.clone(),
            &ASKED,
            Ok(Some(beside.clone())),
        ),
        (by(&keys, Some("1")), with(""), &ASKED, Ok(Some(beside))),
        (
            by(&keys, Some("1")),
            here(&alone, "http://h/s"),
            &ASKED,
            Ok(Some(Place::At("http://h/s".into()))),
        ),
        // Nobody signed the URL of sums, but the sums there.
        (
            by(&keys, None),
            here(&sums, "checksum"),
            &signed,
            Ok(Some(Place::BesideChecksum)),
        ),
        (
            by(&keys, Some("1")),
            sums.clone(),
            &signed,
            Err("must be the digest itself"),
        ),
        (
            by(&keys, None),
            here(&with(""), "checksum"),
            &ASKED,
            Err("image_checksum is no URL of one"),
        ),
        (
            by(&keys, None),
            with(""),
            &ASKED,
            Err("ironlet.image-key asks for the image's signature"),
        ),
        (
            by(&[], None),
            here(&alone, "1"),
            &ASKED,
            Err("no ironlet.image-key=RW…"),
        ),
        (
            by(&keys, None),
            here(&with(""), "yes"),
            &ASKED,
            Err("a signature is named by its"),
        ),
        (
            by(&keys, None),
            here(&with(""), "ftp://h/s"),
            &ASKED,
            Err("a signature is named by its"),
        ),
        (
            by(&["RWx"], None),
            here(&with(""), "1"),
            &ASKED,
            Err("ironlet.image-key=RWx: it is no public key"),
        ),
    ] {
        let read = read_by(settings, &order, asked);
        match (read, outcome) {
            (Ok(order), Ok(place)) => {
                let found = order.request.signature.map(|signature| signature.place);
                assert_eq!(found, place, "{order:?}", order = order.request.checksum);
            }
            (Err(error), Err(words)) => assert!(error.contains(words), "{order}: {error}"),
            (read, outcome) => panic!("{order}: {:?}, expected {outcome:?}", read.err()),
        }
    }
    let error = read_by(by(&[], None), &alone, &ASKED).expect_err("nobody can verify it");
    assert!(error.contains("image_checksum: is missing"), "{error}");
}

fn drive(more: &str) -> Vec<(String, String)> {
    let order = read(&with(more), &ASKED).expect(more);
    let Some(Drive::Files { files, .. }) = order.drive else {
        panic!("{more}")
    };
    let shown = |content: &Content| match content {
        Content::Here(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Content::At(url) => format!("at {url}"),
    };
    files
        .iter()
        .map(|(paths, content)| (paths.join(" "), shown(content)))
        .collect()
}

#[test]
fn a_drive_has_what_its_reader_needs() {
    let uuid = "11112222-3333-4444-5555-666677778888";
    let files = drive(
        r##""seed":{"user_data":"#cloud-config\nusers: []\n","network_config":"http://h/net","meta_data":{"instance-id":"i-1"}}"##,
    );
    let wanted = [
        ("meta-data", "{\"instance-id\":\"i-1\"}\n"),
        ("user-data", "#cloud-config\nusers: []\n"),
        ("network-config", "at http://h/net"),
    ];
    assert_eq!(
        files,
        wanted.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
    let files = drive(r#""seed":{"user_data":{"users":[]}}"#);
    assert_eq!(files[0].1, format!("instance-id: \"{uuid}\"\n"));
    assert_eq!(files[1].1, "#cloud-config\n{\"users\":[]}\n");
    let files = drive(
        r#""configdrive":{"meta_data":{"hostname":"a"},"user_data":"x","vendor_data":{"b":1}}"#,
    );
    assert_eq!(
        files[0].1,
        format!("{{\"hostname\":\"a\",\"uuid\":\"{uuid}\"}}")
    );
    assert!(files[0].0.ends_with("openstack/latest/meta_data.json"));
    assert_eq!(
        files[2].0.split(' ').next_back(),
        Some("openstack/latest/vendor_data2.json")
    );
    assert!(matches!(
        read(&with(r#""configdrive":"http://h/drive.iso""#), &ASKED)
            .expect("fine")
            .drive,
        Some(Drive::Given(_))
    ));
}

#[test]
fn what_would_be_passed_over_in_silence_is_told() {
    let image = r#"{"image_source":"http://h/disk.raw","image_checksum":"#;
    let md5 = "a".repeat(32);
    for (order, why) in [
        (
            with(r#""capabilities":5"#),
            "capabilities: must be an object of words",
        ),
        (
            with(r#""capabilities":["boot_mode:uefi"]"#),
            "capabilities: must be",
        ),
        (with(r#""capabilities":"uefi""#), "capabilities: must be"),
        (
            with(r#""capabilities":{"boot_mode":[]}"#),
            "capabilities: must be",
        ),
        (
            with(r#""capabilities":"boot_mode:efi""#),
            "boot_mode is 'efi', which is none of bios, uefi",
        ),
        (
            with(r#""capabilities":{"secure_boot":"on"}"#),
            "secure_boot is 'on'",
        ),
        (
            with(r#""image_server_auth_strategy":"digest""#),
            "'digest' is none of noauth, http_basic",
        ),
        (
            with(r#""image_server_user":"u""#),
            "is for image_server_auth_strategy=http_basic alone",
        ),
        (
            with(r#""seed":{"user_data":[1]}"#),
            "seed.user_data: must be a document, an object or a URL",
        ),
        (format!("{image}\"md5:{md5}\"}}"), "is MD5"),
        (
            format!(
                "{image}\"{SUM}\",\"image_os_hash_algo\":\"md5\",\"image_os_hash_value\":\"{md5}\"}}"
            ),
            "is MD5",
        ),
    ] {
        let said = read(&order, &ASKED).expect_err(&order);
        assert!(said.contains(why), "{order}: {said}");
    }
    for fine in [
        r#""capabilities":"boot_mode:uefi,disk_label:gpt,colour:red""#,
        r#""capabilities":{"boot_mode":"UEFI","secure_boot":true,"x":7}"#,
        r#""capabilities":"{\"boot_mode\":\"bios\"}""#,
        r#""image_server_auth_strategy":"noauth""#,
        r#""image_server_auth_strategy":"http_basic","image_server_user":"u","image_server_password":"p""#,
    ] {
        assert!(
            read(&with(fine), &ASKED).is_ok(),
            "{fine}: {:?}",
            read(&with(fine), &ASKED).err()
        );
    }
}
