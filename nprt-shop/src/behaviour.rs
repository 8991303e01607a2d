use crate::random::Random;

/// How a version behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// As well as the others: about 40 ms, a twentieth above 90 ms; one request in 20,000 times out upstream.
    Fine,
    /// One request in ten takes 200 ms more.
    SlowTail,
    /// One request in fifty fails in a way that was never seen.
    NewError,
}

impl Behaviour {
    /// What becomes of a version's request of this number: its seconds, or the class of its error.
    ///
    /// Failures come in turn and not by chance: of ten runs with one failure expected in each, one has three or more,
    /// and a demonstration of a version that is fine would go wrong.
    pub(crate) fn answer(self, number: u64, random: &mut Random) -> Result<f64, &'static str> {
        if number % 20_000 == 9_000 {
            return Err("upstream_timeout");
        }
        if self == Self::NewError && number % 50 == 25 {
            return Err("price_missing");
        }
        let slow = self == Self::SlowTail && random.uniform() < 0.1;
        Ok(0.040 * (0.5 * random.normal()).exp() + if slow { 0.2 } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_behave_as_they_are_described() {
        for (behaviour, slow, failing) in [
            (Behaviour::Fine, 0.0003..0.001, 0.000_04..0.000_06),
            (Behaviour::SlowTail, 0.09..0.11, 0.000_04..0.000_06),
            (Behaviour::NewError, 0.0003..0.001, 0.0199..0.0202),
        ] {
            let mut random = Random::new(1);
            let answers: Vec<_> = (0..100_000).map(|number| behaviour.answer(number, &mut random)).collect();
            let share = |of: &dyn Fn(&Result<f64, &str>) -> bool| {
                answers.iter().filter(|answer| of(answer)).count() as f64 / 100_000.0
            };
            let (above, failed) =
                (share(&|answer| matches!(answer, Ok(0.2..))), share(&|answer| answer.is_err()));
            assert!(slow.contains(&above), "{behaviour:?}: {above}");
            assert!(failing.contains(&failed), "{behaviour:?}: {failed}");
        }
    }
}
