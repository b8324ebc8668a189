//! Unpacks compressed clusters in a few threads; they come back in the order they were handed over.

use std::io;

use crate::codec::gzip::Inflater;
use crate::codec::zstd::Unpacker;
use crate::error::Result;
use crate::image::decode::qcow2::header::{Header, Packing, invalid};
use crate::image::decode::unpack_crew::{Counter, Crew};

/// Memory of all parcels; clusters of 2 MiB leave room for two of them.
const MOST: usize = 8 << 20;
/// Parcels for each thread: one under its hands, the others so that it never waits.
const DEPTH: usize = 4;
/// More would wait for the thread that digests the image.
const THREADS: usize = 8;

/// A compressed cluster on its way: found at byte `at` of the image, the disk's from byte `to`.
#[derive(Default)]
pub struct Parcel {
    pub at: u64,
    pub to: u64,
    pub packed: Vec<u8>,
    /// The cluster, when it comes back.
    pub plain: Vec<u8>,
    outcome: Option<io::Result<()>>,
}

pub struct Unpack {
    packing: Packing,
    cluster: usize,
    /// None before the first parcel.
    crew: Crew<Shelf>,
    spare: Vec<Parcel>,
}

/// Where parcels change hands.
#[derive(Default)]
struct Shelf {
    /// A parcel's place is its number modulo theirs; none where its thread has it.
    places: Vec<Option<Parcel>>,
    /// Numbers: of the next to come, to be unpacked and to go back.
    sent: usize,
    begun: usize,
    returned: usize,
}

impl Unpack {
    pub fn new(header: &Header) -> Self {
        Unpack {
            packing: header.packing,
            cluster: header.cluster() as usize,
            crew: Crew::new(Shelf::default()),
            spare: Vec::new(),
        }
    }

    /// A parcel to pack. When all are on their way `deliver` gets the oldest first.
    pub fn parcel(&mut self, deliver: impl FnOnce(&Parcel) -> Result<()>) -> Result<Parcel> {
        if self.crew.count() == 0 {
            self.start()?;
        }
        let full = self.crew.counter.shelf().is_full();
        if full && let Some(parcel) = self.oldest()? {
            deliver(&parcel)?;
            self.spare.push(parcel);
        }
        let mut parcel = self.spare.pop().unwrap_or_default();
        parcel.packed.clear();
        Ok(parcel)
    }

    pub fn send(&mut self, parcel: Parcel) {
        let mut shelf = self.crew.counter.shelf();
        let place = shelf.sent % shelf.places.len();
        shelf.places[place] = Some(parcel);
        shelf.sent += 1;
        self.crew.counter.changed.notify_all();
    }

    /// The parcel that was sent before all others that are still out; none if none is.
    pub fn oldest(&mut self) -> Result<Option<Parcel>> {
        let mut shelf = self.crew.counter.shelf();
        while shelf.returned < shelf.sent {
            let place = shelf.returned % shelf.places.len();
            let ready = shelf.places[place].take_if(|parcel| parcel.outcome.is_some());
            let Some(mut parcel) = ready else {
                shelf = self.crew.counter.wait(shelf);
                continue;
            };
            shelf.returned += 1;
            if let Some(Err(error)) = parcel.outcome.take() {
                let at = parcel.at;
                return Err(invalid(format!(
                    "the compressed cluster at byte {at} cannot be unpacked: {error}"
                )));
            }
            return Ok(Some(parcel));
        }
        Ok(None)
    }

    /// As many threads as the machine has cores, and as there are parcels for.
    fn start(&mut self) -> Result<()> {
        let parcels = MOST / (2 * self.cluster);
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let count = cores.min(THREADS).min(parcels);
        let places = parcels.min(count * DEPTH);
        self.crew
            .counter
            .shelf()
            .places
            .resize_with(places, || None);
        for _ in 0..count {
            let (cluster, mut engine) = (self.cluster, Engine::new(self.packing));
            self.crew
                .start(move |counter| serve(counter, &mut engine, cluster))?;
        }
        Ok(())
    }
}

/// One thread: unpacks what is next, until the counter closes.
fn serve(counter: &Counter<Shelf>, engine: &mut Engine, cluster: usize) {
    let mut shelf = counter.shelf();
    while !counter.is_closed() {
        if shelf.begun == shelf.sent {
            shelf = counter.wait(shelf);
            continue;
        }
        let place = shelf.begun % shelf.places.len();
        let parcel = shelf.places[place].take();
        shelf.begun += 1;
        drop(shelf);
        let parcel = parcel.map(|mut parcel| {
            parcel.plain.resize(cluster, 0);
            parcel.outcome = Some(engine.fill(&parcel.packed, &mut parcel.plain));
            parcel
        });
        shelf = counter.shelf();
        shelf.places[place] = parcel;
        counter.changed.notify_all();
    }
}

impl Shelf {
    fn is_full(&self) -> bool {
        self.sent - self.returned == self.places.len()
    }
}

enum Engine {
    Deflate(Inflater),
    Zstd(Box<Unpacker>),
}

impl Engine {
    fn new(packing: Packing) -> Self {
        match packing {
            Packing::Deflate => Engine::Deflate(Inflater::new()),
            Packing::Zstd => Engine::Zstd(Box::default()),
        }
    }

    /// Never more than `plain` takes, whatever is packed.
    fn fill(&mut self, packed: &[u8], plain: &mut [u8]) -> io::Result<()> {
        match self {
            Engine::Deflate(inflater) => inflater.fill(packed, plain),
            Engine::Zstd(unpacker) => unpacker.fill(packed, plain),
        }
    }
}
