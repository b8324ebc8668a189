//! Unpacks compressed clusters in a few threads; they come back in the order they were handed over.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::codec::gzip::Inflater;
use crate::codec::zstd::Unpacker;
use crate::error::{Context, Result};
use crate::image::decode::qcow2::header::{Header, Packing, invalid};

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
    counter: Arc<Counter>,
    /// None before the first parcel.
    threads: Vec<JoinHandle<()>>,
    spare: Vec<Parcel>,
}

/// Where parcels change hands.
#[derive(Default)]
struct Counter {
    shelf: Mutex<Shelf>,
    /// Something was put on the shelf, or nothing will be any more.
    changed: Condvar,
}

#[derive(Default)]
struct Shelf {
    /// A parcel's place is its number modulo theirs; none where its thread has it.
    places: Vec<Option<Parcel>>,
    /// Numbers: of the next to come, to be unpacked and to go back.
    sent: usize,
    begun: usize,
    returned: usize,
    closed: bool,
}

impl Unpack {
    pub fn new(header: &Header) -> Self {
        Unpack {
            packing: header.packing,
            cluster: header.cluster() as usize,
            counter: Arc::default(),
            threads: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// A parcel to pack. When all are on their way `deliver` gets the oldest first.
    pub fn parcel(&mut self, deliver: impl FnOnce(&Parcel) -> Result<()>) -> Result<Parcel> {
        if self.threads.is_empty() {
            self.start()?;
        }
        let full = self.counter.shelf().is_full();
        if full && let Some(parcel) = self.oldest()? {
            deliver(&parcel)?;
            self.spare.push(parcel);
        }
        let mut parcel = self.spare.pop().unwrap_or_default();
        parcel.packed.clear();
        Ok(parcel)
    }

    pub fn send(&mut self, parcel: Parcel) {
        let mut shelf = self.counter.shelf();
        let place = shelf.sent % shelf.places.len();
        shelf.places[place] = Some(parcel);
        shelf.sent += 1;
        self.counter.changed.notify_all();
    }

    /// The parcel that was sent before all others that are still out; none if none is.
    pub fn oldest(&mut self) -> Result<Option<Parcel>> {
        let mut shelf = self.counter.shelf();
        while shelf.returned < shelf.sent {
            let place = shelf.returned % shelf.places.len();
            let ready = shelf.places[place].take_if(|parcel| parcel.outcome.is_some());
            let Some(mut parcel) = ready else {
                shelf = self.counter.wait(shelf);
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
        self.counter.shelf().places.resize_with(places, || None);
        for _ in 0..count {
            let (counter, cluster) = (Arc::clone(&self.counter), self.cluster);
            let mut engine = Engine::new(self.packing);
            let thread = std::thread::Builder::new()
                .name("image-unpack".into())
                .spawn(move || counter.serve(&mut engine, cluster))
                .context("starting the threads that unpack the image")?;
            self.threads.push(thread);
        }
        Ok(())
    }
}

/// Lets the threads go and waits until they are.
impl Drop for Unpack {
    fn drop(&mut self) {
        self.counter.shelf().closed = true;
        self.counter.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a panic would have been the end of the process
        }
    }
}

impl Counter {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, shelf: MutexGuard<'a, Shelf>) -> MutexGuard<'a, Shelf> {
        let waited = self.changed.wait(shelf);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread: unpacks what is next, until the counter closes.
    fn serve(&self, engine: &mut Engine, cluster: usize) {
        let mut shelf = self.shelf();
        while !shelf.closed {
            if shelf.begun == shelf.sent {
                shelf = self.wait(shelf);
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
            shelf = self.shelf();
            shelf.places[place] = parcel;
            self.changed.notify_all();
        }
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
