//! The step `clean_uefi_nvram`.

use ironlet::codec::json::Object;

use super::firmware::Firmware;
use super::gpt;
use super::support::fake_agent::{Surroundings, post_and_wait, text_at};

fn clean(around: &mut Surroundings, arguments: &str) -> Object {
    let step =
        format!(r#"{{"step":"clean_uefi_nvram","interface":"deploy","args":{{{arguments}}}}}"#);
    let body = format!(
        r#"{{"name":"clean.execute_clean_step","params":{{"node":{{}},"ports":[],"step":{step}}}}}"#
    );
    post_and_wait(&around.engine(), &body)
}

/// OVMF's entries, those of two systems on disks among them, and one of a loader in the firmware.
fn used(around: &Surroundings) -> Firmware {
    let firmware = Firmware::of(&around.host);
    firmware.put(
        "00F0",
        &gpt("ubuntu", r"\EFI\ubuntu\shimx64.efi").to_bytes(),
    );
    firmware.put("00F1", &gpt("ironic1", r"\EFI\BOOT\BOOTX64.EFI").to_bytes());
    // VenHw, a GUID of zeros; File, \GRUBX64.EFI.
    let mut own = vec![1, 4, 20, 0];
    own.extend([0; 16]);
    own.extend(&gpt("", r"\GRUBX64.EFI").path[42..]);
    let mut hidden = gpt("built in", "");
    hidden.path = own;
    firmware.put("00F2", &hidden.to_bytes());
    firmware.set_order(&[0xf1, 0, 5, 0xf0, 0xf2, 6]);
    firmware
}

#[test]
fn entries_that_match_are_gone_from_the_order_too() {
    for (arguments, kept, order) in [
        ("", 11, "0000,0005,0006"),
        (r#""match_patterns":null"#, 11, "0000,0005,0006"),
        (
            r#""match_patterns":[]"#,
            14,
            "00F1,0000,0005,00F0,00F2,0006",
        ),
        (
            r#""match_patterns":["SHIM"]"#,
            13,
            "00F1,0000,0005,00F2,0006",
        ),
        (
            r#""match_patterns":["mac\\(5254[0-9]+,1\\)$","nvme"]"#,
            12,
            "00F1,0000,00F0,00F2,0006",
        ),
        (
            r#""match_patterns":["^(?!x)","a"]"#,
            14,
            "00F1,0000,0005,00F0,00F2,0006",
        ),
        (r#""match_patterns":[""]"#, 0, ""),
    ] {
        let mut around = Surroundings::new();
        let firmware = used(&around);
        let entry = clean(&mut around, arguments);
        let status = text_at(&entry, &["command_status"]);
        let fails = arguments.contains("(?!");
        assert_eq!(
            status,
            if fails { "FAILED" } else { "SUCCEEDED" },
            "{arguments}"
        );
        assert_eq!(
            (firmware.listed().len(), firmware.order().as_str()),
            (kept, order),
            "{arguments}"
        );
    }
}

#[test]
fn what_is_no_pattern_is_refused_before_anything_goes() {
    for (arguments, said) in [
        (r#""match_patterns":"HD""#, "must be a list of strings"),
        (
            r#""match_patterns":["HD",7]"#,
            "must be a list of strings: 7",
        ),
        (
            r#""match_patterns":["HD","(shim"]"#,
            "pattern '(shim' is no regular expression",
        ),
        (
            r#""match_patterns":["(a)\\1"]"#,
            "look-around, back-references",
        ),
    ] {
        let mut around = Surroundings::new();
        let firmware = used(&around);
        let entry = clean(&mut around, arguments);
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            "InvalidCommandParamsError"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(details.contains(said), "{details}");
        assert_eq!(firmware.listed().len(), 14);
    }
}

#[test]
fn a_machine_started_as_a_bios_does_has_nothing_to_clean() {
    let mut around = Surroundings::new();
    let entry = clean(&mut around, "");
    assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
    let details = text_at(&entry, &["command_error", "details"]);
    assert!(details.contains("start it in UEFI mode"), "{details}");
}
