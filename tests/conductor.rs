//! The agent as a client: HTTP and TLS first, then everything it says to Ironic.

#[path = "support/fake_conductor.rs"]
mod fake_conductor;

#[path = "support/dribbler.rs"]
mod dribbler;
#[path = "support/https_status.rs"]
mod https_status;

#[path = "conductor/advertise.rs"]
mod advertise;
#[path = "conductor/api.rs"]
mod api;
#[path = "conductor/deadline.rs"]
mod deadline;
#[path = "conductor/enrol.rs"]
mod enrol;
#[path = "conductor/heartbeat.rs"]
mod heartbeat;
#[path = "conductor/http.rs"]
mod http;
#[path = "conductor/inspection.rs"]
mod inspection;
#[path = "conductor/odd_answers.rs"]
mod odd_answers;
#[path = "conductor/shared.rs"]
mod shared;
#[path = "conductor/tls.rs"]
mod tls;
