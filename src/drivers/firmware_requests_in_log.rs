//! Firmware files that drivers asked for and did not get, or got and found damaged, read from the kernel's log. Pure.

use crate::drivers::kernel_log;

/// One file that was asked for, as one line of the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Below lib/firmware.
    pub file: &'a str,
    /// The driver's name, where the line begins with it.
    pub driver: Option<&'a str>,
    /// What else stands before the complaint: a device's name on its bus (`0000:00:03.0`, `1-2:1.0`), a network
    /// link's, a function's. Only the machine can tell which is which.
    pub words: Vec<&'a str>,
    /// The error's number where it is told and is not 2 (ENOENT): the file is there, and of no use.
    pub error: Option<u32>,
    /// The driver has read the file and found it to be none of its kind: cut short, say.
    pub damaged: bool,
}

/// What stands before the file's name: first the kernel's firmware loader (drivers/base/firmware_loader/main.c), which
/// is silent where a driver wants it to be, and Debian's; then drivers' own words. Letter case differs from version
/// to version. Where one begins like another, the longer one comes first.
const COMPLAINTS: &[&str] = &[
    "direct firmware load for ",
    "firmware: failed to load ",
    "can't load firmware file ",               // bnx2, bnx2x
    "failed to load sequencer firmware file ", // aic94xx
    "failed to find fw file - ",               // qed
    "failed to load firmware image ",          // qla2xxx
    "unable to load firmware image ",          // cxgb4
    "unable to load firmware patch ",          // r8152
    "failed to load firmware ",                // e100, tg3, typhoon
    "unable to load firmware ",                // r8169
    "fail to load firmware ",                  // brcmsmac
    "can't locate firmware ",                  // bna, bfa
    "request for firmware file ",              // iwlwifi, older kernels
    "could not find file ",                    // liquidio
    "failed to load image ",                   // qla1280, advansys
];

/// What drivers say of a file that is there and damaged; its name is what stands in quotes, or comes behind these words.
const DAMAGES: &[&str] = &[
    "\" has wrong size",          // e100
    "\" has bogus offset values", // e100
    "bogus length ",              // tg3
    "\" is invalid",              // bnx2
    "corrupt firmware file ",     // bnx2x
];

/// Names of busses and classes, which stand where the driver's name would if there were one.
const NO_DRIVER: &[&str] = &["net", "pci", "platform", "usb"];

/// Longer names are no file's: linux/limits.h has NAME_MAX 255, and no firmware comes near.
const LONGEST: usize = 128;

/// Every complaint about a file in the kernel's log, oldest first.
pub fn requests(log: &str) -> impl Iterator<Item = Request<'_>> {
    kernel_log::lines(log).filter_map(request)
}

/// None for a line about anything else.
pub fn request(line: &str) -> Option<Request<'_>> {
    // ASCII alone changes, so that places in one are places in the other.
    let small = line.to_ascii_lowercase();
    damage(line, &small).or_else(|| complaint(line, &small))
}

fn complaint<'a>(line: &'a str, small: &str) -> Option<Request<'a>> {
    COMPLAINTS.iter().find_map(|complaint| {
        let at = small.find(complaint)?;
        let (file, rest) = file(&line[at + complaint.len()..])?;
        let (driver, words) = before(&line[..at]);
        Some(Request {
            file,
            driver,
            words,
            error: error(rest).filter(|number| *number != 2),
            damaged: false,
        })
    })
}

fn damage<'a>(line: &'a str, small: &str) -> Option<Request<'a>> {
    let (at, words) = DAMAGES
        .iter()
        .find_map(|words| Some((small.find(words)?, words)))?;
    let quote = line.find('"');
    let (file, _) = file(&line[quote.unwrap_or(at + words.len())..])?;
    let (driver, words) = before(&line[..quote.unwrap_or(at).min(at)]);
    Some(Request {
        file,
        driver,
        words,
        error: None,
        damaged: true,
    })
}

