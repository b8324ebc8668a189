//! Single fields of `image_info`, as Ironic sends them, and what is made of them.

mod support;

use ironlet::codec::json::{Value, parse};
use ironlet::disk::table::partition_plan::{Scheme, Sizes};
use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::layout::{Ephemeral, Partitions};
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::verify::digest::{Algorithm, Digest};
use ironlet::image::{Layout, Request};
use ironlet::net::http::proxy::Proxies;
use ironlet::steps::image_info;
use ironlet::steps::step_context::Settings;
use support::memory_sink::MemorySink;

fn request(fields: &str) -> Request {
    asked(fields).expect(fields)
}

fn asked(fields: &str) -> Result<Request> {
    let info = format!(r#"{{"id":"x","urls":["http://h/x"],"disk_format":"raw",{fields}}}"#);
    let Ok(Value::Object(info)) = parse(&info) else {
        panic!("{info} is an object")
    };
    image_info::request(&info, &Settings::default(), Scheme::Mbr)
}

/// `[disk_utils]` of a configuration file: each size is of the one scheme that has such a partition.
#[test]
fn the_firmware_s_partition_is_as_large_as_it_was_set() {
    let info = format!(
        r#"{{"id":"x","urls":["http://h/x"],"checksum":"{}","image_type":"partition","root_mb":9}}"#,
        "0d".repeat(32)
    );
    let Ok(Value::Object(info)) = parse(&info) else {
        panic!("{info} is an object")
    };
    let settings = Settings {
        efi_mib: Some(200),
        bios_boot_mib: Some(3),
        ..Settings::default()
    };
    for (scheme, mib) in [
        (Scheme::Uefi, Some(200)),
        (Scheme::BiosGpt, Some(3)),
        (Scheme::Mbr, None),
    ] {
        let layout = image_info::request(&info, &settings, scheme).expect("it is whole");
        match layout.layout {
            Layout::Partition(wanted) => assert_eq!(wanted.sizes.firmware, mib, "{scheme:?}"),
            other => panic!("{other:?}"),
        }
    }
}

/// As many characters as a digest of MD5 has, and others.
#[test]
fn the_url_of_a_checksum_file_is_no_digest_whatever_its_length() {
    for length in 20..130 {
        let url = format!("http://h/{}", "a".repeat(length - 9));
        let info = format!(r#"{{"id":"x","urls":["http://h/x"],"checksum":"{url}"}}"#);
        let Ok(Value::Object(info)) = parse(&info) else {
            panic!("{info} is an object")
        };
        let settings = Settings {
            md5: false,
            ..Settings::default()
        };
        let taken = image_info::request(&info, &settings, Scheme::Mbr).expect(&url);
        assert!(
            matches!(taken.checksum, Some(Checksum::At { .. })),
            "{length}"
        );
    }
}

#[test]
fn a_bare_checksum_is_known_by_its_length() {
    for algorithm in [
        Algorithm::Md5,
        Algorithm::Sha224,
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
    ] {
        let digits = "0d".repeat(algorithm.digits() / 2);
        let digest = Digest::new(algorithm, &digits).expect("as many digits as it has");
        let taken = request(&format!(r#""checksum":"{digits}""#)).checksum;
        assert_eq!(taken, Some(Checksum::Digest(digest)));
    }
}

#[test]
fn what_a_registry_has_packed_is_unpacked() {
    let digits = "0d".repeat(32);
    for (url, format) in [
        (
            "https://r:5000/v2/lab/disk/blobs/sha256:0d",
            Format::MaybePacked,
        ),
        (
            "https://r/v2/blobs/blobs/sha512:0d?x=/y",
            Format::MaybePacked,
        ),
        ("https://r/v2/lab/blobs/disk.raw", Format::Raw),
        ("https://r/lab/blobs/sha256:0d", Format::Raw),
        ("https://r/disk.raw?/v2/blobs/sha256:0d", Format::Raw),
        ("/v2/x/blobs/sha256:0d", Format::Raw),
    ] {
        let info =
            format!(r#"{{"id":"x","urls":["{url}"],"disk_format":"raw","checksum":"{digits}"}}"#);
        let Ok(Value::Object(info)) = parse(&info) else {
            panic!("{info} is an object")
        };
        let asked = image_info::request(&info, &Settings::default(), Scheme::Mbr);
        assert_eq!(asked.expect("it fits").format, format, "{url}");
    }
}

#[test]
fn proxies_are_taken_as_ironic_sends_them() {
    let checksum = format!(r#""checksum":"{}""#, "0d".repeat(32));
    let (http, https) = ("http://p:3128", "https://q:3129");
    for (fields, expected) in [
        ("", Proxies::default()),
        (
            r#","proxies":{},"no_proxy":"h""#,
            Proxies {
                no_proxy: "h".into(),
                ..Proxies::default()
            },
        ),
        (
            r#","proxies":{"http":"http://p:3128"}"#,
            Proxies {
                http: Some(http.into()),
                ..Proxies::default()
            },
        ),
        (
            r#","proxies":{"http":"http://p:3128","https":"https://q:3129"},"no_proxy":"h,10.0.0.0/8""#,
            Proxies {
                http: Some(http.into()),
                https: Some(https.into()),
                no_proxy: "h,10.0.0.0/8".into(),
            },
        ),
    ] {
        let taken = request(&format!("{checksum}{fields}")).proxies;
        assert_eq!(format!("{taken:?}"), format!("{expected:?}"), "{fields}");
    }
}

/// Whatever it looks like: a disk may begin as it likes.
#[test]
fn what_is_declared_raw_is_written_as_it_is() {
    let checksum = format!(r#""checksum":"{}""#, "0d".repeat(32));
    let format = request(&checksum).format;
    let qcow2: &[u8] = b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x02\0\0\0\0\x09";
    let gzip: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    for head in [qcow2, gzip, b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"KDMV"] {
        let mut image = vec![7; 100_000];
        image[..head.len()].copy_from_slice(head);
        let mut out = MemorySink::new(image.len());
        let decoded = format.decode(&mut &image[..], &mut out);
        assert_eq!(decoded.map(|bytes| bytes.0 as usize), Ok(image.len()));
        assert!(out.bytes == image, "{head:?}");
    }
}

#[test]
fn sizes_are_mib_and_only_partition_images_have_any() {
    let checksum = format!(r#""checksum":"{}""#, "0d".repeat(32));
    let partition = |root, swap, ephemeral, preserve| {
        Ok(Layout::Partition(Partitions {
            scheme: Scheme::Mbr,
            sizes: Sizes {
                root,
                swap,
                ephemeral,
                drive: 0,
                firmware: None,
            },
            ephemeral: Ephemeral::Ext4,
            preserve,
        }))
    };
    let as_format = |format| {
        partition(2, 0, 7, false).map(|layout| match layout {
            Layout::Partition(wanted) => Layout::Partition(Partitions {
                ephemeral: format,
                ..wanted
            }),
            other => other,
        })
    };
    let whole = || Ok(Layout::Disk);
    for (fields, expected) in [
        ("", whole()),
        (r#","image_type":null,"root_mb":null"#, whole()),
        (
            r#","image_type":"whole-disk","root_mb":"no number""#,
            whole(),
        ),
        (
            r#","image_type":"partition","root_mb":1024"#,
            partition(1024, 0, 0, false),
        ),
        (
            r#","image_type":"partition","root_mb":"1024","swap_mb":" 5 ","ephemeral_mb":null"#,
            partition(1024, 5, 0, false),
        ),
        (
            r#","image_type":"partition","root_mb":2,"swap_mb":0,"ephemeral_mb":7,"ephemeral_format":"vfat""#,
            as_format(Ephemeral::Vfat),
        ),
        (
            r#","image_type":"partition","root_mb":2,"ephemeral_mb":7,"ephemeral_format":"none""#,
            as_format(Ephemeral::Bare),
        ),
        (
            r#","image_type":"partition","root_mb":2,"ephemeral_mb":7,"ephemeral_format":"ext4""#,
            as_format(Ephemeral::Ext4),
        ),
        (
            r#","image_type":"partition","root_mb":2,"ephemeral_mb":7"#,
            as_format(Ephemeral::Ext4),
        ),
        // What is kept is not made.
        (
            r#","image_type":"partition","root_mb":2,"ephemeral_mb":7,"ephemeral_format":"ext4","preserve_ephemeral":true"#,
            partition(2, 0, 7, true),
        ),
        (
            r#","image_type":"partition","root_mb":18446744073709551615"#,
            partition(u64::MAX, 0, 0, false),
        ),
        (
            r#","image_type":"partition""#,
            Err("'root_mb' must be 2 or more"),
        ),
        (
            r#","image_type":"partition","root_mb":0"#,
            Err("'root_mb' must be 2 or more"),
        ),
        (
            r#","image_type":"partition","root_mb":1"#,
            Err("'root_mb' must be 2 or more"),
        ),
        (
            r#","image_type":"partition","root_mb":-5"#,
            Err("'root_mb' must be a whole number"),
        ),
        (
            r#","image_type":"partition","root_mb":1.5"#,
            Err("'root_mb' must be a whole number"),
        ),
        (
            r#","image_type":"partition","root_mb":"-5""#,
            Err("'root_mb' must be a whole number"),
        ),
        (
            r#","image_type":"partition","root_mb":18446744073709551616"#,
            Err("'root_mb' must be a whole number"),
        ),
        (
            r#","image_type":"partition","root_mb":9,"swap_mb":[1]"#,
            Err("'swap_mb' must be a whole number"),
        ),
        (
            r#","image_type":"partition","root_mb":9,"ephemeral_mb":7,"ephemeral_format":"xfs""#,
            Err("ephemeral_format 'xfs' is not in this build"),
        ),
        (
            r#","image_type":"partition","root_mb":9,"ephemeral_mb":7,"ephemeral_format":"ext3""#,
            Err("ephemeral_format 'ext3' is not in this build, ext4, vfat and none are"),
        ),
        (
            r#","image_type":"partition","root_mb":9,"preserve_ephemeral":"perhaps""#,
            Err("'preserve_ephemeral' must be true or false"),
        ),
    ] {
        let taken = asked(&format!("{checksum}{fields}"));
        match (taken, expected) {
            (Ok(request), Ok(layout)) => assert_eq!(request.layout, layout, "{fields}"),
            (Err(error), Err(said)) => {
                assert_eq!(error.kind(), Kind::InvalidCommandParamsError, "{error}");
                assert!(error.details().contains(said), "{error}");
            }
            (taken, expected) => panic!("{fields}: {taken:?}, {expected:?}"),
        }
    }
}
