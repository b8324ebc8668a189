//! The parameters: the kernel command line, files of /etc/ironic-python-agent.d, and the one table of keys.
