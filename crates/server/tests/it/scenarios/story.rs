use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::cluster::Cluster;

async fn a_scenario_lives(house: &House) {
    let made = house.make(&house.ada, classic()).await;
    let (id, slug) = (text(&made, "id"), text(&made, "slug"));
    assert_eq!(
        (&made["version"], &made["shared"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(made["prompt"], "Take reservations.");
    assert_eq!(made["voice_config"], classic()["voice_config"]);
    let warned: Vec<_> = made["warnings"].as_array().unwrap().iter().collect();
    let places: Vec<_> = warned.iter().map(|warning| &warning["loc"]).collect();
    assert_eq!(
        places,
        [
            &json!(["body", "voice_config", "voice"]),
            &json!(["body", "voice_config", "temperature"])
        ]
    );
    let path = |name: &str| format!("/realtime/custom-scenario/{name}");
    assert_eq!(house.get(&house.ada, &path(id)).await.json, made);
    assert_eq!(house.get(&house.ada, &path(slug)).await.json, made);
    assert!(house.app().scenarios.find(slug).is_some(), "at once");

    let changed = house
        .put(
            &house.ada,
            id,
            json!({"prompt": "Take orders.", "voice_config": {"speed": null}, "name": "Orders"}),
        )
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json;
    assert_eq!(
        (&changed["version"], &changed["name"]),
        (&json!(2), &json!("Orders"))
    );
    assert_eq!(changed["persona"], made["persona"]);
    assert_eq!(
        changed["voice_config"],
        json!({"voice": "alloy", "temperature": 0.8})
    );
    let same = house
        .put(&house.ada, id, json!({"prompt": "Take orders."}))
        .await
        .json;
    assert_eq!(same["version"], 2, "nothing was changed");

    let versions = house
        .get(&house.ada, &format!("/scenarios/{id}/versions?limit=1"))
        .await;
    assert_eq!(versions.headers["x-total-count"], "2");
    assert_eq!(versions.json[0]["version"], 2);
    assert_eq!(versions.json[0]["created_by"], made["owner"]);
    let built_in = house.get(&house.ada, "/scenarios/survey/versions").await;
    let what = json!("built in: it has no versions");
    assert_eq!((built_in.status, &built_in.json["detail"]), (404, &what));
    let first = house
        .get(&house.ada, &format!("/scenarios/{id}?version=1"))
        .await
        .json;
    assert_eq!(
        (&first["prompt"], &first["version"]),
        (&made["prompt"], &json!(1))
    );
    assert_eq!(
        house
            .get(&house.ada, &format!("/scenarios/{id}?version=3"))
            .await
            .status,
        404
    );

    let listed = house.get(&house.ada, "/realtime/custom-scenarios").await;
    assert_eq!(listed.json, json!([same]));
    let all = house.get(&house.ada, "/scenarios?limit=200").await;
    let sources: Vec<_> = all
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(row, "source"))
        .collect();
    assert_eq!(sources[0], "stored");
    assert!(
        sources.contains(&"built-in") && sources.contains(&"file"),
        "{sources:?}"
    );
    assert_eq!(
        all.headers["x-total-count"],
        sources.len().to_string().as_str()
    );
    let needs = json!([{"for": "responder", "need": "OPENAI_API_KEY", "met": false}]);
    assert_eq!(all.json[0]["needs"], needs);
    let second_page = house
        .get(&house.ada, "/scenarios?skip=1&limit=2")
        .await
        .json;
    assert_eq!(
        second_page.as_array().unwrap()[..],
        all.json.as_array().unwrap()[1..3]
    );

    let kept = house.service.acts_to_come("scenario.update", 1).await;
    assert_eq!(kept[0].subject, id);
    let gone = house.delete(&house.ada, id).await;
    assert_eq!(
        (gone.status, gone.json),
        (200, json!({"message": "Scenario deleted"}))
    );
    for told in [
        house.get(&house.ada, &path(id)).await,
        house.delete(&house.ada, id).await,
    ] {
        assert_eq!(told.status, 404, "{told:?}");
    }
    assert!(house.app().scenarios.find(slug).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_made_changed_listed_and_deleted_on_sqlite() {
    a_scenario_lives(&house().await).await;
}

/// What this server knows of a slug: its version.
fn version(house: &House, slug: &str) -> Option<i64> {
    let found = house.app().scenarios.find(slug)?;
    found.stored.map(|stored| stored.version)
}

async fn comes(house: &House, slug: &str, expected: Option<i64>) {
    let wait = async {
        while version(house, slug) != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(10), wait).await;
    assert!(
        came.is_ok(),
        "{slug}: {:?} and not {expected:?}",
        version(house, slug)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_other_servers_see_it_within_seconds_and_keep_it_while_the_database_is_down()
{
    let cluster = Cluster::start();
    let url = cluster.create("ringback");
    let one = house_at(&url).await;
    a_scenario_lives(&one).await;
    let other = Service::at(setup(), &url).await;
    let other = House {
        admin: one.admin.clone(),
        ada: one.ada.clone(),
        bob: one.bob.clone(),
        service: other,
    };
    other.follow();
    one.make(&one.ada, called("dentist")).await;
    comes(&other, "dentist", Some(1)).await;
    one.put(&one.ada, "dentist", json!({"prompt": "Be kind."}))
        .await;
    comes(&other, "dentist", Some(2)).await;
    let known = other.app().scenarios.find("dentist").unwrap();
    assert_eq!(known.scenario.persona.prompt.as_deref(), Some("Be kind."));
    cluster.down();
    assert_eq!(version(&other, "dentist"), Some(2));
    let refused = other.get(&other.ada, "/realtime/custom-scenarios").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let call = other
        .service
        .server
        .post("/call/inbound/receive/dentist", &of_call(CALL))
        .await;
    assert!(
        call.body.contains("/ws/dentist/audio/stream"),
        "{}",
        call.body
    );
    cluster.up();
    comes(&other, "dentist", Some(2)).await;
    let deleted = async {
        while one.delete(&one.ada, "dentist").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), deleted)
        .await
        .unwrap();
    comes(&other, "dentist", None).await;
}

#[tokio::test]
async fn what_somebody_shares_others_may_use_and_read_and_never_change() {
    let house = house().await;
    let made = house.make(&house.ada, called("dentist")).await;
    let id = text(&made, "id");
    let paths = [
        "/realtime/custom-scenario/ID",
        "/scenarios/ID",
        "/scenarios/ID/versions",
        "/scenarios/ID/export",
    ];
    for path in paths.map(|path| path.replace("ID", id)) {
        assert_eq!(house.get(&house.ada, &path).await.status, 200, "{path}");
        assert_eq!(house.get(&house.admin, &path).await.status, 200, "{path}");
        assert_eq!(house.get(&house.bob, &path).await.status, 404, "{path}");
    }
    let lists = ["/realtime/custom-scenarios", "/scenarios?limit=200"];
    let sees = async |token: &str| {
        let mut sees = Vec::new();
        for path in lists {
            let listed = house.get(token, path).await.json;
            sees.push(listed.as_array().unwrap().iter().any(|row| row["id"] == id));
        }
        sees
    };
    assert_eq!(sees(&house.bob).await, [false, false]);
    assert_eq!(sees(&house.admin).await, [true, true]);
    assert_eq!(
        house
            .put(&house.bob, id, json!({"prompt": "Mine."}))
            .await
            .status,
        404
    );
    assert_eq!(house.delete(&house.bob, id).await.status, 404);

    let shared = house
        .put(&house.ada, id, json!({"shared": true}))
        .await
        .json;
    assert_eq!(
        (&shared["shared"], &shared["version"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(sees(&house.bob).await, [true, true]);
    for path in paths.map(|path| path.replace("ID", id)) {
        assert_eq!(house.get(&house.bob, &path).await.status, 200, "{path}");
    }
    for body in [json!({"prompt": "Mine."}), json!({"shared": false})] {
        assert_eq!(house.put(&house.bob, id, body).await.status, 403);
    }
    assert_eq!(house.delete(&house.bob, id).await.status, 403);
    let replaced = house
        .import(
            &house.bob,
            "?replace=true",
            "application/toml",
            "slug = \"dentist\"\nprompt = \"Mine.\"\n",
        )
        .await;
    assert_eq!(replaced.status, 409, "{replaced:?}");
    let now = house
        .get(&house.ada, &format!("/scenarios/{id}"))
        .await
        .json;
    assert_eq!(now["prompt"], made["prompt"]);

    let by_admin = house
        .put(
            &house.admin,
            id,
            json!({"prompt": "Better.", "shared": false}),
        )
        .await;
    assert_eq!(
        (by_admin.status, &by_admin.json["owner"]),
        (200, &made["owner"])
    );
    assert_eq!(sees(&house.bob).await, [false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_are_all_made() {
    let house = house().await;
    let made = house.make(&house.ada, called("dentist")).await;
    let changes = ["a", "b", "c", "d"].map(|name| {
        let mut variables = serde_json::Map::new();
        variables.insert(name.to_owned(), json!("x"));
        json!({ "variables": variables })
    });
    let changes = changes.map(|body| house.put(&house.ada, "dentist", body));
    for told in futures_util::future::join_all(changes).await {
        assert_eq!(told.status, 200, "{told:?}");
    }
    let now = house
        .get(&house.ada, &format!("/scenarios/{}", text(&made, "id")))
        .await
        .json;
    assert_eq!(now["version"], 5);
    assert_eq!(
        now["variables"],
        json!({"a": "x", "b": "x", "c": "x", "d": "x"})
    );
    let versions = house
        .get(&house.ada, "/scenarios/dentist/versions")
        .await
        .json;
    let numbers: Vec<_> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["version"].clone())
        .collect();
    assert_eq!(Value::from(numbers), json!([5, 4, 3, 2, 1]));
}

#[tokio::test]
async fn lines_of_each_new_version_are_spoken_in_advance() {
    let house = house().await;
    house.make(&house.ada, called("dentist")).await;
    house
        .put(&house.ada, "dentist", json!({"slug": "surgery"}))
        .await;
    let warmed = &house.service.server.warmed;
    let both = crate::simulated::until("the lines", async || {
        let warmed = warmed.lock().unwrap().clone();
        (warmed.len() == 2).then_some(warmed)
    });
    assert_eq!(both.await, ["dentist", "surgery"]);
}
