//! What Ironic is told of a disk that was divided: UUIDs as blkid has them, devices as the kernel names them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ironlet::codec::json::{Object, print};
use ironlet::disk::filesystem::probe::{LOOK_FOR_UUID, uuid};
use ironlet::image::verify::digest::{Algorithm, Hashing};
use ironlet::steps::boot_mode::scheme;
use ironlet::steps::deployed_disk_record::partition;
use ironlet::steps::node::Node;

use super::Scheme;
use super::support::fake_agent::{Surroundings, at, object, post_and_wait, text_at};
use super::support::image_server::{Behaviour, ImageServer};
use super::support::partition_tables::{MIB, name, says};
use super::support::scratch::Scratch;

#[test]
fn the_uuid_of_every_file_system_is_that_of_blkid() {
    for (make, mib) in [
        (&["mkfs.ext2", "-q"][..], 8),
        (&["mkfs.ext4", "-q"], 8),
        (&["mkfs.xfs", "-q"], 320),
        (&["mkfs.btrfs", "-q"], 128),
        (&["mkfs.f2fs", "-q"], 64),
        (&["mkfs.vfat", "-F", "12"], 4),
        (&["mkfs.vfat", "-F", "16"], 16),
        (&["mkfs.vfat", "-F", "32"], 64),
        (&["mkswap"], 4),
    ] {
        let scratch = Scratch::new();
        let path = scratch.path("system");
        let file = File::create(&path).expect("a file");
        file.set_len((mib * MIB) as u64).expect("sparse");
        says(make[0], &[&make[1..], &[name(&path)]].concat(), "");
        let told = says(
            "blkid",
            &["-p", "-s", "UUID", "-o", "value", name(&path)],
            "",
        );
        let file = File::open(&path).expect("it was made");
        let mut start = vec![0; LOOK_FOR_UUID];
        file.read_exact_at(&mut start, 0).expect("it is longer");
        assert_eq!(uuid(&start).as_deref(), Some(told.trim()), "{make:?}");
        for cut in [0, 1, 511, 1024, 1100, 4096] {
            uuid(&start[..cut]); // there is no panic
        }
    }
    assert_eq!(uuid(&[0; LOOK_FOR_UUID]), None);
}

#[test]
fn partitions_are_named_as_the_kernel_names_them() {
    for (disk, number, device) in [
        ("/dev/sda", 2, "/dev/sda2"),
        ("/dev/nvme0n1", 12, "/dev/nvme0n1p12"),
        ("/dev/mmcblk0", 1, "/dev/mmcblk0p1"),
        ("/dev/md127", 1, "/dev/md127p1"),
    ] {
        assert_eq!(partition(Path::new(disk), number), Path::new(device));
    }
}

/// The rules of protocol/deploy.md §10, the strongest first.
#[test]
fn the_node_says_how_it_starts() {
    use Scheme::*;
    let cases = [
        ("{}", Mbr, Uefi),
        (
            r#"{"driver_internal_info":{"deploy_boot_mode":"uefi"}}"#,
            Uefi,
            Uefi,
        ),
        (
            r#"{"driver_internal_info":{"deploy_boot_mode":"bios"}}"#,
            Mbr,
            Mbr,
        ),
        (
            r#"{"properties":{"capabilities":"boot_mode:bios,x:y"},"driver_internal_info":{"deploy_boot_mode":"uefi"}}"#,
            Mbr,
            Mbr,
        ),
        (
            r#"{"instance_info":{"deploy_boot_mode":"UEFI"},"properties":{"capabilities":"boot_mode:bios"}}"#,
            Uefi,
            Uefi,
        ),
        (
            r#"{"instance_info":{"capabilities":{"boot_mode":"uefi"}}}"#,
            Mbr,
            Uefi,
        ),
        (
            r#"{"instance_info":{"deploy_boot_mode":"bios","capabilities":"{\"secure_boot\": \"True\"}"}}"#,
            Uefi,
            Uefi,
        ),
        (
            r#"{"instance_info":{"deploy_boot_mode":"bios","capabilities":{"secure_boot":"false"}},"properties":{"capabilities":"secure_boot:true"}}"#,
            Mbr,
            Mbr,
        ),
        (
            r#"{"properties":{"capabilities":"secure_boot:true,boot_mode:bios"}}"#,
            Uefi,
            Uefi,
        ),
        (
            r#"{"properties":{"capabilities":"boot_mode:bios,disk_label:gpt"}}"#,
            BiosGpt,
            BiosGpt,
        ),
        (
            r#"{"instance_info":{"capabilities":{"disk_label":"msdos"}},"properties":{"capabilities":"boot_mode:bios,disk_label:gpt"}}"#,
            Mbr,
            Mbr,
        ),
        (
            r#"{"instance_info":{"deploy_boot_mode":"uefi","capabilities":{"disk_label":"msdos"}}}"#,
            Uefi,
            Uefi,
        ),
        // Neither word: the ramdisk decides.
        (r#"{"instance_info":{"deploy_boot_mode":null}}"#, Mbr, Uefi),
        (
            r#"{"instance_info":{"deploy_boot_mode":"legacy"},"properties":{"capabilities":7}}"#,
            Mbr,
            Uefi,
        ),
    ];
    for (node, on_bios, on_uefi) in cases {
        let around = Surroundings::new();
        let of = |around: &Surroundings| scheme(&Node::new(&object(node)), &around.host);
        assert_eq!(of(&around), on_bios, "{node}");
        fs::create_dir_all(around.host.sys("firmware/efi")).expect("a directory");
        assert_eq!(of(&around), on_uefi, "{node}");
    }
}

/// A deploy step as Ironic sends it, with these fields of `image_info` and of the node.
fn step(image: &[u8], url: &str, info: &str, node: &str) -> String {
    let digest = Hashing::new(image, Algorithm::Sha256).finish();
    let digest = digest.expect("memory can be read").to_string();
    let digest = digest.trim_start_matches("sha256 ");
    format!(
        r#"{{"name":"deploy.execute_deploy_step","params":{{"node":{node},"ports":[],"step":
        {{"interface":"deploy","step":"write_image","args":{{"image_info":{{"id":"x","disk_format":"raw",
        "image_type":"partition","urls":["{url}"],"os_hash_algo":"sha256","os_hash_value":"{digest}",{info}}}}}}}}}}}"#
    )
}

