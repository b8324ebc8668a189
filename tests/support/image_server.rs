//! An HTTP server for one image that serves, cuts, stalls and lies, one behaviour a connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug)]
pub enum Behaviour {
    /// The whole image with its length.
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
    /// 200 and this page instead of the image.
    Page(&'static str),
    /// To another path on this server.
    Redirect(&'static str),
    /// A Content-Encoding nobody asked for.
    Encoded,
    /// A head that never ends.
    EndlessHead,
}

pub struct ImageServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl ImageServer {
    /// Serves `image`; the n-th connection gets the n-th behaviour, later ones the last.
    pub fn start(image: Vec<u8>, script: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it was just bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        // The thread waits in accept for the rest of the test process; it holds nothing but memory.
        std::thread::spawn(move || {
            let image = Arc::new(image);
            for (count, stream) in listener.incoming().flatten().enumerate() {
                let behaviour = script[count.min(script.len() - 1)].clone();
                let (image, log) = (Arc::clone(&image), Arc::clone(&log));
                std::thread::spawn(move || {
                    // A client that hangs up is what many tests are about.
                    let _ = answer(stream, &behaviour, &image, &log);
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
        self.seen.lock().expect("no thread panics with it").clone()
    }
}

fn answer(
    mut stream: TcpStream,
    behaviour: &Behaviour,
    image: &[u8],
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    log.lock().expect("no thread panics with it").push(head);
    let mut ok = |length: usize, more: &str| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    };
    match behaviour {
        Behaviour::Serve => ok(image.len(), "").and_then(|()| stream.write_all(image)),
        Behaviour::CutAt(at) => ok(image.len(), "").and_then(|()| stream.write_all(&image[..*at])),
        Behaviour::Short(at) => ok(*at, "").and_then(|()| stream.write_all(&image[..*at])),
        Behaviour::Encoded => {
            ok(image.len(), "Content-Encoding: gzip\r\n").and_then(|()| stream.write_all(image))
        }
        Behaviour::Page(page) => {
            ok(page.len(), "").and_then(|()| stream.write_all(page.as_bytes()))
        }
        Behaviour::StallAt(at) => {
            ok(image.len(), "")?;
            stream.write_all(&image[..*at])?;
            // Until the client gives up.
            reader.read_line(&mut String::new()).map(drop)
        }
        Behaviour::Chunked => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            )?;
            for chunk in image.chunks(100_000) {
                write!(stream, "{:x}\r\n", chunk.len())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Behaviour::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
            )
        }
        Behaviour::Redirect(to) => {
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            )
        }
        Behaviour::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            (0..1_000_000).try_for_each(|n| write!(stream, "X-{n}: {}\r\n", "x".repeat(1000)))
        }
    }
}
