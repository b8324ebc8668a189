//! Flags → mode → exit code.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use getopts::{Matches, Options};
use ironlet::agent;
use ironlet::agent::{post_inspection_by_hand, run_step_by_hand, standalone_deploy};
use ironlet::codec::json;
use ironlet::error::{Context, Result};
use ironlet::inventory::{self, BootFacts};
use ironlet::sys::kernel;
use ironlet::system_root::SystemRoot;
use ironlet::{config, init, logger};

const USAGE: &str = "Usage: ironlet [MODE] [OPTIONS]

A deploy agent for OpenStack Ironic. As pid 1 it takes no flags but the kernel command line.";

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init::run();
    }
    let options = options();
    let flags = match options.parse(std::env::args_os().skip(1)) {
        Ok(flags) => flags,
        Err(wrong) => {
            // Nobody may be listening any more, and the exit code says it as well.
            let _ = writeln!(io::stderr(), "ironlet: {wrong}; --help lists what there is");
            return ExitCode::from(2);
        }
    };
    let result = match () {
        () if flags.opt_present("version") => {
            print(&format!("ironlet {}", env!("CARGO_PKG_VERSION")))
        }
        () if flags.opt_present("help-parameters") => print(&config::parameters_help()),
        () if flags.opt_present("post") => {
            let urls = flags.opt_str("post").unwrap_or_default();
            post_inspection_by_hand::post(&surroundings(&flags), &urls)
                .and_then(|uuid| print(&uuid))
        }
        () if flags.opt_present("inventory") => print(&inventory(&flags)),
        () if flags.opt_present("root-disk") => {
            run_step_by_hand::root_disk(&surroundings(&flags), &flags.opt_str("node"))
                .and_then(|chosen| print(&chosen))
        }
        () if flags.opt_present("agent") => agent::run(surroundings(&flags)),
        () if flags.opt_present("step") => {
            run_step_by_hand::run(surroundings(&flags), &step(&flags))
                .and_then(|result| print(&result))
        }
        () if flags.opt_present("write-image") => {
            let readback = flags.opt_present("readback");
            standalone_deploy::write(surroundings(&flags), image(&flags), readback)
        }
        () => print(&options.usage(USAGE)),
    };
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who only prints has none yet.
            logger::start(&surroundings(&flags).host(), false);
            log::error!("{error}");
            ExitCode::FAILURE
        }
    };
    // A thread writes the consoles, and would end with the process: the last line says why it ended.
    log::logger().flush();
    code
}

/// An answer to who asked by hand. One who has heard enough (`| head`) closes the pipe, and this ends as other
/// tools end then: at once, without a word, by SIGPIPE.
fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    let printed = writeln!(output, "{}", text.trim_end()).and_then(|()| output.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => kernel::die_of_closed_pipe(),
        printed => printed.context("writing to standard output"),
    }
}

fn options() -> Options {
    let mut options = Options::new();
    options.optflag("", "agent", "run the agent (what pid 1 starts)");
    options.optflag(
        "",
        "inventory",
        "print what Ironic would be told of this machine, as JSON",
    );
    options.optopt(
        "",
        "post",
        "with --inventory: inspect, post to URL as the agent would, and print the UUID Ironic answers with",
        "URL",
    );
    options.optflag(
        "",
        "root-disk",
        "print which disk an image would go to, and why",
    );
    options.optopt(
        "",
        "write-image",
        "write the image at URL to --disk and end",
        "URL",
    );
    options.optopt(
        "",
        "checksum",
        "what the image must hash to: sha256:…, sha512:…, md5:… or the URL of a checksum file",
        "SUM",
    );
    options.optopt("", "disk", "the disk to write", "PATH");
    options.optopt(
        "",
        "step",
        "run one cleaning step (erase_devices, …) and print its result",
        "NAME",
    );
    options.optopt(
        "",
        "node",
        "with --step and --root-disk: what Ironic would say of the node, as JSON",
        "JSON",
    );
    options.optopt("", "arguments", "with --step: its arguments", "JSON");
    options.optflag("", "readback", "read the disk back at the end and compare");
    options.optmulti(
        "",
        "allow-disk",
        "outside a ramdisk: a disk that may be overwritten",
        "PATH",
    );
    options.optopt(
        "",
        "root",
        "a directory that stands for / (default /)",
        "DIR",
    );
    options.optopt(
        "",
        "cmdline",
        "parameters, instead of the kernel command line",
        "TEXT",
    );
    options.optflag("", "help-parameters", "list the kernel parameters");
    options.optflag("V", "version", "print the version");
    options.optflag("h", "help", "print this");
    options
}

fn surroundings(flags: &Matches) -> agent::Surroundings {
    agent::Surroundings {
        root: flags.opt_str("root").unwrap_or("/".into()).into(),
        command_line: flags.opt_str("cmdline"),
        allowed_disks: flags
            .opt_strs("allow-disk")
            .into_iter()
            .map(PathBuf::from)
            .collect(),
    }
}

fn inventory(flags: &Matches) -> String {
    let host = SystemRoot::new(surroundings(flags).root);
    json::print(&inventory::collect(&host, BootFacts::default()))
}

fn step(flags: &Matches) -> run_step_by_hand::Step {
    run_step_by_hand::Step {
        name: flags.opt_str("step").unwrap_or_default(),
        node: flags.opt_str("node"),
        arguments: flags.opt_str("arguments"),
    }
}

fn image(flags: &Matches) -> standalone_deploy::Image {
    standalone_deploy::Image {
        urls: flags.opt_str("write-image").into_iter().collect(),
        checksum: flags.opt_str("checksum").unwrap_or_default(),
        disk: flags.opt_str("disk").map(PathBuf::from),
    }
}
