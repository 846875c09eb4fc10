//! The scenarios that every server has. They are files like any other, read by the same code.

/// Their slugs and texts.
pub(super) const BUILT_IN: [(&str, &str); 4] = [
    (
        "guest-relations",
        include_str!("../../scenarios/guest-relations.toml"),
    ),
    (
        "appointment-reminder",
        include_str!("../../scenarios/appointment-reminder.toml"),
    ),
    ("survey", include_str!("../../scenarios/survey.toml")),
    ("parrot", include_str!("../../scenarios/parrot.toml")),
];
