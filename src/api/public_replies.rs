//! The answer to everything that takes no token: documents, the status, redirects and refusals. All of it is at hand, so
//! that whoever asks costs no thread and waits for nobody.

use crate::api::metrics;
use crate::api::reply::{self, Reply};
use crate::api::route::{self, Action};
use crate::api::service_settings::Service;

/// None for a command, which takes the token; `origin` is scheme, host and port as the client knows them.
pub fn reply(action: &Action, origin: &str, browser: bool, service: &Service) -> Option<Reply> {
    Some(match action {
        Action::Command(_) => return None,
        Action::Root if browser && let Some(page) = &service.page => page.reply(),
        Action::Metrics if service.metrics => metrics::reply(service),
        // Without commands there is no API.
        _ if service.engine.is_none() => route::not_found(),
        Action::Root => reply::root(origin),
        Action::Version => reply::version(origin),
        Action::Status => reply::status(service.started_at, service.version),
        Action::Redirect(target) => reply::redirect(origin, target),
        Action::Unauthorized => route::unauthorized(),
        Action::NotFound | Action::Metrics => route::not_found(),
        Action::MethodNotAllowed(allowed) => route::method_not_allowed(allowed),
    })
}
