//! Repositories whose trees are made to be walked for ever, or to the bottom.

use crate::trees::{FILE, LINK, TREE};
use crate::world::{World, put, watch};
use nprt_testkit::reliability::Row;

/// What becomes of a version, and what stands in the error.
enum End {
    /// It is deployed: what is wrong does not concern its manifests.
    Deployed,
    Refused(&'static [&'static str]),
}

/// A case's name, the version that it deploys, how it ends, and how it ended before there were limits.
struct Case {
    name: &'static str,
    tag: String,
    end: End,
    before: &'static str,
}

fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let (bomb, file) = (world.repository.bomb(9), world.repository.blob(""));
    let mut case = |name, tag, end, before| cases.push(Case { name, tag, end, before });
    let end = End::Deployed;
    let tag = world.beside("bomb-beside", vec![(TREE, "z".to_owned(), bomb)]);
    case(
        "10 billion paths in 25 KB of trees, beside the manifests",
        tag,
        end,
        "a thread without end, 4.7 GB",
    );
    let tag = world.manifests("bomb", vec![(TREE, "z".to_owned(), bomb)]);
    case(
        "10 billion paths among the manifests",
        tag,
        End::Refused(&["pipeline.limits."]),
        "a thread without end, 4.7 GB",
    );

    for levels in [4_000, 40_000] {
        let nested = world.repository.nested(levels, file_tree(world));
        let tag = world.beside(&format!("deep-beside-{levels}"), vec![(TREE, "d".to_owned(), nested)]);
        let name = if levels == 4_000 { "4,000 nested directories" } else { "40,000 nested directories" };
        case(name, tag, End::Deployed, "the process died: stack overflow");
        let tag = world.manifests(&format!("deep-{levels}"), vec![(TREE, "d".to_owned(), nested)]);
        let name = if levels == 4_000 { "4,000 among the manifests" } else { "40,000 among the manifests" };
        case(name, tag, End::Refused(&["pipeline.limits.depth"]), "the process died: stack overflow");
    }

    let flat = world.repository.tree((0..200_000).map(|n| (FILE, format!("f{n:06}"), file)));
    let tag = world.beside("flat-beside", vec![(TREE, "z".to_owned(), flat)]);
    case("200,000 files in one directory, beside the manifests", tag, End::Deployed, Row::NOT_MEASURED);
    let tag = world.manifests("flat", vec![(TREE, "z".to_owned(), flat)]);
    case(
        "200,000 files in one directory, among the manifests",
        tag,
        End::Refused(&["pipeline.limits."]),
        Row::NOT_MEASURED,
    );

    // Each link leads to the same large directory by another path.
    let wide = world.repository.tree((0..90_000).map(|n| (FILE, format!("f{n:05}"), file)));
    let many = (0..200).map(|n| (TREE, format!("d{n}"), wide));
    let links =
        (0..200).map(|n| (LINK, format!("l{n}.yaml"), world.repository.blob(format!("../d{n}/f00000"))));
    let manifests = world.repository.tree(links);
    let tree = world.repository.tree([(TREE, "kubernetes".to_owned(), manifests)].into_iter().chain(many));
    let tag = world.version("links-to-wide", tree);
    case("200 links into directories of 90,000 files", tag, End::Refused(&[]), Row::NOT_MEASURED);
    let zeros = world.repository.blob(vec![0; 300 << 20]);
    let tag = world.beside("zeros", vec![(FILE, "z".to_owned(), zeros)]);
    case("300 MB of zeros in one file, beside the manifests", tag, End::Deployed, Row::NOT_MEASURED);

    let link = |target: &str| (LINK, "link.yaml".to_owned(), world.repository.blob(target));
    let (circle, up) = (link("."), link("../../../../../etc/passwd"));
    let chain: Vec<_> = (0..60)
        .map(|n| (LINK, format!("l{n}.yaml"), world.repository.blob(format!("l{}.yaml", n + 1))))
        .collect();
    for (name, entries, words) in [
        ("a symbolic link to its own directory", vec![circle], &["link.yaml", "circle"][..]),
        ("a symbolic link out of the repository", vec![up], &["link.yaml", "passwd"]),
        ("60 symbolic links in a row", chain, &["l0.yaml"]),
    ] {
        let tag = world.manifests(&name.replace(' ', "-").to_lowercase(), entries);
        case(name, tag, End::Refused(words), Row::NOT_MEASURED);
    }

    // A name is data: git itself would not write these.
    for (n, bad) in ["..", ".", "", "a/b", "a\u{1b}[31m.yaml"].into_iter().enumerate() {
        let tag = world.manifests(&format!("name-{n}"), vec![(FILE, bad.to_owned(), file)]);
        case("a file with a name that none can have", tag, End::Refused(&[]), Row::NOT_MEASURED);
    }
    cases
}

fn file_tree(world: &World) -> gix::ObjectId {
    world.repository.tree([(FILE, "f".to_owned(), world.repository.blob(""))])
}

#[tokio::test(flavor = "multi_thread")]
async fn any_tree_is_read_within_limits() {
    let world = World::new().await;
    let cases = cases(&world);
    let server = world.serve(cases.iter().map(|case| &case.tag)).await;
    for Case { name, tag, end, before } in cases {
        let watch = watch(&server);
        let answer = put(&server, &format!("/evil/deploy?tag={tag}")).await;
        let noticed = watch.stop();
        let what = format!("{name} ({tag}): {} {}", answer.status, answer.body);
        match end {
            End::Deployed => assert_eq!(answer.status, 200, "{what}"),
            End::Refused(words) => {
                assert!(answer.status >= 400, "{what}");
                let body = answer.body.to_string();
                assert!(words.iter().all(|word| body.contains(word)), "{what}");
            }
        }
        noticed.is_harmless(&what);
        Row {
            section: "Repositories",
            name,
            before,
            now: format!("{} in {:.1} s; {noticed}", answer.status, answer.took.as_secs_f64()),
        }
        .keep()
        .unwrap();
    }
    world.still_serves(&server).await;
}
