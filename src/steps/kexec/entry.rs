//! What a boot loader would start: a kernel, its initramfs and its command line.

/// One system that can be started. Paths are as the loader has them, from the root of the file system they lie on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// As a menu shows it; may be empty.
    pub title: String,
    /// The kernel.
    pub linux: String,
    /// In this order, laid end to end.
    pub initrd: Vec<String>,
    /// The kernel's command line.
    pub options: String,
}
