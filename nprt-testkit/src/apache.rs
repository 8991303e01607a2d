//! Apache's httpd with a configuration of our own, for the servers that are modules of it.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::Missing;
use crate::process::{Process, free_address};

/// The user that every server with a password knows.
pub const USER: &str = "ada";
/// That user's password.
pub const PASSWORD: &str = "correct-horse";
/// `openssl passwd -apr1 -salt nprtnprt correct-horse`
const HASH: &str = "$apr1$nprtnprt$8sg8hhu/RfshejP/xtRMM.";

const MODULES: &str = "/usr/lib/apache2/modules";
const BASE: [&str; 6] = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic"];

/// Starts httpd in `directory`, with `modules` loaded and `site` as its configuration.
pub(crate) async fn start(
    name: &'static str,
    directory: &Path,
    modules: &[&str],
    site: &str,
) -> Result<(Process, SocketAddr), Missing> {
    let address = free_address()?;
    let at = directory.display();
    let mut config = format!(
        "ServerRoot {at}\nServerName localhost\nListen {address}\nPidFile {at}/pid\n\
         ErrorLog {at}/error.log\nDefaultRuntimeDir {at}\nMutex file:{at} default\n"
    );
    for module in BASE.iter().chain(modules) {
        config += &format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n");
    }
    // Only root may choose, and may not choose itself.
    config += "User www-data\nGroup www-data\n";
    config += site;
    let write = |file: &str, content: &str| {
        fs::write(directory.join(file), content).map_err(|error| Missing::new(name, error))
    };
    write("httpd.conf", &config)?;
    write("users", &format!("{USER}:{HASH}\n"))?;
    // Whatever user httpd runs as must reach the files in it.
    fs::set_permissions(directory, Permissions::from_mode(0o755))
        .map_err(|error| Missing::new(name, error))?;
    let mut command = Command::new("/usr/sbin/apache2");
    // One process, so that killing it ends all.
    command.arg("-X").arg("-f").arg(directory.join("httpd.conf"));
    let mut process = Process::start(name, &mut command, &directory.join("httpd.log"))?;
    process.wait_for_port(address).await?;
    Ok((process, address))
}

/// What a protected location holds.
pub(crate) fn require_user(directory: &Path) -> String {
    format!("AuthType Basic\nAuthName nprt\nAuthUserFile {}/users\nRequire valid-user\n", directory.display())
}
