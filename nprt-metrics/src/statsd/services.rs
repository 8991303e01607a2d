#![expect(
    clippy::disallowed_types,
    reason = "services are looked up by their name; what is seen of them comes from the list beside it"
)]

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::RandomState;
use nprt_core::model::{ServiceName, Track};

use super::Limits;
use super::bins::Scratch;
use super::memo::Found;
use super::service::Service;

/// The services that have room: those that were named or, where nobody named any, the first that are heard of.
///
/// Each has an equal share of the room for certain. What others do not use may be used beyond it, until they need it.
#[derive(Debug)]
pub(super) struct Services {
    by_name: HashMap<Box<str>, usize, RandomState>,
    all: Vec<Service>,
    /// Goes up whenever their places change.
    pub(super) epoch: u64,
    room: usize,
    /// What all of them take.
    taken: usize,
    /// How many may come by themselves; `None` where they were named.
    most: Option<usize>,
    /// Whether one was turned away: what was measured of it is lost.
    turned_away: bool,
}

/// One minute of a service may take this part of what the service could take, so that a flood cannot drive out all of
/// the past.
const PART_OF_A_MINUTE: usize = 8;

impl Services {
    pub(super) fn new(named: &BTreeSet<ServiceName>, limits: &Limits, since: i64) -> Self {
        let most = named.is_empty().then_some(limits.services);
        let by_name = HashMap::default();
        let mut services = Self {
            by_name,
            all: Vec::new(),
            epoch: 0,
            room: limits.memory_bytes,
            taken: 0,
            most,
            turned_away: false,
        };
        if !named.is_empty() {
            services.name(named, since);
        }
        services
    }

    /// From now on, these have room and no others; what is new among them is known from the minute `since` on.
    pub(super) fn name(&mut self, named: &BTreeSet<ServiceName>, since: i64) {
        self.most = None;
        self.all.retain(|service| named.iter().any(|named| named.as_str() == service.name()));
        for service in named {
            if self.all.iter().all(|known| known.name() != service.as_str()) {
                self.all.push(Service::new(service.as_str(), since));
            }
        }
        self.index();
    }

    #[inline]
    pub(super) fn at(&self, service: &str) -> Option<usize> {
        self.by_name.get(service).copied()
    }

    /// Where the series of that key is.
    pub(super) fn place_of(&self, service: &str, key: &str, track: Track) -> Option<Found> {
        let at = self.at(service)?;
        let (series, birth) = self.all.get(at)?.series().place_of(key)?;
        Some(Found { track, service: at, services: self.epoch, series, birth, source: 0 })
    }

    /// Whether it is where it was.
    #[inline]
    pub(super) fn still_has(&self, found: &Found) -> bool {
        let series = || self.all.get(found.service)?.series().get(found.series);
        found.services == self.epoch && series().is_some_and(|series| series.birth == found.birth)
    }

    pub(super) fn get(&self, service: &str) -> Option<&Service> {
        self.all.get(self.at(service)?)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Service> {
        self.all.get_mut(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.all.iter()
    }

    /// The names that have room, if they were given.
    pub(super) fn named(&self) -> Option<impl Iterator<Item = &str>> {
        self.most.is_none().then(|| self.all.iter().map(Service::name))
    }

    /// Lets in one that was heard of, if there is room for it; its place.
    pub(super) fn let_in(&mut self, service: &str, minute: i64) -> Option<usize> {
        let most = self.most?;
        if self.all.len() >= most {
            self.all.retain(|service| !service.is_empty());
            self.index();
        }
        if self.all.len() >= most {
            self.turned_away = true;
            return None;
        }
        let since = if self.turned_away { minute.saturating_add(1) } else { i64::MIN };
        self.all.push(Service::new(service, since));
        self.by_name.insert(service.into(), self.all.len() - 1);
        self.at(service)
    }

    /// Whether something may have been measured of a service that is not there.
    pub(super) fn turned_away(&self) -> bool {
        self.turned_away
    }

    /// Ends what runs since before `now`, and forgets the minutes before `kept`.
    pub(super) fn roll(&mut self, now: i64, kept: i64, scratch: &mut Scratch) {
        self.all.iter_mut().for_each(|service| service.roll(now, kept, scratch));
        self.add_up();
    }

    /// Notes that the service at that place takes more now, and finds room for it: a minute that takes too
    /// much loses the metric that takes the most of it; beyond the room, minutes go.
    pub(super) fn took(&mut self, at: usize) {
        self.change(at, |_| {});
        while self.is_greedy(at) {
            let Some((_, metric)) = self.all.get(at).and_then(Service::greediest) else { break };
            self.change(at, |service| service.refuse(metric));
        }
        while self.taken > self.room && self.free_some(at) {}
    }

    /// Whether the minute that runs of a service takes more than its part of what the service could take.
    fn is_greedy(&self, at: usize) -> bool {
        let Some(service) = self.all.get(at) else { return false };
        let Some((of_a_minute, _)) = service.greediest() else { return false };
        let could = (service.taken() + self.room.saturating_sub(self.taken)).max(self.share());
        of_a_minute > could.div_ceil(PART_OF_A_MINUTE)
    }

    /// Frees some room, which the service at that place needs: by a minute of its own where it is beyond its share, else of
    /// the one that is beyond its share by the most.
    fn free_some(&mut self, at: usize) -> bool {
        let share = self.share();
        let takes = |(place, service): (usize, &Service)| (service.taken(), place);
        let own = self.all.get(at).map_or(0, Service::taken);
        let largest = self.all.iter().enumerate().map(takes).max();
        let from = match largest {
            _ if own > share => at,
            Some((taken, place)) if taken > share => place,
            _ => at,
        };
        let mut gave = false;
        self.change(from, |service| {
            gave = service.give_up_oldest();
            if let (false, Some((_, metric))) = (gave, service.greediest()) {
                service.refuse(metric);
                gave = true;
            }
        });
        gave
    }

    /// What each may take for certain.
    pub(super) fn share(&self) -> usize {
        self.room / self.all.len().max(1)
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.all.get_mut(at) {
            change(service);
            let now = service.taken();
            self.taken = self.taken.saturating_sub(std::mem::replace(&mut service.counted, now)) + now;
        }
    }

    fn index(&mut self) {
        self.all.sort_by(|a, b| a.name().cmp(b.name()));
        self.epoch += 1;
        self.by_name = self.all.iter().enumerate().map(|(at, service)| (service.name().into(), at)).collect();
        self.add_up();
    }

    fn add_up(&mut self) {
        self.all.iter_mut().for_each(|service| service.counted = service.taken());
        self.taken = self.all.iter().map(Service::taken).sum();
    }
}
