//! The contract of every cluster.

use std::sync::Arc;

use async_trait::async_trait;
use nprt_core::clock::SystemClock;
use nprt_core::conformance::cluster::{self, ClusterFixture};
use nprt_core::model::Object;
use nprt_core::ports::{Clock, Cluster, ObjectEvent};
use serde_json::Value;

use crate::world::World;

#[async_trait]
impl ClusterFixture for World {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    async fn apply_as(&self, manager: &str, object: &Object) {
        let manager = format!("--field-manager={manager}");
        let args = ["apply", "--server-side", "--force-conflicts", &manager, "-f", "-"];
        self.admin_with_input(&args, &object.as_value().to_string()).await;
    }

    async fn seen_by(&self, clock: Arc<dyn Clock>) -> Arc<dyn Cluster> {
        self.on(clock).await
    }

    async fn events(&self, object: &Object) -> Vec<ObjectEvent> {
        let uid = object.as_value()["metadata"]["uid"].as_str().unwrap();
        let of = format!("--field-selector=involvedObject.uid={uid}");
        let list: Value =
            serde_json::from_str(&self.admin(&["get", "events", &of, "-o", "json"]).await).unwrap();
        let event = |event: &Value| {
            let (reason, note) = (event["reason"].as_str().unwrap(), event["message"].as_str().unwrap());
            let make = if event["type"] == "Warning" { ObjectEvent::warning } else { ObjectEvent::normal };
            make(reason, note)
        };
        list["items"].as_array().unwrap().iter().map(event).collect()
    }
}

#[tokio::test]
async fn keeps_the_contract_of_a_cluster() {
    let Some(world) = World::new("conformance").await else { return };
    cluster::all(&*world.cluster, &world).await;
}
