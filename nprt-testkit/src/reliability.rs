//! docs/reliability.md: each case of the suites that attack, kill and cut off has a row with what was measured. With
//! `NPRT_RELIABILITY=write` a case writes its row; otherwise its row must exist.

use std::path::Path;
use std::sync::Mutex;
use std::{env, fs, io};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reliability.md");

/// The tests of a suite run at once, and the page is one file.
static WRITING: Mutex<()> = Mutex::new(());

/// How often, or for how long, a test tries a case: `few`, or `many` with `NPRT_LONG=1`.
pub fn times<T>(few: T, many: T) -> T {
    if env::var_os("NPRT_LONG").is_some_and(|long| long == "1") { many } else { few }
}

/// A row of docs/reliability.md: what came of one case.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The table's heading.
    pub section: &'a str,
    /// What was done to nprt.
    pub name: &'a str,
    /// What the first attack on a release build found, in November 2026; see [`Row::NOT_MEASURED`].
    pub before: &'a str,
    /// What is measured now.
    pub now: String,
}

impl Row<'_> {
    /// The first attack did not have this case, or kept no figure of it.
    pub const NOT_MEASURED: &'static str = "not measured";

    /// Writes the row where `NPRT_RELIABILITY=write` asks for it, and else checks that the page has it.
    ///
    /// # Errors
    /// When the page cannot be read or written, or has neither the row nor its heading.
    pub fn keep(&self) -> io::Result<()> {
        let Self { section, name, now, .. } = self;
        #[expect(clippy::print_stderr, reason = "who runs a test sees what it measured")]
        {
            eprintln!("{section}: {name}: {now}");
        }
        let _writing =
            WRITING.lock().map_err(|_| io::Error::other("a test failed while it wrote its row"))?;
        let page = fs::read_to_string(Path::new(PAGE))?;
        if env::var_os("NPRT_RELIABILITY").is_some_and(|what| what == "write") {
            return fs::write(PAGE, self.put_into(&page)?);
        }
        match page.lines().any(|line| self.is_in(line)) {
            true => Ok(()),
            false => Err(io::Error::other(format!("docs/reliability.md has no row for {name:?}"))),
        }
    }

    fn is_in(&self, line: &str) -> bool {
        line.strip_prefix("| ")
            .and_then(|line| line.strip_prefix(self.name))
            .is_some_and(|rest| rest.starts_with(" |"))
    }

    /// The page with this row in place of the old one, or at the end of its table.
    fn put_into(&self, page: &str) -> io::Result<String> {
        let Self { section, name, before, now } = self;
        let row = format!("| {name} | {before} | {now} |");
        let heading = format!("## {section}");
        let mut lines: Vec<&str> = page.lines().collect();
        if let Some(line) = lines.iter_mut().find(|line| self.is_in(line)) {
            *line = &row;
        } else {
            let missing = || io::Error::other(format!("docs/reliability.md has no table under {heading:?}"));
            let start = lines.iter().position(|line| *line == heading).ok_or_else(missing)?;
            let is_table = |line: &&str| line.starts_with('|');
            let table = lines.iter().skip(start).position(is_table).ok_or_else(missing)?;
            let rows = lines.iter().skip(start + table).take_while(|line| is_table(line)).count();
            lines.insert(start + table + rows, &row);
        }
        Ok(lines.join("\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_its_old_place_or_the_end_of_its_table() {
        let page = "# Page\n\n## A\n\n| x |\n|---|\n| one | - | 1 |\n\n## B\n\n| x |\n|---|\n";
        let row = |section, name, now: &str| Row { section, name, before: "-", now: now.to_owned() };
        let again = row("A", "one", "2").put_into(page).unwrap();
        assert_eq!(again, page.replace("| one | - | 1 |", "| one | - | 2 |"));
        let more = row("A", "two", "3").put_into(page).unwrap();
        assert_eq!(more, page.replace("| one | - | 1 |", "| one | - | 1 |\n| two | - | 3 |"));
        assert!(row("B", "three", "4").put_into(page).unwrap().ends_with("|---|\n| three | - | 4 |\n"));
        assert!(row("C", "four", "5").put_into(page).is_err());
        assert!(!row("A", "on", "").is_in("| one | - | 1 |"));
    }
}
