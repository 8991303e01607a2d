//! What this process counts, for `/metrics`.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Labels of a request. The route is a pattern: there are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) status: u16,
}

/// Labels of an operation or a decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OperationLabels {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) outcome: String,
}

#[derive(Debug)]
pub(crate) struct Numbers {
    registry: Mutex<Registry>,
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) operations: Family<OperationLabels, Counter>,
    pub(crate) decisions: Family<OperationLabels, Counter>,
    pub(crate) reloads: Family<[(&'static str, &'static str); 1], Counter>,
    pub(crate) seconds: Family<[(&'static str, String); 1], Histogram>,
    pub(crate) under_way: Gauge,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        let numbers = Self {
            registry: Mutex::new(Registry::with_prefix("deployer")),
            requests: Family::default(),
            operations: Family::default(),
            decisions: Family::default(),
            reloads: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.1, 2.0, 14))),
            under_way: Gauge::default(),
        };
        {
            let mut registry = numbers.registry.lock().unwrap_or_else(PoisonError::into_inner);
            registry.register("requests", "Requests, by method, route and status", numbers.requests.clone());
            registry.register("operations", "Operations that ended, by outcome", numbers.operations.clone());
            registry.register("autopilot_decisions", "What the autopilot decided", numbers.decisions.clone());
            registry.register("reloads", "Configurations read anew, by outcome", numbers.reloads.clone());
            registry.register("operation_seconds", "How long operations took", numbers.seconds.clone());
            registry.register("operations_under_way", "Operations under way", numbers.under_way.clone());
        }
        numbers
    }

    /// An operation, or a decision of the autopilot, that ended so.
    pub(crate) fn count(
        of: &Family<OperationLabels, Counter>,
        service: &str,
        operation: &str,
        outcome: &str,
    ) {
        let [service, operation, outcome] = [service, operation, outcome].map(str::to_owned);
        of.get_or_create(&OperationLabels { service, operation, outcome }).inc();
    }

    /// Counts `work` as under way until it ends, be it by a fault.
    pub(crate) async fn while_under_way<T>(&self, work: impl Future<Output = T>) -> T {
        struct UnderWay<'a>(&'a Gauge);
        impl Drop for UnderWay<'_> {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.under_way.inc();
        let _until_then = UnderWay(&self.under_way);
        work.await
    }

    /// All of it in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a text does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
