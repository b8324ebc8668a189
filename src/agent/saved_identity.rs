//! Token, certificate and callback URL in /run, for an agent process that is started again.
//!
//! Ironic hands out a token once and pins the certificate and the callback URL of the first heartbeat, so
//! an agent that comes back as somebody else is locked out. The file lies in the ramdisk's /run and is
//! readable by root alone; nothing but the agent runs there.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use log::warn;

use crate::agent::callback_url_and_certificate::Identity;
use crate::codec::json;
use crate::codec::json::{Fields, Value};
use crate::command;
use crate::config::Config;
use crate::error::{Context, Error, Result};
use crate::secret::Secret;
use crate::steps::step_context;
use crate::system_root::SystemRoot;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedIdentity {
    life: Secret,
    pub token: Option<Secret>,
    pub identity: Option<Identity>,
    /// Ironic does not know this agent any more, as far as it said. The next lookup decides.
    pub is_refused: bool,
}

/// What the process before this one left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Identity(SavedIdentity),
    /// That of an agent for another Ironic, or with another port or token: nobody to take over from.
    OfAnotherLife,
}

const FILE: &str = "session";

/// What a process must have been told to be the same agent: whom to call, how it is called back, and the token.
pub fn life(config: &Config) -> Secret {
    let (api, own) = (&config.api.urls, &config.advertise);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        api.join(","),
        text(&own.host),
        text(&own.interface),
        own.port.to_string(),
        own.protocol.clone(),
        config.listen.host.clone(),
        config.listen.port.to_string(),
        config.tls.automatic.to_string(),
        config.token.as_ref().map_or("", Secret::expose).to_owned(),
    ];
    Secret::new(parts.join("\n"))
}

impl SavedIdentity {
    /// Nobody yet.
    pub fn new(life: Secret) -> Self {
        SavedIdentity {
            life,
            token: None,
            identity: None,
            is_refused: false,
        }
    }

    /// Whom the process before this one has been; nobody if there was none, or one that was somebody else.
    pub fn take_over(config: &Config, host: &SystemRoot) -> Self {
        let life = life(config);
        match SavedIdentity::restore(host, &life) {
            Ok(Left::Identity(session)) => return session,
            Ok(Left::Nothing) => {}
            Ok(Left::OfAnotherLife) => {
                warn!(
                    "starting afresh: the agent before this one had another Ironic, port or token"
                );
                forget_work(host);
            }
            Err(error) => warn!("starting afresh: {error}"),
        }
        SavedIdentity::new(life)
    }

    /// What comes next is inspected and asks for its node as one that is new, and stays who it was unless it is told another token.
    pub fn note_refusal(host: &SystemRoot) -> Result<()> {
        match SavedIdentity::read(host)? {
            None => Ok(()),
            Some(saved) => SavedIdentity {
                is_refused: true,
                ..saved
            }
            .keep(host),
        }
    }

    /// `token` is what a lookup brought that knew `before`. One that was refused and is told another token is another agent from now
    /// on, which did nothing before.
    pub fn enrolled(&mut self, before: Option<&Secret>, token: Option<Secret>, host: &SystemRoot) {
        if self.is_refused && token.as_ref() != before {
            self.identity = None;
            forget_work(host);
        }
        self.is_refused = false;
        self.token = token;
    }

    pub fn restore(host: &SystemRoot, life: &Secret) -> Result<Left> {
        Ok(match SavedIdentity::read(host)? {
            None => Left::Nothing,
            Some(saved) if saved.life == *life => Left::Identity(saved),
            Some(_) => Left::OfAnotherLife,
        })
    }

    fn read(host: &SystemRoot) -> Result<Option<Self>> {
        let path = host.run(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(Error::from),
        };
        let saved = text.and_then(|text| SavedIdentity::parse(&text));
        saved
            .with_context(|| format!("reading {}", path.display()))
            .map(Some)
    }

    /// Replaces what was kept, whole or not at all.
    pub fn keep(&self, host: &SystemRoot) -> Result<()> {
        let (path, fresh) = (host.run(FILE), host.run("session.new"));
        let writing = || format!("writing {}", path.display());
        fs::create_dir_all(host.run("")).with_context(writing)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .with_context(writing)?;
        file.write_all(json::print(&self.to_json()).as_bytes())
            .with_context(writing)?;
        fs::rename(&fresh, &path).with_context(writing)
    }

