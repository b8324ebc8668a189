//! Whom the agent believes, beside whom OpenSSL does: `openssl s_server` with certificates that `openssl` made, and
//! authorities in files of every shape.

#[path = "trust/authority_as_server.rs"]
mod authority_as_server;
#[path = "trust/dates.rs"]
mod dates;
#[path = "support/https_status.rs"]
mod https_status;
#[path = "trust/openssl.rs"]
mod openssl;
#[path = "trust/p521.rs"]
mod p521;
#[path = "trust/plain_file.rs"]
mod plain_file;
#[path = "trust/shapes.rs"]
mod shapes;
mod support;
