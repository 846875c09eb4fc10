//! The tables themselves.

use std::sync::Arc;

use ringback_store::Error;

use crate::cluster::Cluster;
use crate::{Fresh, NOW, run};

pub async fn every_statement_can_be_prepared(fresh: Fresh) {
    let store = fresh.migrated().await;
    let count = store.statements_check().await.unwrap();
    assert!(count > 100, "{count} are too few to be all");
    store.ping().await.unwrap();
}

pub async fn migrating_again_does_nothing(fresh: Fresh) {
    let store = fresh.store();
    let steps = store.migrate(NOW).await.unwrap();
    assert_eq!(steps.first(), Some(&"0001_accounts"));
    assert_eq!(store.migrate(NOW + 1).await.unwrap(), Vec::<&str>::new());
    let recorded = fresh
        .ask("SELECT name FROM migrations ORDER BY number")
        .await;
    assert_eq!(recorded, steps);
}

pub async fn nodes_that_start_together_migrate_once(fresh: Fresh) {
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = fresh.store();
        nodes.spawn(async move { store.migrate(NOW).await.unwrap().len() });
    }
    let mut steps = nodes.join_all().await;
    steps.sort_unstable();
    assert_eq!(steps[..3], [0, 0, 0]);
    assert!(steps[3] > 0);
}

pub async fn a_database_of_a_newer_version_is_refused(fresh: Fresh) {
    let store = fresh.migrated().await;
    fresh
        .ask("INSERT INTO migrations (number, name, applied_at) VALUES (999, '0999_future', 1) RETURNING name")
        .await;
    let refused = store.migrate(NOW).await.unwrap_err();
    assert!(
        matches!(refused, Error::Newer { database: 999, .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("run the newer version"),
        "{refused}"
    );
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    run(async {
        let cluster = Arc::new(Cluster::start());
        let postgres = Fresh::postgres(&cluster, "tables");
        let sqlite = Fresh::sqlite();
        postgres.migrated().await;
        sqlite.migrated().await;
        let columns = sqlite
            .ask(
                "SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" THEN ' NOT NULL' ELSE '' END
                FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1",
            )
            .await;
        let mut expected = postgres
            .ask(
                "SELECT table_name || '.' || column_name || ' ' || upper(data_type)
                    || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
                FROM information_schema.columns WHERE table_schema = 'public'",
            )
            .await;
        expected.sort();
        assert!(columns.len() > 100, "{columns:?}");
        assert_eq!(columns, expected);
    });
}