/// The file's name at the beginning of `text`, and what follows it.
fn file(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['"', '\'', '(']);
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')'));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let name = name.trim_end_matches(['.', ',', ';', ':']);
    let name = name.strip_prefix("/lib/firmware/").unwrap_or(name);
    let fits = (3..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && name.contains(['.', '/']);
    fits.then_some((name, rest))
}

/// The number in `error -2`, `(-2)`, `: -2` or `err -2`.
fn error(text: &str) -> Option<u32> {
    let (_, number) = text.split_once('-')?;
    let end = number.find(|c: char| !c.is_ascii_digit());
    number[..end.unwrap_or(number.len())].parse().ok()
}

/// The driver's name and all other words of what stands before a complaint: `e100 0000:00:03.0: `, `bnx2: `,
/// `qla2xxx [0000:11:00.0]-0063:1: `, `bnx2x: [bnx2x_init_firmware:13444(net0)]`, `(NULL device *): `.
fn before(text: &str) -> (Option<&str>, Vec<&str>) {
    let mut words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'))
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| !word.is_empty())
        .collect();
    let named = |word: &&str| {
        text.starts_with(*word)
            && word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let driver = words.first().copied().filter(named);
    if driver.is_some() {
        words.remove(0);
    }
    (driver.filter(|name| !NO_DRIVER.contains(name)), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that people reported, and what they tell: file, driver, words, error.
    type Line = (
        &'static str,
        &'static str,
        Option<&'static str>,
        &'static [&'static str],
        Option<u32>,
    );

    #[rustfmt::skip]
    const REPORTED: &[Line] = &[
        // The kernel's loader, of many versions; Debian's own line.
        ("e100 0000:00:01.0: Direct firmware load for e100/d101s_ucode.bin failed with error -2",
         "e100/d101s_ucode.bin", Some("e100"), &["0000:00:01.0"], None),
        ("r8169 0000:04:00.0: firmware: failed to load rtl_nic/rtl8168h-2.fw (-2)",
         "rtl_nic/rtl8168h-2.fw", Some("r8169"), &["0000:04:00.0"], None),
        ("bnx2: Direct firmware load for bnx2/bnx2-mips-09-6.2.1b.fw failed with error code -2",
         "bnx2/bnx2-mips-09-6.2.1b.fw", Some("bnx2"), &[], None),
        ("net enp2s0: Direct firmware load for RTL8192E/boot.img failed with error -2",
         "RTL8192E/boot.img", None, &["enp2s0"], None),
        ("ice 0000:01:00.0: Direct firmware load for intel/ice/ddp/ice.pkg failed with error -2",
         "intel/ice/ddp/ice.pkg", Some("ice"), &["0000:01:00.0"], None),
        ("atlantic 0000:03:00.0: Direct firmware load for aquantia/87B1.fw failed with error -2",
         "aquantia/87B1.fw", Some("atlantic"), &["0000:03:00.0"], None),
        ("bna 0000:03:00.2: Direct firmware load for ctfw-3.2.5.1.bin failed with error -2",
         "ctfw-3.2.5.1.bin", Some("bna"), &["0000:03:00.2"], None),
        ("iwlwifi 0000:00:14.3: Direct firmware load for iwlwifi-QuZ-a0-hr-b0-67.ucode failed with error -2",
         "iwlwifi-QuZ-a0-hr-b0-67.ucode", Some("iwlwifi"), &["0000:00:14.3"], None),
        ("r8152 4-1:1.0: Direct firmware load for rtl_nic/rtl8153b-2.fw failed with error -2",
         "rtl_nic/rtl8153b-2.fw", Some("r8152"), &["4-1:1.0"], None),
        ("xhci_hcd 0000:04:00.0: Direct firmware load for renesas_usb_fw.mem failed with error -2",
         "renesas_usb_fw.mem", Some("xhci_hcd"), &["0000:04:00.0"], None),
        ("brcmfmac mmc0:0001:1: Direct firmware load for brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.bin failed with error -2",
         "brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.bin", Some("brcmfmac"), &["mmc0:0001:1"], None),
        ("sof-audio-pci 0000:00:1f.3: Direct firmware load for intel/sof/sof-tgl.ri failed with error -22",
         "intel/sof/sof-tgl.ri", Some("sof-audio-pci"), &["0000:00:1f.3"], Some(22)),
        ("(NULL device *): Direct firmware load for dvb-usb-dib0700-1.20.fw failed with error -12",
         "dvb-usb-dib0700-1.20.fw", None, &["NULL", "device", "*"], Some(12)),
        ("platform regulatory.0: Direct firmware load for regulatory.db failed with error -2",
         "regulatory.db", None, &["regulatory.0"], None),
        ("rtw_pci 0000:3d:00.0: Direct firmware load for rtw88/rtw8822b_fw.bin failed with error",
         "rtw88/rtw8822b_fw.bin", Some("rtw_pci"), &["0000:3d:00.0"], None),
        // Drivers.
        ("bnx2: Can't load firmware file \"bnx2/bnx2-rv2p-09-6.0.17.fw\"",
         "bnx2/bnx2-rv2p-09-6.0.17.fw", Some("bnx2"), &[], None),
        ("bnx2x: [bnx2x_init_firmware:13444(net0)]Can't load firmware file bnx2x/bnx2x-e2-7.13.1.0.fw",
         "bnx2x/bnx2x-e2-7.13.1.0.fw", Some("bnx2x"), &["bnx2x_init_firmware:13444", "net0"], None),
        ("[qed_slowpath_start:1257()]Failed to find fw file - /lib/firmware/qed/qed_init_values_zipped-8.59.1.0.bin",
         "qed/qed_init_values_zipped-8.59.1.0.bin", None, &["qed_slowpath_start:1257"], None),
        ("tg3 0000:00:02.0 enp0s2f0: Failed to load firmware \"tigon/tg3_tso.bin\"",
         "tigon/tg3_tso.bin", Some("tg3"), &["0000:00:02.0", "enp0s2f0"], None),
        ("e100 0000:00:01.0 eth0: Failed to load firmware \"e100/d101m_ucode.bin\": -2",
         "e100/d101m_ucode.bin", Some("e100"), &["0000:00:01.0", "eth0"], None),
        ("qla2xxx [0000:11:00.0]-0063:1: Failed to load firmware image (ql2500_fw.bin).",
         "ql2500_fw.bin", Some("qla2xxx"), &["0000:11:00.0", "-0063:1"], None),
        ("cxgb4 0000:0c:00.4: unable to load firmware image cxgb4/t4fw.bin, error -2",
         "cxgb4/t4fw.bin", Some("cxgb4"), &["0000:0c:00.4"], None),
        ("r8169 0000:02:00.0: Unable to load firmware rtl_nic/rtl8106e-1.fw (-2)",
         "rtl_nic/rtl8106e-1.fw", Some("r8169"), &["0000:02:00.0"], None),
        ("eth0: unable to load firmware patch rtl_nic/rtl8168g-2.fw (-2)",
         "rtl_nic/rtl8168g-2.fw", Some("eth0"), &[], None),
        ("Can't locate firmware ctfw-3.2.5.1.bin",
         "ctfw-3.2.5.1.bin", None, &[], None),
        ("iwlagn 0000:06:00.0: request for firmware file 'iwlwifi-5000-2.ucode' failed.",
         "iwlwifi-5000-2.ucode", Some("iwlagn"), &["0000:06:00.0"], None),
        ("aic94xx: Failed to load sequencer firmware file aic94xx-seq.fw, error -2",
         "aic94xx-seq.fw", Some("aic94xx"), &[], None),
        ("ieee80211 phy0: brcmsmac: fail to load firmware brcm/bcm43xx-0.fw",
         "brcm/bcm43xx-0.fw", Some("ieee80211"), &["phy0", "brcmsmac"], None),
    ];

    #[test]
    fn reported_lines_tell_file_driver_and_device() {
        for (line, file, driver, words, error) in REPORTED {
            let expected = Request {
                file,
                driver: *driver,
                words: words.to_vec(),
                error: *error,
                damaged: false,
            };
            assert_eq!(request(line), Some(expected), "{line}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_file_that_its_driver_finds_damaged_is_told_with_its_device() {
        for (line, file, driver, word) in [
            ("e100 0000:00:02.0 eth0: Firmware \"e100/d102e_ucode.bin\" has wrong size 100", "e100/d102e_ucode.bin", Some("e100"), "eth0"),
            ("e100 0000:00:02.0 eth0: \"e100/d102e_ucode.bin\" has bogus offset values (0xff,0xff,0xff)", "e100/d102e_ucode.bin", Some("e100"), "0000:00:02.0"),
            ("tg3 0000:02:00.0 eth1: bogus length 12 in \"tigon/tg3_tso.bin\"", "tigon/tg3_tso.bin", Some("tg3"), "eth1"),
            ("bnx2: Firmware file \"bnx2/bnx2-mips-09-6.2.1b.fw\" is invalid", "bnx2/bnx2-mips-09-6.2.1b.fw", Some("bnx2"), ""),
            ("bnx2x: [bnx2x_init_firmware:13466(eth2)]Corrupt firmware file bnx2x/bnx2x-e2-7.13.21.0.fw", "bnx2x/bnx2x-e2-7.13.21.0.fw", Some("bnx2x"), "eth2"),
        ] {
            let told = request(line).expect(line);
            assert!(told.damaged && told.error.is_none(), "{line}");
            assert_eq!((told.file, told.driver), (file, driver), "{line}");
            assert!(word.is_empty() || told.words.contains(&word), "{line}: {:?}", told.words);
        }
        for line in ["mount: option \"x\" is invalid", "bogus length 12", "x: \"\" has wrong size 3", "corrupt firmware file "] {
            assert_eq!(request(line), None, "{line}");
        }
    }

    #[test]
    fn lines_of_the_same_threads_that_name_no_file_are_passed_over() {
        for line in [
            "netxen_nic 0000:07:00.0: Direct firmware load failed with error -2",
            "qede 0000:02:00.0: Falling back to user helper",
            "usb 5-1: Falling back to sysfs fallback for: ueagle-atm/eagleII.fw",
            "firmware_class: See https://wiki.debian.org/Firmware for information about missing firmware",
            "qede: probe of 0000:5e:00.0 failed with error -2",
            "bnx2x: [bnx2x_func_hw_init:5785(net0)]Error loading firmware",
            "xhci_hcd 0000:04:00.0: request_firmware failed: -2",
            "Failed to load Firmware Image!",
            "isci 0000:05:00.0: Failed to load firmware, using default values",
            "qla2xxx [0000:11:00.0]-0090:1: Fimware image unavailable.",
            "mt7601u 8-3:1.0: firmware: direct-loading firmware mt7601u.bin",
            "ice 0000:65:00.0: The DDP package was successfully loaded: ICE OS Default Package version 1.3.36.0",
            "rtw_8812au 1-1.4:1.0: failed to load firmware",
            "Direct firmware load for ",
            "Direct firmware load for \"\" failed with error -2",
            "",
        ] {
            assert_eq!(request(line), None, "{line}");
        }
        let long = format!(
            "x 1-1:1.0: Direct firmware load for {}.bin failed",
            "a".repeat(LONGEST)
        );
        assert_eq!(request(&long), None);
    }

    #[test]
    fn what_programs_quote_is_no_request() {
        let line = "e100 0000:00:01.0: Direct firmware load for a.bin failed with error -2";
        let log = format!("<15>[    1.0] ironlet: {line}\n<4>[    1.1] {line}\n");
        assert_eq!(requests(&log).count(), 1);
    }
}
