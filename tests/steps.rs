//! Steps and the boot loader as the conductor asks for them: recorded requests, lists, and what must fail.

mod support;

use std::fs;

use ironlet::codec::json::{Object, Value, print};
use support::fake_agent::{Surroundings, at, json, post, post_and_wait, text_at};
use support::wire::{printed, recorded};

#[test]
fn recorded_requests_get_replies_of_the_recorded_shape() {
    for (file, names) in [
        (
            "deploy-raw",
            &[
                "deploy.get_deploy_steps",
                "standby.get_partition_uuids",
                "image.install_bootloader",
                "log.collect_system_logs",
                "standby.power_off",
            ][..],
        ),
        ("vmedia-service", &["service.get_service_steps"]),
        ("clean", &["clean.get_clean_steps"]),
    ] {
        for name in names {
            let engine = Surroundings::new().engine();
            let (request, reply) = recorded(file, name);
            let own = json(&post(&engine, &printed(request)).expect(name));
            let keys = |object: &Object| object.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&own), keys(&reply), "{name}");
            assert_eq!(
                text_at(&own, &["command_name"]),
                text_at(&reply, &["command_name"])
            );
            // What runs in a thread may have ended by now.
            if text_at(&reply, &["command_status"]) != "RUNNING" {
                assert_eq!(print(at(&own, &["command_error"])), "null");
                assert_eq!(text_at(&own, &["command_status"]), "SUCCEEDED");
            }
            let results = (
                at(&own, &["command_result"]),
                at(&reply, &["command_result"]),
            );
            // Nothing was written here: there is no root uuid to tell.
            if let (Value::Object(own), Value::Object(reply)) = results
                && !name.ends_with("uuids")
            {
                assert_eq!(keys(own), keys(reply), "{name}");
            }
            engine.join();
        }
    }
}

#[test]
fn cleaning_steps_ask_for_what_upstream_s_ask() {
    let (request, reply) = recorded("clean", "clean.get_clean_steps");
    let engine = Surroundings::new().engine();
    let own = json(&post(&engine, &printed(request)).expect("a good request"));
    let steps = |reply: &Object| {
        let path = ["command_result", "clean_steps", "GenericHardwareManager"];
        let Value::Array(steps) = at(reply, &path) else {
            panic!("a list at {path:?}")
        };
        let steps = steps.iter().map(|step| match step {
            Value::Object(step) => step.clone(),
            other => panic!("{other:?}"),
        });
        steps.collect::<Vec<_>>()
    };
    let (own, theirs) = (steps(&own), steps(&reply));
    assert!(own.len() > 4);
    for step in own {
        let name = text_at(&step, &["step"]);
        let same = theirs
            .iter()
            .find(|other| text_at(other, &["step"]) == name);
        let same = same.unwrap_or_else(|| panic!("upstream has no {name}"));
        for field in ["priority", "interface", "abortable", "reboot_requested"] {
            let (own, theirs) = (at(&step, &[field]), at(same, &[field]));
            assert_eq!(print(own), print(theirs), "{name}: {field}");
        }
    }
}

