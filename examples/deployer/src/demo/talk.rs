#![expect(clippy::print_stdout, reason = "a demonstration talks to a person")]

use std::net::SocketAddr;

use nprt_shop::Sources;

use super::VERSIONS;

/// What a person needs to begin.
pub(crate) fn hello(address: SocketAddr, token: &str, sources: &Sources, faster: u32) {
    println!("deployer demo: the service boutique, in memory, with traffic.");
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
    let curl = format!("curl -sS -H 'Authorization: Bearer {token}'");
    println!();
    println!("Type, in another terminal:");
    println!("  {curl} http://{address}/");
    println!(
        "  {curl} -N -H 'Accept: text/event-stream' -X PUT 'http://{address}/boutique/canary?tag={}'",
        tag(2)
    );
    println!("  {curl} http://{address}/boutique/canary");
    println!();
    println!("The autopilot judges each canary every minute (a second here): {} is rolled back,", tag(2));
    println!("{} is promoted. Ctrl-C ends it all.", tag(1));
    // Whoever reads this through a pipe waits for it.
    let _ = std::io::Write::flush(&mut std::io::stdout());
}
