//! A server that never comes to an end: it says one thing, then another over and over, fast or a little at a time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ironlet::net::tls::connection::Acceptor;

/// What is said at once, and what over and over.
pub type Speech = (&'static str, &'static str);

/// Times what is said over and over is said at most, so that no test hangs: half a minute of dribbling.
const TIMES: u32 = 3000;

pub struct Dribbler(SocketAddr);

impl Dribbler {
    /// With `pause` between two repetitions, on every connection, whatever is asked.
    pub fn start(speech: Speech, pause: Duration) -> Self {
        Dribbler::serve(move |mut stream| {
            stream.write_all(speech.0.as_bytes())?;
            let bytes = match pause.is_zero() {
                true => speech.1.repeat(1000),
                false => speech.1.to_owned(),
            };
            for _ in 0..TIMES {
                stream.write_all(bytes.as_bytes())?;
                thread::sleep(pause);
            }
            Ok(())
        })
    }

    /// The same inside TLS, whose records come byte by byte once hands are shaken.
    pub fn secure(acceptor: Acceptor, says: &'static str, pause: Duration) -> Self {
        Dribbler::serve(move |stream| {
            let stream = Slow {
                stream,
                pause: Duration::ZERO,
            };
            let mut tls = acceptor.accept(stream).map_err(io::Error::from)?;
            tls.inner_mut().pause = pause;
            tls.write_all(says.as_bytes())?;
            tls.flush()
        })
    }

    fn serve(give: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it was just bound");
        // The thread waits in accept for the rest of the test process; it holds nothing but memory.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let give = give.clone();
                // The client hangs up in the middle: that is what it is to do.
                thread::spawn(move || drop(give(stream)));
            }
        });
        Dribbler(address)
    }

    /// `http://host:port`, or `https://…`
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.0)
    }
}

/// Writes byte by byte, after a pause each.
struct Slow {
    stream: TcpStream,
    pause: Duration,
}

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.pause.is_zero() {
            true => self.stream.write(bytes),
            false => {
                thread::sleep(self.pause);
                self.stream.write(&bytes[..1.min(bytes.len())])
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
