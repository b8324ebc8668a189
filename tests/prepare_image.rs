//! What Ironic says about an image → what is written, or refused before the first write.

mod support;

use std::fs;

use ironlet::codec::json::{Value, parse, print, text};
use ironlet::disk::table::partition_plan::Scheme;
use ironlet::error::Kind;
use ironlet::image::verify::digest::{Algorithm, Hashing};
use ironlet::steps::image_info;
use ironlet::steps::node::Node;
use ironlet::steps::step_context::{Login, Settings};
use support::fake_agent::{Surroundings, object, post_and_wait, text_at};
use support::image_server::{Behaviour, ImageServer};
use support::partition_tables::one_partition;
use support::wire::{printed, put, recorded};

const SHA256: &str = "439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363";

#[test]
fn what_this_build_cannot_do_fails_before_the_first_write() {
    for (place, value, kind, details) in [
        (
            "args configdrive",
            r#""H4sI""#,
            "DeploymentError",
            "config drive",
        ),
        (
            "args configdrive",
            r#"{"a":1}"#,
            "InvalidCommandParamsError",
            "'configdrive'",
        ),
        (
            "info configdrive",
            r#""H4sI""#,
            "DeploymentError",
            "config drive",
        ),
        (
            "info image_type",
            r#""partition""#,
            "InvalidCommandParamsError",
            "'root_mb'",
        ),
        (
            "info disk_format",
            r#""vmdk""#,
            "InvalidImage",
            "format 'vmdk'",
        ),
        (
            "info disk_format",
            r#""bootc""#,
            "InvalidImage",
            "no container engine",
        ),
        (
            "info checksum",
            "null",
            "InvalidCommandParamsError",
            "checksum",
        ),
        (
            "info checksum",
            r#""zz""#,
            "InvalidCommandParamsError",
            "none of md5",
        ),
        (
            "info os_hash_algo",
            r#""sha256""#,
            "InvalidCommandParamsError",
            "'os_hash_value'",
        ),
        ("info urls", "[7]", "InvalidCommandParamsError", "'urls'"),
        (
            "info image_server_auth_strategy",
            r#""http_basic""#,
            "ImageDownloadError",
            "image_server_user",
        ),
        (
            "info image_request_authorization",
            r#""%""#,
            "ImageDownloadError",
            "base64",
        ),
        (
            "info image_request_authorization",
            r#""QQ0KQg==""#,
            "ImageDownloadError",
            "header",
        ),
        (
            "info proxies",
            r#"{"http":"socks5://u:pw@h"}"#,
            "InvalidCommandParamsError",
            "socks5://h",
        ),
        (
            "instance_info root_device",
            r#"{"serial":"x"}"#,
            "DeviceNotFound",
            "no disk to deploy to with serial 'x': /dev/vda",
        ),
        (
            "properties root_device",
            r#"{"serial":"x"}"#,
            "DeviceNotFound",
            "no disk to deploy to with serial 'x': /dev/vda",
        ),
        (
            "properties skip_block_devices",
            r#"[{"name":"/dev/vda"}]"#,
            "DeviceNotFound",
            "is to be left alone",
        ),
    ] {
        let path: Vec<&str> = match place.split_once(' ').expect("two words") {
            ("args", name) => vec!["params", "step", "args", name],
            ("info", name) => vec!["params", "step", "args", "image_info", name],
            (part, name) => vec!["params", "node", part, name],
        };
        let mut around = Surroundings::new();
        let disk = around.add_disk();
        let (mut request, _) = recorded("deploy-raw", "deploy.execute_deploy_step");
        put(&mut request, &["params", "deploy_version"], Value::Null);
        put(&mut request, &path, parse(value).expect(value));
        let engine = around.engine();
        let entry = post_and_wait(&engine, &printed(request));
        engine.join();
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED", "{path:?}");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            kind,
            "{path:?}"
        );
        let said = text_at(&entry, &["command_error", "details"]);
        assert!(said.contains(details) && !said.contains("pw"), "{said}");
        let bytes = fs::read(&disk).expect("the disk is a file");
        assert!(
            bytes.iter().all(|byte| *byte == 0xaa),
            "{path:?}: the disk was touched"
        );
    }
}

