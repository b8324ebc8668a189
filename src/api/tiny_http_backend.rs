//! The HTTP server behind the gateway: takes each request for a command from the Unix socket, runs it and sends the reply back.
//!
//! The only `tiny_http`. It has no timeouts, no bounds and no TLS we would want, so it hears nobody but the
//! gateway, which sends it heads of its own making.

use std::io::{self, Cursor, Read};
use std::mem;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::{error, warn};
use tiny_http::{HTTPVersion, Header, Request, Response, StatusCode};

use crate::api::accept_loop::join;
use crate::api::gateway_state::Gateway;
use crate::api::pending_requests::PendingReply;
use crate::api::reply;
use crate::api::reply::Reply;
use crate::api::route;
use crate::api::route::CommandRequest;
use crate::api::service_settings::Service;
use crate::codec::json;
use crate::codec::json::Value;
use crate::command::{Call, Entry};

/// Serves what comes through the backend until that is shut. Each request has a thread: many only wait.
pub fn attend(gateway: &Gateway, first: UnixListener) {
    let mut threads = Vec::new();
    let mut listener = Some(first);
    while let Some(behind) = listener {
        let broken = match tiny_http::Server::from_listener(behind, None) {
            Ok(server) => serve_one_listener(gateway, &mut threads, server).to_string(),
            Err(error) => format!("starting the HTTP server: {error}"),
        };
        // Its accept(2) fails for want of files or memory as well, and it gives up then.
        listener = loop {
            match gateway.backend.reopen() {
                Ok(again) => {
                    if again.is_some() {
                        error!("the API's own socket is opened again: {broken}");
                    }
                    break again;
                }
                Err(error) => error!("opening the API's own socket again: {error}"),
            }
            gateway.clock.sleep(Duration::from_secs(1));
        };
    }
    match gateway.backend.pending.is_quiet() {
        true => join(threads.into_iter()),
        false => warn!("requests still wait for their commands"),
    }
}

/// Until the listener is shut or breaks; returns what its accept(2) said then.
fn serve_one_listener(
    gateway: &Gateway,
    threads: &mut Vec<JoinHandle<()>>,
    server: tiny_http::Server,
) -> io::Error {
    let broken = loop {
        let request = match server.recv() {
            Ok(request) => request,
            Err(error) => break error,
        };
        join(threads.extract_if(.., |thread| thread.is_finished()));
        let name = request.url().trim_start_matches('/');
        let Some(job) = gateway.backend.pending.take(name) else {
            // Not from the gateway door. Dropping it would read its body, in memory of a size it says.
            mem::forget(request);
            continue;
        };
        let service = Arc::clone(&gateway.service);
        let work = move || respond(request, &service, job);
        match thread::Builder::new()
            .name("api-request".to_owned())
            .spawn(work)
        {
            Ok(thread) => threads.push(thread),
            Err(error) => warn!("no thread for a request: {error}"),
        }
    };
    // tiny_http 0.12 `Server::drop` unwraps the path of its socket, and an abstract one has none.
    mem::forget(server);
    broken
}

fn respond(mut request: Request, service: &Service, job: PendingReply) {
    let head_only = request.method() == &tiny_http::Method::Head;
    let body = read(request.as_reader());
    // Lets go of tiny_http's thread, which stands by as long as there may be a body.
    let mut writer = request.into_writer();
    let reply = match body {
        Ok(body) => act(service, &job, body),
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            route::Refusal::new(503, "No memory for the request body").reply()
        }
        // The gateway door broke it off, and has answered.
        Err(_) => return,
    };
    // From here on this thread waits for nobody but the gateway door.
    drop(job);
    let response = response(reply);
    // The one reader is the gateway door; if it has gone, so has its client.
    let _ = response
        .raw_print(&mut writer, HTTPVersion(1, 1), &[], head_only, None)
        .and_then(|()| writer.flush());
}

/// Grows as bytes arrive; what a client promises is never allocated.
fn read(body: &mut dyn Read) -> io::Result<Vec<u8>> {
    const STEP: usize = 1 << 20;
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        bytes.try_reserve_exact(STEP)?;
        body.take(STEP as u64).read_to_end(&mut bytes)?;
        if bytes.len() == before {
            return Ok(bytes);
        }
    }
}

fn act(service: &Service, job: &PendingReply, body: Vec<u8>) -> Reply {
    let Some(engine) = &service.engine else {
        return route::not_found();
    };
    match &job.request {
        CommandRequest::List => {
            let commands = engine.list().iter().map(Entry::to_json).collect();
            Reply::json(200, &json::object([("commands", Value::Array(commands))]))
        }
        CommandRequest::Find { id, wait } => match engine.find(id) {
            Some(entry) => command(job, &entry, *wait),
            None => route::unknown_command(id),
        },
        CommandRequest::Start { wait } => match Call::parse(body) {
            Ok(call) => match engine.start(call) {
                Ok(entry) => {
                    job.started(&entry);
                    command(job, &entry, *wait)
                }
                Err(error) => route::refused(&error),
            },
            Err(error) => route::malformed(&error),
        },
    }
}

fn command(job: &PendingReply, entry: &Entry, wait: bool) -> Reply {
    if wait {
        job.wait_for(entry);
    }
    Reply::json(200, &entry.to_json())
}

fn response(reply: Reply) -> Response<Cursor<Vec<u8>>> {
    let mut response = Response::from_data(reply.body)
        .with_status_code(StatusCode(reply.status))
        .with_chunked_threshold(usize::MAX);
    let server = ("Server", reply::SERVER.to_owned());
    for (name, value) in reply.headers.into_iter().chain([server]) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    response
}
