//! Stops the LLDP agent in the firmware of Intel's X710 and X722 cards (i40e), which keeps the frames for itself.

use std::fs;

use crate::system_root::{SystemRoot, link_name, names};

const DRIVER: &str = "i40e";

/// As Documentation/networking/device_drivers/ethernet/intel/i40e.rst has it, by the driver's file for commands in debugfs.
/// A card that refuses is told of in the log; without such a card nothing is done.
pub fn stop(host: &SystemRoot) {
    let interfaces = names(host.sys("class/net"));
    let driven = interfaces.iter().any(|name| {
        let module = format!("class/net/{name}/device/driver/module");
        link_name(host.sys(module)).is_some_and(|module| module == DRIVER)
    });
    if !driven {
        return;
    }
    let commands = host.sys("kernel/debug").join(DRIVER);
    let cards = names(&commands);
    if cards.is_empty() {
        log::warn!(
            "LLDP: the firmware of i40e cards may keep the frames: {} has no card",
            commands.display()
        );
    }
    for card in cards {
        match fs::write(commands.join(&card).join("command"), "lldp stop") {
            Ok(()) => log::info!("LLDP: the agent in the firmware of {card} was told to stop"),
            Err(error) => {
                log::warn!("LLDP: the agent in the firmware of {card} keeps the frames: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn cards_of_that_driver_alone_are_told() {
        let root = std::env::temp_dir().join(format!("ironlet-i40e-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let command = host.sys("kernel/debug/i40e/0000:3b:00.0/command");
        let driver = host.sys("class/net/eth0/device/driver");
        for folder in [command.parent().expect("a folder"), &driver] {
            fs::create_dir_all(folder).expect("a temporary folder");
        }
        let told = || fs::read_to_string(&command).unwrap_or_default();
        for (module, expected) in [("ixgbe", ""), ("i40e", "lldp stop")] {
            let link = driver.join("module");
            let _ = fs::remove_file(&link);
            symlink(format!("../../module/{module}"), &link).expect("a link");
            stop(&host);
            assert_eq!(told(), expected, "{module}");
        }
        // A folder in the place of the file: refused, and nothing else happens.
        fs::remove_file(&command).expect("it was written");
        fs::create_dir(&command).expect("a folder");
        stop(&host);
        fs::remove_dir_all(root).expect("ours");
    }
}
