//! Starts commands, one at a time, and remembers them all.
//!
//! Ironic decides from the list alone whether its step is done: entries stand in the order they
//! started, none is dropped, none is added that nobody asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use log::{error, info};

use crate::codec::json::{Object, Value};
use crate::codec::uuid;
use crate::command::crash_marker::CrashMarker;
use crate::command::definition::{Command, Mode};
use crate::command::look_up;
use crate::command::request::Call;
use crate::command::started_command::Entry;
use crate::error::{Context, Error, Kind, Result};
use crate::logger::status::{self, Phase, Row, set};
use crate::steps::step_context::Machine;
use crate::sys::kernel;
use crate::work_progress::WorkProgress;

/// A handle on the one engine of the agent; clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    machine: Arc<Machine>,
    /// Whoever holds it starts a command; inside, the thread the last one left to itself.
    turn: Mutex<Option<JoinHandle<()>>>,
    entries: Mutex<Vec<Entry>>,
    mark: CrashMarker,
}

impl Engine {
    /// A command that an earlier agent process died in is the first entry.
    pub fn new(machine: Arc<Machine>) -> Self {
        let mark = CrashMarker::of(&machine.host);
        let gauge = machine.gauge().clone();
        let entries = Mutex::new(mark.left_over(gauge).into_iter().collect());
        Engine(Arc::new(Inner {
            machine,
            turn: Mutex::default(),
            entries,
            mark,
        }))
    }

    /// Runs a synchronous command to its end, or sets an asynchronous one going.
    /// An error means refused: nothing ran, nothing is listed.
    pub fn start(&self, call: Call) -> Result<Entry> {
        let inner = &*self.0;
        let mut turn = lock(&inner.turn);
        let Call { name, params } = call;
        let (extension, bare) = name.split_once('.').ok_or_else(|| {
            let form = "Command name must be of the form <extension>.<name>";
            Error::new(Kind::InvalidCommandError, form)
        })?;
        if let Some(last) = lock(&inner.entries).last()
            && last.is_running()
        {
            let busy = format!("executing command {}", last.name());
            return Err(Error::new(Kind::AgentIsBusy, busy));
        }
        if let Some(thread) = turn.take() {
            join(thread);
        }
        let command = look_up(extension, bare)?;
        if let Some(check) = command.check {
            check(&inner.machine, &params).kind(Kind::InvalidCommandParamsError)?;
        }
        let gauge = inner.machine.gauge();
        gauge.clear();
        let entry = Entry::running(new_id()?, name, gauge.clone());
        info!("{} starts ({})", entry.full_name(), entry.id());
        set(Row::State, entry.full_name());
        match command.mode {
            Mode::Sync => {
                let outcome = run(command, inner, &entry, params);
                if let Err(error) = &outcome
                    && is_refusal(error.kind())
                {
                    return Err(error.clone());
                }
                let after = command.after.filter(|_| outcome.is_ok());
                entry.end(outcome);
                lock(&inner.entries).push(entry.clone());
                if let Some(after) = after {
                    *turn = self.leave(&entry, move |inner, entry| {
                        entry.wait_answered(&inner.machine.clock);
                        after(&inner.machine);
                    });
                }
            }
            Mode::Async => {
                status::phase(Phase::Working);
                inner.mark.set(&entry);
                lock(&inner.entries).push(entry.clone());
                *turn = self.leave(&entry, |inner, entry| {
                    let outcome = run(command, inner, entry, params);
                    finish(inner, entry, outcome);
                });
            }
        }
        Ok(entry)
    }

    /// How far the command that runs has come, and all before it.
    pub fn progress(&self) -> &WorkProgress {
        self.0.machine.gauge()
    }

    /// All commands, in the order they started.
    pub fn list(&self) -> Vec<Entry> {
        lock(&self.0.entries).clone()
    }

    /// The command with this id, whether it runs or has ended.
    pub fn find(&self, id: &str) -> Option<Entry> {
        let entries = lock(&self.0.entries);
        entries.iter().find(|entry| entry.id() == id).cloned()
    }

    /// Returns once the last command's thread has ended.
    pub fn join(&self) {
        if let Some(thread) = lock(&self.0.turn).take() {
            join(thread);
        }
    }

    /// Goes on in a thread; without one the command has failed.
    fn leave(
        &self,
        entry: &Entry,
        work: impl FnOnce(&Inner, &Entry) + Send + 'static,
    ) -> Option<JoinHandle<()>> {
        let (inner, own) = (Arc::clone(&self.0), entry.clone());
        let named = thread::Builder::new().name(entry.name().to_owned());
        match named.spawn(move || work(&inner, &own)) {
            Ok(thread) => Some(thread),
            Err(error) => {
                let error = Error::from(error);
                let outcome = Err(error).context("starting a thread");
                finish(&self.0, entry, outcome.kind(Kind::CommandExecutionError));
                None
            }
        }
    }
}

fn run(command: &Command, inner: &Inner, entry: &Entry, params: Object) -> Result<Value> {
    command.accepts(&params)?;
    let outcome = (command.run)(&inner.machine, entry, params).kind(Kind::CommandExecutionError);
    match &outcome {
        Ok(_) => {
            info!("{} succeeded", entry.full_name());
            set(
                Row::State,
                &format!("{} succeeded, waiting for commands", entry.full_name()),
            );
            // What Ironic only asks for says nothing of how the work stands.
            if matches!(command.mode, Mode::Async) {
                status::phase(Phase::Waiting);
            }
        }
        Err(error) => {
            error!("{} failed: {error}", entry.full_name());
            set(
                Row::State,
                &format!("{} failed: {error}", entry.full_name()),
            );
            status::failed(error);
        }
    }
    outcome
}

/// The mark changes before the outcome shows: whenever the process dies, a failure is one to the next
/// process too, and never an empty list.
fn finish(inner: &Inner, entry: &Entry, outcome: Result<Value>) {
    match &outcome {
        Ok(_) => inner.mark.clear(),
        Err(error) => inner.mark.failed(entry, error),
    }
    entry.end(outcome);
    inner.machine.bell.ring();
}

/// protocol/api.md §6: raised inside a synchronous command, these answer the request itself.
fn is_refusal(kind: Kind) -> bool {
    use Kind::{InvalidCommandError, InvalidCommandParamsError, InvalidContentError};
    matches!(
        kind,
        InvalidContentError | InvalidCommandError | InvalidCommandParamsError
    )
}

fn new_id() -> Result<String> {
    let mut random = [0; 16];
    kernel::random(&mut random).context("drawing a command id")?;
    Ok(uuid::from_random(random))
}

fn join(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
