//! How many pods a canary has beside those of stable.

use nprt_core::model::{Object, Track, annotation, label};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::fields::map_at;
use super::settings::Replicas;
use super::twin::SUFFIX;

/// Gives the canary of `stable` its pods. A share is said on the canary itself, so that whoever finds it can
/// keep it in step.
pub(super) fn set(canary: &mut Value, wanted: Replicas, stable: &Object) -> Result<()> {
    let replicas = match wanted {
        Replicas::Count(count) => count.into(),
        Replicas::Share(share) => {
            let annotations = map_at(canary, &["metadata", "annotations"])?;
            annotations.insert(annotation::REPLICAS_SHARE.to_owned(), share.to_string().into());
            share_of(share, replicas_of(stable).unwrap_or(1))
        }
    };
    map_at(canary, &["spec"])?.insert("replicas".to_owned(), replicas.into());
    Ok(())
}

/// How many pods a live canary should have now: its share, which it says itself, of the replicas that stable's
/// workload has among `live`, rounded up, and at least one. `None` for what says no share, or has no stable
/// workload beside it.
///
/// # Errors
/// `Invalid` for a share that is no number above 0 and at most 1.
///
/// ```
/// use nprt_manifest::canary_replicas;
/// use nprt_core::model::Object;
/// # let workload = |name: &str, annotations: serde_json::Value, labels: serde_json::Value| {
/// #     Object::new(serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment",
/// #         "metadata": {"name": name, "annotations": annotations, "labels": labels},
/// #         "spec": {"replicas": 30}}))
/// # };
/// let stable = workload("web", serde_json::json!({}), serde_json::json!({}))?;
/// let share = serde_json::json!({"nprt.dev/replicas-share": "0.1"});
/// let canary = workload("web-canary", share, serde_json::json!({"nprt.dev/track": "canary"}))?;
/// assert_eq!(canary_replicas(&canary, &[stable, canary.clone()])?, Some(3));
/// # Ok::<(), nprt_core::Error>(())
/// ```
pub fn canary_replicas(canary: &Object, live: &[Object]) -> Result<Option<u64>> {
    let is_canary = canary.label(label::TRACK) == Some(Track::Canary.as_str());
    let Some(text) = canary.annotation(annotation::REPLICAS_SHARE).filter(|_| is_canary) else {
        return Ok(None);
    };
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| {
        Error::invalid("manifest.replicas", "expected a share, above 0 and at most 1")
            .with("object", canary.id())
            .with("annotation", annotation::REPLICAS_SHARE)
            .with("value", format_args!("{text:?}"))
    })?;
    let (id, name) = (canary.id(), canary.name().strip_suffix(SUFFIX));
    let stable = live.iter().map(|object| (object.id(), object)).find(|(other, _)| {
        Some(other.name.as_str()) == name
            && (other.group(), &other.kind, &other.namespace) == (id.group(), &id.kind, &id.namespace)
    });
    Ok(stable.and_then(|(_, stable)| replicas_of(stable)).map(|stable| share_of(share, stable)))
}

fn replicas_of(workload: &Object) -> Option<u64> {
    workload.as_value().pointer("/spec/replicas").and_then(Value::as_u64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the share is above 0 and at most 1, and pods are counted in thousands"
)]
fn share_of(share: f64, stable: u64) -> u64 {
    // A tenth of 10 is 1 and not, by rounding in binary, 2.
    ((share * stable as f64 - 1e-9).ceil() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(name: &str, replicas: u64, share: Option<&str>) -> Object {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"}, "spec": {"replicas": replicas}});
        if let Some(share) = share {
            value["metadata"]["annotations"] = json!({annotation::REPLICAS_SHARE: share});
            value["metadata"]["labels"] = json!({"nprt.dev/track": "canary"});
        }
        Object::new(value).unwrap()
    }

    #[test]
    fn a_share_is_rounded_up_and_at_least_one() {
        for (share, stable, expected) in
            [("0.1", 10, 1), ("0.1", 11, 2), ("0.5", 7, 4), ("1", 7, 7), ("0.01", 5, 1), ("0.3", 0, 1)]
        {
            let live = [workload("web", stable, None), workload("other", 99, None)];
            let wanted = canary_replicas(&workload("web-canary", 2, Some(share)), &live).unwrap();
            assert_eq!(wanted, Some(expected), "{share} of {stable}");
        }
    }

    #[test]
    fn what_says_no_share_or_has_no_stable_workload_is_left() {
        let live = [workload("web", 9, None)];
        assert_eq!(canary_replicas(&workload("web-canary", 2, None), &live).unwrap(), None);
        assert_eq!(canary_replicas(&workload("worker-canary", 2, Some("0.5")), &live).unwrap(), None);
        let mut kind = workload("web-canary", 2, Some("0.5"));
        kind.as_value_mut()["kind"] = json!("StatefulSet");
        assert_eq!(canary_replicas(&kind, &live).unwrap(), None);
        for bad in ["", "half", "0", "1.5", "-1", "NaN", "inf"] {
            let error = canary_replicas(&workload("web-canary", 2, Some(bad)), &live).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("web-canary"), "{bad}: {error}");
        }
    }
}
