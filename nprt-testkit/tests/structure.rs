//! No import cycle spans more than two files, and no type has more methods than a head can hold.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The crate's source folder, and the module in it that is checked (empty for the whole crate).
const CHECKED: [(&str, &str); 2] = [("nprt-pipeline/src", ""), ("nprt-compare/src", "sequential")];
/// How many files may import each other in a circle.
const MOST_FILES: usize = 2;
/// How many methods a type may have, over all of its `impl` blocks.
const MOST_METHODS: usize = 25;

/// Cycles that are still to be broken, by one of their files. Delete an entry with its cycle.
const KNOWN_CYCLES: &[&str] = &[];
/// Types that are still to be split. Delete an entry with its type.
const KNOWN_TYPES: &[&str] = &[];

#[test]
fn no_import_cycle_spans_more_than_two_files() {
    let mut found = Vec::new();
    for (source, module) in CHECKED {
        let files = Files::of(&Path::new(ROOT).join(source), module);
        let imports: BTreeMap<&String, BTreeSet<&String>> =
            files.text.keys().map(|file| (file, files.imports(file))).collect();
        found.extend(cycles(&imports).into_iter().filter(|cycle| cycle.len() > MOST_FILES));
    }
    let is_known =
        |cycle: &&Vec<String>| KNOWN_CYCLES.iter().any(|known| cycle.contains(&(*known).to_owned()));
    let new: Vec<_> = found.iter().filter(|cycle| !is_known(cycle)).collect();
    assert!(new.is_empty(), "import cycles over more than {MOST_FILES} files: {new:#?}");
    for known in KNOWN_CYCLES {
        assert!(found.iter().flatten().any(|file| file == known), "{known} is in no cycle: delete its entry");
    }
}

#[test]
fn no_type_has_more_methods_than_a_head_can_hold() {
    let mut methods = BTreeMap::<String, usize>::new();
    for (source, module) in CHECKED {
        for text in Files::of(&Path::new(ROOT).join(source), module).text.values() {
            count_methods(text, source, &mut methods);
        }
    }
    let large: BTreeMap<_, _> = methods.iter().filter(|(_, count)| **count > MOST_METHODS).collect();
    let new: Vec<_> = large.iter().filter(|(name, _)| !KNOWN_TYPES.contains(&name.as_str())).collect();
    assert!(new.is_empty(), "types with more than {MOST_METHODS} methods: {new:?}");
    for known in KNOWN_TYPES {
        assert!(large.contains_key(&(*known).to_owned()), "{known} is small enough: delete its entry");
    }
}

#[test]
fn cycles_and_methods_are_found() {
    let text = [
        ("", "mod a;\npub use a::A;"),
        ("a", "use super::b::B;\nfn f() { crate::c::g() }"),
        ("b", "use super::c::{self, d::{D, e}};\n// use super::a::A;"),
        ("c", "use crate::{a::A, b};"),
        ("c::d", "use super::super::a;\n#[cfg(test)]\nmod tests { use super::super::d::X; }"),
        ("d", "use std::super_hero::a;\nuse nprt_core::model::a;"),
    ];
    let files = Files { text: text.map(|(name, text)| (name.to_owned(), text.to_owned())).into() };
    let of = |file: &str| files.imports(file).into_iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        (of("a"), of("b"), of("c"), of("c::d"), of("d")),
        (vec!["b", "c"], vec!["c", "c::d"], vec!["a", "b"], vec!["a"], vec![])
    );
    let imports = files.text.keys().map(|file| (file, files.imports(file))).collect();
    assert_eq!(cycles(&imports), [["a", "b", "c", "c::d"].map(str::to_owned)]);

    let mut methods = BTreeMap::new();
    let text = "impl<T: X<Y>> Big<'_, T>\nwhere\n{\n    fn a() {}\n    pub(super) async fn b() {\n        fn c() {}\n    }\n}\n\
                impl fmt::Debug for Big<'_> {\n    fn fmt() {}\n}\n    fn free() {}\n";
    count_methods(text, "x", &mut methods);
    assert_eq!(methods, [("x Big".to_owned(), 3)].into());
}

/// The code of each module, by its path (`undo::record`; the crate's root is empty), without tests.
struct Files {
    text: BTreeMap<String, String>,
}

