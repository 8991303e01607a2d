use std::collections::BTreeMap;

use nprt_core::model::{Budget, Limit, Object, SourceFile};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::document::{Document, Ignored, Manifests, Source};
use super::yaml::{self, Parsed};
use super::{json, run};

const OPERATION: &str = "manifest.read";

/// Reads the manifests of a service: every object of every `.yaml`, `.yml` and `.json` file, by the path of
/// the file and then in its order. `List` kinds are flattened. Kustomizations and files with other
/// extensions are ignored, and said so.
///
/// Both formats are read as kubectl reads them, or refused with a message that says what to write instead. A key
/// given twice is refused: kubectl would drop one of the two values.
///
/// # Errors
/// `Invalid`, with file, document and line: for text that does not parse, a document that is no Kubernetes
/// object, an object that is there twice (with both places), `generateName` on anything but a Job that nprt
/// runs, and more than the default [`Limits`](nprt_core::model::Limits); and when there is no object at all. `Forbidden`,
/// with the same, for a name that is reserved for nprt's own state: a ConfigMap, Secret or Lease `nprt-…`, and any Event.
pub fn read(files: &[SourceFile]) -> Result<Manifests> {
    read_within(files, &Budget::default())
}

/// The same as far as `budget` goes. It draws nodes and objects, and the bytes that aliases repeat: those of the files
/// are drawn by who gets them.
///
/// # Errors
/// As [`read`].
pub fn read_within(files: &[SourceFile], budget: &Budget) -> Result<Manifests> {
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut manifests = Manifests::default();
    for file in files {
        let name = file.path.as_str();
        match format_of(name) {
            Ok(format) => read_file(name, format, &file.content, budget, &mut manifests)?,
            Err(why) => manifests.ignored.push(Ignored { file: name.to_owned(), why: why.to_owned() }),
        }
    }
    if manifests.documents.is_empty() {
        return Err(Error::invalid(OPERATION, "no Kubernetes object in these files")
            .with_available(&manifests.ignored));
    }
    refuse_twice(&manifests.documents, None)?;
    Ok(manifests)
}

#[derive(Clone, Copy)]
enum Format {
    Yaml,
    Json,
}

fn format_of(path: &str) -> std::result::Result<Format, &'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some(("kustomization", "yaml" | "yml")) => Err(KUSTOMIZATION),
        Some((_, "yaml" | "yml")) => Ok(Format::Yaml),
        Some((_, "json")) => Ok(Format::Json),
        _ if name == "Kustomization" => Err(KUSTOMIZATION),
        _ => Err("not .yaml, .yml or .json"),
    }
}

const KUSTOMIZATION: &str = "a kustomization is no Kubernetes object; what it would change does not happen (render it with `kustomize build` first)";

fn read_file(
    name: &str,
    format: Format,
    content: &[u8],
    budget: &Budget,
    manifests: &mut Manifests,
) -> Result<()> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let line = 1 + content[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        Error::invalid(OPERATION, "expected UTF-8 text").with("file", name).with("line", line)
    })?;
    let parsed = match format {
        Format::Yaml => yaml::read(text, budget),
        Format::Json => json::read(text, budget),
    };
    for (document, Parsed { line, value }) in (1..).zip(parsed.map_err(|error| error.with("file", name))?) {
        let source = Source { file: name.to_owned(), document, line };
        flatten(value, &source, budget, manifests)?;
    }
    Ok(())
}

/// Adds the object, or the items of a list.
fn flatten(mut value: Value, source: &Source, budget: &Budget, manifests: &mut Manifests) -> Result<()> {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (field("apiVersion"), field("kind"));
    if api_version.starts_with("kustomize.config.k8s.io/") {
        manifests.ignored.push(Ignored { file: source.to_string(), why: KUSTOMIZATION.to_owned() });
        return Ok(());
    }
    let Some(Value::Array(items)) =
        value.get_mut("items").filter(|_| kind.ends_with("List")).map(Value::take)
    else {
        budget.spend(Limit::Objects, 1).map_err(|error| source.locate(error))?;
        run::name_generated(&mut value).map_err(|error| source.locate(error))?;
        let object = Object::new(value).map_err(|error| source.locate(error))?;
        let document = Document { object, source: source.clone() };
        document.refuse_name()?;
        document.refuse_made()?;
        manifests.documents.push(document);
        return Ok(());
    };
    let item_kind = kind.strip_suffix("List").unwrap_or_default();
    for mut item in items {
        // The items of a `DeploymentList` may leave out what their list says.
        if let (Value::Object(item), false) = (&mut item, item_kind.is_empty()) {
            item.entry("apiVersion").or_insert_with(|| api_version.as_str().into());
            item.entry("kind").or_insert_with(|| item_kind.into());
        }
        flatten(item, source, budget, manifests)?;
    }
    Ok(())
}

/// Refuses an object that is there twice: also in another version of its API, or once with and once without the
/// `namespace` in which all of them are, where that is known.
pub(super) fn refuse_twice(documents: &[Document], namespace: Option<&str>) -> Result<()> {
    let mut seen = BTreeMap::<_, &Document>::new();
    for document in documents {
        let id = document.object.id();
        let named = id.namespace.as_deref().or(namespace).map(str::to_owned);
        let key = (id.group().to_owned(), id.kind.clone(), named, id.name.clone());
        if let Some(first) = seen.insert(key, document) {
            let error =
                Error::invalid(OPERATION, "the same object twice: remove one, or give it another name");
            let error = document.locate(error).with("first", &first.source);
            return Err(match (first.object.namespace(), document.object.namespace()) {
                (None, Some(namespace)) | (Some(namespace), None) => error.with(
                    "namespace",
                    format_args!("{namespace}, also the namespace of an object that names none"),
                ),
                _ => error,
            });
        }
    }
    Ok(())
}
