//! Services and tags as a shell completes them, asked of the server.

use crate::desk::Desk;
use crate::flow::serve;
use crate::world::World;

#[test]
fn services_and_tags_are_the_servers() {
    let world = World::new();
    let server = serve(&world);
    let desk = Desk::new(&server);
    let offered = |words: &[&str]| -> Vec<String> {
        let mut command = desk.command(&["--", "depctl"]);
        command.args(words).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        command
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_SPACE", "false")
            .env("_CLAP_IFS", "\n");
        let ran = desk.ran(command.output().unwrap()).is(0);
        ran.out.lines().filter(|word| !word.starts_with('-')).map(str::to_owned).collect()
    };
    // It waits a second at most, which a busy machine may need more than once.
    let patiently = |words: &[&str]| (0..20).map(|_| offered(words)).find(|found| !found.is_empty()).unwrap();
    assert_eq!(patiently(&["show", ""]), ["other", "web"]);
    assert_eq!(patiently(&["deploy", "web", "--tag", "feature"]), [world.tag(2)]);
}
