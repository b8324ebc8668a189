//! Questions to network interfaces and other devices that only an ioctl answers.
