use nprt_core::model::{ServiceName, Track};
use nprt_core::{Error, Result};

use super::TagNames;
use super::tags::Tags;

/// Where something was measured, as borrowed from a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place<'a> {
    pub(crate) service: &'a str,
    pub(crate) track: &'a str,
    pub(crate) version: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) route: &'a str,
    pub(crate) class: &'a str,
}

/// A value longer than this is no name; it would only fill the memory.
const LONGEST: usize = 200;

impl<'a> Place<'a> {
    fn slot(&mut self, field: Field) -> &mut &'a str {
        match field {
            Field::Service => &mut self.service,
            Field::Track => &mut self.track,
            Field::Version => &mut self.version,
            Field::Pod => &mut self.pod,
            Field::Route => &mut self.route,
            Field::Class => &mut self.class,
        }
    }

    /// What the tags say.
    pub(super) fn by_tags(tags: Tags<'a>, names: &TagNames) -> Self {
        let mut place = Self::default();
        for (key, value) in tags.iter() {
            for field in Field::ALL {
                if key == field.tag(names) {
                    *place.slot(field) = value;
                }
            }
        }
        place
    }

    /// The track, where it is known and nothing is too long.
    pub(super) fn track(&self) -> Option<Track> {
        let rest = [self.version, self.pod, self.route, self.class];
        let short = rest.iter().all(|value| value.len() <= LONGEST);
        self.track.parse().ok().filter(|_| short)
    }

    /// Whether the service's name is one.
    pub(super) fn has_service(&self) -> bool {
        ServiceName::new(self.service).is_ok()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Service,
    Track,
    Version,
    Pod,
    Route,
    Class,
}

impl Field {
    const ALL: [Self; 6] = [Self::Service, Self::Track, Self::Version, Self::Pod, Self::Route, Self::Class];

    fn placeholder(self) -> &'static str {
        match self {
            Self::Service => "{service}",
            Self::Track => "{track}",
            Self::Version => "{version}",
            Self::Pod => "{pod}",
            Self::Route => "{route}",
            Self::Class => "{class}",
        }
    }

    fn tag(self, names: &TagNames) -> &str {
        match self {
            Self::Service => &names.service,
            Self::Track => &names.track,
            Self::Version => &names.version,
            Self::Pod => &names.pod,
            Self::Route => &names.route,
            Self::Class => &names.class,
        }
    }
}

/// The name of a statsd metric: text and placeholders between dots.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// Without placeholders: compared as a whole, which is quicker.
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Text(String),
    Field(Field),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self> {
        let invalid =
            |message: &str| Error::invalid("statsd.config", message).with("name", format_args!("{text:?}"));
        let part = |part: &str| {
            if let Some(field) = Field::ALL.into_iter().find(|field| field.placeholder() == part) {
                return Ok(Part::Field(field));
            }
            if part.contains(['{', '}']) {
                return Err(invalid("expected a placeholder alone between dots")
                    .with_available(Field::ALL.map(Field::placeholder)));
            }
            if part.is_empty() || part.contains([':', '|']) || part.contains(char::is_control) {
                return Err(invalid("expected text without `:` and `|` between dots"));
            }
            Ok(Part::Text(part.to_owned()))
        };
        let parts: Vec<Part> = text.split('.').map(part).collect::<Result<_>>()?;
        let plain = parts.iter().all(|part| matches!(part, Part::Text(_)));
        Ok(if plain { Self::Text(text.to_owned()) } else { Self::Parts(parts) })
    }

    /// Fills the placeholders into `place`, where `name` matches; else changes nothing that counts.
    pub(super) fn matches<'a>(&self, name: &'a str, place: Place<'a>) -> Option<Place<'a>> {
        let expected = match self {
            Self::Text(text) => return (text == name).then_some(place),
            Self::Parts(parts) => parts,
        };
        let mut place = place;
        let mut parts = name.split('.');
        for expected in expected {
            match (expected, parts.next()?) {
                (Part::Text(text), part) if text != part => return None,
                (Part::Text(_), _) => {}
                (Part::Field(_), "") => return None,
                (Part::Field(field), part) => *place.slot(*field) = part,
            }
        }
        parts.next().is_none().then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_take_what_stands_there() {
        let plain = Pattern::new("http.latency").unwrap();
        assert_eq!(plain.matches("http.latency", Place::default()).map(|place| place.track()), Some(None));
        assert!(plain.matches("http.latency.p95", Place::default()).is_none());
        let pattern = Pattern::new("{service}.{track}.http.latency").unwrap();
        let by_tags = Place { pod: "p", track: "stable", ..Place::default() };
        let place = pattern.matches("shop.canary.http.latency", by_tags).unwrap();
        assert_eq!((place.service, place.track, place.pod), ("shop", "canary", "p"));
        assert_eq!(place.track(), Some(Track::Canary));
        for other in ["shop.canary.http", "shop.canary.http.latency.p95", "..http.latency", "http.latency"] {
            assert!(pattern.matches(other, by_tags).is_none(), "{other}");
        }
    }

    #[test]
    fn a_wrong_pattern_names_the_placeholders() {
        let error = Pattern::new("{svc}.latency").unwrap_err();
        assert!(error.available().contains(&"{service}".to_owned()), "{error}");
        for wrong in ["", "a..b", "a:b", "x{service}"] {
            assert!(Pattern::new(wrong).unwrap_err().is_invalid(), "{wrong}");
        }
    }

    #[test]
    fn without_service_and_track_nothing_is_known() {
        let place = Place { service: "shop", track: "canary", ..Place::default() };
        assert!(place.track() == Some(Track::Canary) && place.has_service());
        assert_eq!(Place { track: "beta", ..place }.track(), None);
        assert!(!Place { service: "Shop!", ..place }.has_service());
        assert!(!Place { service: "", ..place }.has_service());
        let long = "x".repeat(201);
        assert_eq!(Place { pod: &long, ..place }.track(), None);
    }
}
