//! A client that waits for a seat, without a thread; where nothing is encrypted, what it has sent already tells whether it has
//! the token, and whoever has it need not wait.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;

use crate::api::client_standing::{Place, Standing};
use crate::api::route::Action;
use crate::api::service_settings::Service;
use crate::secret::Secret;
use crate::sys::socket;

/// Request lines longer than this are read by whoever serves them: none of Ironic's is.
const LONGEST: usize = 1024;

pub struct Client {
    pub number: u64,
    pub socket: TcpStream,
    pub peer: SocketAddr,
    /// As it came.
    pub came: Place,
    /// Has the request it has sent the token? None as long as there is no telling.
    shown: Option<bool>,
}

impl Client {
    pub fn new(number: u64, socket: TcpStream, peer: SocketAddr, came: Place) -> Self {
        Client {
            number,
            socket,
            peer,
            came,
            shown: None,
        }
    }

    pub fn is_over(&self) -> bool {
        socket::is_over(self.socket.as_fd())
    }

    /// Looks at what it has sent, and leaves it there for whoever serves it.
    pub fn look(&mut self, service: &Service) {
        if self.shown.is_some() || service.acceptor.is_some() {
            return;
        }
        let mut sent = [0; LONGEST];
        let peeked = self.socket.set_nonblocking(true);
        let peeked = peeked.and_then(|()| self.socket.peek(&mut sent));
        let ready = self.socket.set_nonblocking(false);
        if let Ok(count) = peeked.and_then(|count| ready.map(|()| count)) {
            self.shown = has_token(&sent[..count], service.token.as_ref());
        }
    }

    /// Its request has the token.
    pub fn shows_token(&self) -> bool {
        self.shown == Some(true)
    }

    /// It has sent a request without the token.
    pub fn shows_none(&self) -> bool {
        self.shown == Some(false)
    }

    /// `place`, and what it has shown.
    pub fn standing(&self, place: Place) -> Place {
        match self.shows_token() {
            true => Place {
                standing: Standing::Shown,
                ..place
            },
            false => place,
        }
    }
}

/// Of the request that begins with these bytes; none if its line is not all there yet.
fn has_token(sent: &[u8], token: Option<&Secret>) -> Option<bool> {
    let Some(end) = sent.iter().position(|byte| *byte == b'\n') else {
        return (sent.len() == LONGEST).then_some(false);
    };
    let line = std::str::from_utf8(&sent[..end]).unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next());
    let action = Action::new(method?, target.unwrap_or_default(), token);
    Some(matches!(action, Action::Command(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_request_tells_whether_it_has_the_token() {
        let token = Secret::new("t0ken");
        let long = format!("GET /v1/commands/?agent_token={}", "x".repeat(LONGEST));
        for (sent, shown) in [
            ("", None),
            ("GET /v1/commands/?agent_token=t0ken HTTP", None),
            (
                "GET /v1/commands/?agent_token=t0ken HTTP/1.1\r\n",
                Some(true),
            ),
            (
                "POST /v1/commands/?wait=true&agent_token=t0ken HTTP/1.1\n",
                Some(true),
            ),
            (
                "GET /v1/commands/?agent_token=guess HTTP/1.1\r\n",
                Some(false),
            ),
            ("GET /v1/commands/?agent_token= HTTP/1.1\r\n", Some(false)),
            ("GET /v1/status?agent_token=t0ken HTTP/1.1\r\n", Some(false)),
            ("\r\n", Some(false)),
            (&long[..LONGEST], Some(false)),
        ] {
            assert_eq!(has_token(sent.as_bytes(), Some(&token)), shown, "{sent}");
        }
        let none = "GET /v1/commands/?agent_token= HTTP/1.1\r\n";
        assert_eq!(has_token(none.as_bytes(), None), Some(false));
    }
}
