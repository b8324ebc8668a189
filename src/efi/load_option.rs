//! What `Boot####` holds: EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): attributes, the length of a device path, a
//! description, that path and data for the loader.

/// The firmware may boot it without being asked.
const ACTIVE: u32 = 1;

/// EFI_LOAD_OPTION, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOption {
    /// What the firmware's menu shows.
    pub label: String,
    /// A device path: where the loader is.
    pub path: Vec<u8>,
}

impl LoadOption {
    /// None if the bytes are too few for what they announce.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.get(4..)?.split_first_chunk()?;
        let mut units = rest.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
        let end = units.position(|unit| unit == [0, 0])?;
        let path = rest
            .get(2 * end + 2..)?
            .get(..u16::from_le_bytes(*length).into())?;
        Some(LoadOption {
            label: utf16(&rest[..2 * end]),
            path: path.to_vec(),
        })
    }

    /// As it lies in the variable.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A path is a file's on a FAT: there is room for its length.
        let length = u16::try_from(self.path.len()).unwrap_or(u16::MAX);
        let mut bytes = ACTIVE.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(to_utf16(&self.label));
        bytes.extend(&self.path);
        bytes
    }
}

/// Little-endian units to text.
pub fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Text to little-endian units and the zero that ends them.
pub fn to_utf16(text: &str) -> impl Iterator<Item = u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes)
}
