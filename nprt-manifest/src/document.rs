use std::fmt;

use nprt_core::model::{Object, ObjectId};
use nprt_core::{Error, Result};

use super::read::refuse_twice;

/// Where an object was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The file, as its path in the repository.
    pub file: String,
    /// Which document of the file, from 1. Empty documents do not count.
    pub document: usize,
    /// The line on which the document begins, from 1.
    pub line: usize,
}

impl Source {
    /// Adds this place to an error.
    pub(super) fn locate(&self, error: Error) -> Error {
        error.with("file", &self.file).with("document", self.document).with("line", self.line)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}, line {}", self.file, self.document, self.line)
    }
}

/// An object and where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The object.
    pub object: Object,
    /// Where it was read; for an object that nprt adds, where the one it was made from was read.
    pub source: Source,
}

impl Document {
    /// Adds place and object to an error.
    pub(super) fn locate(&self, error: Error) -> Error {
        self.source.locate(error).with("object", self.object.id())
    }
}

/// A file, or a document of one, that holds nothing for the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The file.
    pub file: String,
    /// Why it was ignored.
    pub why: String,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

/// What [`read`](super::read) found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifests {
    /// The objects, by the path of their file and then in its order.
    pub documents: Vec<Document>,
    /// What was ignored, and why.
    pub ignored: Vec<Ignored>,
}

impl Manifests {
    /// The document that has the object `id`, if any. An object that names no namespace matches one that does,
    /// unless there is one that names the very same.
    #[must_use]
    pub fn find(&self, id: &ObjectId) -> Option<&Document> {
        let matches = |document: &&Document| same(&document.object.id(), id);
        let exact = |document: &&Document| document.object.namespace() == id.namespace.as_deref();
        let mut found = self.documents.iter().filter(matches);
        found.clone().find(exact).or_else(|| found.next())
    }

    /// Checks that no object is there twice when all that name no namespace are in `namespace`, as a service's are.
    ///
    /// # Errors
    /// `Invalid`, naming the object and both places.
    pub fn check_twice(&self, namespace: &str) -> Result<()> {
        refuse_twice(&self.documents, Some(namespace))
    }
}

/// Whether both mean the same object of one cluster. A manifest may leave the namespace out, and live
/// objects may have another version of the same API.
pub(super) fn same(a: &ObjectId, b: &ObjectId) -> bool {
    let namespaces = a.namespace.is_none() || b.namespace.is_none() || a.namespace == b.namespace;
    a.group() == b.group() && a.kind == b.kind && a.name == b.name && namespaces
}
