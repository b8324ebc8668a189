//! What the bytes of an image are, and how they become the bytes of a disk.

use std::io::{BufReader, Read};

use crate::error::{Error, Kind, Result};
use crate::image::decode::compressed_raw::Wrapping;
use crate::image::decode::format_inspector;
use crate::image::decode::packing::Packing;
use crate::image::decode::qcow2;
use crate::image::decode::raw;
use crate::image::download::random_access::RandomAccess;
use crate::image::pipeline::read_ahead::ReadAhead;
use crate::image::pipeline::stage_times::Stage;
use crate::image::verify::digest::{Copied, Hashing, Source};
use crate::image::write::sink::Sink;
use crate::units::Bytes;

/// What is said of an image before its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Byte for byte what the disk will hold, whatever that looks like.
    Raw,
    /// QEMU's, version 2 or 3, and nothing else at the same time.
    Qcow2,
    /// Raw, packed.
    Packed(Packing),
    /// Raw, as the one file of a tar archive, which may be packed.
    Archived(Option<Packing>),
    /// Raw, packed if its first bytes say so.
    MaybePacked,
    /// Nothing: it is what its first bytes say, one of those permitted; raw may be packed.
    Unsaid {
        /// Formats it may have, by the names Ironic gives them.
        permitted: Vec<String>,
        /// Is what is packed to be unpacked?
        unpack: bool,
    },
}

/// What an image is.
#[derive(Clone, Copy)]
enum Content {
    Raw,
    Qcow2,
    Wrapped(Wrapping),
}

/// Formats by the name Ironic gives them or a file's name ends in, with what qemu-img makes raw of.
const FOREIGN: [&str; 7] = ["vmdk", "vhd", "vhdx", "vdi", "qed", "qcow", "vpc"];
/// Endings of what is packed in ways not known here, and of archives, packed or not.
#[rustfmt::skip]
const STRANGE: [&str; 44] = [
    "br", "bz", "bzip", "lrz", "lz", "lz4", "lzip", "lzfse", "lzma", "lzo", "lzop", "sz", "z", "zlib", "zz",
    "tb2", "taz", "tlz", "tlz4", "tlzma", "tz", "tz2", "tzo", "tzstd",
    "7z", "ace", "ar", "arj", "cab", "cpio", "deb", "dmg", "esd", "lha", "lzh", "ova", "rar", "rpm", "swm", "wim", "xar", "xva",
    "zip", "zpaq",
];

/// Endings of packed archives that are one word.
const TARBALLS: [(&str, Packing); 5] = [
    ("tgz", Packing::Gzip),
    ("tbz", Packing::Bzip2),
    ("tbz2", Packing::Bzip2),
    ("txz", Packing::Xz),
    ("tzst", Packing::Zstd),
];

