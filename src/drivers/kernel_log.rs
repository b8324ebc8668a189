//! The kernel's own lines of its log, for those who look for what a driver said. Pure.

/// What the kernel itself said, oldest first, without priority and time. `log` is what syslog(2) gives:
/// `<priority>[seconds] text`. Lines that programs wrote to /dev/kmsg are left out: they may quote anybody.
pub fn lines(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter_map(|line| {
        let (priority, text) = line.strip_prefix('<')?.split_once('>')?;
        // linux/syslog.h: facility × 8 + level; facility 0 is the kernel.
        let own = priority.parse::<u32>().is_ok_and(|number| number < 8);
        own.then(|| bare(text))
    })
}

/// Without `[   12.345678]`, and without the `[    T1]` of CONFIG_PRINTK_CALLER.
fn bare(mut text: &str) -> &str {
    for _ in 0..2 {
        let stamp = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        match stamp {
            Some((stamp, rest)) if is_stamp(stamp) => text = rest.strip_prefix(' ').unwrap_or(rest),
            _ => break,
        }
    }
    text
}

/// Drivers put words of their own into brackets as well.
fn is_stamp(text: &str) -> bool {
    let text = text.trim_start();
    let number = text.trim_start_matches(['T', 'C']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match number.split_once('.') {
        Some((whole, part)) => number == text && digits(whole) && digits(part),
        None => number != text && digits(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_own_words_are_left() {
        let log = "<5>[    0.000000] Linux version 6.1.0\n\
                   <6>[    1.5][    T1] usb 1-1: new device\n\
                   <4>[    2.5][   C11] bnx2x: [bnx2x_init_firmware:1(eth0)]x\n\
                   <3>[qed_slowpath_start:1257()]y\n\
                   <4>without a time\n\
                   <15>[    3.0] ironlet: e100 0000:00:01.0: Direct firmware load for a.bin failed\n\
                   <30>[    3.1] udevd: z\n\
                   no priority\n<x>no number\n<>\n<4>\n";
        let expected = [
            "Linux version 6.1.0",
            "usb 1-1: new device",
            "bnx2x: [bnx2x_init_firmware:1(eth0)]x",
            "[qed_slowpath_start:1257()]y",
            "without a time",
            "",
        ];
        assert_eq!(lines(log).collect::<Vec<_>>(), expected);
    }
}
