//! The programs that process 1 runs: the agent, and in a ramdisk for rescues those that let people in.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::rescue::{SHELL, SSH_SERVER};
use crate::sys::child_signals;
use crate::system_root::{SystemRoot, attribute};

/// One program, as it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// For the log.
    pub name: String,
    path: PathBuf,
    arguments: Vec<String>,
    environment: &'static [(&'static str, &'static str)],
}

/// What people who log in find; the agent gets nothing.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("HOME", "/root"),
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ("TERM", "linux"),
];

impl Program {
    /// This program, as the agent.
    pub fn agent(host: &SystemRoot) -> Self {
        Program {
            name: "the agent".to_owned(),
            path: host.proc("self/exe"),
            arguments: vec!["--agent".to_owned()],
            environment: &[],
        }
    }

    /// dropbear(8): in the foreground, its log on the console, its keys made when they are first needed.
    pub fn ssh_server(host: &SystemRoot) -> Self {
        Program {
            name: "the SSH server".to_owned(),
            path: host.seen(SSH_SERVER),
            arguments: ["-F", "-E", "-R"].map(str::to_owned).to_vec(),
            environment: ENVIRONMENT,
        }
    }

    /// busybox's getty on each console: it asks for name and password.
    pub fn console_logins(host: &SystemRoot) -> Vec<Self> {
        let active = attribute(host.sys("class/tty/console/active")).unwrap_or_default();
        let consoles = active.split_whitespace().map(|console| match console {
            // Whichever screen is in front; that is the first.
            "tty0" => "tty1",
            other => other,
        });
        let login = |console: &str| Program {
            name: format!("the login on {console}"),
            path: host.seen(SHELL),
            // At the speed that the line has.
            arguments: ["getty", "-L", "0", console, "linux"]
                .map(str::to_owned)
                .to_vec(),
            environment: ENVIRONMENT,
        };
        consoles.map(login).collect()
    }

    /// The id of its process.
    pub fn start(&self) -> io::Result<u32> {
        // Unknown parameters of the kernel command line are in process 1's environment, a token among them.
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear();
        command.envs(self.environment.iter().copied());
        child_signals::unblock(&mut command);
        command.spawn().map(|child| child.id())
    }
}