impl Files {
    fn of(source: &Path, module: &str) -> Self {
        let mut text = BTreeMap::new();
        for path in sources(source) {
            let name = path.strip_prefix(source).unwrap().with_extension("");
            let parts: Vec<&str> = name.iter().map(|part| part.to_str().unwrap()).collect();
            let parts = match parts.split_last() {
                Some((&("mod" | "lib"), folders)) => folders,
                _ => &parts[..],
            };
            if module.is_empty() || parts.first() == Some(&module) {
                text.insert(parts.join("::"), fs::read_to_string(&path).unwrap());
            }
        }
        assert!(text.len() > 5, "no sources in {}", source.display());
        Self { text }
    }

    /// The modules that `file` names by a path from `crate` or `super`, itself left out.
    fn imports(&self, file: &str) -> BTreeSet<&String> {
        let code = self.text[file].split("#[cfg(test)]").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: String = code.lines().filter(is_code).collect::<Vec<_>>().join(" ");
        let mut found = BTreeSet::new();
        for start in ["super::", "crate::"] {
            for (at, _) in code.match_indices(start) {
                // Not the middle of a path, or of a name.
                if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    let from = file.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
                    self.follow(from, &mut code[at..].chars().collect::<String>().as_str(), &mut found);
                }
            }
        }
        found.retain(|module| *module != file);
        found
    }

    /// Adds the module that each path of a tree such as `super::a::{B, c::D}` ends in, and leaves `code` behind the tree.
    fn follow<'f>(&'f self, mut at: Vec<String>, code: &mut &str, found: &mut BTreeSet<&'f String>) {
        loop {
            *code = code.trim_start();
            if let Some(mut list) = code.strip_prefix('{') {
                loop {
                    self.follow(at.clone(), &mut list, found);
                    list = list.trim_start();
                    let Some(more) = list.strip_prefix(',') else { break };
                    list = more;
                }
                *code = list.strip_prefix('}').unwrap_or(list);
                return;
            }
            let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
            let name = &code[..end];
            *code = &code[end..];
            match name {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => at.push(name.to_owned()),
            }
            match code.strip_prefix("::") {
                Some(rest) if !name.is_empty() => *code = rest,
                _ => break,
            }
        }
        // `use a::B as C`
        if let Some(rest) = code.trim_start().strip_prefix("as ") {
            *code = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        }
        // What is not a module is in the last one that is.
        let module = (0..=at.len()).rev().find_map(|end| self.text.get_key_value(&at[..end].join("::")));
        found.extend(module.map(|(name, _)| name));
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// Groups of files of which each imports, directly or not, all others.
fn cycles(imports: &BTreeMap<&String, BTreeSet<&String>>) -> Vec<Vec<String>> {
    let mut reached = BTreeMap::<&String, BTreeSet<&String>>::new();
    for from in imports.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![*from]);
        while let Some(file) = next.pop() {
            next.extend(imports[file].iter().copied().filter(|file| seen.insert(*file)));
        }
        reached.insert(from, seen);
    }
    let circle = |file: &&String| {
        let others = reached[file].iter().filter(|other| reached[**other].contains(file));
        others.map(|other| (*other).clone()).collect::<Vec<_>>()
    };
    let all: BTreeSet<Vec<String>> = reached.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    all.into_iter().collect()
}

/// Adds the functions in each `impl` block of `text` to their type, as rustfmt lays them out.
fn count_methods(text: &str, source: &str, methods: &mut BTreeMap<String, usize>) {
    let mut current: Option<String> = None;
    for line in text.lines() {
        if line.starts_with("impl") {
            current = Some(format!("{source} {}", type_of(line)));
        } else if line.starts_with('}') {
            current = None;
        }
        let inside = line.strip_prefix("    ").filter(|inside| !inside.starts_with([' ', '/']));
        let is_method = inside.is_some_and(|inside| {
            inside.split(' ').take_while(|w| !w.contains('(') || w.starts_with("pub(")).any(|w| w == "fn")
        });
        if let Some(name) = current.as_ref().filter(|_| is_method) {
            *methods.entry(name.clone()).or_default() += 1;
        }
    }
}

/// The type that `impl<T> Trait for some::Type<T> {` is for.
fn type_of(line: &str) -> String {
    let of = line.rsplit(" for ").next().unwrap();
    let mut rest = of.trim_start_matches("impl").trim_start();
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        });
        rest = rest[end.unwrap() + 1..].trim_start();
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
    rest[..end].rsplit("::").next().unwrap().to_owned()
}