/// A deploy as recorded, of an image and with a digest of our own; then what Ironic asks next.
#[test]
fn an_image_is_written_and_told_of() {
    let mut image = vec![7; 3 << 20];
    image[440..444].copy_from_slice(&[0xcd, 0xab, 0x34, 0x12]);
    one_partition(&mut image);
    for (step, digest, written) in [
        ("deploy-raw", "right", true),
        ("rebuild-raw-badsum", "wrong", false),
    ] {
        let right = Hashing::new(&image[..], Algorithm::Sha256)
            .finish()
            .expect("memory can be read")
            .to_string();
        let right = right.rsplit(' ').next().expect("digits").to_owned();
        let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
        let mut around = Surroundings::new();
        let disk = around.add_disk();
        let (mut request, _) = recorded(step, "deploy.execute_deploy_step");
        let info = ["params", "step", "args", "image_info"];
        let urls = [text(server.url("/inst-a.raw?temp_url_sig=hidden"))];
        let urls = Value::Array(urls.into_iter().collect());
        put(&mut request, &[&info[..], &["urls"]].concat(), urls);
        // Ironic's id is the end of the URL, signature and all.
        let id = text("inst-a.raw?temp_url_sig=hidden");
        put(&mut request, &[&info[..], &["id"]].concat(), id);
        if digest == "right" {
            put(
                &mut request,
                &[&info[..], &["checksum"]].concat(),
                text(&*right),
            );
        }
        put(&mut request, &["params", "deploy_version"], Value::Null);
        let wanted = text_at(&request, &[&info[..], &["checksum"]].concat()).to_owned();
        let skip = parse(r#"[{"serial":"gone"}]"#).expect("a list");
        let properties = ["params", "node", "properties", "skip_block_devices"];
        put(&mut request, &properties, skip);

        let engine = around.engine();
        let entry = post_and_wait(&engine, &printed(request));
        let bytes = fs::read(&disk).expect("the disk is a file");
        let uuids = r#"{"name":"standby.get_partition_uuids","params":{}}"#;
        let uuids = post_and_wait(&engine, uuids);
        let uuid = text_at(&uuids, &["command_result", "root uuid"]);
        let all = print(&Value::Object(entry.clone()));
        assert!(!all.contains("hidden"), "{all}");
        if written {
            let result = text_at(&entry, &["command_result", "deploy_result", "result"]);
            let place = disk.display();
            assert_eq!(
                result,
                format!(
                    "prepare_image: image (inst-a.raw) written to device {place} root_uuid=0x1234abcd"
                )
            );
            assert!(
                all.contains(r#""warnings":["no disk is what skip_block_devices is to spare: serial 'gone'"]"#),
                "{all}"
            );
            let echo = ["command_result", "deploy_step"];
            for (name, value) in [("interface", "deploy"), ("step", "write_image")] {
                assert_eq!(text_at(&entry, &[&echo[..], &[name]].concat()), value);
            }
            assert_eq!(uuid, "0x1234abcd");
            assert!(bytes.starts_with(&image), "the disk holds the image");
        } else {
            assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
            let details = text_at(&entry, &["command_error", "details"]);
            let warned =
                "(warnings: no disk is what skip_block_devices is to spare: serial 'gone')";
            assert!(details.ends_with(warned), "{details}");
            assert_eq!(
                text_at(&entry, &["command_error", "type"]),
                "ImageChecksumError"
            );
            let details = text_at(&entry, &["command_error", "details"]);
            assert!(
                details.contains(&wanted) && details.contains(&right),
                "{details}"
            );
            assert_eq!(uuid, "");
            assert!(bytes[510..512] != [0x55, 0xaa], "nothing boots");
        }
    }
}

#[test]
fn hints_that_came_late_count() {
    let mut around = Surroundings::new();
    around.add_disk();
    let late = object(r#"{"properties":{"root_device":{"wwn":"0x1"}}}"#);
    around.node = Some(Node::new(&late));
    let (mut request, _) = recorded("deploy-raw", "deploy.execute_deploy_step");
    put(&mut request, &["params", "deploy_version"], Value::Null);
    let engine = around.engine();
    let entry = post_and_wait(&engine, &printed(request));
    assert_eq!(around.told.all(), ["look up"]);
    assert_eq!(
        text_at(&entry, &["command_error", "type"]),
        "DeviceNotFound"
    );
}

#[test]
fn the_right_login_goes_to_the_image_server() {
    let own = Some(Login {
        user: Some("own".into()),
        password: Some(ironlet::secret::Secret::new("pw")),
    });
    // base64 of "Bearer x", "u:p" and "own:pw"
    let (supplied, basic, default) = (
        r#""image_request_authorization":"QmVhcmVyIHg=""#,
        r#""image_server_auth_strategy":"http_basic","image_server_user":"u","image_server_password":"p""#,
        r#""node_uuid":"""#,
    );
    for (info, login, header) in [
        (format!("{supplied},{basic}"), &own, Some("Bearer x")),
        (basic.to_owned(), &own, Some("Basic dTpw")),
        (default.to_owned(), &own, Some("Basic b3duOnB3")),
        (default.to_owned(), &None, None),
    ] {
        let info = object(&format!(
            r#"{{"id":"x","urls":["http://h/x"],"disk_format":"raw","checksum":"{SHA256}",{info}}}"#
        ));
        let settings = Settings {
            login: login.clone(),
            ..Settings::default()
        };
        let request =
            image_info::request(&info, &settings, Scheme::Mbr).expect("a good image_info");
        let sent = request.authorization.as_ref().map(|secret| secret.expose());
        assert_eq!(sent, header);
    }
}

#[test]
fn checksums_are_taken_as_ironic_means_them() {
    let md5 = "900150983cd24fb0d6963f7d28e17f72";
    let url = "https://h/SUMS";
    for (info, allowed, chosen) in [
        (format!(r#""checksum":"{SHA256}""#), false, "Sha256"),
        (
            format!(r#""checksum":"{}""#, SHA256.to_uppercase()),
            false,
            SHA256,
        ),
        (format!(r#""checksum":"{md5}""#), true, md5),
        (format!(r#""checksum":"{md5}""#), false, "error"),
        (format!(r#""checksum":"{url}""#), false, "AnyButMd5"),
        (format!(r#""checksum":"{url}""#), true, "SUMS"),
        (
            format!(r#""checksum":"{md5}","os_hash_algo":"sha256","os_hash_value":"{SHA256}""#),
            false,
            SHA256,
        ),
        (
            format!(r#""os_hash_algo":"md5","os_hash_value":"{md5}""#),
            false,
            md5,
        ),
        (
            format!(r#""os_hash_algo":"sha256","os_hash_value":"{md5}""#),
            true,
            "error",
        ),
        (
            format!(r#""os_hash_algo":"sha512","os_hash_value":"{url}""#),
            false,
            "Only(Sha512)",
        ),
        (
            format!(
                r#""checksum":"{SHA256}","os_hash_algo":"sha3_256","os_hash_value":"{SHA256}""#
            ),
            false,
            SHA256,
        ),
        (
            format!(r#""os_hash_algo":"sha3_256","os_hash_value":"{SHA256}""#),
            false,
            "error",
        ),
    ] {
        let text = format!(r#"{{"id":"x","urls":["http://h/x"],"disk_format":"raw",{info}}}"#);
        let settings = Settings {
            md5: allowed,
            ..Settings::default()
        };
        let shown = match image_info::request(&object(&text), &settings, Scheme::Mbr) {
            Ok(request) => format!("{:?}", request.checksum),
            Err(error) => format!("error {error}"),
        };
        assert!(shown.contains(chosen), "{info}: {shown}");
    }
}

#[test]
fn only_permitted_formats_are_taken() {
    for (format, permitted, taken) in [
        ("raw", &["qcow2"][..], true), // raw is never inspected, upstream either
        ("qcow2", &["raw", "qcow2"], true),
        ("qcow2", &["raw", "gpt"], false),
        ("qcow2", &[], false),
        ("vmdk", &["vmdk"], false), // permitted, but there is no decoder
        ("gpt", &[], true),         // raw with a table
        ("unknown", &[], true),     // its content will tell
    ] {
        let text = format!(
            r#"{{"id":"x","urls":["http://h/x"],"disk_format":"{format}","checksum":"{SHA256}"}}"#
        );
        let settings = Settings {
            formats: permitted.iter().map(|name| name.to_string()).collect(),
            ..Settings::default()
        };
        match image_info::request(&object(&text), &settings, Scheme::Mbr) {
            Ok(_) => assert!(taken, "{format} of {permitted:?} was taken"),
            Err(error) => {
                assert_eq!(
                    (taken, error.kind()),
                    (false, Kind::InvalidImage),
                    "{error}"
                )
            }
        }
    }
}
