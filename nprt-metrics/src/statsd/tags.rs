/// The tags of a line, read in place: those in its name and those in a field of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tags<'a> {
    /// `key=value`, by a separator.
    in_name: &'a str,
    separator: char,
    /// DogStatsD's: `key:value`, by commas.
    pub(super) after: &'a str,
}

impl<'a> Tags<'a> {
    /// Takes the tags out of a name, by the first character that begins some: InfluxDB's `,`, Graphite's `;`, Librato's
    /// `#` or SignalFx's `[`.
    pub(super) fn of_name(text: &'a str) -> (&'a str, Self) {
        let none = Self { in_name: "", separator: ',', after: "" };
        let bytes = text.as_bytes();
        let found = [memchr::memchr3(b',', b';', b'#', bytes), memchr::memchr(b'[', bytes)];
        let Some(at) = found.into_iter().flatten().min() else { return (text, none) };
        let (name, rest) = text.split_at(at);
        let in_name = rest.get(1..).unwrap_or_default();
        match rest.as_bytes().first() {
            Some(b';') => (name, Self { in_name, separator: ';', ..none }),
            Some(b'[') => match in_name.strip_suffix(']') {
                Some(in_name) => (name, Self { in_name, ..none }),
                None => (text, none),
            },
            _ => (name, Self { in_name, ..none }),
        }
    }

    /// Those in their own field, where there are no others.
    pub(super) fn alone(&self) -> Option<&'a str> {
        self.in_name.is_empty().then_some(self.after)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let split = |text: &'a str, separator: char, is: char| {
            let tags = text.split(separator).filter(|tag| !tag.is_empty());
            tags.map(move |tag| tag.split_once(is).unwrap_or((tag, "")))
        };
        split(self.in_name, self.separator, '=').chain(split(self.after, ',', ':'))
    }
}
