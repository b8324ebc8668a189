//! What a plan says of each disk, by what orders it; and what an examination says of an image, its config drive and its disk.

use super::web::Web;
use super::{Machine, ironlet, said};

/// Two disks, of 8 and 16 GiB.
fn machine() -> Machine {
    Machine::empty().with(
        "/sys/block/vda/size = 16777216\n/sys/block/vda/queue/\n/sys/block/vdb/size = 33554432\n/sys/block/vdb/queue/\n/proc/cmdline =\n",
    )
}

fn image(url: &str, more: &str) -> String {
    let sum = "0".repeat(64);
    format!("ironlet.image={url} ironlet.checksum=sha256:{sum} {more}")
}

fn order(url: &str, more: &str) -> String {
    let sum = "0".repeat(64);
    format!("{{\"image_source\":\"{url}\",\"image_checksum\":\"{sum}\"{more}}}")
}

#[test]
fn a_plan_is_of_the_disk_that_the_agent_would_write() {
    let (machine, web) = (machine(), Web::start());
    let root = machine.host().sys("..");
    let hints = r#","root_device":{"name":"/dev/vdb"},"erase":"metadata","then":"reboot","configdrive":"http://h/drive?sig=hunter2""#;
    web.put_text("/order", order("http://h/i.raw", hints));
    web.put_text(
        "/huge",
        order("http://h/i.raw", r#","root_device":{"size":">= 999"}"#),
    );
    let here = image("http://h/i.raw", "ironlet.disk=/dev/vdb ironlet.then=wait");
    let ordered = format!("ironlet.order={}", web.url("/order"));
    let (none, huge) = (web.url("/none"), web.url("/huge"));
    for (line, code, lines) in [
        (
            "",
            0,
            &["write /dev/vda (8 GiB): the smallest", "leave /dev/vdb"][..],
        ),
        (
            &here,
            0,
            &[
                "write /dev/vdb (16 GiB): named by ironlet.disk",
                "leave /dev/vda",
                "image: http://h/i.raw",
                "then: wait",
            ],
        ),
        (
            &ordered,
            0,
            &[
                "write /dev/vdb (16 GiB): the only one with name",
                "leave /dev/vda",
                "image: http://h/i.raw",
                "configdrive: http://h/drive\n",
                "erase: metadata",
                "then: reboot",
            ],
        ),
        (
            &image("http://h/i.raw", ""),
            0,
            &["write /dev/vda (8 GiB): the smallest of those"],
        ),
        (
            &format!("ironlet.order={none}"),
            1,
            &["no order for this machine yet"],
        ),
        (
            &format!("ironlet.order={huge}"),
            1,
            &["leave /dev/vda", "leave /dev/vdb", "no disk to deploy to"],
        ),
        (
            &image("http://h/i.raw", "ironlet.disk=/dev/nosuch"),
            1,
            &["leave /dev/vda", "there is no disk /dev/nosuch"],
        ),
    ] {
        let (ended, out, log) = ironlet(&root, &["--plan", "--cmdline", line]);
        assert_eq!(ended, Some(code), "{line}: {log}");
        let told = out + &log;
        for words in lines {
            assert!(told.contains(words), "{line}: no '{words}' in {told}");
        }
        assert!(
            code == 0 || !told.contains("write "),
            "nothing is to be written: {told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
    let (_, json, _) = ironlet(&root, &["--plan", "--json", "--cmdline", &ordered]);
    let told =
        r#""order":{"configdrive":"http://h/drive","erase":"metadata","image":"http://h/i.raw""#;
    assert!(json.contains(told), "{json}");
    // What is typed is what is asked.
    let node = r#"{"properties":{"root_device":{"name":"/dev/vda"}}}"#;
    let (_, out, log) = ironlet(&root, &["--plan", "--cmdline", &ordered, "--node", node]);
    assert!(
        out.starts_with("write /dev/vda") && log.contains("not the order"),
        "{out}{log}"
    );
}

#[test]
fn where_no_disk_will_do_each_is_told_with_its_reason() {
    let machine = machine();
    let root = machine.host().sys("..");
    for (node, why) in [
        (r#"{"root_device":{"size":">= 999"}}"#, "not '>= 999'"),
        (
            r#"{"skip_block_devices":[{"name":"/dev/vda"},{"name":"/dev/vdb"}]}"#,
            "is to be left alone",
        ),
    ] {
        let node = format!("{{\"properties\":{node}}}");
        let arguments = ["--plan", "--cmdline", "", "--node", &node];
        let (code, json, log) = ironlet(&root, &[&arguments[..], &["--json"]].concat());
        assert_eq!(code, Some(1), "{node}: {log}");
        assert!(log.contains("no disk to deploy to"), "{log}");
        assert_eq!(json.matches("\"chosen\":false").count(), 2, "{json}");
        assert_eq!(json.matches(why).count(), 2, "{json}");
        let (code, text, _) = ironlet(&root, &arguments);
        assert_eq!(code, Some(1), "{node}");
        assert_eq!(text.matches("leave /dev/vd").count(), 2, "{text}");
    }
    for part in ["properties", "instance_info"] {
        for value in ["[]", "7", "\"root_device\""] {
            let node = format!("{{\"{part}\":{value}}}");
            let (code, _, log) = ironlet(&root, &["--plan", "--cmdline", "", "--node", &node]);
            assert!(
                code == Some(1) && log.contains(&format!("{part} must be an object")),
                "{log}"
            );
        }
    }
}

/// What `ironlet doctor` says, and its exit code; none where there is no network to ask by.
fn examined(machine: &Machine, line: &str) -> Option<(Option<i32>, String)> {
    let root = machine.host().sys("..").display().to_string();
    let (code, told) = said(&["doctor", "--root", &root, "--cmdline", line]);
    let has_network = !["WRONG   link", "WRONG   dhcp"]
        .iter()
        .any(|wrong| told.contains(wrong));
    has_network.then_some((code, told))
}

#[test]
fn doctor_sees_what_a_deploy_would_fail_of() {
    let (machine, web) = (machine(), Web::start());
    let small = machine.place("/small");
    std::fs::write(&small, [0; 4096]).expect("the machine is a directory");
    let empty = machine.place("/empty");
    std::fs::write(&empty, []).expect("the machine is a directory");
    let on = |disk: &std::path::Path| format!("ironlet.disk={}", disk.display());
    let mut qcow2 = vec![0; 1024];
    qcow2[..8].copy_from_slice(b"QFI\xfb\0\0\0\x02");
    qcow2[20..24].copy_from_slice(&16u32.to_be_bytes());
    qcow2[24..32].copy_from_slice(&(9u64 << 30).to_be_bytes());
    web.put_text("/8k.raw", [0; 8192]);
    web.put_text("/4k.raw", [0; 4096]);
    web.put_text("/large.qcow2", &qcow2);
    for name in ["/page.raw", "/page.xz", "/page"] {
        web.put_text(name, "\n<!DOCTYPE html><html>Log in</html>");
    }
    let drive = |at: &str| format!(",\"configdrive\":\"{}\"", web.url(at));
    web.put_text("/nodrive", order(&web.url("/4k.raw"), &drive("/gone")));
    web.put_text("/pagedrive", order(&web.url("/4k.raw"), &drive("/page")));
    web.put_text("/drive", [1; 512]);
    web.put_text("/good", order(&web.url("/4k.raw"), &drive("/drive")));
    let at = |path: &str, more: &str| image(&web.url(path), more);
    let ordered = |path: &str| format!("ironlet.order={}", web.url(path));
    let nobody = "sets what nobody here knows";
    for (line, code, words) in [
        (
            at("/4k.raw", &on(&small)),
            0,
            vec!["all that was tried is fine"],
        ),
        (
            at("/8k.raw", &on(&small)),
            1,
            vec!["WRONG   disks      the image takes 8192 bytes", "has 4096"],
        ),
        (at("/8k.raw", ""), 0, vec!["fine    disks      /dev/vda"]),
        (
            at("/large.qcow2", ""),
            1,
            vec!["WRONG   disks      the image takes 9663676416 bytes"],
        ),
        (
            at("/page.raw", ""),
            1,
            vec!["WRONG   image", "is a web page"],
        ),
        (
            at("/page.xz", ""),
            1,
            vec!["WRONG   image", "is a web page"],
        ),
        (at("/page", ""), 1, vec!["WRONG   image", "is a web page"]),
        (
            at("/4k.raw", &on(&empty)),
            1,
            vec!["WRONG   disks", "has no bytes"],
        ),
        (
            at("/4k.raw", "ironlet.disk=/dev/nosuch"),
            1,
            vec!["there is no disk /dev/nosuch"],
        ),
        (
            ordered("/nodrive"),
            1,
            vec![">>> ORDER: the config drive: GET", "/gone", "404"],
        ),
        (
            ordered("/pagedrive"),
            1,
            vec![">>> ORDER: the config drive", "web page"],
        ),
        (ordered("/good"), 0, vec!["fine    order"]),
        (
            format!("{} ironlet.reprot=x", ordered("/good")),
            0,
            vec![
                "DOUBT   parameters",
                nobody,
                "ironlet.reprot (did you mean ironlet.report?)",
                "nothing that was tried is wrong",
            ],
        ),
        (
            "ironlet.odrer=http://h/".to_owned(),
            1,
            vec![
                ">>> PARAMETERS: nothing says what to do",
                nobody,
                "ironlet.odrer (did you mean ironlet.order?)",
            ],
        ),
    ] {
        let Some((ended, told)) = examined(&machine, &line) else {
            continue;
        };
        assert_eq!(ended, Some(code), "{line}: {told}");
        for words in words {
            assert!(told.contains(words), "{line}: no '{words}' in {told}");
        }
    }
}
