//! A web server of documents by their paths, that says what it is told to; requests are kept in their order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What is said to whoever asks for one path: status, further header lines, body.
pub type Answer = (u16, &'static str, Vec<u8>);

pub struct Web {
    address: SocketAddr,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// Whatever has no answer is not there.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let web = Web {
            address: listener.local_addr().expect("it was just bound"),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let (answers, asked) = (Arc::clone(&web.answers), Arc::clone(&web.asked));
        // It waits in accept for the rest of the test process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().expect("nobody panics").push(path.clone());
                let answers = answers.lock().expect("nobody panics");
                let missing = (404, "", b"<html>no".to_vec());
                let (status, headers, body) = answers.get(&path).unwrap_or(&missing);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
                    body.len()
                );
                // Who has seen enough hangs up.
                let _ = stream.write_all(&[head.as_bytes(), body].concat());
            }
        });
        web
    }

    pub fn put(&self, path: &str, answer: Answer) {
        let mut answers = self.answers.lock().expect("nobody panics");
        answers.insert(path.to_owned(), answer);
    }

    pub fn put_text(&self, path: &str, text: impl AsRef<[u8]>) {
        self.put(path, (200, "", text.as_ref().to_vec()));
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panics"))
    }
}
