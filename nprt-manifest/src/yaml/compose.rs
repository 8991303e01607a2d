//! Composes the parser's events into a value, as kubectl does.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag};
use nprt_core::Error;
use nprt_core::model::{Budget, Limit};
use serde_json::{Map, Value};

use super::{OPERATION, scalar, spelling};

/// How deep maps and lists may be nested.
const DEEPEST: usize = 64;
const MERGE: &str = "<<";

/// What is wrong, and on which line of the text.
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) error: Error,
}

/// The one document of `text`; `None` where there is none. Its values are drawn of `budget`, repeated ones included.
pub(super) fn document(text: &str, budget: &Budget) -> Result<Option<Value>, Problem> {
    let mut composer = Composer::new(text, budget);
    loop {
        match composer.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd, _) => return Ok(None),
            (event, span) => {
                let value = composer.node(event, span, 0)?.value;
                composer.end()?;
                return Ok(Some(value));
            }
        }
    }
}

struct Composer<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    /// How many lists and maps in brackets and braces are open.
    flow: usize,
    /// How far the text was read.
    read: usize,
    budget: &'a Budget,
}

#[derive(Clone)]
struct Node {
    value: Value,
    /// How many nodes it is, with all below it.
    size: Size,
    /// Whether it is `<<` as a key that merges.
    merges: bool,
}

/// What a value takes.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: u64,
    bytes: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// A list or a map by itself.
const ONE: Size = Size { nodes: 1, bytes: 0 };

type Item<'a> = (Event<'a>, Span);

impl<'a> Composer<'a> {
    fn new(text: &'a str, budget: &'a Budget) -> Self {
        let mut options = Options::default();
        options.disallow_directives = true;
        options.emit_anchor_events = true;
        options.set_emit_comments(false);
        let events = Parser::new_from_str_with_options(text, options);
        Self { text, events, anchors: BTreeMap::new(), flow: 0, read: 0, budget }
    }

