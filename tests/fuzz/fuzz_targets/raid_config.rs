#![no_main]
use ironlet::codec::json::{Value, parse};
use ironlet::disk::raid::configuration::{self, Circumstances, is_ours};
use ironlet::disk::raid::layout::{self, Bare};
use ironlet::disk::table::partition_plan::Scheme;

// A node's target_raid_config: what is no configuration is an error with a reason, and what is one lies on its disks, in order.
libfuzzer_sys::fuzz_target!(|data: (u64, u8, bool, &str)| {
    let (size, disks, named, text) = data;
    let Ok(Value::Object(config)) = parse(text) else { return };
    let disks = usize::from(disks);
    let about = Circumstances { node: "n", named, disks };
    let volumes = match configuration::parse(&config, about) {
        Ok(volumes) => volumes,
        Err(error) => return assert!(!error.details().is_empty()),
    };
    assert!(is_ours(&config).is_ok() && (1..=2).contains(&volumes.len()));
    let bare: Vec<_> = (0..disks).map(|_| Bare { name: String::new(), size: size >> 8, sector: 512 }).collect();
    let members: Vec<Vec<usize>> = volumes.iter().map(|_| (0..disks).collect()).collect();
    for scheme in [Scheme::Uefi, Scheme::BiosGpt, Scheme::Mbr] {
        let Ok(layouts) = layout::plan(scheme, &bare, &volumes, &members) else { continue };
        for layout in layouts {
            let mut end = 0;
            for part in &layout.parts {
                assert!(end <= part.start && part.start < part.end && part.end <= size >> 8);
                end = part.end;
            }
            layout.pieces(|| Ok([1; 16])).expect("nothing can fail");
        }
    }
});
