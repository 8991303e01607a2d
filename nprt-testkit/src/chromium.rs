//! Debian's Chromium without a screen: what a page looks like, says on its console and asks the network for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::Missing;
use crate::process::Process;

/// The browser; each look is a process of its own with a fresh profile.
#[derive(Debug)]
pub struct Chromium {
    program: &'static str,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By a reader whose system is light.
    Light,
    /// By one whose system is dark.
    Dark,
}

/// What a look leaves behind.
#[derive(Debug)]
pub struct Look {
    /// The document after it was loaded, as HTML.
    pub dom: String,
    /// What was said on the console, errors and violations of the content security policy among it.
    pub console: Vec<String>,
    /// The URLs that the page asked the network for.
    pub requests: Vec<String>,
}

/// No requests of the browser's own.
const QUIET: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    "--hide-scrollbars",
];

impl Chromium {
    /// The browser that is installed.
    ///
    /// # Errors
    /// [`Missing`] where there is none (Debian: `apt install chromium`), or servers are switched off.
    pub fn find() -> Result<Self, Missing> {
        crate::need::switched_on("chromium")?;
        let program = "chromium";
        let version = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        match version {
            Ok(output) if output.status.success() => Ok(Self { program }),
            Ok(output) => Err(Missing::new("chromium", output.status)),
            Err(error) => Err(Missing::new("chromium", error)),
        }
    }

    /// Loads a page and tells what it did.
    ///
    /// # Errors
    /// [`Missing`] when the browser fails or does not end in time.
    pub async fn look(&self, page: &Path, scheme: Scheme) -> Result<Look, Missing> {
        let directory = tempfile::tempdir().map_err(missing)?;
        let net_log = directory.path().join("net.json");
        let net_log_option = format!("--log-net-log={}", net_log.display());
        let options = ["--enable-logging=stderr", "--dump-dom", &net_log_option];
        let said = self.run(&directory, page, scheme, &options).await?;
        let (dom, errors) = said.split_once(SEPARATOR).unwrap_or((&said, ""));
        let console = errors.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
        let log = std::fs::read_to_string(net_log).map_err(missing)?;
        Ok(Look { dom: dom.to_owned(), console, requests: requests(&log)? })
    }

    /// Makes a picture (PNG) of the page's upper part.
    ///
    /// # Errors
    /// As [`Chromium::look`].
    pub async fn screenshot(
        &self,
        page: &Path,
        scheme: Scheme,
        size: (u32, u32),
        to: &Path,
    ) -> Result<(), Missing> {
        let directory = tempfile::tempdir().map_err(missing)?;
        let (picture, window) =
            (format!("--screenshot={}", to.display()), format!("--window-size={},{}", size.0, size.1));
        self.run(&directory, page, scheme, &[&picture, &window]).await.and_then(|said| is_there(to, &said))
    }

    /// Prints the page to a PDF.
    ///
    /// # Errors
    /// As [`Chromium::look`].
    pub async fn print(&self, page: &Path, scheme: Scheme, to: &Path) -> Result<(), Missing> {
        let directory = tempfile::tempdir().map_err(missing)?;
        let pdf = format!("--print-to-pdf={}", to.display());
        let said = self.run(&directory, page, scheme, &[&pdf, "--no-pdf-header-footer"]).await?;
        is_there(to, &said)
    }

    /// Runs it to its end; what it wrote to stdout and, after [`SEPARATOR`], to stderr.
    async fn run(
        &self,
        directory: &TempDir,
        page: &Path,
        scheme: Scheme,
        options: &[&str],
    ) -> Result<String, Missing> {
        let scheme = match scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let page: PathBuf = page.canonicalize().map_err(missing)?;
        let log = directory.path().join("log");
        let mut command = Command::new(self.program);
        command.args(QUIET).args(options).args([
            format!("--user-data-dir={}", directory.path().join("profile").display()),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            "--virtual-time-budget=2000".to_owned(),
            format!("file://{}", page.display()),
        ]);
        let mut process =
            Process::start_apart("chromium", &mut command, &log, &directory.path().join("out"))?;
        let deadline = Instant::now() + Duration::from_secs(60);
        while !process.is_over(deadline)? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let read = |name: &str| std::fs::read(directory.path().join(name)).map_err(missing);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(format!("{}{SEPARATOR}{}", text(read("out")?), text(read("log")?)))
    }
}

const SEPARATOR: char = '\0';

fn missing(error: std::io::Error) -> Missing {
    Missing::new("chromium", error)
}

fn is_there(file: &Path, said: &str) -> Result<(), Missing> {
    let length = std::fs::metadata(file).map(|file| file.len()).unwrap_or(0);
    if length > 0 { Ok(()) } else { Err(Missing::new("chromium", format_args!("made no file:\n{said}"))) }
}

/// The URLs that the page asked for. The browser's own requests, which no option silences, are those of "not an origin".
fn requests(net_log: &str) -> Result<Vec<String>, Missing> {
    let log: Value = serde_json::from_str(net_log).map_err(|error| Missing::new("chromium's log", error))?;
    let events = log["events"].as_array().map_or(&[][..], Vec::as_slice);
    let of_page =
        |event: &&Value| event["params"]["initiator"].as_str().is_some_and(|by| by != "not an origin");
    let urls = events.iter().filter(of_page).filter_map(|event| event["params"]["url"].as_str());
    let mut urls: Vec<String> = urls.map(str::to_owned).collect();
    urls.dedup();
    Ok(urls)
}
