use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use nprt_core::model::{Digest, ImageName, ImageRef, Tag};
use nprt_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The annotation that holds a tag.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// How deep below the root images are looked for, to name them in an error.
const DEEPEST: usize = 4;

/// How many images an error names.
const MOST_NAMED: usize = 20;

/// The longest file of a layout that is read, in bytes.
const LONGEST: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    manifests: Vec<Value>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Digest,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The tags of the layout in `folder`, which holds `image`. `None` when there is no layout.
pub(super) fn tags(
    operation: &'static str,
    folder: &Path,
    image: &ImageName,
) -> Result<Option<BTreeMap<Tag, Digest>>> {
    let file = folder.join("oci-layout");
    let Some(marker) = json::<Marker>(operation, &file)? else { return Ok(None) };
    if marker.image_layout_version != "1.0.0" {
        return Err(invalid(operation, &file, "expected version 1.0.0").with("field", "imageLayoutVersion"));
    }
    let file = folder.join("index.json");
    let index = json::<Index>(operation, &file)?
        .ok_or_else(|| invalid(operation, &file, "a layout needs this file"))?;
    if index.schema_version != 2 {
        return Err(invalid(operation, &file, "expected version 2").with("field", "schemaVersion"));
    }
    let mut tags = BTreeMap::new();
    for (number, manifest) in index.manifests.into_iter().enumerate() {
        let bad = |message: String| {
            invalid(operation, &file, message).with("field", format_args!("manifests[{number}]"))
        };
        let descriptor = Descriptor::deserialize(manifest).map_err(|error| bad(error.to_string()))?;
        let name = descriptor.annotations.get(REF_NAME);
        let Some(tag) = name.and_then(|name| tag(name, image)) else { continue };
        match tags.insert(tag.clone(), descriptor.digest.clone()) {
            Some(other) if other != descriptor.digest => {
                return Err(bad("the tag names two manifests".to_owned()).with("tag", tag));
            }
            _ => {}
        }
    }
    Ok(Some(tags))
}

/// The tag that a reference's name means for `image`.
fn tag(name: &str, image: &ImageName) -> Option<Tag> {
    if let Ok(tag) = Tag::new(name) {
        return Some(tag);
    }
    let full = ImageRef::new(name).ok()?;
    let same = full.name().registry() == image.registry() && full.name().repository() == image.repository();
    full.tag().filter(|_| same).cloned()
}

/// The images below `root`, as far as they are worth naming.
pub(super) fn images(root: &Path) -> Vec<String> {
    let mut images = Vec::new();
    collect(root, "", DEEPEST, &mut images);
    images
}

fn collect(folder: &Path, name: &str, depth: usize, images: &mut Vec<String>) {
    if folder.join("oci-layout").is_file() {
        images.push(name.to_owned());
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<_> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for part in names.into_iter().filter(|part| part != "blobs") {
        let below = folder.join(&part);
        if depth > 0 && images.len() < MOST_NAMED && below.is_dir() {
            let name = if name.is_empty() { part } else { format!("{name}/{part}") };
            collect(&below, &name, depth - 1, images);
        }
    }
}

/// The file's content, `None` where there is no file.
fn json<T: DeserializeOwned>(operation: &'static str, file: &Path) -> Result<Option<T>> {
    let content = match read(file) {
        Ok(content) => content,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(Error::new(ErrorKind::Unavailable, operation, "the layout cannot be read")
                .with("file", file.display())
                .with_source(error));
        }
    };
    if content.len() as u64 > LONGEST {
        return Err(
            invalid(operation, file, "the file is too long").with("limit", format_args!("{LONGEST} bytes"))
        );
    }
    serde_json::from_slice(&content).map(Some).map_err(|error| invalid(operation, file, error.to_string()))
}

/// As much of it as says that it is too long.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(file)?.take(LONGEST + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn invalid(operation: &'static str, file: &Path, message: impl Into<String>) -> Error {
    Error::invalid(operation, message).with("file", file.display())
}
