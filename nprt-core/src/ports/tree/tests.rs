use super::*;

fn read(tree: &mut dyn SourceTree) -> Result<Vec<SourceFile>> {
    read_tree(tree, &RepoPath::new("0").unwrap(), &Budget::default())
}

/// Levels of directories, each with ten links to the next.
struct Levels(usize);

impl SourceTree for Levels {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        let (level, link) = path.split_once('/').unwrap_or((path, ""));
        let Ok(level) = level.parse::<usize>() else { return Ok(TreeEntry::Missing) };
        Ok(match link {
            "" if level == self.0 => TreeEntry::File(Bytes::new()),
            "" => TreeEntry::Directory((0..10).map(|n| n.to_string()).collect()),
            _ => TreeEntry::Link(format!("../{}", level + 1)),
        })
    }
}

/// A chain of links to a file.
struct Chain(usize);

impl SourceTree for Chain {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        Ok(match path.parse::<usize>() {
            Ok(n) if n == self.0 => TreeEntry::File(Bytes::new()),
            Ok(n) => TreeEntry::Link((n + 1).to_string()),
            Err(_) => TreeEntry::Missing,
        })
    }
}

/// A directory in each directory, without an end.
struct Deep;

impl SourceTree for Deep {
    fn entry(&mut self, _: &str) -> Result<TreeEntry> {
        Ok(TreeEntry::Directory(vec!["0".to_owned()]))
    }
}

/// One directory with many names, each of them long.
struct Wide(usize);

impl SourceTree for Wide {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        let name = |n: usize| format!("{n:0>width$}", width = self.0);
        Ok(match path {
            "0" => TreeEntry::Directory((0..1000).map(name).collect()),
            _ => TreeEntry::File(Bytes::new()),
        })
    }
}

#[test]
fn links_that_multiply_end_at_a_limit() {
    assert_eq!(read(&mut Levels(3)).unwrap().len(), 1000);
    let error = read(&mut Levels(9)).unwrap_err();
    let text = error.to_string();
    assert!(error.is_invalid() && text.contains("option: limits.files"), "{error}");
    assert!(text.contains("limit: 20000") && text.contains("path: 0/"), "{error}");
}

#[test]
fn directories_in_one_another_end_at_a_limit() {
    let error = read(&mut Deep).unwrap_err().to_string();
    assert!(error.contains("limit: 100") && error.contains("option: limits.depth"), "{error}");
    // A limit that somebody raised takes memory, and no stack.
    let limits = crate::model::Limits { depth: 30_000, bytes: 1 << 40, ..Default::default() };
    let error = read_tree(&mut Deep, &RepoPath::new("0").unwrap(), &Budget::new(limits)).unwrap_err();
    assert!(error.to_string().contains("limit: 30000"), "{error}");
}

#[test]
fn long_names_count_as_bytes() {
    assert_eq!(read(&mut Wide(10)).unwrap().len(), 1000);
    let error = read(&mut Wide(20_000)).unwrap_err().to_string();
    assert!(error.contains("option: limits.bytes") && error.contains("path: 0"), "{error}");
}

#[test]
fn nobody_reads_on_for_a_request_that_was_dropped() {
    let budget = Budget::default();
    budget.cancel();
    let error = read_tree(&mut Deep, &RepoPath::new("0").unwrap(), &budget).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[test]
fn a_chain_of_links_ends_at_a_limit() {
    assert_eq!(read(&mut Chain(MOST_LINKS)).unwrap().len(), 1);
    let error = read(&mut Chain(MOST_LINKS + 2)).unwrap_err().to_string();
    assert!(error.contains("through more than 40 others") && error.contains("path: 0"), "{error}");
}
