//! The main path: HTTP body in, bootable disk out.
