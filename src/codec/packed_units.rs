//! A packed file as a row of units that can be unpacked apart: what whoever finds them owes whoever unpacks them.

use std::io;

/// Gets the units of a file one after the other; each is a whole packed file of its own.
pub trait Units {
    /// The next begins; does it look as if it was made to have `others` beside it?
    fn begin(&mut self, others: bool);
    /// It goes on with these bytes.
    fn add(&mut self, bytes: &[u8]);
    /// That was all of it.
    fn end(&mut self);
}

/// Finds the units.
pub trait Split {
    /// Takes what comes next of the file; where that is wrong `bytes` are what was not looked at yet.
    fn pass(&mut self, bytes: &mut &[u8], units: &mut dyn Units) -> io::Result<()>;
    /// Ok if the file may end here.
    fn finish(&self) -> io::Result<()>;
}

/// What is no file of its kind.
pub fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
