//! One command that was started: its id and name, how far it is, what came out.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Bell, Clock};
use crate::codec::json::{Value, number, object, text};
use crate::error::{Error, Kind};
use crate::work_progress::WorkProgress;

/// How long a command that ends the conversation waits for its reply to go out.
const ANSWER: Duration = Duration::from_secs(5);

/// A text in a result above this is sent once and then forgotten: system logs are megabytes,
/// and Ironic reads the whole list at every heartbeat.
const KEPT_TEXT: usize = 4096;

/// A handle on one command; clones share it.
#[derive(Clone)]
pub struct Entry(Arc<Inner>);

struct Inner {
    id: String,
    /// `<extension>.<command>`
    name: String,
    state: Mutex<State>,
    changed: Condvar,
    answered: Bell,
}

/// Whom, not what: results are long.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.name, self.0.id)
    }
}

enum State {
    /// How far it has come.
    Running(WorkProgress),
    Succeeded(Value),
    Failed(Error),
}

impl Entry {
    pub(crate) fn running(id: String, name: String, gauge: WorkProgress) -> Self {
        Entry(Arc::new(Inner {
            id,
            name,
            state: Mutex::new(State::Running(gauge)),
            changed: Condvar::new(),
            answered: Bell::default(),
        }))
    }

    /// A UUID, in text.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// `<extension>.<command>`
    pub fn full_name(&self) -> &str {
        &self.0.name
    }

    /// What Ironic compares: the name without its extension.
    pub fn name(&self) -> &str {
        self.0
            .name
            .split_once('.')
            .map_or(&*self.0.name, |(_, bare)| bare)
    }

    /// Has it not ended yet?
    pub fn is_running(&self) -> bool {
        matches!(*self.state(), State::Running(_))
    }

    /// Returns once the command has ended.
    pub fn wait(&self) {
        self.wait_unless(|| false);
    }

    /// Returns once the command has ended, or [`Entry::stir`] finds that `enough` holds.
    pub fn wait_unless(&self, enough: impl Fn() -> bool) {
        let goes_on = |state: &mut State| matches!(state, State::Running(_)) && !enough();
        drop(
            self.0
                .changed
                .wait_while(self.state(), goes_on)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Whoever waits for the end looks whether to go on waiting.
    pub fn stir(&self) {
        // Between a look and the wait that follows it nobody gets in.
        drop(self.state());
        self.0.changed.notify_all();
    }

    /// The reply that starts this command, or holds its end, was written out, or there is nobody to read it.
    pub fn answered(&self) {
        if let State::Succeeded(Value::Object(result)) = &mut *self.state() {
            for value in result.values_mut() {
                if let Value::String(content) = value
                    && content.len() > KEPT_TEXT
                {
                    *value = text(format!("{} bytes, sent once and not kept", content.len()));
                }
            }
        }
        self.0.answered.ring();
    }

    /// Returns once the reply is out or cannot get out, or after five seconds.
    pub fn wait_answered(&self, clock: &Clock) {
        self.0.answered.wait(clock, ANSWER);
    }

    pub(crate) fn end(&self, outcome: Result<Value, Error>) {
        *self.state() = match outcome {
            Ok(result) => State::Succeeded(result),
            Err(error) => State::Failed(error),
        };
        self.0.changed.notify_all();
    }

    /// The five keys of protocol/api.md §4; the result of a command that runs is how far it has come.
    pub fn to_json(&self) -> Value {
        let (status, error, result) = match &*self.state() {
            State::Running(gauge) => ("RUNNING", Value::Null, progress(gauge)),
            State::Succeeded(result) => ("SUCCEEDED", Value::Null, result.clone()),
            State::Failed(error) => (status_of(error), error_object(error), Value::Null),
        };
        object([
            ("id", text(self.id())),
            ("command_name", text(self.name())),
            ("command_status", text(status)),
            ("command_error", error),
            ("command_result", result),
        ])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ironic looks for its step in the result of a command that ended, and in that of one that runs finds
/// none; upstream has null there, as have commands that cannot say how far they are.
fn progress(gauge: &WorkProgress) -> Value {
    let Some(reading) = gauge.read() else {
        return Value::Null;
    };
    let or_null = |count: Option<u64>| count.map_or(Value::Null, number);
    object([
        ("stage", text(reading.stage)),
        ("bytes", number(reading.done.0)),
        ("total", or_null(reading.total.map(|total| total.0))),
        ("rate", number(reading.rate)),
        ("eta", or_null(reading.left.map(|left| left.as_secs()))),
    ])
}

/// protocol/steps.md §3: all three kinds of step use the word for cleaning.
fn status_of(error: &Error) -> &'static str {
    match error.kind() {
        Kind::VersionMismatch => "CLEAN_VERSION_MISMATCH",
        _ => "FAILED",
    }
}

fn error_object(error: &Error) -> Value {
    // Ironic shows the details to people and breaks on none.
    let details = match error.details() {
        "" => error.kind().message(),
        details => details,
    };
    object([
        ("type", text(error.kind().name())),
        ("code", number(error.kind().code().into())),
        ("message", text(error.kind().message())),
        ("details", text(details)),
    ])
}
