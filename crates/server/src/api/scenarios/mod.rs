//! Scenarios: those that users keep here, and all that can be called.

mod custom;
mod keep;
mod list;
mod shape;
mod shown;
mod tag;
mod texts;

pub use custom::{
    __path_change_custom_scenario, __path_create_custom_scenario, __path_delete_custom_scenario,
    __path_list_custom_scenarios, __path_show_custom_scenario, change_custom_scenario,
    create_custom_scenario, delete_custom_scenario, list_custom_scenarios, show_custom_scenario,
};
pub(super) use keep::may_use;
pub use list::{
    __path_list_scenario_versions, __path_list_scenarios, __path_show_scenario,
    list_scenario_versions, list_scenarios, show_scenario,
};
pub use texts::{__path_export_scenario, __path_import_scenario, export_scenario, import_scenario};

/// The largest scenario, in bytes: as a file may be.
pub const MAX_BYTES: usize = 256 * 1024;
