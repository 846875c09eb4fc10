//! Shapes that are put together of others, as one: in the answer they are one object, too.

use std::collections::BTreeSet;

use utoipa::openapi::RefOr;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{AllOf, Components, Object, Schema};

/// Has every shape say all its fields itself. What was a part of others alone is left out.
pub(super) fn melt(components: &mut Components, paths: &Paths) {
    let mut parts = BTreeSet::new();
    let names: Vec<String> = components.schemas.keys().cloned().collect();
    for name in names {
        if let Some(RefOr::T(Schema::AllOf(all))) = components.schemas.get(&name)
            && let Some(object) = melted(components, all, &mut parts)
        {
            let schema = RefOr::T(Schema::Object(object));
            components.schemas.insert(name, schema);
        }
    }
    let texts = (
        serde_json::to_string(&components),
        serde_json::to_string(paths),
    );
    let (Ok(shapes), Ok(paths)) = texts else {
        return;
    };
    for name in parts {
        let reference = format!("\"#/components/schemas/{name}\"");
        if !shapes.contains(&reference) && !paths.contains(&reference) {
            components.schemas.remove(&name);
        }
    }
}

/// `None` where a part is no object of fields alone.
fn melted(components: &Components, all: &AllOf, parts: &mut BTreeSet<String>) -> Option<Object> {
    let mut object = Object::new();
    object.description.clone_from(&all.description);
    object.example.clone_from(&all.example);
    for item in &all.items {
        let part = match item {
            RefOr::Ref(reference) => {
                let name = reference.ref_location.rsplit('/').next()?;
                parts.insert(name.to_owned());
                components.schemas.get(name)?
            }
            RefOr::T(_) => item,
        };
        let part = match part {
            RefOr::T(Schema::Object(part)) => part.clone(),
            RefOr::T(Schema::AllOf(all)) => melted(components, all, parts)?,
            RefOr::T(_) | RefOr::Ref(_) => return None,
        };
        if part.additional_properties.is_some() {
            return None;
        }
        object.properties.extend(part.properties);
        object.required.extend(part.required);
    }
    Some(object)
}