    fn next(&mut self) -> Result<Item<'a>, Problem> {
        let item = self.next_event()?;
        let end = |offset: Option<usize>| offset.unwrap_or(self.read);
        let (begins, ends) = (end(item.1.start.byte_offset()), end(item.1.end.byte_offset()));
        if self.flow == 0 && begins > self.read {
            spelling::between(self.text, self.read..begins).map_err(|what| problem(item.1, what))?;
        }
        self.read = self.read.max(ends);
        Ok(item)
    }

    fn next_event(&mut self) -> Result<Item<'a>, Problem> {
        match self.events.next_event() {
            Some(Ok((Event::Anchor(_, name), span))) => {
                spelling::anchor(&name, span, self.text).map_err(|what| problem(span, what))?;
                self.next_event()
            }
            Some(Ok(item)) => Ok(item),
            Some(Err(error)) => Err(at(error.marker().line(), format!("bad YAML: {}", error.info()))),
            None => Err(at(1, "bad YAML: it ends too early")),
        }
    }

    /// Checks that nothing follows the document: kubectl drops it silently.
    fn end(&mut self) -> Result<(), Problem> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => {
                    return Err(problem(
                        span,
                        "kubectl drops what follows the end of this document: begin the next document with a line `---`",
                    ));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        self.spend(ONE, span)?;
        if depth > DEEPEST {
            return Err(problem(span, format!("nested deeper than {DEEPEST} levels")));
        }
        spelling::tag(span, self.text).map_err(|what| problem(span, what))?;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(style, anchor, _) => (self.within(style, |it| it.sequence(depth))?, anchor),
            Event::MappingStart(style, anchor, _) => (self.within(style, |it| it.mapping(depth))?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => return Err(problem(span, "bad YAML: expected a value")),
        };
        if anchor != 0 {
            self.spend(node.size, span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn spend(&self, size: Size, span: Span) -> Result<(), Problem> {
        let spent = self.budget.spend(Limit::Nodes, size.nodes);
        let spent = spent.and_then(|()| self.budget.spend(Limit::Bytes, size.bytes));
        spent.map_err(|error| Problem { line: span.start.line(), error })
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Node, Problem> {
        spelling::scalar(span, self.text, style, self.flow > 0).map_err(|what| problem(span, what))?;
        let tag = tag.map(ToString::to_string);
        let value = match (&tag, style) {
            (Some(tag), _) => scalar::tagged(tag, text),
            (None, ScalarStyle::Plain) => scalar::plain(text),
            (None, _) => Ok(text.into()),
        };
        let merges = text == MERGE
            && match tag.as_deref() {
                None => style == ScalarStyle::Plain,
                Some(tag) => matches!(tag, "!" | "tag:yaml.org,2002:merge"),
            };
        let size = Size { nodes: 1, bytes: text.len() as u64 };
        Ok(Node { value: value.map_err(|what| problem(span, what))?, size, merges })
    }

    fn within(
        &mut self,
        style: StructureStyle,
        read: impl FnOnce(&mut Self) -> Result<Node, Problem>,
    ) -> Result<Node, Problem> {
        let flow = usize::from(style == StructureStyle::Flow);
        self.flow += flow;
        let node = read(self);
        self.flow -= flow;
        node
    }

    fn sequence(&mut self, depth: usize) -> Result<Node, Problem> {
        let (mut values, mut size) = (Vec::new(), ONE);
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Node { value: values.into(), size, merges: false });
            }
            let node = self.node(event, span, depth + 1)?;
            size += node.size;
            values.push(node.value);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Node, Problem> {
        let mut entries = Entries::default();
        let mut size = ONE;
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Node { value: entries.map.into(), size, merges: false });
            }
            let is_alias = matches!(event, Event::Alias(_));
            let key = self.node(event, key_span, depth + 1)?;
            let (event, span) = self.next()?;
            size += key.size;
            if key.merges && !is_alias {
                let (sources, merged) = self.merged(event, span, depth + 1)?;
                size += merged;
                entries.merge(sources).map_err(|what| problem(key_span, what))?;
            } else {
                let name = scalar::key(&key.value).map_err(|what| problem(key_span, what))?;
                let node = self.node(event, span, depth + 1)?;
                size += node.size;
                entries.add(name, node.value).map_err(|what| problem(key_span, what))?;
            }
        }
    }

    /// The maps that `<<` names, in the order in which they are laid over each other, and their size.
    fn merged(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<(Vec<Value>, Size), Problem> {
        let is_list = matches!(event, Event::SequenceStart(..));
        let Node { value, size, .. } = self.node(event, span, depth)?;
        let maps = match value {
            Value::Object(map) => vec![Value::Object(map)],
            // Of a list, the first has the last word.
            Value::Array(maps) if is_list => maps.into_iter().rev().collect(),
            _ => vec![Value::Null],
        };
        if maps.iter().all(Value::is_object) {
            return Ok((maps, size));
        }
        Err(problem(span, "expected `<<` with a map or a list of maps"))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Problem> {
        let node = self.anchors.get(&anchor).ok_or_else(|| problem(span, "the anchor contains itself"))?;
        self.spend(node.size, span)?;
        Ok(Node { merges: false, ..node.clone() })
    }
}

/// The entries of a map, and which of them it has by `<<`.
#[derive(Default)]
struct Entries {
    map: Map<String, Value>,
    merged: BTreeSet<String>,
    merges: bool,
}

impl Entries {
    fn add(&mut self, key: String, value: Value) -> Result<(), String> {
        if self.map.contains_key(&key) && !self.merged.remove(&key) {
            return Err(format!("the key {key} is given twice"));
        }
        self.map.insert(key, value);
        Ok(())
    }

    /// As for kubectl, what comes later wins: also a `<<` over a key that stands before it, which YAML's own
    /// rule would have otherwise.
    fn merge(&mut self, sources: Vec<Value>) -> Result<(), &'static str> {
        if std::mem::replace(&mut self.merges, true) {
            return Err("the key << is given twice: write one list, `<<: [*a, *b]`");
        }
        for source in sources {
            let Value::Object(entries) = source else { continue };
            for (key, value) in entries {
                if self.map.insert(key.clone(), value).is_none() {
                    self.merged.insert(key);
                }
            }
        }
        Ok(())
    }
}

fn problem(span: Span, what: impl Into<String>) -> Problem {
    at(span.start.line(), what)
}

fn at(line: usize, what: impl Into<String>) -> Problem {
    Problem { line, error: Error::invalid(OPERATION, what) }
}
