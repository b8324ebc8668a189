//! Who this agent is to its Ironic, kept across a restart of the agent process.
//!
//! Ironic hands out a token once and pins the certificate and the callback URL of the first heartbeat, so
//! an agent that comes back as somebody else is locked out. The file lies in the ramdisk's /run and is
//! readable by root alone; nothing but the agent runs there.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use crate::codec::json::{self, Fields, Value};
use crate::error::{Context, Error, Result};
use crate::host::Host;
use crate::secret::Secret;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub token: Option<Secret>,
    pub identity: Option<Identity>,
}

/// The callback URL and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub callback_url: String,
    /// Certificate and key as PEM; none where plain HTTP is spoken.
    pub tls: Option<(String, Secret)>,
}

const FILE: &str = "session";

impl Identity {
    /// The address Ironic is told to call back, and a certificate for it where Ironic can verify one.
    pub fn make(config: &Config, client: &Client, host: &Host, clock: &Clock) -> Result<Self> {
        let advertise = &config.advertise;
        let wish = Wish {
            host: advertise.host.as_deref(),
            interface: advertise.interface.as_deref(),
            attempts: advertise.attempts,
            pause: advertise.pause,
        };
        let routes = Routes {
            source: &|to| Ok(addresses::source_address(to)?),
            interface: &|name| Ok(addresses::of_interface(name)?),
        };
        // Only tells whether somebody answers; what is said there is not believed.
        let anybody = terms::http_client(config, Trust { insecure: true, ..Trust::default() })?;
        let address = advertise::address(&wish, &routes, &client.urls(), &anybody, clock)?;
        let url = |scheme| heartbeat::callback_url(scheme, &address, advertise.port);
        if !config.tls.automatic || !client.auto_tls() {
            return Ok(Identity { callback_url: url(&advertise.protocol), tls: None });
        }
        let ip = address.parse().ok().with_context(|| format!("making a certificate for '{address}', which is no IP address"))?;
        let curve = Curve::parse(&config.tls.curve).unwrap_or_default();
        let name = attribute(host.proc("sys/kernel/hostname")).unwrap_or_else(|| "ironlet".to_owned());
        let Own { certificate, key } = certificate::generate(ip, &name, curve)?;
        Ok(Identity { callback_url: url("https"), tls: Some((certificate, key)) })
    }
}

impl Session {
    /// The session of the process before this one; empty on a fresh boot.
    pub fn restore(host: &Host) -> Result<Self> {
        let path = host.run(FILE);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Session::default()),
            text => text
                .map_err(Error::from)
                .and_then(|text| Session::parse(&text))
                .with_context(|| format!("reading {}", path.display())),
        }
    }

    /// Replaces what was kept, whole or not at all.
    pub fn keep(&self, host: &Host) -> Result<()> {
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
        Ok(Session {
            token: fields.string("token")?.map(Secret::new),
            identity,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_is_restored_and_nobody_else_can_read_it() {
        let root = std::env::temp_dir().join(format!("ironlet-session-{}", std::process::id()));
        let host = Host::new(&root);
        assert_eq!(Session::restore(&host), Ok(Session::default()));
        let session = Session {
            token: Some(Secret::new("t".repeat(43))),
            identity: Some(Identity {
                callback_url: "https://10.0.0.5:9999".into(),
                tls: Some(("certificate".into(), Secret::new("key"))),
            }),
        };
        session
            .keep(&host)
            .expect("a temporary directory is writable");
        assert_eq!(Session::restore(&host), Ok(session));
        let mode = fs::metadata(host.run(FILE))
            .expect("it was just written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(host.run(FILE), "{\"token\":1}").expect("a temporary directory is writable");
        assert!(
            Session::restore(&host)
                .expect_err("not text")
                .details()
                .contains("'token'")
        );
        fs::remove_dir_all(root).expect("it was made here");
    }
}
