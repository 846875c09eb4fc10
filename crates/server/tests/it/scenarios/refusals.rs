use axum::body::Body;
use ringback_server::api::scenarios::MAX_BYTES;
use serde_json::json;

use super::*;

/// What a body is refused for: places and kinds.
async fn check(house: &House, body: Value, expected: Value) {
    for token in [&house.ada, &house.admin] {
        let told = house.post(token, body.clone()).await;
        assert_eq!(told.status, 422, "{body}: {told:?}");
        let found: Vec<Value> = told.json["detail"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!([one["loc"], one["type"]]))
            .collect();
        assert_eq!(json!(found), expected, "{body}: {told:?}");
        assert!(
            told.json["detail"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["msg"].is_string())
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_exact_place() {
    let house = house().await;
    let with = |more: Value| {
        let mut body = classic();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let tool = |http: Value| json!([{"name": "look", "description": "Looks.", "http": http}]);
    for (body, expected) in [
        (json!({}), json!([[["body", "responder"], "missing"]])),
        (
            with(json!({"promt": "x"})),
            json!([[["body", "promt"], "extra_forbidden"]]),
        ),
        (
            with(json!({"calendar": ["today", null]})),
            json!([[["body"], "value_error"]]),
        ),
        (
            with(json!({"prompt": 5})),
            json!([[["body", "prompt"], "value_error"]]),
        ),
        (
            with(json!({"voice_config": {"speed": 9, "voise": "x"}})),
            json!([
                [["body", "voice_config", "speed"], "value_error"],
                [["body", "voice_config", "voise"], "extra_forbidden"]
            ]),
        ),
        (
            with(json!({"tools": tool(json!({"url": "ftp://x"}))})),
            json!([[["body", "tools", 0, "http", "url"], "value_error"]]),
        ),
        (
            with(json!({"tools": tool(json!({}))})),
            json!([[["body", "tools", 0, "http", "url"], "missing"]]),
        ),
        (
            with(
                json!({"tools": tool(json!({"url": "https://example.com", "headers": {"x.y[0]": "a\nb"}}))}),
            ),
            json!([[
                ["body", "tools", 0, "http", "headers", "x.y[0]"],
                "value_error"
            ]]),
        ),
        (
            with(json!({"turn": {"idle_ms": 5000}, "idle": {"after_ms": 5000}})),
            json!([[["body", "idle", "after_ms"], "value_error"]]),
        ),
        (
            with(json!({"fallback": {"then": "transfer"}})),
            json!([[["body", "fallback", "then"], "value_error"]]),
        ),
        (
            with(json!({"shared": "yes"})),
            json!([[["body", "shared"], "value_error"]]),
        ),
        (
            with(json!({"slug": "Not A Slug"})),
            json!([[["body", "slug"], "value_error"]]),
        ),
        (
            with(json!({"slug": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11"})),
            json!([[["body", "slug"], "value_error"]]),
        ),
        (
            with(json!({"name": "a\u{0}b"})),
            json!([[["body", "name"], "value_error"]]),
        ),
        (
            with(json!({"prompt": "{nobody}"})),
            json!([[["body", "prompt"], "value_error"]]),
        ),
        (
            with(json!({"responder": [{"provider": "script", "script": "../../etc/passwd"}]})),
            json!([[["body", "responder", 0, "script"], "value_error"]]),
        ),
        (
            with(
                json!({"responder": [{"provider": "webhook", "url": "https://example.com", "secret": "file:/etc/passwd"}]}),
            ),
            json!([[["body", "responder", 0, "secret"], "value_error"]]),
        ),
    ] {
        check(&house, body, expected).await;
    }
    let id = house.make(&house.ada, classic()).await;
    let told = house
        .put(
            &house.ada,
            text(&id, "id"),
            json!({"turn": {"yield_ms": "x"}}),
        )
        .await;
    assert_eq!(
        (told.status, &told.json["detail"][0]["loc"]),
        (422, &json!(["body", "turn", "yield_ms"]))
    );
}

#[tokio::test]
async fn who_misspells_a_field_beyond_recognition_is_told_all_that_a_body_knows() {
    let house = house().await;
    let mut body = classic();
    body["zzzzzzzzzz"] = json!(1);
    let told = house.post(&house.ada, body).await;
    let what = told.json["detail"][0]["msg"].as_str().unwrap();
    assert!(
        what.contains("known are ") && what.ends_with(", shared"),
        "{what}"
    );
}

#[tokio::test]
async fn nobody_assigns_what_is_the_servers_to_say() {
    let house = house().await;
    let made = house.make(&house.ada, called("dentist")).await;
    let bob = house.make(&house.bob, called("bobs")).await;
    for (name, value) in [
        ("id", &bob["id"]),
        ("owner", &bob["owner"]),
        ("version", &json!(99)),
        ("created_at", &json!("2020-01-01T00:00:00Z")),
        ("warnings", &json!([])),
        ("__proto__", &json!({"shared": true})),
    ] {
        let mut body = classic();
        body[name] = value.clone();
        check(
            &house,
            body.clone(),
            json!([[["body", name], "extra_forbidden"]]),
        )
        .await;
        let told = house
            .put(&house.ada, "dentist", json!({ name: value }))
            .await;
        assert_eq!(
            (told.status, &told.json["detail"][0]["loc"]),
            (422, &json!(["body", name]))
        );
    }
    let now = house
        .get(&house.ada, "/realtime/custom-scenario/dentist")
        .await
        .json;
    assert_eq!(now, made);
}

#[tokio::test]
async fn no_scenario_of_a_user_reaches_the_servers_secrets_or_its_own_network() {
    let house = house().await;
    let with = |responder: Value| {
        let mut body = classic();
        body["responder"] = json!([responder]);
        body
    };
    for (body, field) in [
        (
            with(
                json!({"provider": "webhook", "url": "https://example.com", "secret": "env:HOOK"}),
            ),
            "secret",
        ),
        (
            with(json!({"provider": "webhook", "url": "http://10.0.0.1/", "allow_private": true})),
            "allow_private",
        ),
        (
            with(json!({"provider": "openai", "url": "http://169.254.169.254/v1"})),
            "url",
        ),
    ] {
        let told = house.post(&house.ada, body.clone()).await;
        assert_eq!(
            (told.status, &told.json["detail"][0]["loc"]),
            (422, &json!(["body", "responder", 0, field]))
        );
        house.make(&house.admin, body).await;
    }
    // Who may not allow it is not told to.
    let private = json!({"provider": "webhook", "url": "http://10.0.0.1/"});
    for (token, remedy) in [
        (&house.ada, "ask an admin"),
        (&house.admin, "set allow_private = true"),
    ] {
        let told = house.post(token, with(private.clone())).await;
        let said = told.json["detail"][0]["msg"].as_str().unwrap();
        assert_eq!(told.status, 422, "{told:?}");
        let others = said.contains("ask an admin") && said.contains("allow_private");
        assert!(said.contains(remedy) && !others, "{said}");
    }
    for own in [
        "env:SECRET_KEY",
        "env:DATABASE_URL",
        "env:TWILIO_AUTH_TOKEN_FILE",
    ] {
        let told = house
            .post(
                &house.admin,
                with(json!({"provider": "openai", "key": own})),
            )
            .await;
        assert_eq!(told.status, 422, "{own}: {told:?}");
    }
    // What an admin allowed in it a user cannot point elsewhere.
    let made = house.make(&house.ada, called("dentist")).await;
    let responder =
        with(json!({"provider": "webhook", "url": "https://example.com", "secret": "env:HOOK"}));
    let id = text(&made, "id");
    assert_eq!(
        house
            .put(
                &house.admin,
                id,
                json!({"responder": responder["responder"]})
            )
            .await
            .status,
        200
    );
    assert_eq!(
        house
            .put(&house.ada, id, json!({"prompt": "x"}))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn slugs_are_unique_and_never_those_of_files() {
    let house = house().await;
    for slug in ["survey", "reminders"] {
        let told = house.post(&house.ada, called(slug)).await;
        assert_eq!(told.status, 409, "{told:?}");
    }
    house.make(&house.ada, called("dentist")).await;
    house.make(&house.ada, called("other")).await;
    assert_eq!(house.post(&house.bob, called("dentist")).await.status, 409);
    for slug in ["other", "survey"] {
        let told = house
            .put(&house.ada, "dentist", json!({"slug": slug}))
            .await;
        assert_eq!(told.status, 409, "{slug}: {told:?}");
    }
    let renamed = house
        .put(&house.ada, "dentist", json!({"slug": "new-name"}))
        .await;
    assert_eq!(
        (renamed.status, &renamed.json["slug"]),
        (200, &json!("new-name"))
    );
    assert_eq!(
        house.get(&house.ada, "/scenarios/dentist").await.status,
        404
    );
    // A name that somebody has already makes a slug of its own.
    let named = |name: &str| {
        let mut body = classic();
        body["name"] = json!(name);
        body
    };
    let mut slugs = Vec::new();
    for name in ["Survey", "Table line", "Table line", "日本"] {
        slugs.push(text(&house.make(&house.ada, named(name)).await, "slug").to_owned());
    }
    assert_eq!(slugs[1], "table-line");
    assert!(
        slugs[0].starts_with("survey-") && slugs[2].starts_with("table-line-"),
        "{slugs:?}"
    );
    assert!(slugs[3].starts_with("scenario-"), "{slugs:?}");
}

#[tokio::test]
async fn ids_are_never_sql_and_bodies_are_bounded() {
    let house = house().await;
    house.make(&house.bob, called("bobs")).await;
    for id in [
        "'%20OR%201=1%20--",
        "%25",
        "*",
        "bobs'--",
        "%00",
        "..%2F..%2Fetc%2Fpasswd",
        "1;DROP%20TABLE%20scenarios",
    ] {
        for (method, path) in [
            ("GET", "/realtime/custom-scenario/"),
            ("DELETE", "/realtime/custom-scenario/"),
            ("GET", "/scenarios/"),
        ] {
            let told = house
                .service
                .ask(
                    method,
                    &format!("{path}{id}"),
                    Some(&house.ada),
                    Value::Null,
                )
                .await;
            assert!(
                [404, 422].contains(&told.status),
                "{method} {path}{id}: {told:?}"
            );
        }
    }
    assert_eq!(house.get(&house.bob, "/scenarios/bobs").await.status, 200);
    let none = house.get(&house.ada, "/scenarios/bobs?version=0").await;
    assert_eq!(none.status, 422, "{none:?}");
    for query in ["limit=0", "limit=201", "skip=-1", "colour=red"] {
        let told = house.get(&house.ada, &format!("/scenarios?{query}")).await;
        assert_eq!(told.status, 422, "{query}: {told:?}");
    }
    let mut large = classic();
    large["prompt"] = json!("x".repeat(MAX_BYTES));
    assert_eq!(house.post(&house.ada, large).await.status, 413);
    for body in ["[]", "null", "5", "{\"prompt\":", "{}{}"] {
        let request = request("POST", "/realtime/custom-scenario")
            .header("authorization", format!("Bearer {}", house.ada))
            .header("content-type", "application/json");
        let told = house
            .service
            .send("192.0.2.7", request.body(Body::from(body)).unwrap())
            .await;
        assert_eq!(told.status, 422, "{body}: {told:?}");
    }
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    let mut body = classic();
    body["tools"] = deep;
    check(&house, body, json!([[["body"], "value_error"]])).await;
}
