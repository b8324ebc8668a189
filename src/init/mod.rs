//! pid 1: mounts, console, modules, links, and the agent it keeps alive.
//!
//! Nothing here may end the process: the kernel panics when pid 1 is gone. Whatever fails is said on the
//! console, and the rest goes on.

mod boot_loader_files;
pub mod device_drivers;
mod dhcp_threads;
mod ipv6_routers;
mod mounts;
mod network;
pub mod network_report;
mod parameters;
mod planned_network;
mod programs;
mod rescue_logins;
mod slow_nic_drivers;
mod supervise;
mod vlan_interfaces;

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use std::{panic, process, thread};

use self::network::{Network, Wishes};
use self::network_report::Board;
use self::parameters::Parameters;
use self::rescue_logins::RescueLogins;
use self::vlan_interfaces::VlanInterfaces;
use crate::clock::{Clock, within};
use crate::config::{Config, parameter_file};
use crate::disk::ibft;
use crate::disk::select::all_reported;
use crate::drivers::Faults;
use crate::drivers::modules::{self, Modules};
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::error::Result;
use crate::iscsi;
use crate::logger;
use crate::net::dhcp::doubt::Doubt;
use crate::net::network_data;
use crate::sys::kernel::{self, Signals};
use crate::sys::socket::Netlink;
use crate::system_root::SystemRoot;
use crate::version;
use crate::virtual_media;

/// A driver's start that takes longer is broken hardware; udev gives up at three minutes as well.
const LONGEST_LOAD: Duration = Duration::from_secs(180);

/// For modules that somebody else loads.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// How long a disk behind iSCSI may take that the firmware boots from: its card asks for an address first.
const LONGEST_LOGIN: Duration = Duration::from_secs(60);

/// The whole of pid 1, from the first mount for as long as the machine runs.
pub fn run() -> ! {
    let (host, clock) = (SystemRoot::new("/"), Clock::real());
    if process::id() != 1 {
        stop("only the kernel starts this as process 1; see --help");
    }
    let mut troubles = mounts::mount_first(&host);
    if !host.is_ramdisk() {
        stop("this is process 1, but not of a ramdisk: nothing is touched");
    }
    troubles.extend(
        mounts::take_console(&host)
            .err()
            .map(|error| error.to_string()),
    );
    mounts::apply_settings(&host);
    let cut = boot_loader_files::cut(&host);
    troubles.extend(cut.err().map(|error| error.to_string()));
    let command_line = parameter_file::command_line(&host);
    // The agent does nothing until the file is mended; the kernel's own words are process 1's even so.
    let own = host.command_line().unwrap_or_default();
    let parameters = Parameters::parse(command_line.as_deref().unwrap_or(&own));
    // Before any other thread: one that does not block them would take them.
    let signals = Signals::block();
    logger::start(&host, parameters.debug);
    log::info!("{} is process 1", version::line());
    survive_panics(&clock);
    troubles.extend(command_line.err().map(|error| error.to_string()));
    troubles.extend(
        kernel::catch_ctrl_alt_del()
            .err()
            .map(|error| format!("Ctrl-Alt-Del: {error}")),
    );
    for trouble in troubles.iter().chain(&parameters.troubles) {
        log::error!("{trouble}");
    }
    if !parameters.purpose {
        log::warn!(
            "nobody says what to do here: set ipa-api-url=, ipa-inspection-callback-url=, ironlet.order= or ironlet.image= on the kernel \
             command line, or in ironlet.conf on the medium this machine was started from; until then no disk is touched"
        );
    }

    let parameters = Arc::new(parameters);
    let (doubt, moved) = match io::pipe() {
        Ok((word, moved)) => (Doubt::after(word), Some(moved)),
        Err(error) => {
            log::error!("making a pipe: {error}; after a rescue no address is asked for anew");
            (Doubt::default(), None)
        }
    };
    let media = start_network(&host, &clock, parameters.clone(), doubt);
    start_devices(&host, &clock, &parameters);
    let boot_disk = connect_boot_disk(&host, &clock);
    for trouble in mounts::mount_rest(&host) {
        log::error!("{trouble}");
    }
    // It hangs up; after so long, nothing more comes.
    let _ = media.recv_timeout(LONGEST_LOAD);
    // So does this one: whoever chooses a disk must not find the others alone.
    let _ = boot_disk.recv_timeout(LONGEST_LOGIN);
    match signals {
        Ok(signals) => {
            let logins = RescueLogins::new(&host, &parameters.ssh_keys, moved);
            supervise::supervise(&host, &clock, &signals, logins)
        }
        Err(error) => {
            log::error!("blocking signals: {error}; without that no agent can be kept");
            wait_for_ever(&clock)
        }
    }
}

