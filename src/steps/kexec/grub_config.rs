//! What GRUB would start by a grub.cfg: its default entry. Pure; a reader of the language, not a shell: of an `if` both branches
//! are seen, and a variable nobody set to a fixed text is empty.

use super::entry::Entry;
use super::grub_script::Lexer;

/// More is no configuration anybody wrote.
const MOST_COMMANDS: usize = 20_000;
/// What may stand before a command.
const KEYWORDS: [&str; 7] = ["if", "then", "elif", "else", "while", "until", "do"];
/// Entries and what they are nested in.
const DEEPEST: usize = 32;

/// The entry `text` names as its default; else the first, else what it starts without any menu. None if it starts no Linux.
pub fn default_entry(text: &str) -> Option<Entry> {
    let mut seen = Seen::default();
    let mut lexer = Lexer::new(text);
    for _ in 0..MOST_COMMANDS {
        match lexer.command() {
            Some(words) => seen.take(words, &mut lexer),
            None => break,
        }
    }
    seen.close();
    // `Advanced options>Debian, with Linux 6.1`: the last is the entry.
    let default = lexer.value("default");
    let wanted = default.rsplit('>').next().unwrap_or_default();
    let top: Vec<&Menu> = seen.menus.iter().filter(|menu| menu.is_top).collect();
    let by_number = wanted.parse().ok().filter(|_| default == wanted);
    let by_number = by_number.and_then(|number: usize| top.get(number).copied());
    let mut menus = seen.menus.iter();
    let by_name = menus.find(|menu| !wanted.is_empty() && menu.is_called(wanted));
    let first = top.first().copied().or(seen.menus.first());
    let chosen = by_name.or(by_number).or(first);
    chosen
        .and_then(|menu| menu.entry())
        .or_else(|| seen.bare.entry())
}

/// A `menuentry`, and each Linux that is started in it.
#[derive(Default)]
struct Menu {
    title: String,
    id: String,
    is_top: bool,
    starts: Vec<Entry>,
}

impl Menu {
    fn is_called(&self, name: &str) -> bool {
        self.title == name || self.id == name
    }

    /// Of several the one with an initramfs: the others are for when that failed, or are tried without.
    fn entry(&self) -> Option<Entry> {
        let whole = self.starts.iter().find(|entry| !entry.initrd.is_empty());
        let found = whole.or(self.starts.first())?.clone();
        Some(Entry {
            title: self.title.clone(),
            ..found
        })
    }
}

#[derive(Default)]
struct Seen {
    menus: Vec<Menu>,
    /// What is started outside of every entry.
    bare: Menu,
    /// For each open brace: the entry it is of.
    open: Vec<Option<Menu>>,
}

impl Seen {
    fn take(&mut self, words: Vec<String>, lexer: &mut Lexer) {
        let keywords = words
            .iter()
            .take_while(|word| KEYWORDS.contains(&word.as_str()));
        let Some((name, rest)) = words[keywords.count()..].split_first() else {
            return;
        };
        match name.as_str() {
            "}" => return self.end(),
            "set" => {
                if let Some((name, value)) = rest.first().and_then(|word| word.split_once('=')) {
                    lexer.set(name, value);
                }
            }
            "linux" | "linux16" | "linuxefi" => self.current().starts.extend(kernel(rest)),
            "initrd" | "initrd16" | "initrdefi" => {
                if let Some(entry) = self.current().starts.last_mut() {
                    entry.initrd = rest.iter().map(|path| on_disk(path)).collect();
                }
            }
            _ => {}
        }
        if words.last().is_some_and(|word| word == "{") && self.open.len() < DEEPEST {
            let is_top = self.open.is_empty();
            let menu = (name == "menuentry").then(|| menu(rest, is_top));
            self.open.push(menu);
        }
    }

    fn current(&mut self) -> &mut Menu {
        let mut open = self.open.iter_mut().rev();
        open.find_map(Option::as_mut).unwrap_or(&mut self.bare)
    }

    fn end(&mut self) {
        self.menus.extend(self.open.pop().flatten());
    }

    fn close(&mut self) {
        while !self.open.is_empty() {
            self.end();
        }
    }
}

fn menu(words: &[String], is_top: bool) -> Menu {
    let mut after_id = words.iter().skip_while(|word| *word != "--id");
    Menu {
        title: words.first().cloned().unwrap_or_default(),
        id: after_id.nth(1).cloned().unwrap_or_default(),
        is_top,
        starts: Vec::new(),
    }
}

fn kernel(words: &[String]) -> Option<Entry> {
    let (path, options) = words.split_first()?;
    let options = options.iter().filter(|word| !word.is_empty());
    let options: Vec<&str> = options.map(String::as_str).collect();
    Some(Entry {
        linux: on_disk(path),
        options: options.join(" "),
        ..Entry::default()
    })
}