impl Format {
    /// By the name Ironic gives it in `disk_format`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            // protocol/deploy.md §8: gpt is raw with a table.
            "raw" | "gpt" => Ok(Format::Raw),
            "qcow2" => Ok(Format::Qcow2),
            other => Err(unsupported(other)),
        }
    }

    /// By the ending of a file's name, which is all that declares it where there is no Ironic.
    pub fn of_file(name: &str) -> Result<Self> {
        let packed = Packing::named(name);
        let inside = packed.map_or(name, |(_, inside)| inside);
        if let (Some((outer, _)), Some((inner, _))) = (packed, Packing::named(inside)) {
            return Err(invalid(format!(
                "'{name:.200}' is packed twice, by {} and by {}: only one of them would come off",
                inner.name(),
                outer.name()
            )));
        }
        let file = inside.rsplit('/').next().unwrap_or_default();
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        let ending = ending.to_ascii_lowercase();
        if FOREIGN.contains(&&*ending) {
            return Err(unsupported(&ending));
        }
        let tarball = TARBALLS.iter().find(|(name, _)| *name == ending);
        match (tarball, packed) {
            (Some((_, packing)), None) => return Ok(Format::Archived(Some(*packing))),
            (None, _) if ending == "tar" => {
                return Ok(Format::Archived(packed.map(|(packing, _)| packing)));
            }
            _ => {}
        }
        if tarball.is_some() || STRANGE.contains(&&*ending) {
            return Err(invalid(format!(
                "'{file:.200}' is packed as .{ending}: of packed images only raw ones as .gz, .zst, .xz or .bz2 are taken, or one in a .tar"
            )));
        }
        match packed {
            None if ending == "qcow2" => Ok(Format::Qcow2),
            None => Ok(Format::Raw),
            Some((packing, _)) if ending == "qcow2" => Err(invalid(format!(
                "a qcow2 image packed by {} is not taken: qcow2 packs its own clusters (qemu-img convert -c -O qcow2)",
                packing.name()
            ))),
            Some((packing, _)) => Ok(Format::Packed(packing)),
        }
    }

    /// The same of what was packed once more on its way: gzip that came off there is not looked for again, but may be there.
    pub fn unpacked(&self) -> Self {
        match self {
            Format::Packed(Packing::Gzip) => Format::MaybePacked,
            Format::Archived(Some(Packing::Gzip)) => Format::Archived(None),
            other => other.clone(),
        }
    }

    /// Reads `image` to its end into `out`; gives the size of what was decoded.
    pub fn decode(&self, image: &mut impl Read, out: &mut impl Sink) -> Result<Bytes> {
        self.decode_beside(image, out, None)
    }

    /// The same; what comes too late in `image` may be read `aside`.
    pub fn decode_beside(
        &self,
        image: &mut impl Read,
        out: &mut impl Sink,
        aside: Option<&mut dyn RandomAccess>,
    ) -> Result<Bytes> {
        let (content, head) = self.settle(image)?;
        content.decode(head.chain(Copied(image)), out, aside)
    }

    /// The same of an image of `length` bytes, if that is known, digested as it passes and given back.
    /// Unpacking and digesting are work for two.
    pub fn write<R: Source + Send + 'static>(
        &self,
        mut image: Hashing<R>,
        length: Option<Bytes>,
        out: &mut impl Sink,
        aside: &mut dyn RandomAccess,
    ) -> Result<(Bytes, Hashing<R>)> {
        let (content, head) = self.settle(&mut image)?;
        // As long as what it is on the disk: it can be refused before the first write.
        if let (Content::Raw, Some(length)) = (content, length)
            && length.0 > out.capacity()
        {
            return Err(out.too_small(Some(length)));
        }
        let Content::Wrapped(wrapping) = content else {
            let bytes = content.decode(head.chain(&mut image), out, Some(aside))?;
            return Ok((bytes, image));
        };
        let meter = image.meter();
        let ahead = ReadAhead::spawn("image-digest", image)?;
        let mut image = ahead.metered(meter, Stage::Another);
        let bytes = wrapping.unpack(head.chain(&mut image), out)?;
        Ok((bytes, image.into_inner()))
    }

    /// An error if the beginning of `image` says that it is not taken.
    pub fn look(&self, image: &mut impl Read) -> Result<()> {
        self.settle(image).map(drop)
    }

    /// What the image is, and the bytes read to find out.
    fn settle(&self, image: &mut impl Read) -> Result<(Content, Vec<u8>)> {
        let content = match self {
            Format::Raw => Content::Raw,
            Format::Packed(packing) => Content::Wrapped((*packing).into()),
            Format::Archived(packing) => Content::Wrapped(Wrapping {
                packing: *packing,
                archive: true,
            }),
            Format::Qcow2 | Format::MaybePacked | Format::Unsaid { .. } => {
                let mut head = Vec::with_capacity(format_inspector::HEAD);
                image
                    .take(format_inspector::HEAD as u64)
                    .read_to_end(&mut head)?;
                return Ok((self.of_content(&head)?, head));
            }
        };
        Ok((content, Vec::new()))
    }

    fn of_content(&self, head: &[u8]) -> Result<Content> {
        let unpack = match self {
            Format::Qcow2 => {
                format_inspector::must_be(head, "qcow2")?;
                return Ok(Content::Qcow2);
            }
            Format::Unsaid { permitted, unpack } => {
                match format_inspector::permitted(head, permitted)? {
                    "qcow2" => return Ok(Content::Qcow2),
                    "raw" | "gpt" => *unpack,
                    other => return Err(unsupported(other)),
                }
            }
            Format::Raw | Format::Packed(_) | Format::Archived(_) | Format::MaybePacked => true,
        };
        let packing = Packing::begun_by(head).filter(|_| unpack);
        Ok(packing.map_or(Content::Raw, |packing| Content::Wrapped(packing.into())))
    }
}

impl Content {
    fn decode(
        self,
        mut image: impl Source,
        out: &mut impl Sink,
        aside: Option<&mut dyn RandomAccess>,
    ) -> Result<Bytes> {
        match self {
            Content::Raw => raw::copy(&mut image, out),
            Content::Qcow2 => match aside {
                Some(aside) => qcow2::decode(&mut image, out, Some(aside)),
                None => qcow2::decode(&mut image, out, None),
            },
            Content::Wrapped(wrapping) => wrapping.unpack(BufReader::new(image), out),
        }
    }
}

fn unsupported(format: &str) -> Error {
    if format == "bootc" {
        // What Ironic says of an `oci://` image that is no artefact.
        let why = "a bootc image is installed by its own container, and there is no container engine in this ramdisk: deploy a disk image \
                   of the same system (in a registry: an artefact, with its disktype)";
        return invalid(why.to_owned());
    }
    invalid(format!(
        "images of format '{format:.40}' are not taken: convert it (qemu-img convert -O qcow2), or declare it raw if it is to be written byte for byte"
    ))
}

fn invalid(why: String) -> Error {
    Error::new(Kind::InvalidImage, why)
}