    fn to_json(&self) -> Value {
        let secret = |secret: &Secret| json::text(secret.expose());
        let identity = self.identity.as_ref();
        let tls = identity.and_then(|identity| identity.tls.as_ref());
        json::object([
            ("life", secret(&self.life)),
            ("refused", Value::Bool(self.is_refused)),
            ("token", self.token.as_ref().map_or(Value::Null, secret)),
            (
                "callback_url",
                json::text_or_null(identity.map(|identity| identity.callback_url.as_str())),
            ),
            (
                "certificate",
                json::text_or_null(tls.map(|(certificate, _)| certificate.as_str())),
            ),
            ("key", tls.map_or(Value::Null, |(_, key)| secret(key))),
        ])
    }

    fn parse(text: &str) -> Result<Self> {
        let Value::Object(fields) = json::parse(text)? else {
            return Err(Error::plain("not an object"));
        };
        let tls = match (fields.string("certificate")?, fields.string("key")?) {
            (Some(certificate), Some(key)) => Some((certificate.to_owned(), Secret::new(key))),
            _ => None,
        };
        let identity = fields.string("callback_url")?.map(|url| Identity {
            callback_url: url.to_owned(),
            tls,
        });
        Ok(SavedIdentity {
            life: Secret::new(fields.string("life")?.unwrap_or_default()),
            token: fields.string("token")?.map(Secret::new),
            identity,
            is_refused: fields.boolean("refused")?.unwrap_or_default(),
        })
    }
}

/// What an agent that was somebody else did is nothing that this one tells.
fn forget_work(host: &SystemRoot) {
    command::forget_last(host);
    step_context::forget_written(host);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_is_restored_and_nobody_else_can_read_it() {
        let root = std::env::temp_dir().join(format!("ironlet-session-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let life = Secret::new("http://10.0.0.1:6385\n9999");
        assert_eq!(SavedIdentity::restore(&host, &life), Ok(Left::Nothing));
        let session = SavedIdentity {
            life: life.clone(),
            token: Some(Secret::new("t".repeat(43))),
            identity: Some(Identity {
                callback_url: "https://10.0.0.5:9999".into(),
                tls: Some(("certificate".into(), Secret::new("key"))),
            }),
            is_refused: false,
        };
        session
            .keep(&host)
            .expect("a temporary directory is writable");
        let restored = SavedIdentity::restore(&host, &life);
        assert_eq!(restored, Ok(Left::Identity(session)));
        let other = Secret::new("http://10.0.0.1:6385\n9998");
        assert_eq!(
            SavedIdentity::restore(&host, &other),
            Ok(Left::OfAnotherLife)
        );
        let mode = fs::metadata(host.run(FILE))
            .expect("it was just written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(host.run(FILE), "{\"token\":1}").expect("a temporary directory is writable");
        assert!(
            SavedIdentity::restore(&host, &life)
                .expect_err("not text")
                .details()
                .contains("'token'")
        );
        fs::remove_dir_all(root).expect("it was made here");
    }

    #[test]
    fn one_that_was_refused_stays_who_it_was_until_it_is_told_another_token() {
        let root = std::env::temp_dir().join(format!("ironlet-refused-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let (life, old) = (Secret::new("life"), Secret::new("old"));
        let identity = Identity {
            callback_url: "http://10.0.0.5:9999".into(),
            tls: None,
        };
        SavedIdentity::note_refusal(&host).expect("there is nobody to be refused");
        assert_eq!(SavedIdentity::restore(&host, &life), Ok(Left::Nothing));
        for (refused, told, stays) in [
            (true, "old", true),
            (true, "new", false),
            // Only the process is new: Ironic has pinned its callback URL.
            (false, "new", true),
        ] {
            let session = SavedIdentity {
                token: Some(old.clone()),
                identity: Some(identity.clone()),
                ..SavedIdentity::new(life.clone())
            };
            session.keep(&host).expect("a temporary directory");
            for name in ["command", "written"] {
                fs::write(host.run(name), "{}").expect("a temporary directory");
            }
            if refused {
                SavedIdentity::note_refusal(&host).expect("a temporary directory");
            }
            let Ok(Left::Identity(mut session)) = SavedIdentity::restore(&host, &life) else {
                panic!("it was kept");
            };
            assert_eq!(session.token, Some(old.clone()), "the lookup is to know it");
            assert_eq!(session.is_refused, refused);
            session.enrolled(Some(&old), Some(Secret::new(told)), &host);
            assert_eq!(session.token, Some(Secret::new(told)));
            assert_eq!(session.identity.is_some(), stays, "{refused} {told}");
            assert_eq!(host.run("command").exists(), stays, "{refused} {told}");
            assert_eq!(host.run("written").exists(), stays, "{refused} {told}");
            assert!(!session.is_refused, "settled");
        }
        fs::remove_dir_all(root).expect("it was made here");
    }
}
