//! The API over real sockets on loopback: its routes, the life of a command, and clients that mean no good.

#[path = "api/caller.rs"]
mod caller;
#[path = "api/hostile.rs"]
mod hostile;
#[path = "api/life.rs"]
mod life;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/routes.rs"]
mod routes;
#[path = "api/seats.rs"]
mod seats;
mod support;
