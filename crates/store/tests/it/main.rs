//! The store on fresh databases: each case on SQLite by itself, and all of them on one PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod accounts;
mod calls;
mod cluster;
mod down;
mod kill;
mod nodes;
mod story;
mod tables;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ringback_store::{Location, Store};
use tempfile::TempDir;

use cluster::Cluster;

/// A moment of 2026, in µs since 1970.
const NOW: i64 = 1_795_000_000_000_000;
/// In µs.
const SECOND: i64 = 1_000_000;

/// A database of its own for one case.
struct Fresh {
    dir: TempDir,
    url: String,
    /// Keeps the server up.
    _cluster: Option<Arc<Cluster>>,
}

impl Fresh {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("it.db").display());
        Self {
            dir,
            url,
            _cluster: None,
        }
    }

    fn postgres(cluster: &Arc<Cluster>, name: &str) -> Self {
        let url = cluster.create(name);
        let dir = tempfile::tempdir().unwrap();
        Self {
            dir,
            url,
            _cluster: Some(Arc::clone(cluster)),
        }
    }

    /// Another store on it, with connections of its own: another node.
    fn store(&self) -> Store {
        let location = Location::parse(&self.url, self.dir.path()).unwrap();
        Store::open(location).unwrap()
    }

    async fn migrated(&self) -> Store {
        let store = self.store();
        store.migrate(NOW).await.unwrap();
        store
    }

    /// Runs SQL behind the store's back and answers the first column of its rows as text.
    async fn ask(&self, sql: &'static str) -> Vec<String> {
        use sqlx::{Connection, Row};
        if self.url.starts_with("sqlite") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    }
}

impl Fresh {
    /// All that is in a table, as text.
    async fn dump(&self, table: &str) -> String {
        use sqlx::Connection;
        let sql = if self.url.starts_with("sqlite") {
            let columns = match table {
                "calls" => "id, from_number, to_number, owner, summary",
                "turns" => "call_id, text, detail",
                "faults" => "call_id, detail",
                "call_files" => "call_id, path",
                "transcripts" => "id, full_text, body",
                "schedule" => "id, phone, options",
                "audit" => "subject, detail",
                other => panic!("which columns of {other} say something?"),
            };
            format!("SELECT json_group_array(json_array({columns})) FROM {table}")
        } else {
            format!("SELECT COALESCE(string_agg(CAST(t AS TEXT), '; '), '') FROM {table} t")
        };
        let sql = sqlx::AssertSqlSafe(sql);
        if self.url.starts_with("sqlite") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap()
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap()
        }
    }
}

type Case = fn(Fresh) -> Pin<Box<dyn Future<Output = ()> + Send>>;

fn run<T>(what: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(what)
}

/// Makes a test on SQLite of each case, and lists them for PostgreSQL.
macro_rules! cases {
    ($($module:ident :: $name:ident,)+) => {
        mod sqlite {
            $(#[test] fn $name() { super::run(super::$module::$name(super::Fresh::sqlite())); })+
        }
        const CASES: &[(&str, Case)] =
            &[$((stringify!($name), |fresh| Box::pin($module::$name(fresh)))),+];
    };
}

cases! {
    story::a_day_of_a_service_is_stored_and_found_again,
    tables::every_statement_can_be_prepared,
    tables::migrating_again_does_nothing,
    tables::nodes_that_start_together_migrate_once,
    tables::a_database_of_a_newer_version_is_refused,
    accounts::addresses_are_unique_whatever_their_case,
    accounts::of_many_who_register_first_one_becomes_admin,
    accounts::of_many_who_bring_one_refresh_token_one_gets_another,
    accounts::a_refresh_token_used_again_costs_its_family,
    accounts::whoever_is_shut_out_has_nothing_that_is_good,
    accounts::of_admins_who_take_power_from_one_another_one_is_left,
    accounts::a_sign_in_that_a_new_password_overtook_begins_nothing,
    accounts::an_allowance_is_shared_by_all_nodes,
    accounts::an_allowance_comes_back_evenly,
    accounts::who_counts_alone_comes_to_the_same,
    accounts::a_request_sent_many_times_is_carried_out_once,
    accounts::a_block_of_an_admin_is_not_shortened_by_the_server,
    calls::a_status_only_goes_forward_and_the_first_final_one_stays,
    calls::a_call_that_goes_on_says_since_when_and_what_hears_answers_and_speaks,
    calls::rows_written_twice_are_there_once,
    calls::turns_that_were_taken_back_are_gone,
    calls::a_caller_put_through_to_another_scenario_has_a_call_for_each,
    calls::lists_are_filtered_and_paged_newest_first,
    calls::no_entry_of_the_schedule_goes_to_two_nodes,
    calls::whoever_lost_the_lease_changes_nothing,
    calls::a_call_that_was_placed_is_never_placed_again,
    calls::a_number_is_erased_from_every_table,
    calls::each_node_is_told_of_its_own_files_until_they_are_deleted,
    calls::what_is_old_is_listed_and_forgotten,
    calls::text_with_any_character_is_kept,
    calls::what_no_row_can_hold_is_not_found,
    nodes::nodes_with_live_calls_are_listed_with_their_last_sign,
    nodes::what_a_node_says_that_came_back_takes_the_place_of_a_presumed_end,
    down::rows_wait_in_the_journal_until_there_are_tables,
    down::what_the_database_refuses_holds_nothing_up,
    down::a_full_journal_counts_what_it_drops,
}

#[test]
fn every_case_holds_on_postgresql_too() {
    run(async {
        let cluster = Arc::new(Cluster::start());
        let mut running = tokio::task::JoinSet::new();
        for (index, (name, case)) in CASES.iter().enumerate() {
            let cluster = Arc::clone(&cluster);
            running.spawn(async move {
                eprintln!("{name}");
                case(Fresh::postgres(&cluster, &format!("case_{index}"))).await;
            });
            // A few at a time: a server takes a hundred connections.
            while running.len() >= 3 {
                running.join_next().await.unwrap().unwrap();
            }
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    });
}
