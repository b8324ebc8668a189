//! Deploying without Ironic: an image named on the kernel command line, written and booted.
