//! The manifest transformer as a command: what nprt would apply for a version of a service, without a
//! cluster.
//!
//! ```sh
//! cargo run --example render -- DIR --tag main-3f2a91c [--track canary] [-o json]
//! ```
//!
//! Every document goes to stdout, what differs from the manifests to stderr. It ends with 1, and the file,
//! document and line, where the input is bad.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use nprt::manifest::{self, Beside, Manifests, Rendered, Settings, Version, to_yaml};
use nprt::model::{
    Budget, ImageName, Limit, Limits, Object, RepoPath, Revision, ServiceName, SourceFile, Tag, Track,
};
use nprt::{Error, Result};
use sha2::{Digest, Sha256};

/// Renders the manifests of one version of a service.
#[derive(Parser)]
struct Arguments {
    /// The directory with the manifests (or one file).
    dir: PathBuf,
    /// The tag of the version's images.
    #[arg(long)]
    tag: Tag,
    /// The revision. Else the one that the tag ends with, if it is whole, or one made of the tag's SHA-256.
    #[arg(long)]
    revision: Option<Revision>,
    /// `stable` or `canary`.
    #[arg(long, default_value_t = Track::Stable)]
    track: Track,
    /// The service. Else the name of the directory.
    #[arg(long)]
    service: Option<ServiceName>,
    /// An image of the service whose tag the manifests spell out, such as `shop/web`; repeatable.
    #[arg(long = "image", value_name = "IMAGE")]
    images: Vec<ImageName>,
    /// Objects that the cluster has, as files: `kubectl get all,configmap,secret -o yaml`. Without any, a
    /// canary gets a copy of all the configuration that it reads.
    #[arg(long)]
    live: Option<PathBuf>,
    /// Raises one of the limits of what is read, such as `nodes=2000000`; repeatable.
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<String>,
    /// `-o json`: one array.
    #[arg(short, long, value_enum, default_value_t = Output::Yaml)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
    Yaml,
}

fn main() -> ExitCode {
    run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr().lock())
}

