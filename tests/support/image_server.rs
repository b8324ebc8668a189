//! An HTTP server for one image that serves, cuts, stalls and lies, one behaviour a connection.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironlet::clock::Clock;

#[derive(Clone, Debug)]
pub enum Behaviour {
    /// The whole image with its length, whatever was asked for, and no name for its version.
    Serve,
    /// The whole image in chunks, its length unsaid.
    Chunked,
    /// The length of the whole, but only so many bytes before the connection closes.
    CutAt(usize),
    /// So many bytes, then nothing, with the connection held open.
    StallAt(usize),
    /// Only so many bytes, and a length that says that is all.
    Short(usize),
    /// This status with a small page.
    Status(u16),
    /// 503, and how many seconds to stay away.
    Busy(u32),
    /// 200 and this page instead of the image.
    Page(&'static str),
    /// To another path on this server.
    Redirect(&'static str),
    /// This status to whoever asks for a part; the whole image under this validator to all others.
    FailsAtParts(u16, &'static str, Until),
    /// A head that never ends.
    EndlessHead,
    /// The image in chunks, over and over.
    EndlessBody,
    /// The image under this validator, in parts where asked for and If-Range agrees.
    Parts(&'static str, Until),
    /// The whole image under this validator, even where a part was asked for.
    NoParts(&'static str, Until),
    /// The part asked for under this validator, whatever If-Range said.
    AnyPart(&'static str, Until),
    /// A part with this Content-Range, whatever was asked for, and bytes from byte 0.
    Part(&'static str),
    /// As `Parts`, in chunks and without a length.
    ChunkedParts(&'static str, Until),
}

/// How far a connection gets, in bytes of the image.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    End,
    Cut(usize),
    Stall(usize),
    /// From there on a byte a second, by the clock the server was given.
    Trickle(usize),
}

pub struct ImageServer {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    heads: Mutex<Vec<String>>,
    served: Mutex<usize>,
}

impl ImageServer {
    /// Serves `image`; the n-th connection gets the n-th behaviour, later ones the last.
    pub fn start(image: Vec<u8>, script: Vec<Behaviour>) -> Self {
        ImageServer::with(image, script, Clock::fake())
    }

    /// With these headers in every answer that brings the image.
    pub fn labelled(image: Vec<u8>, script: Vec<Behaviour>, headers: &'static str) -> Self {
        ImageServer::serve(image, script, Clock::fake(), headers)
    }

    pub fn with(image: Vec<u8>, script: Vec<Behaviour>, clock: Clock) -> Self {
        ImageServer::serve(image, script, clock, "")
    }

    fn serve(image: Vec<u8>, script: Vec<Behaviour>, clock: Clock, headers: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it was just bound");
        let seen = Arc::<Seen>::default();
        let log = Arc::clone(&seen);
        // The thread waits in accept for the rest of the test process; it holds nothing but memory.
        std::thread::spawn(move || {
            let image = Arc::new(image);
            for (count, stream) in listener.incoming().flatten().enumerate() {
                let behaviour = script[count.min(script.len() - 1)].clone();
                let (image, seen, clock) = (Arc::clone(&image), Arc::clone(&log), clock.clone());
                std::thread::spawn(move || {
                    let mut answer = Answer {
                        stream,
                        image: &image,
                        seen: &seen,
                        clock,
                        headers,
                    };
                    // A client that hangs up is what many tests are about.
                    let _ = answer.give(&behaviour);
                });
            }
        });
        ImageServer { address, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        let heads = self.seen.heads.lock();
        heads.expect("no thread panics with it").clone()
    }

    /// Bytes of the image that were sent so far, or are on their way.
    pub fn served(&self) -> usize {
        *self.seen.served.lock().expect("no thread panics with it")
    }
}

struct Answer<'a> {
    stream: TcpStream,
    image: &'a [u8],
    seen: &'a Seen,
    clock: Clock,
    headers: &'static str,
}

impl Answer<'_> {
    fn give(&mut self, behaviour: &Behaviour) -> io::Result<()> {
        let mut head = String::new();
        let mut reader = BufReader::new(self.stream.try_clone()?);
        while reader.read_line(&mut head)? > 2 {}
        let header = |name: &str| {
            let line = head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then_some(value)
            });
            line.map(str::trim).map(str::to_owned)
        };
        let range = header("range").and_then(|range| {
            let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
            from.parse::<usize>().ok()
        });
        let agrees = |tag: &str| header("if-range").is_none_or(|wanted| wanted == tag);
        self.seen
            .heads
            .lock()
            .expect("not poisoned")
            .push(head.clone());
        let (whole, image) = (self.image.len(), self.image);
        match behaviour {
            Behaviour::Serve => self.part(0, "", Until::End),
            Behaviour::CutAt(at) => self.part(0, "", Until::Cut(*at)),
            Behaviour::StallAt(at) => self.part(0, "", Until::Stall(*at)),
            Behaviour::NoParts(tag, until) => self.part(0, tag, *until),
            Behaviour::Parts(tag, until) => {
                self.part(range.filter(|_| agrees(tag)).unwrap_or(0), tag, *until)
            }
            Behaviour::AnyPart(tag, until) => self.part(range.unwrap_or(0), tag, *until),
            Behaviour::Part(range) => {
                self.head(
                    "206 Part",
                    &format!("Content-Range: {range}\r\nContent-Length: {whole}\r\n"),
                )?;
                self.bytes(0, Until::End)
            }
            Behaviour::Short(at) => {
                self.head("200 OK", &format!("Content-Length: {at}\r\n"))?;
                self.bytes(0, Until::Cut(*at))
            }
            Behaviour::FailsAtParts(status, tag, until) => match range {
                None => self.part(0, tag, *until),
                Some(_) => self.head(&format!("{status} No"), "Content-Length: 0\r\n"),
            },
            Behaviour::Page(page) => {
                self.head("200 OK", &format!("Content-Length: {}\r\n", page.len()))?;
                self.stream.write_all(page.as_bytes())
            }
            Behaviour::Chunked => {
                self.head("200 OK", "Transfer-Encoding: chunked\r\n")?;
                self.chunks(image)?;
                self.stream.write_all(b"0\r\n\r\n")
            }
            Behaviour::ChunkedParts(tag, until) => {
                let from = range.filter(|_| agrees(tag)).unwrap_or(0);
                let (status, more) = names(from, whole, tag);
                self.head(status, &format!("Transfer-Encoding: chunked\r\n{more}"))?;
                match until {
                    Until::Cut(at) => self.chunks(&image[from..*at]),
                    _ => {
                        self.chunks(&image[from..])?;
                        self.stream.write_all(b"0\r\n\r\n")
                    }
                }
            }
            Behaviour::Status(status) => {
                self.head(&format!("{status} No"), "Content-Length: 2\r\n")?;
                self.stream.write_all(b"no")
            }
            Behaviour::Busy(seconds) => self.head(
                "503 Busy",
                &format!("Retry-After: {seconds}\r\nContent-Length: 0\r\n"),
            ),
            Behaviour::EndlessBody => {
                self.head("200 OK", "Transfer-Encoding: chunked\r\n")?;
                (0..1_000_000).try_for_each(|_| self.chunks(image))
            }
            Behaviour::Redirect(to) => self.head(
                "302 Found",
                &format!("Location: {to}\r\nContent-Length: 0\r\n"),
            ),
            Behaviour::EndlessHead => {
                self.stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                (0..1_000_000)
                    .try_for_each(|n| write!(self.stream, "X-{n}: {}\r\n", "x".repeat(1000)))
            }
        }
    }

    fn head(&mut self, status: &str, more: &str) -> io::Result<()> {
        let labels = if status.starts_with('2') {
            self.headers
        } else {
            ""
        };
        write!(
            self.stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\n{labels}{more}\r\n"
        )
    }

    /// The image from byte `from`, its length announced.
    fn part(&mut self, from: usize, tag: &str, until: Until) -> io::Result<()> {
        let (status, more) = names(from, self.image.len(), tag);
        let length = self.image.len() - from;
        self.head(status, &format!("Content-Length: {length}\r\n{more}"))?;
        self.bytes(from, until)
    }

    fn bytes(&mut self, from: usize, until: Until) -> io::Result<()> {
        let image = self.image;
        let to = match until {
            Until::End => image.len(),
            Until::Cut(at) | Until::Stall(at) | Until::Trickle(at) => at.max(from),
        };
        *self.seen.served.lock().expect("not poisoned") += to - from;
        self.stream.write_all(&image[from..to])?;
        match until {
            Until::End | Until::Cut(_) => Ok(()),
            // Until the client gives up.
            Until::Stall(_) => BufReader::new(&self.stream)
                .read_line(&mut String::new())
                .map(drop),
            Until::Trickle(_) => image[to..].iter().try_for_each(|byte| {
                self.clock.sleep(Duration::from_secs(1));
                self.stream.write_all(&[*byte])
            }),
        }
    }

    fn chunks(&mut self, bytes: &[u8]) -> io::Result<()> {
        *self.seen.served.lock().expect("not poisoned") += bytes.len();
        for chunk in bytes.chunks(100_000) {
            write!(self.stream, "{:x}\r\n", chunk.len())?;
            self.stream.write_all(chunk)?;
            self.stream.write_all(b"\r\n")?;
        }
        Ok(())
    }
}

/// The status and the headers of the image from byte `from`, named `tag`: an entity tag or a date.
fn names(from: usize, whole: usize, tag: &str) -> (&'static str, String) {
    let name = match tag {
        "" => String::new(),
        tag if tag.ends_with('"') => format!("ETag: {tag}\r\n"),
        date => format!("Last-Modified: {date}\r\n"),
    };
    match from {
        0 => ("200 OK", name),
        from => (
            "206 Part",
            format!(
                "{name}Content-Range: bytes {from}-{}/{whole}\r\n",
                whole - 1
            ),
        ),
    }
}
