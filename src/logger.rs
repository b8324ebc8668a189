//! The log: to the console, to /dev/kmsg, and to a ring kept for `log.collect_system_logs`.
