//! Messages to and from the management controller: the kernel's /dev/ipmi<n>.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use super::checked;

/// An open door to the controller of this machine.
pub struct Device(File);

/// Somebody's answer, or whatever else came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Is it the answer to a request at all?
    pub is_response: bool,
    /// The number given to [`Device::send`].
    pub id: i64,
    /// That of the request, and one.
    pub function: u8,
    /// That of the request.
    pub command: u8,
    /// The completion code, and what follows it.
    pub data: Vec<u8>,
}

/// struct ipmi_system_interface_addr of linux/ipmi.h.
#[repr(C)]
struct Address {
    kind: i32,
    channel: i16,
    lun: u8,
}

/// struct ipmi_msg.
#[repr(C)]
struct Message {
    function: u8,
    command: u8,
    length: u16,
    data: *mut u8,
}

/// struct ipmi_req.
#[repr(C)]
struct Request {
    address: *const Address,
    address_length: u32,
    id: i64,
    message: Message,
}

/// struct ipmi_recv.
#[repr(C)]
struct Received {
    kind: i32,
    address: *mut u8,
    address_length: u32,
    id: i64,
    message: Message,
}

// `long` is one of 64 bits. linux/ipmi.h: _IOR('i', 13, struct ipmi_req) and _IOWR('i', 11, struct ipmi_recv), on machines of 64 bits.
const IPMICTL_SEND_COMMAND: libc::Ioctl = 0x8028_690d_u32 as libc::Ioctl;
const IPMICTL_RECEIVE_MSG_TRUNC: libc::Ioctl = 0xc030_690b_u32 as libc::Ioctl;
const IPMI_SYSTEM_INTERFACE_ADDR_TYPE: i32 = 0x0c;
const IPMI_BMC_CHANNEL: i16 = 0xf;
const IPMI_RESPONSE_RECV_TYPE: i32 = 1;
/// IPMI_MAX_MSG_LENGTH.
const LONGEST: usize = 272;
/// IPMI_MAX_ADDR_SIZE.
const LONGEST_ADDRESS: usize = 32;

impl Device {
    /// Opens /dev/ipmi<n>.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Device(file))
    }

    /// Hands a request to the driver, which answers it later under the same `id`.
    pub fn send(&self, id: i64, function: u8, command: u8, data: &[u8]) -> io::Result<()> {
        let address = Address {
            kind: IPMI_SYSTEM_INTERFACE_ADDR_TYPE,
            channel: IPMI_BMC_CHANNEL,
            lun: 0,
        };
        let request = Request {
            address: &address,
            address_length: size_of::<Address>() as u32,
            id,
            message: Message {
                function,
                command,
                length: u16::try_from(data.len()).map_err(io::Error::other)?,
                // The kernel only reads what goes to the controller.
                data: data.as_ptr().cast_mut(),
            },
        };
        // SAFETY: the request has the layout of the ioctl; it, the address and the data, each as long as it says, live
        // until the call returns, and the kernel reads them only.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), IPMICTL_SEND_COMMAND, &request) })
            .map(drop)
    }

    /// What came; an error of the kind `WouldBlock` if nothing did. What is too long is cut.
    pub fn receive(&self) -> io::Result<Reply> {
        let (mut address, mut data) = ([0u8; LONGEST_ADDRESS], [0u8; LONGEST]);
        let mut received = Received {
            kind: 0,
            address: address.as_mut_ptr(),
            address_length: address.len() as u32,
            id: 0,
            message: Message {
                function: 0,
                command: 0,
                length: data.len() as u16,
                data: data.as_mut_ptr(),
            },
        };
        // SAFETY: the structure has the layout of the ioctl; it and the two buffers, each as long as it says, live until
        // the call returns and are borrowed by nobody else.
        let called = checked(unsafe {
            libc::ioctl(self.0.as_raw_fd(), IPMICTL_RECEIVE_MSG_TRUNC, &mut received)
        });
        match called {
            Ok(_) => {}
            // Cut, and taken from the queue all the same.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {}
            Err(error) => return Err(error),
        }
        let length = usize::from(received.message.length).min(data.len());
        Ok(Reply {
            is_response: received.kind == IPMI_RESPONSE_RECV_TYPE,
            id: received.id,
            function: received.message.function,
            command: received.message.command,
            data: data[..length].to_vec(),
        })
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_layouts_have_their_sizes() {
        assert_eq!(size_of::<Address>(), 8);
        assert_eq!(size_of::<Request>(), 40);
        assert_eq!(size_of::<Received>(), 48);
    }

    #[test]
    fn what_is_no_controller_takes_no_request() {
        let device = Device::open(Path::new("/dev/null")).expect("it is always there");
        assert!(device.send(1, 6, 1, &[]).is_err());
        assert!(device.receive().is_err());
    }
}
