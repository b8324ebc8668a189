//! Names of Arm's processors by their main ID register, as util-linux's lscpu spells them. Pure.

/// Implementer, and its parts: `d03 Cortex-A53`, in hex, divided by bars.
const PARTS: &[(u32, &str)] = &[
    // ARM
    (
        0x41,
        "b36 ARM1136j-s|b56 ARM1156t2-s|b76 ARM1176jz-s|810 ARM810|920 ARM920|922 ARM922|926 ARM926|940 ARM940|\
         946 ARM946|966 ARM966|a20 ARM1020|a22 ARM1022|a26 ARM1026|b02 ARM11 MPCore|c05 Cortex-A5|c07 Cortex-A7|\
         c08 Cortex-A8|c09 Cortex-A9|c0d Cortex-A17|c0f Cortex-A15|c0e Cortex-A17|c14 Cortex-R4|c15 Cortex-R5|\
         c17 Cortex-R7|c18 Cortex-R8|c20 Cortex-M0|c21 Cortex-M1|c23 Cortex-M3|c24 Cortex-M4|c27 Cortex-M7|\
         c60 Cortex-M0+|d01 Cortex-A32|d02 Cortex-A34|d03 Cortex-A53|d04 Cortex-A35|d05 Cortex-A55|d06 Cortex-A65|\
         d07 Cortex-A57|d08 Cortex-A72|d09 Cortex-A73|d0a Cortex-A75|d0b Cortex-A76|d0c Neoverse-N1|d0d Cortex-A77|\
         d0e Cortex-A76AE|d13 Cortex-R52|d14 Cortex-R82AE|d15 Cortex-R82|d16 Cortex-R52+|d20 Cortex-M23|d21 Cortex-M33|\
         d24 Cortex-M52|d22 Cortex-M55|d23 Cortex-M85|d40 Neoverse-V1|d41 Cortex-A78|d42 Cortex-A78AE|d43 Cortex-A65AE|\
         d44 Cortex-X1|d46 Cortex-A510|d47 Cortex-A710|d48 Cortex-X2|d49 Neoverse-N2|d4a Neoverse-E1|d4b Cortex-A78C|\
         d4c Cortex-X1C|d4d Cortex-A715|d4e Cortex-X3|d4f Neoverse-V2|d80 Cortex-A520|d81 Cortex-A720|d82 Cortex-X4|\
         d83 Neoverse-V3AE|d84 Neoverse-V3|d85 Cortex-X925|d87 Cortex-A725|d88 Cortex-A520AE|d89 Cortex-A720AE|\
         d8a C1-Nano|d8b C1-Pro|d8c C1-Ultra|d8e Neoverse-N3|d8f Cortex-A320|d90 C1-Premium",
    ),
    // Broadcom
    (0x42, "f Brahma-B15|100 Brahma-B53|516 ThunderX2"),
    // Cavium
    (
        0x43,
        "a0 ThunderX|a1 ThunderX-88XX|a2 ThunderX-81XX|a3 ThunderX-83XX|af ThunderX2-99xx|b0 OcteonTX2|b1 OcteonTX2-98XX|\
         b2 OcteonTX2-96XX|b3 OcteonTX2-95XX|b4 OcteonTX2-95XXN|b5 OcteonTX2-95XXMM|b6 OcteonTX2-95XXO|b8 ThunderX3-T110",
    ),
    // DEC
    (0x44, "a10 SA110|a11 SA1100"),
    // FUJITSU
    (0x46, "1 A64FX|3 MONAKA"),
    // HiSilicon
    (
        0x48,
        "d01 TaiShan-v110|d02 TaiShan-v120|d40 Cortex-A76|d41 Cortex-A77",
    ),
    // NVIDIA
    (0x4e, "3 Denver 2|4 Carmel|10 Olympus"),
    // Qualcomm
    (
        0x51,
        "1 Oryon|f Scorpion|2d Scorpion|4d Krait|6f Krait|201 Kryo|205 Kryo|211 Kryo|800 Falkor-V1/Kryo|801 Kryo-V2|\
         802 Kryo-3XX-Gold|803 Kryo-3XX-Silver|804 Kryo-4XX-Gold|805 Kryo-4XX-Silver|c00 Falkor|c01 Saphira",
    ),
    // Samsung
    (0x53, "1 exynos-m1|2 exynos-m3|3 exynos-m4|4 exynos-m5"),
    // Marvell
    (0x56, "131 Feroceon-88FR131|581 PJ4/PJ4b|584 PJ4B-MP"),
    // Apple
    (
        0x61,
        "1 Cyclone|2 Typhoon|3 Typhoon/Capri|4 Twister|5 Twister/Elba/Malta|6 Hurricane|7 Hurricane/Myst|8 Monsoon|\
         9 Mistral|b Vortex|c Tempest|f Tempest-M9|10 Vortex/Aruba|11 Tempest/Aruba|12 Lightning|13 Thunder|\
         20 Icestorm-A14|21 Firestorm-A14|22 Icestorm-M1|23 Firestorm-M1|24 Icestorm-M1-Pro|25 Firestorm-M1-Pro|\
         26 Thunder-M10|28 Icestorm-M1-Max|29 Firestorm-M1-Max|30 Blizzard-A15|31 Avalanche-A15|32 Blizzard-M2|\
         33 Avalanche-M2|34 Blizzard-M2-Pro|35 Avalanche-M2-Pro|36 Sawtooth-A16|37 Everest-A16|38 Blizzard-M2-Max|\
         39 Avalanche-M2-Max",
    ),
    // Faraday
    (0x66, "526 FA526|626 FA626"),
    // Intel
    (
        0x69,
        "200 i80200|210 PXA250A|212 PXA210A|242 i80321-400|243 i80321-600|290 PXA250B/PXA26x|292 PXA210B|\
         2c2 i80321-400-B0|2c3 i80321-600-B0|2d0 PXA250C/PXA255/PXA26x|2d2 PXA210C|411 PXA27x|41c IPX425-533|\
         41d IPX425-400|41f IPX425-266|682 PXA32x|683 PXA930/PXA935|688 PXA30x|689 PXA31x|b11 SA1110|c12 IPX1200",
    ),
    // Microsoft
    (0x6d, "d49 Azure-Cobalt-100"),
    // Phytium
    (
        0x70,
        "303 FTC310|660 FTC660|661 FTC661|662 FTC662|663 FTC663|664 FTC664|862 FTC862",
    ),
    // Ampere
    (0xc0, "ac3 Ampere-1|ac4 Ampere-1a"),
];