/// `(hd0,gpt2)/vmlinuz` lies on the file system the configuration is on, as far as can be known here.
fn on_disk(path: &str) -> String {
    match path.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, path)) => path.to_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::kexec::grub_script::LONGEST_WORD;

    fn told(text: &str) -> String {
        let Some(entry) = default_entry(text) else {
            return "none".to_owned();
        };
        let initrd = entry.initrd.join(",");
        format!("{}|{}|{initrd}|{}", entry.title, entry.linux, entry.options)
    }

    /// As grub-mkconfig writes it, in short: Debian's, with a submenu; Ubuntu's, with a try that has no initramfs; Fedora's of old.
    const DEBIAN: &str = r#"
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
  fi
}
### BEGIN /etc/grub.d/10_linux ###
function gfxmode {
	set gfxpayload="${1}"
}
set linux_gfx_mode=
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux $menuentry_id_option 'gnulinux-simple-5b5c' {
	load_video
	insmod gzio
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	search --no-floppy --fs-uuid --set=root 5b5c
	echo	'Loading Linux 6.12 ...'
	linux	/boot/vmlinuz-6.12.1-cloud-amd64 root=UUID=5b5c ro  console=tty0 quiet "quoted arg=1"
	echo	'Loading initial ramdisk ...'
	initrd	/boot/initrd.img-6.12.1-cloud-amd64
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-5b5c' {
	menuentry 'Debian GNU/Linux, with Linux 6.1.0' --class debian $menuentry_id_option 'gnulinux-6.1.0-advanced-5b5c' {
		linux	/boot/vmlinuz-6.1.0 root=UUID=5b5c ro single
		initrd	/boot/initrd.img-6.1.0
	}
}
"#;

    const UBUNTU: &str = r#"
menuentry 'Ubuntu' --class ubuntu $menuentry_id_option 'gnulinux-simple-1' {
	if [ "${initrdfail}" = 1 ]; then
	  linux	/vmlinuz-6.8 root=PARTUUID=1 ro console=ttyS0 $vt_handoff
	  initrd	/microcode.cpio /initrd.img-6.8
	else
	  linux	/vmlinuz-6.8 root=PARTUUID=1 ro console=ttyS0 panic=-1
	fi
	initrdfail
}
"#;

    #[test]
    fn the_default_entry_is_the_one_grub_would_start() {
        let debian = "Debian GNU/Linux|/boot/vmlinuz-6.12.1-cloud-amd64|/boot/initrd.img-6.12.1-cloud-amd64|root=UUID=5b5c ro console=tty0 quiet quoted arg=1";
        let older = "Debian GNU/Linux, with Linux 6.1.0|/boot/vmlinuz-6.1.0|/boot/initrd.img-6.1.0|root=UUID=5b5c ro single";
        let by = |default: &str| DEBIAN.replace("default=\"0\"", &format!("default={default}"));
        for (name, text, expected) in [
            ("debian", DEBIAN.to_owned(), debian),
            ("a path of ids", by("'gnulinux-advanced-5b5c>gnulinux-6.1.0-advanced-5b5c'"), older),
            ("a title", by("'Debian GNU/Linux, with Linux 6.1.0'"), older),
            ("what grubenv has", by("\"${saved_entry}\""), debian),
            ("a number that is none", by("7"), debian),
            ("ubuntu", UBUNTU.to_owned(), "Ubuntu|/vmlinuz-6.8|/microcode.cpio,/initrd.img-6.8|root=PARTUUID=1 ro console=ttyS0"),
            ("no menu", "linux /boot/vmlinuz console=ttyS0\ninitrd /boot/initrd\nboot\n".to_owned(), "|/boot/vmlinuz|/boot/initrd|console=ttyS0"),
            ("a device", "set k=6.1\nlinux ($root)/vmlinuz-$k a\\\n b='c d' # no\ninitrd (hd0,gpt2)/initrd-${k}.img".to_owned(), "|/vmlinuz-6.1|/initrd-6.1.img|a b=c d"),
            ("a second entry", "set default=1\nmenuentry a { linux /a\n}\nmenuentry b { linux /b; initrd /i; }".to_owned(), "b|/b|/i|"),
            ("no linux", "menuentry a { chainloader /EFI/x }".to_owned(), "none"),
            ("nothing", String::new(), "none"),
        ] {
            assert_eq!(told(&text), expected, "{name}");
        }
    }

    #[test]
    fn what_grows_without_end_does_not() {
        let doubling = format!("set a=xx\n{}linux /$a", "set a=$a$a\n".repeat(300));
        let entry = default_entry(&doubling).expect("an entry");
        assert!(entry.linux.len() <= LONGEST_WORD + 1);
        let braces = "menuentry a {".repeat(10_000) + "linux /x";
        assert_eq!(default_entry(&braces), None);
        for text in [
            "'", "\"", "\\", "${", "$", "linux", "}", "} } {", "set", "set =", "set a", "initrd x",
            "#", "{",
        ] {
            assert_eq!(default_entry(text), None, "{text}");
        }
    }
}
