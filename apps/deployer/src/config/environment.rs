#[cfg(test)]
use std::collections::BTreeMap;

/// Where variables come from.
#[derive(Debug, Clone, Default)]
pub(crate) enum Environment {
    /// This process.
    #[default]
    Process,
    /// A test.
    #[cfg(test)]
    Of(BTreeMap<String, String>),
}

impl Environment {
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self::Of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// The variable, where it is set to text.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Process => std::env::var(name).ok(),
            #[cfg(test)]
            Self::Of(variables) => variables.get(name).cloned(),
        }
    }
}
