use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::ServiceName;

use super::Limits;
use super::room::Room;
use super::service::Service;

/// The services that have room: those that were named or, where nobody named any, the first that are heard of.
#[derive(Debug)]
pub(super) struct Services {
    all: BTreeMap<Box<str>, Service>,
    room: Room,
    /// What each may take.
    share: Room,
    /// How many may come by themselves; `None` where they were named.
    most: Option<usize>,
    /// Whether one was turned away: what was measured of it is lost.
    turned_away: bool,
}

impl Services {
    pub(super) fn new(named: &BTreeSet<ServiceName>, limits: &Limits, since: i64) -> Self {
        let room = Room::of(limits);
        let most = named.is_empty().then_some(limits.services);
        let mut services = Self { all: BTreeMap::new(), room, share: room, most, turned_away: false };
        if !named.is_empty() {
            services.name(named, since);
        }
        services
    }

    /// From now on, these have room and no others; what is new among them is known from the minute `since` on.
    pub(super) fn name(&mut self, named: &BTreeSet<ServiceName>, since: i64) {
        self.most = None;
        self.all.retain(|service, _| named.iter().any(|named| named.as_str() == &**service));
        for service in named {
            self.all.entry(service.as_str().into()).or_insert_with(|| Service::new(since));
        }
        self.divide(since);
    }

    pub(super) fn share(&self) -> Room {
        self.share
    }

    pub(super) fn get(&self, service: &str) -> Option<&Service> {
        self.all.get(service)
    }

    pub(super) fn get_mut(&mut self, service: &str) -> Option<&mut Service> {
        self.all.get_mut(service)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.all.iter().map(|(name, service)| (&**name, service))
    }

    /// The names that have room, if they were given.
    pub(super) fn named(&self) -> Option<impl Iterator<Item = &str>> {
        self.most.is_none().then(|| self.all.keys().map(|name| &**name))
    }

    /// Lets in one that was heard of, if there is room for it. `kept` is the first minute of the retention.
    pub(super) fn let_in(&mut self, service: &str, minute: i64, kept: i64) {
        let Some(most) = self.most else { return };
        if self.all.len() >= most {
            self.all.retain(|_, service| {
                service.forget_before(kept);
                !service.is_empty()
            });
        }
        if self.all.len() >= most {
            self.turned_away = true;
            return;
        }
        let since = if self.turned_away { minute.saturating_add(1) } else { i64::MIN };
        self.all.insert(service.into(), Service::new(since));
        self.divide(minute.saturating_add(1));
    }

    /// Whether something may have been measured of a service that is not there.
    pub(super) fn turned_away(&self) -> bool {
        self.turned_away
    }

    fn divide(&mut self, next: i64) {
        self.share = self.room.share(self.all.len());
        for service in self.all.values_mut() {
            // All that it has is older: it always fits.
            let _ = service.fit(self.share, Room::default(), next);
        }
    }
}