/// There is no log yet, and maybe nobody listens.
fn stop(why: &str) -> ! {
    let _ = writeln!(io::stderr(), "ironlet: {why}");
    process::exit(2)
}

/// A thread that panics is parked where it is; the others go on.
fn survive_panics(clock: &Clock) {
    let clock = clock.clone();
    panic::set_hook(Box::new(move |panic| {
        log::error!("a thread of process 1 stopped: {panic}");
        wait_for_ever(&clock)
    }));
}

fn wait_for_ever(clock: &Clock) -> ! {
    loop {
        clock.sleep(Duration::from_secs(3600));
        while kernel::reap().is_some() {}
    }
}

/// Starts before any driver is there, so that each card is up as soon as it exists; not before virtual media have said what
/// they plan, if there are to be some. What comes back hangs up once files and parameters of media are in place.
fn start_network(
    host: &SystemRoot,
    clock: &Clock,
    parameters: Arc<Parameters>,
    doubt: Doubt,
) -> Receiver<()> {
    let (looked, media) = channel();
    let (host, time) = (host.clone(), clock.clone());
    let mut looked: Option<Sender<()>> = Some(looked);
    let mut kept: Option<Network> = None;
    keep(clock, "network", move || {
        if let Some(looked) = looked.take() {
            let command_line = host.command_line().unwrap_or_default();
            virtual_media::take(&host, &time, &command_line);
            drop(looked);
        }
        let network = kept.get_or_insert_with(|| {
            let text = fs::read_to_string(host.parameters_from_media()).unwrap_or_default();
            let boot = Parameters::parse(&text).boot.or(parameters.boot);
            let parameters = Parameters {
                boot,
                ..Parameters::clone(&parameters)
            };
            network(&host, &time, Arc::new(parameters), doubt.clone())
        });
        network.run()
    });
    media
}

/// Keeps the network of this ramdisk as the kernel's `command_line` and the files of /etc want it: what process 1 does in
/// a thread of its own; `doubt` says when a port may have been moved to another network. Comes back only on an error.
pub fn keep_network(
    host: &SystemRoot,
    clock: &Clock,
    command_line: &str,
    doubt: Doubt,
) -> Result<()> {
    let parameters = Parameters::parse(command_line);
    network(host, clock, Arc::new(parameters), doubt).run()
}

fn network(host: &SystemRoot, clock: &Clock, parameters: Arc<Parameters>, doubt: Doubt) -> Network {
    let wishes = wishes(host, clock, doubt);
    let board = Arc::new(Board::kept(host));
    Network::new(host, clock, parameters, board, wishes)
}

/// The VLANs of the parameters, and what `network_data.json` plans. What cannot be read is told, and left out.
fn wishes(host: &SystemRoot, clock: &Clock, doubt: Doubt) -> Wishes {
    // The agent tells what is wrong with the parameters.
    let config = parameter_file::command_line(host)
        .and_then(|text| Config::read(host, &text))
        .ok();
    let lldp = config.as_ref().filter(|config| config.collect_lldp);
    let entries = config.as_ref().map(|config| &config.vlan_interfaces[..]);
    Wishes {
        vlans: VlanInterfaces::new(
            host,
            clock,
            entries.unwrap_or_default(),
            lldp.map(|config| config.inspection.lldp_timeout),
        ),
        plan: network_data::read(host),
        doubt,
    }
}

