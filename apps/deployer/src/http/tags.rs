use std::cmp::Reverse;
use std::collections::BTreeSet;

use axum::Json;
use futures_util::future::try_join_all;
use nprt::model::{ImageName, Revision, Tag};
use nprt::pipeline::Progress;
use serde_json::{Value, json};

use super::asked::Asked;
use super::problem::Problem;
use super::show;
use crate::compose::Told;
use crate::config::Action;

/// `GET /{service}/tags`: of each image, and those that all images have.
pub(crate) async fn tags(asked: Asked) -> Result<Json<Value>, Problem> {
    let (service, member) = asked.service(&[Action::Read])?;
    asked.takes_json()?;
    asked
        .in_time(async {
            let pipeline = asked.composed.pipeline(Told::Decisions);
            let status = pipeline.status(&service).await?;
            let revision = show::revision(member, &status).await?;
            let images = pipeline.images(&service, &revision, &Progress::silent()).await?;
            let tags = async |image: &ImageName| match member.ports.registry.tags(image).await {
                Err(error) if error.is_not_found() => Ok(Vec::new()),
                tags => tags.map(newest_first),
            };
            let found = try_join_all(images.iter().map(tags)).await?;
            let shared = shared(&found);
            let images: Vec<Value> = images
                .iter()
                .zip(&found)
                .map(|(image, tags)| json!({"image": image, "tags": tags}))
                .collect();
            Ok(Json(json!({"service": service, "images": images, "shared": shared})))
        })
        .await
}

/// Subversion's revisions say which is newer, git's do not: those are by name.
fn newest_first(mut tags: Vec<Tag>) -> Vec<Tag> {
    let number = |tag: &Tag| match tag.svn_revision() {
        Some(Revision::Svn(number)) => Some(number),
        _ => None,
    };
    tags.sort_by_cached_key(|tag| (Reverse(number(tag)), tag.clone()));
    tags
}

fn shared(found: &[Vec<Tag>]) -> Vec<&Tag> {
    let Some((first, others)) = found.split_first() else { return Vec::new() };
    let others: Vec<BTreeSet<&Tag>> = others.iter().map(|tags| tags.iter().collect()).collect();
    first.iter().filter(|tag| others.iter().all(|tags| tags.contains(tag))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_tags_are_those_of_all_images_in_order() {
        let tags = |names: &[&str]| newest_first(names.iter().map(|name| Tag::new(name).unwrap()).collect());
        let found = [tags(&["trunk-r9", "trunk-r17", "v1"]), tags(&["v1", "trunk-r17", "x"])];
        let names: Vec<&str> = shared(&found).into_iter().map(Tag::as_str).collect();
        assert_eq!(names, ["trunk-r17", "v1"]);
        assert!(shared(&[]).is_empty());
    }
}
