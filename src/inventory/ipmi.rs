//! Requests to the management controller and their answers, one at a time, each by a common deadline.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::clock::Deadline;
use crate::sys::ipmi::{Device, Reply};
use crate::sys::socket::readable;
use crate::system_root::{SystemRoot, names};

/// The first door to a controller; none without one. The three places are those where ipmitool looks.
pub fn device(host: &SystemRoot) -> Option<PathBuf> {
    let among = |folder: PathBuf, prefix: &str| {
        let found = names(&folder)
            .into_iter()
            .filter(|name| name.starts_with(prefix));
        let mut paths = found.map(|name| folder.join(name));
        paths.find(|path| {
            let kind = fs::metadata(path).map(|found| found.file_type());
            kind.is_ok_and(|kind| kind.is_char_device())
        })
    };
    among(host.dev(""), "ipmi")
        .or_else(|| among(host.dev("ipmi"), ""))
        .or_else(|| among(host.dev("ipmidev"), ""))
}

/// The controller, until the deadline.
pub struct Controller {
    device: Device,
    deadline: Deadline,
    last: i64,
}

impl Controller {
    /// Opens the door.
    pub fn open(path: &Path, deadline: Deadline) -> io::Result<Self> {
        Ok(Controller {
            device: Device::open(path)?,
            deadline,
            last: 0,
        })
    }

    /// What follows a completion code of 0; nothing after another, an error of the driver's, or no answer in time.
    pub fn ask(&mut self, function: u8, command: u8, data: &[u8]) -> Option<Vec<u8>> {
        // What nobody waits for is not asked.
        if self.deadline.is_over() {
            return None;
        }
        self.last += 1;
        self.device
            .send(self.last, function, command, data)
            .inspect_err(|error| log::debug!("asking the BMC: {error}"))
            .ok()?;
        while !self.deadline.is_over() {
            let ready = readable([self.device.as_fd()], Some(self.deadline.left()));
            if ready.is_err() {
                return None;
            }
            match self.device.receive() {
                // Answers to others, late ones and events are passed over.
                Ok(reply) => match content(reply, self.last, function, command) {
                    Some(content) => return content,
                    None => continue,
                },
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => {
                    log::debug!("listening to the BMC: {error}");
                    return None;
                }
            }
        }
        None
    }
}

/// None if it is no answer to that request; else what it holds, if it holds anything. Pure.
pub fn content(reply: Reply, id: i64, function: u8, command: u8) -> Option<Option<Vec<u8>>> {
    // IPMI 5.1: the answer's function is odd.
    let is_ours = reply.is_response
        && reply.id == id
        && reply.function == function | 1
        && reply.command == command;
    let mut data = reply.data;
    is_ours.then(|| (data.first() == Some(&0)).then(|| data.split_off(1)))
}