/// The name of a part; none if nobody knows it. lscpu has no names for parts of number 0.
pub(super) fn name(implementer: u32, part: u32) -> Option<&'static str> {
    let (_, parts) = PARTS.iter().find(|(known, _)| *known == implementer)?;
    parts.split('|').find_map(|entry| {
        let (number, name) = entry.split_once(' ')?;
        (u32::from_str_radix(number, 16) == Ok(part)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_by_their_implementer() {
        for (implementer, part, named) in [
            (0x41, 0xD46, Some("Cortex-A510")),
            (0x41, 0xB02, Some("ARM11 MPCore")),
            (0x41, 0xB76, Some("ARM1176jz-s")),
            (0x48, 0xD01, Some("TaiShan-v110")),
            (0xC0, 0xAC3, Some("Ampere-1")),
            (0x41, 0x000, None),
            (0x50, 0x000, None),
            (0x99, 0xD46, None),
        ] {
            assert_eq!(name(implementer, part), named, "{implementer:x} {part:x}");
        }
    }

    #[test]
    fn every_entry_is_a_number_and_a_name() {
        for entry in PARTS.iter().flat_map(|(_, parts)| parts.split('|')) {
            let (number, name) = entry.split_once(' ').expect(entry);
            assert!(
                u32::from_str_radix(number, 16).is_ok_and(|part| part > 0) && !name.is_empty(),
                "{entry}"
            );
        }
    }
}
