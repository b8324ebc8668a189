//! What an order may ask for besides an image, before and after it, and the words for that.

/// What is erased before the image is written: as in Ironic's cleaning, on every disk that is not to be skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Erase {
    /// Nothing.
    #[default]
    Nothing,
    /// The step `erase_devices_metadata`.
    Metadata,
    /// The step `erase_devices`.
    All,
}

/// What the machine does once the image is on its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Goes off.
    #[default]
    PowerOff,
    /// Starts again.
    Reboot,
    /// Starts what is on its disk without going through the firmware, where that can be done; else as above.
    Kexec,
    /// Stays on.
    Wait,
}

/// The words for them in an order.
pub const ERASES: [(&str, Erase); 3] = [
    ("none", Erase::Nothing),
    ("metadata", Erase::Metadata),
    ("all", Erase::All),
];
/// The words for them in an order and in `ironlet.then`.
pub const THENS: [(&str, Then); 4] = [
    ("poweroff", Then::PowerOff),
    ("reboot", Then::Reboot),
    ("kexec", Then::Kexec),
    ("wait", Then::Wait),
];

impl Then {
    /// By its word; none is what happens without one.
    pub fn named(word: &str) -> Option<Self> {
        let found = THENS.iter().find(|(name, _)| *name == word);
        found.map(|(_, then)| *then)
    }
}
