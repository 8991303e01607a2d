#![expect(clippy::print_stdout, reason = "a demonstration talks to a person")]

use std::net::SocketAddr;

use nprt_shop::Sources;

use super::{Options, VERSIONS};

/// What a person needs to begin.
pub(crate) fn hello(options: &Options, address: SocketAddr, token: &str, sources: &Sources, faster: u32) {
    let place = options.kubeconfig.as_ref().map_or("in memory", |_| "on a real cluster");
    println!("deployer demo: the service boutique, {place}, with traffic.");
    println!("Its clock runs {faster} times as fast, for all parts alike: a minute takes a second.");
    println!();
    println!("URL    http://{address}");
    println!("TOKEN  {token}");
    println!();
    println!("Versions:");
    for (version, (message, _)) in sources.versions.iter().zip(VERSIONS) {
        println!("  {}  {message}", version.tag);
    }
    let tag = |number: usize| sources.versions.get(number).map_or("", |version| version.tag.as_str());
    println!();
    println!("Type, in another terminal (cargo install --locked --path apps/depctl):");
    println!("  export DEPCTL_URL=http://{address} DEPCTL_TOKEN={token}");
    println!("  depctl ls");
    println!("  depctl canary boutique --tag {} --watch", tag(2));
    println!("  depctl report boutique");
    println!("Without depctl:");
    println!("  curl -sS -H 'Authorization: Bearer {token}' http://{address}/");
    println!();
    if options.no_autopilot {
        println!("The verdict is yours: depctl promote boutique, or depctl rollback boutique.");
    } else {
        println!("The autopilot judges each canary every minute (a second here): {} is rolled back,", tag(2));
        println!("{} is promoted.", tag(1));
    }
    println!("Ctrl-C ends it all.");
    // Whoever reads this through a pipe waits for it.
    let _ = std::io::Write::flush(&mut std::io::stdout());
}
