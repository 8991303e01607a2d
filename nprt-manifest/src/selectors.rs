//! Selectors by a label that they ask for, so that finding those of a pod never asks all of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::selector::Labels;

/// Things that select by labels.
#[derive(Debug)]
pub(super) struct Selectors<T> {
    all: Vec<T>,
    /// By the one label of theirs that the fewest ask for.
    by_label: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
    /// Those that ask for no value of a label.
    others: Vec<usize>,
}

impl<T> Selectors<T> {
    /// `labels_of` says the labels that something asks for, at the least.
    pub(super) fn new(all: Vec<T>, labels_of: impl Fn(&T) -> Option<&Labels>) -> Self {
        let mut asked = BTreeMap::<(&str, &str), usize>::new();
        for pair in all.iter().filter_map(&labels_of).flat_map(pairs) {
            *asked.entry(pair).or_default() += 1;
        }
        let (mut by_label, mut others) = (BTreeMap::<_, BTreeMap<_, Vec<_>>>::new(), Vec::new());
        for (place, selects) in all.iter().enumerate() {
            let rarest = labels_of(selects).into_iter().flat_map(pairs).min_by_key(|pair| asked.get(pair));
            match rarest {
                None => others.push(place),
                Some((key, value)) => {
                    let values = by_label.entry(key.to_owned()).or_default();
                    values.entry(value.to_owned()).or_default().push(place);
                }
            }
        }
        Self { all, by_label, others }
    }

    /// Those that may select something with one of these sets of labels, in their order. All others do not.
    pub(super) fn candidates(&self, sets: &[&Labels]) -> impl Iterator<Item = &T> + Clone {
        let listed = |(key, value): (&str, &str)| self.by_label.get(key)?.get(value);
        let listed = sets.iter().copied().flat_map(pairs).filter_map(listed).flatten();
        let mut places: Vec<usize> = self.others.iter().chain(listed).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.all[place])
    }
}

/// The labels whose values are text, as all of Kubernetes' are.
pub(super) fn pairs(labels: &Labels) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().filter_map(|(key, value)| Some((key.as_str(), Value::as_str(value)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::selector::all_among;
    use super::*;

    fn labels(value: &Value) -> Labels {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_left_out_selects_nothing_of_it() {
        let values = |n: usize| ["x", "y", "z"][n % 3];
        let all: Vec<Labels> = (0..40)
            .map(|n| match n % 4 {
                0 => labels(&json!({})),
                1 => labels(&json!({"app": "web", "part": values(n)})),
                2 => labels(&json!({"part": values(n)})),
                _ => labels(&json!({"app": "web", "n": n})),
            })
            .collect();
        let selectors = Selectors::new(all.clone(), |labels| Some(labels));
        for n in 0..12 {
            let pod = labels(&json!({"app": (["web", "db"][n % 2]), "part": values(n), "n": n}));
            let found: Vec<&Labels> = selectors.candidates(&[&pod]).collect();
            let expected = all.iter().filter(|selector| all_among(selector, &pod));
            assert!(expected.clone().all(|selector| found.contains(&selector)), "{pod:?}: {found:?}");
        }
        let pod = labels(&json!({"app": "web", "part": "x"}));
        assert!(selectors.candidates(&[&pod]).count() < 40);
    }
}
