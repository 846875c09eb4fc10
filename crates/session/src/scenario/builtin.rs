//! The scenarios that every server has. They are files like any other, read by the same code.

/// The text of a built-in scenario, to be copied and changed.
pub fn built_in(slug: &str) -> Option<&'static str> {
    let found = BUILT_IN.iter().find(|(known, _)| *known == slug);
    found.map(|(_, text)| *text)
}

/// The slugs of the built-in scenarios.
pub fn built_in_slugs() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(slug, _)| *slug)
}

/// Their slugs and texts.
pub(super) const BUILT_IN: [(&str, &str); 8] = [
    (
        "guest-relations",
        include_str!("../../scenarios/guest-relations.toml"),
    ),
    (
        "appointment-reminder",
        include_str!("../../scenarios/appointment-reminder.toml"),
    ),
    ("survey", include_str!("../../scenarios/survey.toml")),
    (
        "front-desk",
        include_str!("../../scenarios/front-desk.toml"),
    ),
    (
        "lead-qualification",
        include_str!("../../scenarios/lead-qualification.toml"),
    ),
    ("check-in", include_str!("../../scenarios/check-in.toml")),
    (
        "it-support",
        include_str!("../../scenarios/it-support.toml"),
    ),
    ("parrot", include_str!("../../scenarios/parrot.toml")),
];