/// The node's own disk, large enough for an EFI system partition.
fn surroundings(mib: usize) -> Surroundings {
    let around = Surroundings::new();
    let disk = around.add_disk();
    let file = fs::OpenOptions::new().write(true).open(disk);
    let file = file.expect("it was made");
    file.set_len((mib * MIB) as u64).expect("sparse");
    around
}

fn uuids(around: &mut Surroundings) -> Object {
    let ask = r#"{"name":"standby.get_partition_uuids","params":{}}"#;
    let entry = post_and_wait(&around.engine(), ask);
    object(&print(at(&entry, &["command_result"])))
}

#[test]
fn ironic_is_told_what_was_made_also_by_the_next_process() {
    let scratch = Scratch::new();
    let image = super::root_image(&scratch, 4);
    for (mib, boot, others) in [
        (
            600,
            "uefi",
            &[("efi system partition", 1), ("swap", 2), ("root", 3)][..],
        ),
        (32, "bios", &[("swap", 1), ("root", 2)]),
    ] {
        let mut around = surroundings(mib);
        let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
        // Numbers may come as text.
        let info = format!(
            r#""root_mb":8,"swap_mb":"2","ephemeral_mb":0,"ephemeral_format":null,"preserve_ephemeral":false,
            "deploy_boot_mode":"{boot}""#
        );
        let node = format!(r#"{{"instance_info":{{"deploy_boot_mode":"{boot}"}}}}"#);
        let engine = around.engine();
        let done = post_and_wait(&engine, &step(&image, &server.url("/x"), &info, &node));
        engine.join();
        assert_eq!(print(at(&done, &["command_error"])), "null", "{boot}");
        let told = uuids(&mut around.again());
        let disk = around.host.dev("vda");
        let number = others.len();
        let start = 1 + if boot == "uefi" { 550 + 2 } else { 2 };
        let of = |start: usize| {
            let at = (start * MIB).to_string();
            let arguments = ["-p", "-s", "UUID", "-o", "value", "-O", &at, name(&disk)];
            says("blkid", &arguments, "").trim().to_owned()
        };
        let root = of(start);
        assert_eq!(text_at(&told, &["root uuid"]), root);
        let mut said = format!("x) written to device {} root_uuid={root}", name(&disk));
        match boot {
            "uefi" => {
                let efi = of(1);
                assert_eq!(text_at(&told, &["efi system partition uuid"]), efi);
                assert_eq!((efi.len(), &efi[4..5]), (9, "-"));
                said += &format!(" efi_system_partition_uuid={efi}");
            }
            _ => assert_eq!(print(at(&told, &["efi system partition uuid"])), "null"),
        }
        for (name, number) in others {
            let device = text_at(&told, &["partitions", name]);
            assert_eq!(device, format!("{}{number}", disk.display()), "{boot}");
        }
        assert_eq!(
            print(at(&told, &["partitions"])).matches(':').count(),
            number
        );
        let result = ["command_result", "deploy_result", "result"];
        let result = text_at(&done, &result);
        assert!(result.ends_with(&said), "{result}");
    }
}

#[test]
fn what_has_no_file_system_is_told_by_its_place_in_the_table() {
    let image = vec![7; 3 * MIB];
    for (label, length) in [("gpt", 36), ("msdos", 11)] {
        let mut around = surroundings(32);
        let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
        let node =
            format!(r#"{{"properties":{{"capabilities":"boot_mode:bios,disk_label:{label}"}}}}"#);
        let engine = around.engine();
        let info = r#""root_mb":8"#;
        let done = post_and_wait(&engine, &step(&image, &server.url("/x"), info, &node));
        engine.join();
        assert_eq!(print(at(&done, &["command_error"])), "null", "{label}");
        let disk = around.host.dev("vda");
        let told = says("partx", &["-r", "-g", "-o", "UUID", name(&disk)], "");
        let told = told.lines().last().unwrap_or_default();
        let root = uuids(&mut around.again());
        assert_eq!(text_at(&root, &["root uuid"]), told, "{label}");
        assert_eq!(told.len(), length, "{told}");
    }
}
