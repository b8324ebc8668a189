//! Compressed clusters, unpacked one at a time in memory that is reused.

use super::header::{Header, Packing, invalid};
use crate::codec::gzip::Inflater;
use crate::codec::zstd::Unpacker;
use crate::error::Result;

pub struct Unpack {
    engine: Engine,
    /// One cluster, unpacked; made when the first is.
    plain: Vec<u8>,
    cluster: usize,
}

enum Engine {
    Deflate(Inflater),
    Zstd(Box<Unpacker>),
}

impl Unpack {
    pub fn new(header: &Header) -> Self {
        Unpack {
            engine: match header.packing {
                Packing::Deflate => Engine::Deflate(Inflater::new()),
                Packing::Zstd => Engine::Zstd(Box::default()),
            },
            plain: Vec::new(),
            cluster: header.cluster() as usize,
        }
    }

    /// The cluster that `packed`, found at byte `at`, begins with.
    pub fn cluster(&mut self, packed: &[u8], at: u64) -> Result<&[u8]> {
        self.plain.resize(self.cluster, 0);
        let done = match &mut self.engine {
            Engine::Deflate(inflater) => inflater.fill(packed, &mut self.plain),
            Engine::Zstd(unpacker) => unpacker.fill(packed, &mut self.plain),
        };
        done.map_err(|error| {
            invalid(format!(
                "the compressed cluster at byte {at} cannot be unpacked: {error}"
            ))
        })?;
        Ok(&self.plain)
    }
}