/// Loads the modules of every device; of those that come later too, from another thread.
fn start_devices(host: &SystemRoot, clock: &Clock, parameters: &Parameters) {
    // Before any driver can hang: it may be why.
    if let Some(cut) = Faults::look(host, Purpose::Disk).cut {
        log::error!("{cut}");
    }
    let modules = match Modules::open(host, &parameters.denied) {
        Ok(modules) => Arc::new(modules),
        Err(error) => return log::error!("{error}"),
    };
    match Netlink::device_events() {
        Ok(events) => {
            let (host, modules) = (host.clone(), modules.clone());
            keep(clock, "devices", move || {
                device_drivers::follow(&host, &modules, &events)
            });
        }
        Err(error) => log::error!("listening for new devices: {error}"),
    }
    let (machine, own) = (host.clone(), clock.clone());
    let loaded = within(clock, LONGEST_LOAD, "modules", move || {
        device_drivers::load_all(&machine, &modules);
        modules.load_forced();
        device_drivers::load_all(&machine, &modules);
        while !modules.are_all_in() {
            own.sleep(BETWEEN_LOOKS);
            device_drivers::load_all(&machine, &modules);
        }
        log::info!("modules are loaded for every device");
    });
    let noted = loaded.then(|| all_reported::modules_are_loaded(host));
    if let Some(Err(error)) = noted {
        log::warn!("noting that modules are loaded: {error}");
    }
    if !loaded {
        log::error!(
            "a driver does not come up ({} s so far; ipa-debug=1 names those that did): going on without it",
            LONGEST_LOAD.as_secs()
        );
    }
    say_faults(host);
}

/// Connects the disk that the firmware boots from over iSCSI, if it says that it does. What comes back hangs up once it is there, or will
/// not be.
fn connect_boot_disk(host: &SystemRoot, clock: &Clock) -> Receiver<()> {
    let (waits, connected) = channel();
    let mut waits: Option<Sender<()>> = Some(waits);
    match ibft::read(host).map(|disks| disks.into_iter().next()) {
        // An adapter may have connected it by itself.
        Ok(Some(disk)) if ibft::missing(host).is_some() => {
            log::info!("the firmware boots from the iSCSI disk {disk}");
            modules::load_named(host, "iscsi_tcp");
            let (host, time) = (host.clone(), clock.clone());
            keep(clock, "iscsi", move || {
                let done = iscsi::keep(&host, &time, &disk, &mut || drop(waits.take()));
                waits = None;
                done
            });
        }
        Ok(_) => {}
        Err(error) => log::error!("{error}"),
    }
    connected
}

/// Says which devices have no driver or no firmware. Network cards that have links speak for themselves when they
/// are set up.
fn say_faults(host: &SystemRoot) {
    let purposes = [Purpose::Network, Purpose::Disk];
    let [network, disk] = purposes.map(|purpose| Faults::look(host, purpose));
    for faults in [&network, &disk] {
        for driverless in &faults.driverless {
            log::warn!("{driverless}");
        }
        for lack in faults.lacks.iter().filter(|lack| lack.links.is_empty()) {
            log::warn!("{lack}");
        }
    }
}

/// Runs `work` in a thread of its own, again whenever it fails.
fn keep(clock: &Clock, name: &'static str, mut work: impl FnMut() -> Result<()> + Send + 'static) {
    let again = clock.clone();
    let body = move || {
        let mut failures = 0;
        loop {
            if let Err(error) = work() {
                log::error!("{name}: {error}");
            }
            failures += 1;
            again.sleep(again.backoff(failures, Duration::from_secs(1), Duration::from_secs(60)));
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(body) {
        log::error!("starting the thread {name}: {error}");
    }
}
