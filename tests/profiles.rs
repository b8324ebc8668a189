//! What goes into an initramfs beside the agent: Debian's packages by their digests, lists of modules, firmware. The scripts themselves,
//! with packages made here on a mirror that is a folder.

#[path = "support/scripts_clone.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod scripts_clone;

use scripts_clone::Clone;

/// All of the initramfs's scripts.
const SOURCED: &str = ". initramfs/host.sh; . initramfs/kernel.sh; . initramfs/modules.sh; . initramfs/pack.sh; . initramfs/firmware.sh";

fn clone_at(name: &str) -> Clone {
    Clone::at(&format!("profiles-{name}"), |_| true)
}

/// Packages on a mirror and in an archive that are folders: `deb FOLDER NAME VERSION` makes one and prints its digest, `table NAME SHA256
/// VERSION` a table of that one kernel. Lists of suites are a file; where there is none, no network is there.
const MIRROR: &str = r#"
deb() {
    mkdir -p "$1" made/usr/lib/modules/6.12/kernel made/DEBIAN made/boot
    touch made/usr/lib/modules/6.12/modules.{order,builtin,builtin.modinfo}
    printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x\nDescription: x\n' "$2" "$3" >made/DEBIAN/control
    echo "$2" >made/boot/vmlinuz-x
    dpkg-deb --root-owner-group -b made "$1/$2_$3_amd64.deb" >/dev/null
    sha256sum <"$1/$2_$3_amd64.deb" | cut -c -64
}
table() {
    printf 'mirror copy:%s/mirror\narchive copy:%s/archive 2026T\nsuite s debian main\n' "$PWD" "$PWD"
    echo "cloud x86_64 $2 debian/pool/$1_$3_amd64.deb"
} >initramfs/packages.table
apt_lists() { [ -e lists ]; }
packages_of() { cat lists; }
kernel=linux-image-6.12.5+deb13-cloud-amd64
"#;

