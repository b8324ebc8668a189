//! Requests that wait for the backend to take them: already parsed, under tickets that nobody else on the machine can
//! guess.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::route::CommandRequest;
use crate::codec::hex;
use crate::command::Entry;
use crate::sys::kernel;

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
    request: Option<CommandRequest>,
    picked_up: SyncSender<()>,
    /// The command this request started.
    entry: Option<Entry>,
    /// The command whose end the reply waits for.
    waits_for: Option<Entry>,
}

impl PendingRequests {
    /// Leaves a request. The receiver hears when it is picked up.
    pub fn add(self: &Arc<Self>, request: CommandRequest) -> io::Result<(Ticket, Receiver<()>)> {
        let mut name = [0; 16];
        kernel::random(&mut name)?;
        let name = hex::encode(&name);
        let (picked_up, hears) = mpsc::sync_channel(1);
        let left = Left {
            request: Some(request),
            picked_up,
            entry: None,
            waits_for: None,
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

    /// The client has gone, or has its reply.
    fn is_over(&self, name: &str) -> bool {
        !self.state().left.contains_key(name)
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

/// Without a word of the reply, its reader is gone: nobody needs what was kept for them, and nobody waits for them.
impl Drop for Ticket {
    fn drop(&mut self) {
        let left = self.pending.state().left.remove(&self.name);
        let Some(left) = left else { return };
        if let Some(entry) = left.entry {
            entry.answered();
        }
        if let Some(entry) = left.waits_for {
            entry.stir();
        }
    }
}

/// The server's half.
pub struct PendingReply {
    pub request: CommandRequest,
    pending: Arc<PendingRequests>,
    name: String,
}

impl PendingReply {
    /// Names the command this request started; it is told when the reply is written, or will not be.
    pub fn started(&self, entry: &Entry) {
        if !self.note(|left| left.entry = Some(entry.clone())) {
            entry.answered();
        }
    }

    /// Returns once the command has ended, or its reply would have no reader.
    pub fn wait_for(&self, entry: &Entry) {
        if self.note(|left| left.waits_for = Some(entry.clone())) {
            entry.wait_unless(|| self.pending.is_over(&self.name));
        }
    }

    /// False if the client has gone, and its ticket with it.
    fn note(&self, change: impl FnOnce(&mut Left)) -> bool {
        let mut state = self.pending.state();
        state.left.get_mut(&self.name).map(change).is_some()
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.pending.state().at_work -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::clock::Clock;
    use crate::codec::json::{object, print, text};
    use crate::work_progress::WorkProgress;

    fn entry() -> Entry {
        let gauge = WorkProgress::new(Clock::fake());
        Entry::running("id".to_owned(), "a.b".to_owned(), gauge)
    }

    /// A request that was picked up, from both sides.
    fn request() -> (Ticket, PendingReply) {
        let pending = Arc::new(PendingRequests::default());
        let (ticket, _) = pending.add(CommandRequest::List).expect("random numbers");
        let reply = pending.take(ticket.name()).expect("it was left");
        (ticket, reply)
    }

    #[test]
    fn nobody_waits_for_a_client_that_has_gone() {
        let (ticket, reply) = request();
        let entry = entry();
        let waiting = entry.clone();
        let thread = thread::spawn(move || {
            reply.wait_for(&waiting);
            // Nor does one that begins to wait after that.
            reply.wait_for(&waiting);
        });
        drop(ticket);
        thread.join().expect("it came back");
        assert!(entry.is_running());
    }

    #[test]
    fn a_long_result_without_a_reader_is_dropped() {
        for early in [false, true] {
            let (ticket, reply) = request();
            let entry = entry();
            entry.end(Ok(object([("system_logs", text("x".repeat(100_000)))])));
            if early {
                drop(ticket);
                reply.started(&entry);
            } else {
                reply.started(&entry);
                assert!(print(&entry.to_json()).len() > 100_000);
                drop(ticket);
            }
            let left = print(&entry.to_json());
            assert!(left.contains("not kept") && left.len() < 1000, "{left}");
        }
    }
}
