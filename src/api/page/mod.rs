//! The page for browsers: this machine and its work, rendered seldom however often it is asked for.

mod html;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::api::reply::Reply;
use crate::report::overview::{Watcher, log_lines};

/// A page is good for so long.
const FRESH: Duration = Duration::from_millis(500);
/// Lines of log on it.
const LINES: usize = 40;

/// Nothing on it comes from elsewhere or runs, and nobody may put it into theirs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of one machine.
pub struct Page {
    watcher: Watcher,
    /// When it was rendered, on the clock.
    rendered: Mutex<Option<(Duration, String)>>,
}

impl Page {
    /// Of what `watcher` sees.
    pub fn new(watcher: Watcher) -> Self {
        Page {
            watcher,
            rendered: Mutex::default(),
        }
    }

    /// As it is now, or was a moment ago.
    pub(super) fn reply(&self) -> Reply {
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.watcher.clock().elapsed();
        let body = match &*rendered {
            Some((at, page)) if now.saturating_sub(*at) < FRESH => page.clone(),
            _ => {
                let page = html::page(&self.watcher.look(), &log_lines(LINES));
                *rendered = Some((now, page.clone()));
                page
            }
        };
        drop(rendered);
        let headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", POLICY),
            ("Cache-Control", "no-store"),
            ("Vary", "Accept"),
            ("X-Frame-Options", "DENY"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ];
        Reply {
            status: 200,
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
            body,
        }
    }
}