/// The command, on any output.
pub(crate) fn run<A: Into<std::ffi::OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) if usage.use_stderr() => {
            let _ = write!(err, "{usage}");
            return ExitCode::from(2);
        }
        Err(help) => return write!(out, "{help}").map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
    };
    match render(&arguments, err).and_then(|rendered| write_documents(&rendered, arguments.output)) {
        Ok(text) => out.write_all(text.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            let _ = writeln!(err, "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn render(arguments: &Arguments, err: &mut impl Write) -> Result<Rendered> {
    let limits = limits(&arguments.limits)?;
    let manifests = read(&arguments.dir, limits)?;
    let live = match &arguments.live {
        Some(path) => read(path, limits)?.documents.into_iter().map(|document| document.object).collect(),
        None => Vec::<Object>::new(),
    };
    let version = Version {
        service: match &arguments.service {
            Some(service) => service.clone(),
            None => service_of(&arguments.dir)?,
        },
        revision: match &arguments.revision {
            Some(revision) => revision.clone(),
            None => revision_of(&arguments.tag)?,
        },
        tag: arguments.tag.clone(),
        digests: std::collections::BTreeMap::new(),
    };
    let settings = Settings { images: arguments.images.iter().cloned().collect(), ..Settings::default() };
    let rendered = match arguments.track {
        Track::Stable => manifest::stable(&manifests, &version, &settings, &live),
        Track::Canary => {
            let beside = Beside { live: &live, ..Beside::default() };
            manifest::canary(&manifests, &version, &settings, &beside)
        }
    }?;
    report(&manifests, &version, &rendered, err).map_err(|error| failed(&error, "stderr"))?;
    Ok(rendered)
}

fn report(
    manifests: &Manifests,
    version: &Version,
    rendered: &Rendered,
    err: &mut impl Write,
) -> io::Result<()> {
    writeln!(err, "service {}, revision {}, tag {}", version.service, version.revision, version.tag)?;
    for ignored in &manifests.ignored {
        writeln!(err, "ignored {ignored}")?;
    }
    for change in &rendered.changes {
        writeln!(err, "{change}")?;
    }
    for withheld in &rendered.withheld {
        writeln!(err, "withheld until the promotion: {withheld}")?;
    }
    for warning in &rendered.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    Ok(())
}

fn write_documents(rendered: &Rendered, output: Output) -> Result<String> {
    let values = rendered.documents.iter().map(|document| document.object.as_value());
    match output {
        Output::Yaml => to_yaml(values),
        Output::Json => serde_json::to_string_pretty(&values.collect::<Vec<_>>())
            .map(|text| text + "\n")
            .map_err(|error| Error::invalid("render.write", error.to_string())),
    }
}

/// The limits that were raised, and all others by default.
fn limits(raised: &[String]) -> Result<Limits> {
    let invalid = |text: &str| {
        Error::invalid("render.limits", "expected a limit and a number, such as nodes=2000000")
            .with("value", format_args!("{text:?}"))
            .with_available(["paths", "depth", "files", "bytes", "nodes", "objects", "steps"])
    };
    let mut limits = serde_json::Map::new();
    for text in raised {
        let (name, value) = text.split_once('=').ok_or_else(|| invalid(text))?;
        limits.insert(name.to_owned(), value.parse::<u64>().map_err(|_| invalid(text))?.into());
    }
    let limits: Limits = serde_json::from_value(limits.into()).map_err(|_| invalid(&raised.join(" ")))?;
    limits.check()?;
    Ok(limits)
}

/// The manifests below `path`, with all its directories.
fn read(path: &Path, limits: Limits) -> Result<Manifests> {
    let budget = Budget::new(limits);
    let mut files = Vec::new();
    if !path.is_dir() {
        add(path.parent().unwrap_or(path), path, &budget, &mut files)?;
        return manifest::read_within(&files, &budget);
    }
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir().map_err(|error| failed(&error, directory.display()))? {
            let entry = entry.map_err(|error| failed(&error, directory.display()))?;
            let kind = entry.file_type().map_err(|error| failed(&error, entry.path().display()))?;
            let spent = budget.spend(Limit::Paths, 1);
            spent.map_err(|error| error.with("file", entry.path().display()))?;
            match () {
                () if kind.is_dir() && entry.file_name() == ".git" => {}
                () if kind.is_dir() => open.push(entry.path()),
                () if kind.is_file() => add(path, &entry.path(), &budget, &mut files)?,
                () => {
                    return Err(Error::invalid("render.read", "expected a file, not a link")
                        .with("file", entry.path().display()));
                }
            }
        }
    }
    manifest::read_within(&files, &budget)
}

fn add(root: &Path, path: &Path, budget: &Budget, files: &mut Vec<SourceFile>) -> Result<()> {
    let size = path.metadata().map_err(|error| failed(&error, path.display()))?.len();
    let spent = budget.spend(Limit::Files, 1).and_then(|()| budget.spend(Limit::Bytes, size));
    spent.map_err(|error| error.with("file", path.display()))?;
    let content = std::fs::read(path).map_err(|error| failed(&error, path.display()))?;
    let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    files.push(SourceFile { path: RepoPath::new(&relative)?, content: content.into() });
    Ok(())
}

fn failed(error: &io::Error, file: impl std::fmt::Display) -> Error {
    Error::invalid("render.read", error.to_string()).with("file", file)
}

/// The name of the directory, as the name of a service.
fn service_of(dir: &Path) -> Result<ServiceName> {
    let dir = dir.canonicalize().map_err(|error| failed(&error, dir.display()))?;
    let name = dir.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    ServiceName::new(name.trim_matches('-')).map_err(|error| error.with("option", "--service"))
}

/// The revision at the end of a tag, or else one that no repository has, the same for the same tag.
fn revision_of(tag: &Tag) -> Result<Revision> {
    let whole = tag.commit().and_then(|commit| Revision::new(commit.as_str()).ok());
    if let Some(revision) = whole.or_else(|| tag.svn_revision()) {
        return Ok(revision);
    }
    let hash: String =
        Sha256::digest(tag.as_str()).iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Revision::new(&hash)
}
