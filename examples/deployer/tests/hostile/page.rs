//! docs/reliability.md: each case is a row of it, with what was measured. With `NPRT_RELIABILITY=write` a case writes its
//! row; otherwise its row must be there.

use std::path::Path;
use std::sync::Mutex;
use std::{env, fs};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reliability.md");

/// The tests of a suite run at once, and the page is one file.
static WRITING: Mutex<()> = Mutex::new(());

/// A case that the first attack did not have, or of which it kept no figure.
pub(crate) const NOT_MEASURED: &str = "not measured";

/// What became of one case.
pub(crate) struct Row {
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    /// What the first attack on a release build found, in November 2026.
    pub(crate) before: &'static str,
    pub(crate) now: String,
}

/// What a build without optimisation keeps on a busy machine, or what is promised.
pub(crate) fn bound<T>(lenient: T, promised: T) -> T {
    if cfg!(debug_assertions) { lenient } else { promised }
}

/// How often, or for how long, a case is tried: so much, or as much as `NPRT_LONG=1` asks for.
pub(crate) fn times<T>(few: T, many: T) -> T {
    if env::var_os("NPRT_LONG").is_some_and(|long| long == "1") { many } else { few }
}

impl Row {
    pub(crate) fn keep(&self) {
        let Self { section, name, before, now } = self;
        eprintln!("{section}: {name}: {now}");
        let _writing = WRITING.lock().unwrap();
        let page = fs::read_to_string(Path::new(PAGE)).unwrap();
        let start = format!("| {name} |");
        let is_row = |line: &&str| line.starts_with(&start);
        if env::var_os("NPRT_RELIABILITY").is_none_or(|what| what != "write") {
            assert!(page.lines().any(|line| is_row(&line)), "docs/reliability.md has no row for {name:?}");
            return;
        }
        let row = format!("| {name} | {before} | {now} |");
        let heading = format!("## {section}");
        let mut lines: Vec<&str> = page.lines().collect();
        match lines.iter().position(is_row) {
            Some(at) => lines[at] = &row,
            None => {
                let heading =
                    lines.iter().position(|line| *line == heading).unwrap_or_else(|| panic!("{heading}"));
                let table =
                    heading + lines[heading..].iter().position(|line| line.starts_with("|---")).unwrap();
                let rows = lines[table..].iter().take_while(|line| line.starts_with('|')).count();
                lines.insert(table + rows, &row);
            }
        }
        fs::write(PAGE, lines.join("\n") + "\n").unwrap();
    }
}
