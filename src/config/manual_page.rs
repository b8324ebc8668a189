//! The manual page ironlet(8), out of the tables that `--help` and `--help-parameters` are made of. No running agent needs it: a release does.

use super::flags::{FLAGS, Takes};
use super::table::{Effect, TABLE};
use super::values;

/// The page in mdoc(7), of that day ("November 30, 2026").
pub fn page(day: &str) -> String {
    let mut text = format!(
        ".\\\" Made from the program's own tables.\n.Dd {day}\n.Dt IRONLET 8\n.Os\n{}",
        HEAD.trim_start()
    );
    text += ".Sh OPTIONS\n.Bl -tag -width Ds\n";
    for flag in FLAGS {
        text += ".It ";
        if !flag.short.is_empty() {
            text += &format!("Fl {} , ", flag.short);
        }
        text += &format!("Fl \\-{}", plain(flag.long));
        text += &match flag.takes {
            Takes::Nothing => String::new(),
            Takes::One(what) => format!(" Ar {what}"),
            Takes::Several(what) => format!(" Ar {what} ..."),
        };
        text += &format!("\n{}.\n", sentence(flag.help));
    }
    text += ".El\n.Sh PARAMETERS\nOn the kernel command line as\n.Ar name Ns = Ns Ar value ,\nor in the section\n.Li [DEFAULT]\nof the files below\n.Pa /etc/ironic-python-agent.d ,\nwhere they win.\nThe last of several wins.\n.Bl -tag -width Ds\n";
    for parameter in TABLE {
        text += &format!(".It Cm {}\n", plain(parameter.title()));
        text += &format!(
            "{}: {}",
            sentence(parameter.help),
            plain(&values::describe(parameter.kind))
        );
        if !parameter.default.is_empty() {
            text += &format!("; default {}", plain(parameter.default));
        }
        if parameter.effect == Effect::Ignored {
            text += "; accepted, but has no effect";
        }
        text += ".\n";
        let in_files = match (parameter.name, parameter.key) {
            ("", _) => "In files only.\n".to_owned(),
            (name, key) if key.is_empty() || key == name => String::new(),
            (_, key) => format!("In files\n.Cm {} .\n", plain(key)),
        };
        text += &in_files;
    }
    text + ".El\n" + TAIL.trim_start()
}

/// A line of text that troff takes for nothing else.
fn sentence(text: &str) -> String {
    let text = plain(text);
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

/// Without what troff takes for an escape, and without what is no ASCII.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '\\' => plain += "\\e",
            '…' => plain += "...",
            '–' => plain += "\\(en",
            letter if letter.is_ascii() => plain.push(letter),
            letter => plain += &format!("\\[u{:04X}]", u32::from(letter)),
        }
    }
    plain
}

const HEAD: &str = r"
.Sh NAME
.Nm ironlet
.Nd deploy agent for OpenStack Ironic
.Sh SYNOPSIS
.Nm
.Op Ar mode
.Op Ar options
.Sh DESCRIPTION
.Nm
takes the place of ironic-python-agent.
As process 1 it is the whole userland of a ramdisk: it loads drivers, brings up the network, finds its Ironic and does what that asks for, or
deploys the image that the kernel command line names, and powers the machine off or restarts it.
It takes no flags then, and obeys the
.Sx PARAMETERS .
.Pp
Started by hand on any Linux it answers questions, or does one of these things and ends.
It writes no disk then that was not named with
.Fl \-allow-disk ,
and touches no network interface, clock or power switch.
.Pp
Without a mode it prints its flags.
";

const TAIL: &str = r"
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/ironic-python-agent.d/*.conf
Parameters, in the order of the files' names.
.It Pa /etc/ssl/certs/ca-certificates.crt
The authorities that are trusted unless
.Cm cafile
names others.
.El
.Sh EXIT STATUS
0 if it did what was asked, 1 if it failed, with the reason on standard error, and 2 for flags that are none.
.Sh EXAMPLES
What Ironic would be told of this machine:
.Pp
.Dl ironlet --inventory
.Pp
An image into a file:
.Pp
.Dl ironlet --write-image http://10.0.0.1/disk.raw --checksum sha256:... --disk disk.img --allow-disk disk.img
.Pp
A machine deployed without Ironic, on the kernel command line:
.Pp
.Dl ironlet.image=http://10.0.0.1/disk.raw ironlet.checksum=sha256:... ironlet.then=reboot
.Sh SEE ALSO
.Lk https://docs.openstack.org/ironic/latest/ OpenStack Ironic
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_and_parameter_has_its_place_and_no_line_is_a_request_by_accident() {
        let page = page("November 30, 2026");
        for flag in FLAGS {
            assert!(
                page.contains(&format!("Fl \\-{}", flag.long)),
                "{}",
                flag.long
            );
        }
        for parameter in TABLE {
            let item = format!("\n.It Cm {}\n", parameter.title());
            assert_eq!(page.matches(&item).count(), 1, "{}", parameter.title());
        }
        assert!(page.is_ascii() && !page.contains("\n\n"));
        assert_eq!(sentence(".so \\x 'é…"), "\\&.so \\ex '\\[u00E9]...");
    }
}
