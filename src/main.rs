//! Flags → mode → exit code.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use getopts::{Matches, Options};
use ironlet::agent;
use ironlet::agent::doctor::by_hand;
use ironlet::agent::{
    plan_by_hand, post_inspection_by_hand, run_step_by_hand, write_image_by_hand,
};
use ironlet::config::flags::{FLAGS, Takes, USAGE};
use ironlet::config::verbs;
use ironlet::error::{self, Context};
use ironlet::sys::kernel;
use ironlet::system_root::{SystemRoot, attribute};
use ironlet::{config, init, logger, version};

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init::run();
    }
    let typed: Vec<OsString> = std::env::args_os().skip(1).collect();
    let flags = match typed.first().and_then(|word| word.to_str()) {
        Some("help") => return help(&typed[1..]),
        Some(name)
            if !name.starts_with('-')
                && typed[1..]
                    .iter()
                    .any(|word| word == "--help" || word == "-h") =>
        {
            return help(&typed[..1]);
        }
        Some(name) if !name.starts_with('-') => of_command(name, &typed[1..]),
        _ => parsed(&options(&|_| true), &typed),
    };
    let flags = match flags {
        Ok(flags) => flags,
        Err(wrong) => return refused(&wrong),
    };
    let result = match () {
        () if flags.opt_present("version") => print(&version(&flags)),
        () if flags.opt_present("help-parameters") => print(&config::parameters_help()),
        () if flags.opt_present("post") => {
            let urls = flags.opt_str("post").unwrap_or_default();
            post_inspection_by_hand::post(&surroundings(&flags), &urls)
                .and_then(|uuid| print(&uuid))
        }
        () if flags.opt_present("inventory") => {
            post_inspection_by_hand::inventory(&surroundings(&flags)).and_then(|json| print(&json))
        }
        () if flags.opt_present("root-disk") => {
            plan_by_hand::root_disk(&surroundings(&flags), &flags.opt_str("node"))
                .and_then(|chosen| print(&chosen))
        }
        () if flags.opt_present("plan") => {
            let as_json = flags.opt_present("json");
            let plan = plan_by_hand::plan(&surroundings(&flags), &flags.opt_str("node"), as_json);
            plan.and_then(|(told, chosen)| match told.is_empty() {
                true => chosen,
                false => print(&told).and(chosen),
            })
        }
        () if flags.opt_present("doctor") => {
            let as_json = flags.opt_present("json");
            let (told, is_well) = by_hand::run(&surroundings(&flags), as_json);
            match (print(&told), is_well) {
                // It was said already.
                (Ok(()), false) => return ExitCode::FAILURE,
                (printed, _) => printed,
            }
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
        () => print(&options(&|_| true).usage(USAGE)),
    };
    ended(result, || surroundings(&flags).host())
}

/// What the exit code says, and of an error the log.
fn ended(result: error::Result<()>, host: impl FnOnce() -> SystemRoot) -> ExitCode {
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who only prints has none yet.
            logger::start(&host(), false);
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
fn print(text: &str) -> error::Result<()> {
    let mut output = io::stdout().lock();
    let printed = writeln!(output, "{}", text.trim_end()).and_then(|()| output.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => kernel::die_of_closed_pipe(),
        printed => printed.context("writing to standard output"),
    }
}

/// Nobody may be listening any more, and the exit code says it as well.
fn refused(wrong: &str) -> ExitCode {
    let _ = writeln!(
        io::stderr(),
        "ironlet: {wrong}; ironlet help lists what there is"
    );
    ExitCode::from(2)
}

/// All commands, or one of them in full.
fn help(of: &[OsString]) -> ExitCode {
    let name = of.first().map(|name| name.to_string_lossy());
    let text = match name.as_deref().map(|name| (name, verbs::named(name))) {
        None => verbs::overview(),
        Some((_, Some(verb))) => verb.page(),
        Some((name, None)) => return refused(&format!("'{name}' is no command")),
    };
    ended(print(&text), || SystemRoot::new("/"))
}

/// The flags that a command with what follows it stands for.
fn of_command(name: &str, typed: &[OsString]) -> Result<Matches, String> {
    let verb = verbs::named(name).ok_or_else(|| format!("'{name}' is no command"))?;
    let is_its = |flag: &str| verb.flags.contains(&flag) || verbs::ALWAYS.contains(&flag);
    let given = parsed(&options(&is_its), typed).map_err(|wrong| format!("{name}: {wrong}"))?;
    let mut flags = verb.stands_for(&given.free)?;
    for flag in FLAGS.iter().filter(|flag| is_its(flag.long)) {
        match flag.takes {
            Takes::Nothing if given.opt_present(flag.long) => {
                flags.push(format!("--{}", flag.long))
            }
            Takes::Nothing => {}
            _ => {
                let values = given.opt_strs(flag.long).into_iter();
                flags.extend(values.map(|value| format!("--{}={value}", flag.long)));
            }
        }
    }
    parsed(&options(&|_| true), &flags)
}

fn parsed<T: AsRef<OsStr>>(options: &Options, typed: &[T]) -> Result<Matches, String> {
    options.parse(typed).map_err(|wrong| wrong.to_string())
}

fn options(wanted: &dyn Fn(&str) -> bool) -> Options {
    let mut options = Options::new();
    for flag in FLAGS.iter().filter(|flag| wanted(flag.long)) {
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
        checksum: flags.opt_str("checksum"),
        signature: flags.opt_str("signature"),
        keys: flags.opt_strs("image-key"),
        login: None,
        disk: flags.opt_str("disk").map(PathBuf::from),
    }
}
