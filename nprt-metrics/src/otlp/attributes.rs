//! Where a point was measured, by its attributes and those of its resource.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;
use nprt_core::model::Track;

use super::OtlpAttributes;
use super::message::{AnyValue, KeyValue, Resource, Scope};
use crate::statsd::Place;
use crate::status_code::understood;
use crate::{RequestOutcome, TrackLabel};

/// Both kinds of attributes; the point's count first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a> {
    pub(super) point: &'a [KeyValue],
    pub(super) resource: &'a [KeyValue],
}

/// Where a point was measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Names<'a> {
    pub(super) service: Cow<'a, str>,
    track: Track,
    version: Cow<'a, str>,
    pod: Cow<'a, str>,
    route: Cow<'a, str>,
    class: Cow<'a, str>,
}

/// Bytes of a name. Each point of a resource reads those of the resource: a longer one would make a request of many points slow.
const LONGEST: usize = 200;

impl<'a> Attributes<'a> {
    /// The value of an attribute as text, where it is there and is not empty.
    fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut both = self.point.iter().chain(self.resource).filter(|attribute| attribute.key == name);
        text(both.find_map(|attribute| attribute.value.as_ref())?)
    }

    /// Where it was measured.
    ///
    /// # Errors
    /// What is missing, and where to say it.
    pub(super) fn names(&self, of: &OtlpAttributes) -> Result<Names<'a>, String> {
        let missing = |what: &str, name: &str| format!("no {what}: the attribute {name} is missing");
        let service = self.get(&of.service).ok_or_else(|| missing("service", &of.service))?;
        let mut labels = of.track.iter().filter_map(|label| Some((label, self.get(label.label())?)));
        let Some((label, value)) = labels.next() else {
            let names: Vec<&str> = of.track.iter().map(TrackLabel::label).collect();
            return Err(missing("track", &names.join(", or ")));
        };
        if value.len() > LONGEST {
            return Err(format!("no track: the value of {} is longer than {LONGEST} bytes", label.label()));
        }
        let track = label.track(&value).map_err(|why| {
            let why: String = why.chars().take(200).collect();
            format!("no track: {}", nprt_core::model::written_out(&why))
        })?;
        let named = |name: &str| self.get(name).unwrap_or_default();
        let class = self.get(&of.class).or_else(|| of.status.iter().find_map(|status| self.get(status)));
        let names = Names {
            service,
            track,
            version: named(&of.version),
            pod: of.pod.iter().find_map(|pod| self.get(pod)).unwrap_or_default(),
            route: named(&of.route),
            class: class.unwrap_or(Cow::Borrowed("unclassified")),
        };
        let all = [&names.service, &names.version, &names.pod, &names.route, &names.class];
        if all.iter().any(|name| name.len() > LONGEST) {
            return Err(format!("a name is longer than {LONGEST} bytes"));
        }
        if all.iter().any(|name| name.contains(char::is_control)) {
            return Err("a name holds a control character".to_owned());
        }
        Ok(names)
    }

    /// How the requests of a point ended; `None` where nothing says it, or something says what is not understood.
    pub(super) fn outcome(&self, of: &OtlpAttributes) -> Option<RequestOutcome> {
        let meaning = |name: &String, value: &str| {
            let is_short = value.len() <= LONGEST;
            is_short.then(|| understood(name, value)).flatten()
        };
        let status = of.status.iter().filter_map(|name| Some(meaning(name, &self.get(name)?)));
        let class = self.get(&of.class);
        let class = class.map(|class| understood(&of.class, &class).or(Some(RequestOutcome::Failure)));
        let said: Vec<Option<RequestOutcome>> = status.chain(class).collect();
        if said.contains(&Some(RequestOutcome::Failure)) {
            return Some(RequestOutcome::Failure);
        }
        (!said.is_empty() && !said.contains(&None)).then_some(RequestOutcome::Success)
    }
}

impl Names<'_> {
    /// The same without what is said of a request.
    pub(super) fn of_no_request(self) -> Self {
        Self { route: Cow::Borrowed(""), class: Cow::Borrowed(""), ..self }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place {
            service: &self.service,
            track: self.track.as_str(),
            version: &self.version,
            pod: &self.pod,
            route: &self.route,
            class: &self.class,
        }
    }
}

fn text(value: &AnyValue) -> Option<Cow<'_, str>> {
    let text = match value {
        AnyValue { string_value: Some(text), .. } => Cow::Borrowed(text.as_str()),
        AnyValue { int_value: Some(number), .. } => Cow::Owned(number.to_string()),
        AnyValue { bool_value: Some(is), .. } => Cow::Owned(is.to_string()),
        AnyValue { double_value: Some(number), .. } => Cow::Owned(number.to_string()),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Tells streams apart, by 128 bits that nobody outside can foresee.
#[derive(Debug, Default)]
pub(super) struct Identities {
    halves: [RandomState; 2],
}

impl Identities {
    pub(super) fn resource(&self, resource: Option<&Resource>) -> u128 {
        self.of(&resource.map(|resource| self.all(&resource.attributes)))
    }

    /// That of a scope of a resource.
    pub(super) fn scope(&self, resource: u128, scope: Option<&Scope>) -> u128 {
        let scope = scope.map(|scope| (&scope.name, &scope.version, self.all(&scope.attributes)));
        self.of(&(resource, scope))
    }

    /// That of an instrument of a scope.
    pub(super) fn instrument(&self, scope: u128, name: &str) -> u128 {
        self.of(&(scope, name))
    }

    /// That of a stream of it.
    pub(super) fn stream(&self, instrument: u128, attributes: &[KeyValue]) -> u128 {
        self.of(&(instrument, self.all(attributes)))
    }

    /// The same in whatever order they come.
    fn all(&self, attributes: &[KeyValue]) -> u128 {
        attributes.iter().fold(0, |sum, attribute| sum.wrapping_add(self.of(&Hashed(attribute))))
    }

    fn of(&self, value: &impl Hash) -> u128 {
        let [high, low] = self.halves.each_ref().map(|half| half.hash_one(value));
        u128::from(high) << 64 | u128::from(low)
    }
}

/// An attribute that can be hashed.
struct Hashed<'a>(&'a KeyValue);

impl Hash for Hashed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let KeyValue { key, value } = self.0;
        let value = value.as_ref().map(|value| {
            let AnyValue { string_value, bool_value, int_value, double_value, .. } = value;
            let AnyValue { array_value, kvlist_value, bytes_value, .. } = value;
            let double = double_value.map(f64::to_bits);
            (string_value, bool_value, int_value, double, array_value, kvlist_value, bytes_value)
        });
        (key, value).hash(state);
    }
}
