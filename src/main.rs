//! Flags → mode → exit code.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use getopts::{Matches, Options};
use ironlet::agent;
use ironlet::agent::{post_inspection_by_hand, run_step_by_hand, write_image_by_hand};
use ironlet::codec::json;
use ironlet::config::flags::{FLAGS, Takes, USAGE};
use ironlet::error::{Context, Result};
use ironlet::inventory::{self, BootFacts};
use ironlet::sys::kernel;
use ironlet::system_root::{SystemRoot, attribute};
use ironlet::{config, init, logger, version};

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
        () if flags.opt_present("version") => print(&version(&flags)),
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
            write_image_by_hand::write(surroundings(&flags), image(&flags), readback)
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
    for flag in FLAGS {
        match flag.takes {
            Takes::Nothing => options.optflag(flag.short, flag.long, flag.help),
            Takes::One(what) => options.optopt(flag.short, flag.long, flag.help, what),
            Takes::Several(what) => options.optmulti(flag.short, flag.long, flag.help, what),
        };
    }
    options
}

/// Which build this is, and in a ramdisk the kernel as well.
fn version(flags: &Matches) -> String {
    let host = surroundings(flags).host();
    let mut text = version::line();
    if host.is_ramdisk()
        && let Some(release) = attribute(host.proc("sys/kernel/osrelease"))
    {
        text += &format!("\nkernel {release}");
    }
    text
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

fn image(flags: &Matches) -> write_image_by_hand::Image {
    write_image_by_hand::Image {
        urls: flags.opt_str("write-image").into_iter().collect(),
        checksum: flags.opt_str("checksum").unwrap_or_default(),
        disk: flags.opt_str("disk").map(PathBuf::from),
    }
}
