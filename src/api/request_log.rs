//! One line of the log for one request, without anything that could be the token; of those who have not shown the token so
//! few that they push nothing else out of the log.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{info, warn};

use crate::clock::Clock;
use crate::secret::Secret;

/// Lines about strangers in one [`WINDOW`].
const MOST: u32 = 20;
const WINDOW: Duration = Duration::from_secs(10);

/// Writes it, and counts what it leaves out.
pub struct RequestLog {
    clock: Clock,
    quota: Mutex<Quota>,
}

#[derive(Default)]
struct Quota {
    /// When the window began.
    since: Duration,
    lines: u32,
    left_out: u64,
}

/// A request as it was answered.
pub struct Line<'a> {
    /// Who asked.
    pub peer: IpAddr,
    /// Method and target; none where the head was not understood.
    pub request: Option<(&'a str, &'a str)>,
    /// None for a client that was gone.
    pub status: Option<u16>,
    /// From the first byte of the head to the end of the reply.
    pub took: Duration,
}

impl RequestLog {
    /// By this clock.
    pub fn new(clock: Clock) -> Self {
        let quota = Mutex::default();
        RequestLog { clock, quota }
    }

    /// Of a request; `stranger` if it came without the token, which is `token` and must not be in the log.
    pub fn answered(&self, line: &Line, stranger: bool, token: Option<&Secret>) {
        if stranger && !self.may() {
            return;
        }
        let (method, target) = line.request.unwrap_or(("-", "-"));
        let peer = line.peer.to_canonical();
        let path = shown(target, token);
        let status = line.status.map(|status| status.to_string());
        let status = status.as_deref().unwrap_or("gone");
        info!(
            "{peer} {method} {path} {status} {} ms",
            line.took.as_millis()
        );
    }

    /// Of a client that got no seat, or no thread.
    pub fn turned_away(&self, peer: IpAddr, why: &str) {
        if self.may() {
            warn!("{} is turned away: {why}", peer.to_canonical());
        }
    }

    /// May one more line be written about a stranger? Tells how many were not.
    fn may(&self) -> bool {
        let now = self.clock.elapsed();
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(quota.since) >= WINDOW {
            if quota.left_out > 0 {
                warn!(
                    "{} more clients without the token were not logged",
                    quota.left_out
                );
            }
            *quota = Quota {
                since: now,
                ..Quota::default()
            };
        }
        match quota.lines < MOST {
            true => quota.lines += 1,
            false => quota.left_out += 1,
        }
        quota.left_out == 0
    }
}

/// The path without its query, and of that what is too plain and short to be a secret, or the id of a command.
pub fn shown(target: &str, token: Option<&Secret>) -> String {
    const HIDDEN: &str = "…";
    let path = target.split('?').next().unwrap_or_default();
    let holds_token = |text: &str| {
        let token = token.map(|token| token.expose().to_ascii_lowercase());
        let text = text.to_ascii_lowercase();
        text.contains("agent_token") || token.is_some_and(|t| !t.is_empty() && text.contains(&t))
    };
    let each = path
        .split('/')
        .map(|part| match is_plain(part) && !holds_token(part) {
            true => part,
            false => HIDDEN,
        });
    // The longest path that leads anywhere has four parts.
    let shown = each.take(8).collect::<Vec<_>>().join("/");
    match holds_token(&shown) {
        true => HIDDEN.to_owned(),
        false => shown,
    }
}

/// A token is longer, and has other letters than an id (protocol/api.md §8). What is escaped is not plain.
fn is_plain(part: &str) -> bool {
    const LONGEST: usize = 20;
    let word = |c: u8| c.is_ascii_alphanumeric() || b"-._*".contains(&c);
    let id = |c: u8| c.is_ascii_hexdigit() || c == b'-';
    match part.len() {
        36 => part.bytes().all(id) && part.matches('-').count() == 4,
        length => length <= LONGEST && part.bytes().all(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let token = Secret::new("Short7");
        let long = "cO1mP2oN3eN4tS5tO6kE7nA8bC9dE0fG1hI2jK3lM4n";
        let id = "/v1/commands/17c9708a-bd6c-4304-bd19-62667f229553";
        for (target, path) in [
            ("/", "/"),
            ("*", "*"),
            ("-", "-"),
            ("/v1/status", "/v1/status"),
            ("/v1/commands/", "/v1/commands/"),
            (id, id),
            ("/v1/commands/?wait=true&agent_token=x", "/v1/commands/"),
            ("/v1/commands/nope", "/v1/commands/nope"),
            ("/v1/commands/Short7", "/v1/commands/…"),
            ("/v1/commands/%53hort7", "/v1/commands/…"),
            ("/sho/xSHORT7x/a", "/sho/…/a"),
            ("/agent_token/b", "/…/b"),
            ("/v1/commands&agent%5Ftoken=a", "/v1/…"),
            ("/v1/commands%2526agent%255Ftoken=a", "/v1/…"),
            (&format!("/v1/commands/{long}"), "/v1/commands/…"),
            (&format!("/{long}/{long}/"), "/…/…/"),
            ("/v1/;token=x", "/v1/…"),
            (&"/a".repeat(100), "/a/a/a/a/a/a/a"),
        ] {
            assert_eq!(shown(target, Some(&token)), path, "{target}");
        }
        assert_eq!(shown("/v1/a/b", Some(&Secret::new("a/b"))), "…");
    }

    #[test]
    fn strangers_have_few_lines_and_are_counted() {
        let clock = Clock::fake();
        let log = RequestLog::new(clock.clone());
        let allowed = |log: &RequestLog| (0..1000).filter(|_| log.may()).count();
        assert_eq!(allowed(&log), 20);
        clock.sleep(WINDOW / 2);
        assert_eq!(allowed(&log), 0);
        clock.sleep(WINDOW / 2);
        assert_eq!(allowed(&log), 20);
    }
}
