use ringback_server::scenarios::check_default;
use serde_json::json;

use super::*;

impl House {
    async fn put_if(&self, token: &str, name: &str, tag: &str, body: &Value) -> Told {
        let request = request("PUT", &format!("/realtime/custom-scenario/{name}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("if-match", tag);
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.service.send("192.0.2.7", request).await
    }
}

fn tag(told: &Told) -> &str {
    told.headers["etag"].to_str().unwrap()
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_it_names_and_to_no_other() {
    let house = house().await;
    let made = house.post(&house.ada, called("dentist")).await;
    assert_eq!((made.status, tag(&made)), (201, "\"1\""));
    let path = "/realtime/custom-scenario/dentist";
    let said = |text: &str| json!({"prompt": text, "shared": true});
    for (sent, tag_after) in [
        ("\"1\"", Some("\"2\"")),
        ("\"1\"", None),
        ("\"7\", \"2\"", Some("\"3\"")),
        ("W/\"3\"", None),
        ("3", None),
        ("", None),
        ("*", Some("\"4\"")),
    ] {
        let before = house.get(&house.ada, path).await;
        let body = said(&format!("Take {sent}."));
        let told = house.put_if(&house.ada, "dentist", sent, &body).await;
        let after = house.get(&house.ada, path).await;
        match tag_after {
            Some(expected) => {
                assert_eq!((told.status, tag(&told)), (200, expected), "{told:?}");
                assert_eq!(tag(&after), expected);
                assert_eq!(after.json, told.json);
            }
            None => {
                assert_eq!(told.status, 412, "{sent}: {told:?}");
                let version = &before.json["version"];
                let why = format!("the scenario is at version {version} now: ");
                assert!(told.json["detail"].as_str().unwrap().starts_with(&why));
                assert_eq!(after.json, before.json, "{sent}");
            }
        }
    }
    let told = house.put(&house.ada, "dentist", said("As ever.")).await;
    assert_eq!((told.status, tag(&told)), (200, "\"5\""));
    let told = house
        .put_if(&house.bob, "dentist", "\"1\"", &said("Mine."))
        .await;
    assert_eq!(told.status, 403, "who may not change it learns no version");
    let told = house.put_if(&house.ada, "nobody", "*", &said("x")).await;
    assert_eq!(told.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_to_one_version_one_is_made() {
    let house = Arc::new(house().await);
    house.make(&house.ada, called("dentist")).await;
    let mut changes = tokio::task::JoinSet::new();
    for number in 0..8 {
        let house = Arc::clone(&house);
        changes.spawn(async move {
            let body = json!({"prompt": format!("Take {number}.")});
            let told = house.put_if(&house.ada, "dentist", "\"1\"", &body).await;
            told.status
        });
    }
    let mut found = changes.join_all().await;
    found.sort_unstable();
    assert_eq!(found, [200, 412, 412, 412, 412, 412, 412, 412]);
    let kept = house.get(&house.ada, "/realtime/custom-scenario/dentist");
    assert_eq!(kept.await.json["version"], 2);
}

#[tokio::test]
async fn the_default_scenario_may_be_kept_in_the_database_and_follows_its_changes() {
    let setup = setup().with("DEFAULT_SCENARIO", "dentist");
    let house = House::of(Service::at(setup, "").await).await;
    let refused = check_default(house.app(), true).unwrap_err().to_string();
    let expected = "DEFAULT_SCENARIO=dentist: there is no such scenario; there is: ";
    assert!(refused.starts_with(expected), "{refused}");
    assert!(
        check_default(house.app(), false).is_ok(),
        "it may come when the database does"
    );
    let server = &house.service.server;
    let rings = async |sid: &str| server.post("/", &of_call(sid)).await;
    assert_eq!(rings("CA1").await.status, 404);
    let made = house.make(&house.admin, called("dentist")).await;
    assert!(check_default(house.app(), true).is_ok());
    let told = stream(&rings("CA2").await.body);
    assert!(told.url.ends_with("/ws/dentist/audio/stream"), "{told:?}");
    let id = text(&made, "id");
    let changed = json!({"direction": "outbound"});
    assert_eq!(house.put(&house.admin, id, changed).await.status, 200);
    let refused = rings("CA3").await;
    assert_eq!(refused.status, 404);
    assert!(
        refused.body.contains("takes no inbound calls"),
        "{refused:?}"
    );
    let changed = json!({"direction": "both"});
    assert_eq!(house.put(&house.admin, id, changed).await.status, 200);
    assert_eq!(rings("CA4").await.status, 200);
    assert_eq!(house.delete(&house.admin, id).await.status, 200);
    assert_eq!(rings("CA5").await.status, 404);
}

#[tokio::test]
async fn only_an_administrator_gives_the_default_scenario_its_slug() {
    let setup = setup().with("DEFAULT_SCENARIO", "dentist");
    let house = House::of(Service::at(setup, "").await).await;
    let (ada, admin) = (&house.ada, &house.admin);
    let create = async |token: &str, body: Value| {
        let path = "/realtime/custom-scenario";
        house.service.ask("POST", path, Some(token), body).await
    };
    let refused = create(ada, called("dentist")).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let what = refused.json["detail"].as_str().unwrap();
    assert!(what.contains("DEFAULT_SCENARIO"), "{what}");
    let other = house.make(ada, called("surgery")).await;
    let id = text(&other, "id");
    let renamed = house.put(ada, id, json!({"slug": "dentist"})).await;
    assert_eq!(renamed.status, 409, "{renamed:?}");
    let mut named = called("x");
    named.as_object_mut().unwrap().remove("slug");
    named["name"] = json!("Dentist");
    let made = create(ada, named).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(text(&made.json, "slug").starts_with("dentist-"), "{made:?}");
    assert_eq!(create(admin, called("dentist")).await.status, 201);
}
