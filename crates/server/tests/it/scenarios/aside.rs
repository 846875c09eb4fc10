//! Scenarios are read beside calls, and never on the threads that serve them.

use std::sync::mpsc::channel;

use ringback_server::scenarios::refresh;
use ringback_store::{ScenarioNew, new_id};
use serde_json::json;
use tokio::runtime::Builder;

use super::*;

/// In µs since 1970.
const NOW: i64 = 1_795_000_000_000_000;

/// Does something of which a scenario is read while there is no thread for that, and answers what came of it once there is one.
async fn held_up<T: Send + 'static>(
    house: &House,
    what: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let (go_on, waits) = channel::<()>();
    let (begins, begun) = tokio::sync::oneshot::channel();
    let only = tokio::task::spawn_blocking(move || {
        begins.send(()).unwrap();
        waits.recv().unwrap();
    });
    begun.await.unwrap();
    let work = tokio::spawn(work);
    for _ in 0..20 {
        // What serves requests goes on.
        let told = house.get(&house.admin, "/users/me").await;
        assert_eq!(told.status, 200, "{told:?}");
    }
    assert!(!work.is_finished(), "{what} did not wait");
    go_on.send(()).unwrap();
    only.await.unwrap();
    work.await.unwrap()
}

#[test]
fn the_threads_that_serve_calls_check_no_scenario() {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(2).max_blocking_threads(1);
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(async {
        let house = Arc::new(house().await);
        let made = Arc::clone(&house);
        let made = held_up(&house, "POST", async move {
            made.post(&made.admin, called("one")).await
        });
        assert_eq!(made.await.status, 201);

        let changed = Arc::clone(&house);
        let changed = held_up(&house, "PUT", async move {
            changed
                .put(&changed.admin, "one", json!({"name": "One"}))
                .await
        });
        assert_eq!(changed.await.status, 200);

        let imported = Arc::clone(&house);
        let imported = held_up(&house, "import", async move {
            let text = "slug = \"two\"\nprompt = \"Take reservations.\"\n";
            imported
                .import(&imported.admin, "", "application/toml", text)
                .await
        });
        assert_eq!(imported.await.status, 201);

        let elsewhere = ScenarioNew {
            slug: "three".to_owned(),
            name: "Three".to_owned(),
            owner: None,
            shared: true,
            body: called("three").to_string(),
        };
        let id = new_id(NOW);
        let kept = house
            .service
            .store
            .scenario_insert(&id, &elsewhere, &[], NOW);
        kept.await.unwrap();
        let app = Arc::clone(house.app());
        let read = held_up(&house, "what another server kept", async move {
            refresh(&app).await
        });
        read.await.unwrap();
        assert!(house.app().scenarios.find("three").is_some());
    });
}
