//! What tracing shows: an operation is a span, whoever asks for it, and says which version it was about.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use nprt_core::model::Revision;
use nprt_pipeline::{Progress, Running};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::world::{World, caller, canary, deploy, shop, tag};

/// The fields of each span, in the order that they began.
#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<Vec<(Id, Fields)>>>);

#[derive(Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.0.lock().unwrap().push((id.clone(), fields));
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        // Ids are used again.
        if let Some((_, fields)) = spans.iter_mut().rev().find(|(id, _)| id == span) {
            values.record(fields);
        }
    }
}

impl Spans {
    /// The operations since the last look: their names and tags.
    fn operations(&self) -> Vec<(String, String)> {
        let spans = std::mem::take(&mut *self.0.lock().unwrap());
        let of = |Fields(span): &Fields, key| span.get(key).cloned().unwrap_or_default();
        let operations = spans.iter().filter(|(_, span)| span.0.contains_key("nprt.service"));
        operations.map(|(_, span)| (of(span, "otel.name"), of(span, "nprt.tag"))).collect()
    }
}

#[tokio::test]
async fn what_is_decided_without_a_person_is_an_operation_too() {
    let spans = Spans::default();
    // Of one subscriber alone, tracing asks the thread that comes by a span first whether anybody wants it: that may be
    // another test's, which has none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans.clone()));
    let (world, silent) = (World::new(), Progress::silent());
    let pipeline = world.pipeline();
    let [first, second] = [world.version(1), world.version(2)];
    let is = |name: &str, revision: &Revision| vec![(name.to_owned(), tag(revision).to_string())];
    let start = async || -> Running {
        canary(&pipeline, &second).await.unwrap();
        assert_eq!(spans.operations(), is("canary", &second));
        pipeline.status(&shop()).await.unwrap().canary.unwrap()
    };
    deploy(&pipeline, &first).await.unwrap();
    assert_eq!(spans.operations(), is("deploy", &first));

    start().await;
    pipeline.rollback(&shop(), &caller(), &silent).await.unwrap();
    assert_eq!(spans.operations(), is("rollback", &second));

    let trial = start().await;
    pipeline.roll_back_if(&shop(), &trial, &caller(), None, &silent).await.unwrap().unwrap();
    assert_eq!(spans.operations(), is("rollback", &second));

    let trial = start().await;
    pipeline.promote_if(&shop(), &trial, &caller(), &silent).await.unwrap().unwrap();
    assert_eq!(spans.operations(), is("promotion", &second));
}
