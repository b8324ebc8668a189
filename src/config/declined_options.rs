//! Options of ironic-python-agent's files that have no meaning here, each with its reason: who sets one is told both.

/// Names, or sections with a point behind, and why they do nothing.
const DECLINED: &[(&[&str], &str)] = &[
    (&["container."], "this agent runs no containers"),
    (
        &["metrics.", "metrics_statsd."],
        "no statsd is spoken; ironlet.metrics=1 serves /metrics",
    ),
    (
        &["mdns.params", "mdns.interfaces"],
        "every network card is asked, as it is",
    ),
    (
        &[
            "log_file",
            "log_dir",
            "log_config_append",
            "use_syslog",
            "use_journal",
            "syslog_log_facility",
        ],
        "there is one log, on the consoles and in the archive for Ironic; ironlet.syslog=host:port sends it",
    ),
    (
        &[
            "log_date_format",
            "use_json",
            "use_stderr",
            "log_color",
            "log_rotate_interval",
            "log_rotate_interval_type",
            "max_logfile_count",
            "max_logfile_size_mb",
            "log_rotation_type",
            "logging_context_format_string",
            "logging_default_format_string",
            "logging_debug_format_suffix",
            "logging_exception_prefix",
            "logging_user_identity_format",
            "default_log_levels",
            "publish_errors",
            "instance_format",
            "instance_uuid_format",
            "rate_limit_interval",
            "rate_limit_burst",
            "rate_limit_except_level",
            "fatal_deprecations",
        ],
        "the log has one form and is bounded by itself; ipa-debug says more",
    ),
];

/// Why an option, as `section.name`, does nothing; none for names that upstream has not either.
pub fn reason(key: &str) -> Option<&'static str> {
    let meant = |name: &str| match name.ends_with('.') {
        true => key.starts_with(name),
        false => key == name,
    };
    let found = DECLINED
        .iter()
        .find(|(names, _)| names.iter().any(|name| meant(name)));
    found.map(|(_, reason)| *reason)
}