#[test]
fn a_kernel_is_the_one_its_digest_names_wherever_it_comes_from() {
    let clone = clone_at("kernel");
    for (where_from, script) in [
        (
            "mirror",
            "sum=$(deb mirror/debian/pool $kernel 6.12.5-1); table $kernel $sum 6.12.5-1",
        ),
        (
            "archive",
            "sum=$(deb archive/debian/2026T/pool $kernel 6.12.6-1); table $kernel $sum 6.12.6-1",
        ),
    ] {
        // The second time nothing is there any more, and nothing is wanted.
        let (done, said) = clone.bash(SOURCED, &format!(
            "{MIRROR}{script}; dir=$(debian_kernel cloud); rm -rf mirror archive
             [ \"$dir\" = \"$(debian_kernel cloud)\" ]; cat \"$dir\"/boot/vmlinuz-*; ls \"$dir\"/lib/modules/*/modules.dep"
        ));
        assert!(done, "{where_from}: {said}");
        assert!(
            said.contains("linux-image-6.12.5+deb13-cloud-amd64\n"),
            "{said}"
        );
        assert!(
            said.contains("modules.dep") && !said.contains("stands for"),
            "{said}"
        );
    }
}

#[test]
fn the_newest_of_its_series_stands_for_a_kernel_that_is_gone_and_each_build_says_so() {
    let clone = clone_at("gone");
    let lists = r#"
        zeros=$(printf '%064d' 0); table $kernel $zeros 6.12.5-1
        for name in 6.12.9+deb13-cloud 6.12.10+deb13-cloud 6.12.11+deb13 6.12.12+deb13-cloud-dbg 6.13.1+deb13-cloud; do
            version=${name%%+*}-1
            echo "linux-image-$name-amd64 $version $(deb mirror/debian/pool linux-image-$name-amd64 $version) pool/linux-image-${name}-amd64_${version}_amd64.deb"
        done >lists"#;
    let (done, said) = clone.bash(SOURCED, &format!(
        "{MIRROR}{lists}; debian_kernel cloud >/dev/null; echo again; cat \"$(debian_kernel cloud)\"/boot/vmlinuz-*"
    ));
    assert!(done, "{said}");
    let (_, again) = said
        .split_once("\nagain\n")
        .expect("a first and a second time");
    for part in [&said, again] {
        assert!(part.contains("WARNING: linux-image-6.12.10+deb13-cloud-amd64_6.12.10-1_amd64.deb stands for linux-image-6.12.5+deb13"), "{part}");
    }
    assert!(
        again.ends_with("\nlinux-image-6.12.10+deb13-cloud-amd64\n"),
        "{again}"
    );
    // Another commit's digest is another package.
    let (done, said) = clone.bash(SOURCED, &format!("{MIRROR}sum=$(deb mirror/debian/pool $kernel 6.12.5-1); table $kernel $sum 6.12.5-1; debian_kernel cloud"));
    assert!(done && !said.contains("stands for"), "{said}");
}

#[test]
fn a_kernel_that_is_nowhere_or_damaged_is_none() {
    for (name, script) in [
        ("nowhere", "table $kernel $(printf '%064d' 0) 6.12.5-1"),
        (
            "damaged",
            "deb mirror/debian/pool $kernel 6.12.5-1 >/dev/null; table $kernel $(printf '%064d' 0) 6.12.5-1",
        ),
        (
            "other series",
            "table $kernel $(printf '%064d' 0) 6.12.5-1; echo linux-image-7.1.1+deb13-cloud-amd64 7.1.1-1 0 pool/x.deb >lists",
        ),
    ] {
        let (done, said) = clone_at(name).bash(
            SOURCED,
            &format!("{MIRROR}{script}; debian_kernel cloud || exit 1"),
        );
        assert!(!done, "{name}: {said}");
        assert!(said.contains("is neither at copy:"), "{name}: {said}");
        assert!(said.contains("--kernel, --modules"), "{name}: {said}");
    }
    let (done, said) = clone_at("changed").bash(SOURCED, &format!(
        "{MIRROR}sum=$(deb mirror/debian/pool $kernel 6.12.5-1); table $kernel $(printf '%064d' 0) 6.12.5-1
        echo $kernel 6.12.5-1 $sum pool/${{kernel}}_6.12.5-1_amd64.deb >lists; debian_kernel cloud || exit 1"
    ));
    assert!(!done && said.contains("packages.table says 0000"), "{said}");
    let (done, said) = clone_at("unknown").bash(SOURCED, "debian_kernel tiny || exit 1");
    assert!(
        !done && said.contains("no kernel tiny for x86_64"),
        "{said}"
    );
}

#[test]
fn a_list_of_modules_serves_both_architectures() {
    let clone = clone_at("lists")
        .with(
            "lists/own.modules",
            "kernel generic # the kernel\ninclude all.part\n  ?last # comment\n",
        )
        .with(
            "lists/all.part",
            "kernel cloud\nfirst\ninclude arm.part aarch64\n+?edd x86_64\n\ncard flash # one\nboth x86_64 flash\n",
        )
        .with("lists/arm.part", "+board\n");
    for (arch, expected) in [
        (
            "x86_64",
            "kernel generic\nfirst\n+?edd\ncard flash\nboth flash\n?last\n",
        ),
        (
            "aarch64",
            "kernel generic\nfirst\n+board\ncard flash\n?last\n",
        ),
    ] {
        assert_eq!(
            clone.bash(SOURCED, &format!("listed {arch} lists/own.modules")),
            (true, expected.to_owned())
        );
    }
}

#[test]
fn a_module_that_is_of_no_use_without_another_is_packed_only_beside_it() {
    for (dep, builtin, packed) in [
        ("", "", ""),
        (
            "usb/usb-hid.ko: hid/hid.ko\\n",
            "",
            "path hid/hid-generic.ko\npath hid/hid.ko\n",
        ),
        (
            "",
            "usb/usb-hid.ko\\n",
            "path hid/hid-generic.ko\npath hid/hid.ko\n",
        ),
    ] {
        let (done, said) = clone_at("with").bash(SOURCED, &format!(
            "mkdir m; printf 'hid/hid-generic.ko: hid/hid.ko\\nhid/hid.ko:\\n{dep}' >m/modules.dep; printf '{builtin}' >m/modules.builtin
             echo 'hid_generic with usb-hid' | closure m"
        ));
        assert_eq!((done, said.as_str()), (true, packed), "{dep}{builtin}");
    }
}

#[test]
fn every_profile_names_modules_and_a_kernel_of_the_table() {
    let clone = clone_at("profiles");
    for profile in ["vm", "server", "board"] {
        for arch in ["x86_64", "aarch64"] {
            let (done, said) = clone.bash(SOURCED, &format!(
                "listed {arch} initramfs/{profile}.modules | tail -n +2 | grep -vxE '[+?]*[a-z0-9_-]+( with [a-z0-9_-]+| flash)?' || true
                 rows \"$(profile_kernel initramfs/{profile}.modules)\" {arch} | wc -l"
            ));
            assert_eq!((done, said.as_str()), (true, "1\n"), "{profile} {arch}");
        }
    }
}

#[test]
fn the_newest_firmware_of_each_family_is_taken_the_users_own_first() {
    let files = "printf x | tee \"my own\"/{mine.bin,flash.bin,newer-9.1.0.fw} debian/{mine.bin,flash.bin,alone.txt,newer-10.2.fw} debian/b/{rv2p-06-6.0.15.fw,rv2p-09-6.0.17.fw,rv2p-09ax-6.0.17.fw} debian/e1-7.13.{15,21}.0.fw >/dev/null
        printf x | xz >debian/packed.bin.xz; printf x | xz >debian/wild-1.bin.xz; printf x | xz >debian/wild-2.bin.xz";
    let names = "mine.bin m disk\nflash.bin f flash\nother.bin f flash\npacked.bin m disk\nwild-*.bin m disk\nnowhere.bin m disk\n\
        e1-7.13.15.0.fw x disk\ne1-7.13.21.0.fw x disk\ne1-7.14.2.0.fw x disk\nb/rv2p-06-6.0.15.fw b disk\nb/rv2p-09-6.0.17.fw b disk\n\
        b/rv2p-09ax-6.0.17.fw b disk\nnewer-9.1.0.fw n disk\nnewer-10.2.fw n disk\ngone-1.2.fw g disk\ngone-1.3.fw g disk";
    let (done, said) = clone_at("firmware").bash(SOURCED, &format!(
        "mkdir -p 'my own' debian/b; {files}; printf '{names}\\n' | firmware_chosen 'my own' 'my own' debian"
    ));
    let expected = "absent gone-1.3.fw g\nabsent nowhere.bin m\ntake debian b/rv2p-06-6.0.15.fw\ntake debian b/rv2p-09-6.0.17.fw\n\
        take debian b/rv2p-09ax-6.0.17.fw\ntake debian e1-7.13.21.0.fw\ntake debian newer-10.2.fw\ntake debian packed.bin.xz\ntake debian wild-1.bin.xz\n\
        take debian wild-2.bin.xz\ntake my own flash.bin\ntake my own mine.bin\n";
    assert_eq!((done, said.as_str()), (true, expected));
}

#[test]
fn a_library_of_the_rescue_part_is_found_or_missed_by_name() {
    let clone = clone_at("rescue");
    let script = "mkdir -p 'one a/usr/lib/x-linux-gnu' two/usr/lib64
        touch 'one a/usr/lib/x-linux-gnu/liba.so.1' two/usr/lib64/ld.so
        for name in liba.so.1 ld.so; do rescue_library $name 'one a' two; done";
    let sourced = format!("{SOURCED}; . initramfs/rescue.sh");
    let (done, said) = clone.bash(&sourced, script);
    assert!(done, "{said}");
    assert_eq!(
        said.trim(),
        "one a/usr/lib/x-linux-gnu/liba.so.1\ntwo/usr/lib64/ld.so"
    );
    let (done, said) = clone.bash(&sourced, "mkdir one; rescue_library libb.so.2 one");
    assert!(
        !done && said.contains("no package of the rescue part has libb.so.2"),
        "{said}"
    );
}