#[test]
fn every_listed_step_has_what_the_conductor_needs() {
    let engine = Surroundings::new().engine();
    for (word, listed) in [
        (
            "clean",
            &[
                "erase_devices_metadata",
                "erase_devices",
                "erase_devices_express",
                "erase_pstore",
                "clean_uefi_nvram",
                "burnin_cpu",
                "burnin_memory",
                "burnin_disk",
                "delete_configuration",
                "create_configuration",
            ][..],
        ),
        (
            "deploy",
            &[
                "erase_devices_metadata",
                "write_image",
                "inject_files",
                "clean_uefi_nvram",
                "apply_configuration",
            ],
        ),
        (
            "service",
            &[
                "write_image",
                "inject_files",
                "burnin_cpu",
                "burnin_memory",
                "delete_configuration",
                "create_configuration",
                "apply_configuration",
            ],
        ),
    ] {
        let body =
            format!(r#"{{"name":"{word}.get_{word}_steps","params":{{"node":{{}},"ports":[]}}}}"#);
        let entry = post_and_wait(&engine, &body);
        let steps = format!("{word}_steps");
        let path = ["command_result", &steps, "GenericHardwareManager"];
        let Value::Array(steps) = at(&entry, &path) else {
            panic!("a list at {path:?}")
        };
        let names: Vec<&str> = steps
            .iter()
            .map(|step| match step {
                Value::Object(step) => {
                    let raid = text_at(step, &["step"]).ends_with("_configuration");
                    let interface = if raid { "raid" } else { "deploy" };
                    assert_eq!(text_at(step, &["interface"]), interface);
                    assert!(matches!(at(step, &["priority"]), Value::Number(_)));
                    text_at(step, &["step"])
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, listed);
    }
}

#[test]
fn a_step_that_cannot_run_fails_with_the_right_kind() {
    let engine = Surroundings::new().engine();
    for (word, params, kind, details) in [
        (
            "clean",
            r#""step":{"step":"burnin_gpu","interface":"deploy"}"#,
            "HardwareManagerMethodNotFound",
            "Could not find method: burnin_gpu",
        ),
        (
            "clean",
            r#""step":{"step":"write_image"}"#,
            "HardwareManagerMethodNotFound",
            "no such clean step",
        ),
        (
            "deploy",
            r#""step":{"interface":"deploy"}"#,
            "CommandExecutionError",
            "no \"step\" key",
        ),
        (
            "deploy",
            r#""step":"write_image""#,
            "InvalidCommandParamsError",
            "'step'",
        ),
        (
            "deploy",
            r#""step":{"step":7}"#,
            "InvalidCommandParamsError",
            "'step' must be a string",
        ),
        (
            "deploy",
            r#""step":{"step":"write_image","args":[]}"#,
            "InvalidCommandParamsError",
            "'args'",
        ),
        (
            "service",
            r#""step":{"step":"write_image","args":{"colour":"red"}}"#,
            "ServicingError",
            "'colour'",
        ),
        (
            "deploy",
            r#""step":{"step":"write_image"},"deploy_version":{"generic_hardware_manager":"0"}"#,
            "VersionMismatch",
            "Ironic expects",
        ),
        (
            "deploy",
            r#""step":{"step":"write_image","args":{"image_info":{}}}"#,
            "InvalidCommandParamsError",
            "Image is missing 'id' field.",
        ),
    ] {
        let body = format!(
            r#"{{"name":"{word}.execute_{word}_step","params":{{"node":{{}},"ports":[],{params}}}}}"#
        );
        let entry = post_and_wait(&engine, &body);
        let status = match kind {
            "VersionMismatch" => "CLEAN_VERSION_MISMATCH",
            _ => "FAILED",
        };
        assert_eq!(text_at(&entry, &["command_status"]), status, "{params}");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            kind,
            "{params}"
        );
        let said = text_at(&entry, &["command_error", "details"]);
        assert!(said.contains(details), "{said}");
    }
}

#[test]
fn the_boot_loader_is_left_to_the_image() {
    for (uefi, params, setting, error) in [
        (false, r#""root_uuid":null"#, false, None),
        (
            false,
            r#""root_uuid":"0x00000000","target_boot_mode":"bios""#,
            false,
            None,
        ),
        (
            false,
            r#""root_uuid":"0x1234abcd""#,
            false,
            Some("InvalidImage"),
        ),
        (false, r#""root_uuid":"0x1234abcd""#, true, None),
        (
            false,
            r#""root_uuid":"0x1234abcd","ignore_bootloader_failure":true"#,
            false,
            None,
        ),
        (
            false,
            r#""root_uuid":"0x1234abcd","ignore_bootloader_failure":false"#,
            true,
            Some("InvalidImage"),
        ),
        (
            true,
            r#""root_uuid":"0x00000000""#,
            false,
            Some("DeviceNotFound"),
        ),
        (
            true,
            r#""root_uuid":"0x00000000","ignore_bootloader_failure":true"#,
            false,
            None,
        ),
        (
            false,
            r#""root_uuid":7"#,
            false,
            Some("InvalidCommandParamsError"),
        ),
    ] {
        let mut around = Surroundings::new();
        around.settings.ignore_bootloader_failure = setting;
        if uefi {
            fs::create_dir_all(around.host.sys("firmware/efi")).expect("a directory");
        }
        let body = format!(r#"{{"name":"image.install_bootloader","params":{{{params}}}}}"#);
        let entry = post_and_wait(&around.engine(), &body);
        let status = if error.is_some() {
            "FAILED"
        } else {
            "SUCCEEDED"
        };
        assert_eq!(text_at(&entry, &["command_status"]), status, "{params}");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            error.unwrap_or_default()
        );
    }
}
