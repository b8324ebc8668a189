//! Requests that wait for the backend to take them: already parsed, under tickets that nobody else on the machine can
//! guess.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::route::Action;
use crate::codec::hex;
use crate::command::Entry;
use crate::sys::kernel;

/// A request, but for its body.
pub struct ParsedRequest {
    pub action: Action,
    /// Scheme, host and port as the client knows them.
    pub origin: String,
}

#[derive(Default)]
pub struct PendingRequests {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    left: HashMap<String, Left>,
    at_work: usize,
}

struct Left {
    /// None once it is picked up.
    request: Option<ParsedRequest>,
    picked_up: SyncSender<()>,
    /// The command this request started.
    entry: Option<Entry>,
}

impl PendingRequests {
    /// Leaves a request. The receiver hears when it is picked up.
    pub fn add(self: &Arc<Self>, request: ParsedRequest) -> io::Result<(Ticket, Receiver<()>)> {
        let mut name = [0; 16];
        kernel::random(&mut name)?;
        let name = hex::encode(&name);
        let (picked_up, hears) = mpsc::sync_channel(1);
        let left = Left {
            request: Some(request),
            picked_up,
            entry: None,
        };
        self.state().left.insert(name.clone(), left);
        let pending = Arc::clone(self);
        Ok((Ticket { pending, name }, hears))
    }

    /// Picks up the request of a ticket, once.
    pub fn take(self: &Arc<Self>, name: &str) -> Option<PendingReply> {
        let mut state = self.state();
        let left = state.left.get_mut(name)?;
        let request = left.request.take()?;
        // Its receiver may have given up; the job is done all the same.
        let _ = left.picked_up.try_send(());
        state.at_work += 1;
        Some(PendingReply {
            request,
            pending: Arc::clone(self),
            name: name.to_owned(),
        })
    }

    /// Has every job picked up ended?
    pub fn is_quiet(&self) -> bool {
        self.state().at_work == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gateway's half, for as long as the reply is on its way.
pub struct Ticket {
    pending: Arc<PendingRequests>,
    name: String,
}

impl Ticket {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The reply has been written to the client: commands that wait for that may go on.
    pub fn answered(self) {
        let entry = self
            .pending
            .state()
            .left
            .get_mut(&self.name)
            .and_then(|left| left.entry.take());
        if let Some(entry) = entry {
            entry.answered();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pending.state().left.remove(&self.name);
    }
}

/// The server's half.
pub struct PendingReply {
    pub request: ParsedRequest,
    pending: Arc<PendingRequests>,
    name: String,
}

impl PendingReply {
    /// Names the command this request started; it is told when the reply is written.
    pub fn started(&self, entry: &Entry) {
        // Without its ticket the client has gone.
        if let Some(left) = self.pending.state().left.get_mut(&self.name) {
            left.entry = Some(entry.clone());
        }
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.pending.state().at_work -= 1;
    }
}
