//! Connects the disk that the firmware boots from over iSCSI, and again whenever the connection is lost, for process 1. The login is
//! made here, the rest of the protocol is the kernel's (iscsi_tcp).

mod kernel_session;
pub mod login;
mod secrets;
pub mod terms;

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use crate::clock::Clock;
use crate::disk::ibft::BootDisk;
use crate::error::{Context, Error, Result};
use crate::iscsi::kernel_session::{Kernel, Session};
use crate::iscsi::login::{Asking, Outcome, login};
use crate::sys::kernel;
use crate::system_root::{SystemRoot, attribute};

/// What a target has for one word: a connection, or a reply to one PDU.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two attempts.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];
/// From one target's portal to the next, at the most.
const REDIRECTS: usize = 4;

/// Keeps `disk` connected for as long as the machine runs, and calls `connected` once it is; comes back only on an error that no other
/// attempt would mend.
pub fn keep(
    host: &SystemRoot,
    clock: &Clock,
    disk: &BootDisk,
    connected: &mut dyn FnMut(),
) -> Result<()> {
    let handle = attribute(host.sys("class/iscsi_transport/tcp/handle"));
    let handle = handle.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::plain(format!(
            "the iSCSI disk {disk} cannot be connected: this ramdisk has no module iscsi_tcp; one of the profile server has"
        ))
    })?;
    let mut random = [0; 4];
    kernel::random(&mut random).context("asking for random bytes")?;
    let asking = Asking {
        disk,
        // RFC 7143, 11.12.5: of the kind that is random; the same one whenever the connection is made anew.
        isid: [0x80, random[0], random[1], random[2], 0, random[3]],
    };
    let mut kernel = Kernel::open(handle).context("talking to the kernel's iSCSI")?;
    let (mut session, mut failures) = (None, 0);
    loop {
        match connect(&mut kernel, session, &asking) {
            Ok((connection, current)) => {
                let again = if session.is_some() { " again" } else { "" };
                log::info!("the iSCSI disk {disk} is connected{again}");
                failures = 0;
                if session.replace(current).is_none() {
                    if let Err(error) = scan(host, current, disk) {
                        log::error!("{error}");
                    }
                    connected();
                }
                let lost = match kernel.lost(current) {
                    Ok(why) => why,
                    Err(error) => {
                        // Whoever begins anew must not make the same disk a second time.
                        kernel.destroy(current);
                        return Err(error);
                    }
                };
                drop(connection);
                log::warn!(
                    "the connection of the iSCSI disk {disk} is lost ({lost}); writes wait while it is made anew"
                );
            }
            Err(error) => {
                failures += 1;
                // The network may take its time at first, and a target may be away for long.
                if failures % 20 == 3 {
                    log::error!(
                        "the iSCSI disk {disk} is not connected (attempt {failures}): {}",
                        error.details()
                    );
                }
            }
        }
        clock.sleep(clock.backoff(failures, PAUSES[0], PAUSES[1]));
    }
}

/// Makes the connection of a new session, or of the one there is; it lives as long as what comes back first.
fn connect(
    kernel: &mut Kernel,
    known: Option<Session>,
    asking: &Asking,
) -> Result<(TcpStream, Session)> {
    let mut portal = asking.disk.portal;
    for _ in 0..REDIRECTS {
        let stream = TcpStream::connect_timeout(&portal, PATIENCE)
            .with_context(|| format!("connecting to {portal}"))?;
        stream
            .set_nodelay(true)
            .context("setting up the connection")?;
        let session = match known {
            Some(session) => session,
            None => kernel.create()?,
        };
        let outcome = kernel.bind(session, &stream).and_then(|()| {
            login(asking, &mut |head, text| {
                kernel.exchange(session, head, text, PATIENCE)
            })
        });
        let outcome = outcome.and_then(|outcome| match outcome {
            Outcome::Redirected(to) => Ok(Some(to)),
            Outcome::Agreed(agreed) => {
                kernel.start(session, &agreed, &asking.disk.target, portal)?;
                Ok(None)
            }
        });
        match outcome {
            Ok(None) => return Ok((stream, session)),
            done => {
                match known {
                    Some(session) => kernel.stop(session),
                    None => kernel.destroy(session),
                }
                // It is `Some`, for nothing else is left.
                portal = done?.unwrap_or(portal);
            }
        }
    }
    Err(Error::plain(format!(
        "its target sends from one address to the next, {portal} last"
    )))
}

/// Has the kernel look for the one unit that is meant: what else the target has is nobody's business here.
fn scan(host: &SystemRoot, session: Session, disk: &BootDisk) -> Result<()> {
    let path = host.sys(format!("class/scsi_host/host{}/scan", session.host));
    let written = fs::write(&path, format!("- - {}\n", disk.lun));
    written.with_context(|| format!("looking for LUN {} by {}", disk.lun, path.display()))
}
