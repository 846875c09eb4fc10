//! One day of a service, from the first user to the backup.

use ringback_store::{
    AuditEntry, AuditFilter, CallFilter, DoNotCall, EntryNew, Error, Json, Page, Role, ScenarioNew,
    SealedSecret, SessionNew, TranscriptKind, Write, Writer, new_id, normal_number,
};
use serde_json::json;

use crate::accounts::{user, user_new};
use crate::calls::{call, end, turn};
use crate::{Fresh, NOW, SECOND};

pub async fn a_day_of_a_service_is_stored_and_found_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    let admin = store
        .user_insert_first(&user_new("admin@example.org"), NOW)
        .await
        .unwrap();
    let admin = admin.unwrap();
    let ann = user(&store, "ann@example.org").await;
    assert_eq!(store.user_list(Page::default()).await.unwrap().total, 2);
    assert_eq!((admin.role, ann.role), (Role::Admin, Role::User));

    logs_in(&fresh, &ann.id).await;
    let slug = writes_a_scenario(&fresh, &ann.id, &admin.id).await;
    makes_a_call(&fresh, &ann.id, &slug).await;
    keeps_small_things(&fresh, &ann.id).await;

    let act = AuditEntry {
        actor: Some(admin.id.clone()),
        action: "user.delete".to_owned(),
        subject: ann.id.clone(),
        address: Some("203.0.113.7".to_owned()),
        request_id: Some("r1".to_owned()),
        ..AuditEntry::default()
    };
    store.audit_insert(&act, NOW + SECOND).await.unwrap();
    store
        .audit_insert(
            &AuditEntry {
                action: "login".to_owned(),
                ..act
            },
            NOW,
        )
        .await
        .unwrap();
    let filter = AuditFilter {
        actor: Some(admin.id.clone()),
        ..AuditFilter::default()
    };
    let acts = store
        .audit_list(&filter, Page { skip: 0, limit: 1 })
        .await
        .unwrap();
    assert_eq!(
        (acts.total, acts.rows[0].action.as_str()),
        (2, "user.delete")
    );
    assert_eq!(acts.rows[0].detail, Json(json!({})));
    let email = acts.rows[0].actor_email.as_deref();
    assert_eq!(email, Some("admin@example.org"));
    let filter = AuditFilter {
        action: Some("login".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(
        store
            .audit_list(&filter, Page::default())
            .await
            .unwrap()
            .total,
        1
    );
    assert_eq!(store.audit_sweep(NOW + SECOND).await.unwrap(), 1);

    store.user_delete(&ann.id).await.unwrap();
    let orphan = store.scenario_find(&slug).await.unwrap().unwrap();
    assert_eq!(orphan.owner, None);
    let calls = CallFilter {
        owner: Some(ann.id.clone()),
        ..CallFilter::default()
    };
    assert_eq!(
        store
            .call_list(&calls, Page::default())
            .await
            .unwrap()
            .total,
        1
    );
    is_backed_up(&fresh).await;
}

async fn logs_in(fresh: &Fresh, ann: &str) {
    let store = fresh.store();
    assert_eq!(store.user_login_failed(ann).await.unwrap(), 1);
    assert_eq!(store.user_login_failed(ann).await.unwrap(), 2);
    store.user_slow_down(ann, NOW + 60 * SECOND).await.unwrap();
    let slow = store.user_find(ann).await.unwrap().unwrap();
    assert_eq!(
        (slow.failed_logins, slow.slow_until),
        (2, Some(NOW + 60 * SECOND))
    );
    store.user_logged_in(ann, NOW + 61 * SECOND).await.unwrap();
    let well = store.user_find(ann).await.unwrap().unwrap();
    assert_eq!((well.failed_logins, well.slow_until), (0, None));
    assert_eq!(well.last_login_at, Some(NOW + 61 * SECOND));
    for hash in ["a", "b", "c"] {
        let token_hash = hash.to_owned();
        let new = SessionNew {
            user_id: ann.to_owned(),
            token_version: 0,
            token_hash,
            expires_at: NOW * 2,
        };
        store.session_insert(&new, NOW).await.unwrap();
    }
    store.user_rehash(ann, "not the hash", "new").await.unwrap();
    assert_eq!(
        store.user_find(ann).await.unwrap().unwrap().password_hash,
        "$argon2id$"
    );
    let changed = store.user_password_set(ann, "$argon2id$2", NOW).await;
    changed.unwrap();
    let mut families = Vec::new();
    for hash in ["d", "e"] {
        let new = SessionNew {
            user_id: ann.to_owned(),
            token_version: 1,
            token_hash: hash.to_owned(),
            expires_at: NOW,
        };
        families.push(store.session_insert(&new, NOW).await.unwrap());
    }
    let revoked = store
        .session_revoke_all(ann, Some(&families[0]), "password", NOW)
        .await
        .unwrap();
    assert_eq!(revoked, 1);
    assert_eq!(
        store
            .session_revoke_all(ann, None, "logout", NOW)
            .await
            .unwrap(),
        1
    );
    let nobody = store
        .user_password_set("nobody", "x", NOW)
        .await
        .unwrap_err();
    assert!(matches!(nobody, Error::NotFound(_)), "{nobody}");
}

async fn writes_a_scenario(fresh: &Fresh, ann: &str, admin: &str) -> String {
    let store = fresh.store();
    let new = ScenarioNew {
        slug: "dentist".to_owned(),
        name: "Dentist".to_owned(),
        owner: Some(ann.to_owned()),
        shared: false,
        body: r#"{"z":1,"a":2}"#.to_owned(),
    };
    let id = new_id(NOW);
    let mine = format!("scenario/{id}/");
    let secret = SealedSecret {
        name: format!("{mine}1"),
        owner: None,
        ciphertext: "sealed".to_owned(),
        key_id: "new".to_owned(),
        updated_at: NOW,
    };
    let kept = std::slice::from_ref(&secret);
    let first = store.scenario_insert(&id, &new, kept, NOW).await.unwrap();
    assert_eq!(first.id, id);
    assert_eq!(
        (first.version, first.body.as_str()),
        (1, r#"{"z":1,"a":2}"#)
    );
    let twin = SealedSecret {
        name: "scenario/twin/1".to_owned(),
        ..secret.clone()
    };
    let taken = store.scenario_insert("twin", &new, &[twin], NOW).await;
    let taken = taken.unwrap_err();
    assert_eq!(store.secret_list("scenario/twin/").await.unwrap(), []);
    assert!(matches!(taken, Error::Conflict(_)), "{taken}");
    let content = ("dentist-2", "Dentist", "{}");
    let update = async |expected| {
        store
            .scenario_update(&first.id, expected, content, &[], (Some(ann), NOW + SECOND))
            .await
    };
    let second = update(Some(1)).await.unwrap();
    assert_eq!((second.version, second.slug.as_str()), (2, "dentist-2"));
    let stale = update(Some(1)).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(_)), "{stale}");
    assert_eq!(update(None).await.unwrap().version, 3);
    let versions = store
        .scenario_versions(&first.id, Page::default())
        .await
        .unwrap();
    let numbers: Vec<_> = versions.rows.iter().map(|version| version.number).collect();
    assert_eq!((numbers, versions.total), (vec![3, 2, 1], 3));
    let kept = store.scenario_version(&first.id, 1).await.unwrap().unwrap();
    assert_eq!(kept.body, first.body, "a version never changes");
    let visible = async |user| {
        store
            .scenario_list(user, Page::default())
            .await
            .unwrap()
            .total
    };
    assert_eq!(
        (visible(Some(ann)).await, visible(Some(admin)).await),
        (1, 0)
    );
    store
        .scenario_share(&first.id, true, None, NOW)
        .await
        .unwrap();
    assert_eq!((visible(Some(admin)).await, visible(None).await), (1, 1));
    let other = store
        .scenario_insert(
            "other",
            &ScenarioNew {
                owner: None,
                ..new.clone()
            },
            &[],
            NOW,
        )
        .await
        .unwrap();
    let heads = store.scenario_heads().await.unwrap();
    let heads: Vec<_> = heads.iter().map(|head| (&*head.id, head.version)).collect();
    assert_eq!(heads, [(&*first.id, 3), ("other", 1)]);
    assert_eq!(store.scenario_count(ann).await.unwrap(), 1);
    store.scenario_delete(&other.id, &mine).await.unwrap();
    assert_eq!(store.secret_list(&mine).await.unwrap(), []);
    assert_eq!(store.scenario_find("dentist").await.unwrap(), None);
    let gone = store
        .scenario_update(&other.id, None, content, &[], (None, NOW))
        .await
        .unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
    second.slug
}

async fn makes_a_call(fresh: &Fresh, ann: &str, slug: &str) {
    let store = fresh.store();
    let wish = EntryNew {
        owner: Some(ann.to_owned()),
        phone: "+1 500 555 0001".to_owned(),
        scenario: slug.to_owned(),
        scenario_id: None,
        due_at: NOW,
        timezone: None,
        options: None,
    };
    let entry = store.schedule_insert(&wish, NOW).await.unwrap();
    assert_eq!(entry.wish.phone, normal_number(&wish.phone));
    let claimed = store
        .schedule_claim("node 1", 10, NOW + 60 * SECOND, NOW)
        .await
        .unwrap();
    let mut begun = call("01", NOW);
    begun.owner = Some(ann.to_owned());
    begun.call_sid = None;
    store.call_insert(&begun).await.unwrap();
    let lease = claimed[0].lease();
    assert!(
        store
            .schedule_placed(&lease, &begun.id, None, NOW)
            .await
            .unwrap()
    );
    store.call_sid_set(&begun.id, "CA01").await.unwrap();
    store.call_sid_set(&begun.id, "CA01").await.unwrap();
    let other = store.call_sid_set(&begun.id, "CA02").await.unwrap_err();
    assert!(matches!(other, Error::NotFound(_)), "{other}");

    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    writer.send(Write::Turn(turn("01", 0, "good morning")));
    writer.send(Write::Turn(turn("01", 1, "at nine")));
    writer.send(Write::End(Box::new(end("01"))));
    writer.settled().await;
    assert_eq!(writer.state().journal_bytes, 0);
    let detail = store.call_detail("CA01").await.unwrap().unwrap();
    assert_eq!(detail.turns.len(), 2);
    assert_eq!(detail.turns[1].latencies, turn("01", 1, "").latencies);
    assert_eq!(store.call_detail("CA02").await.unwrap(), None);
    let none = store.transcript_list(None, Some(TranscriptKind::Live), None, Page::default());
    assert_eq!(none.await.unwrap().total, 0);
}

async fn keeps_small_things(fresh: &Fresh, ann: &str) {
    let store = fresh.store();
    let value = Json(json!({"numbers": ["a", 1, null]}));
    store.setting_set("numbers", &value, NOW).await.unwrap();
    assert_eq!(store.setting_find("numbers").await.unwrap(), Some(value));
    store
        .setting_set("numbered", &Json(json!(2)), NOW)
        .await
        .unwrap();
    let listed = store.setting_list("number").await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|setting| (setting.name.as_str(), setting.updated_at))
        .collect();
    assert_eq!(listed, [("numbered", NOW), ("numbers", NOW)]);
    assert_eq!(store.setting_list("numbers").await.unwrap().len(), 1);
    assert_eq!(store.setting_list("Numb").await.unwrap(), []);
    store.setting_delete("numbers").await.unwrap();
    assert_eq!(store.setting_find("numbers").await.unwrap(), None);
    let secret = |ciphertext: &str, key_id: &str| SealedSecret {
        name: "google/ann".to_owned(),
        owner: Some(ann.to_owned()),
        ciphertext: ciphertext.to_owned(),
        key_id: key_id.to_owned(),
        updated_at: NOW,
    };
    store.secret_set(&secret("sealed 1", "old")).await.unwrap();
    let others = store.secret_of_other_keys("new", 10).await.unwrap();
    assert_eq!(others, [secret("sealed 1", "old")]);
    assert!(
        !store
            .secret_reseal("something else", &secret("x", "new"))
            .await
            .unwrap()
    );
    assert!(
        store
            .secret_reseal("sealed 1", &secret("sealed 2", "new"))
            .await
            .unwrap()
    );
    assert_eq!(store.secret_of_other_keys("new", 10).await.unwrap(), []);
    let found = store.secret_find("google/ann").await.unwrap();
    assert_eq!(found, Some(secret("sealed 2", "new")));
    store.secret_delete("google/ann").await.unwrap();
    assert_eq!(store.secret_find("google/ann").await.unwrap(), None);
    let suppressed = DoNotCall {
        phone: "+15005550006".to_owned(),
        reason: "asked".to_owned(),
        added_by: Some(ann.to_owned()),
        created_at: NOW,
    };
    store.do_not_call_insert(&suppressed).await.unwrap();
    let later = DoNotCall {
        reason: "again".to_owned(),
        ..suppressed.clone()
    };
    store.do_not_call_insert(&later).await.unwrap();
    let listed = store.do_not_call_list(Page::default()).await.unwrap();
    assert_eq!(listed.rows, [suppressed]);
    store.do_not_call_delete("001 500 555 0006").await.unwrap();
    assert!(!store.do_not_call_has("+15005550006").await.unwrap());
}

async fn is_backed_up(fresh: &Fresh) {
    let store = fresh.store();
    let file = fresh.dir.path().join("backup.db");
    let outcome = store.backup(&file).await;
    if !fresh.url.starts_with("sqlite") {
        assert!(matches!(outcome.unwrap_err(), Error::Unsupported(_)));
        return;
    }
    assert!(outcome.unwrap() > 10_000);
    let again = store.backup(&file).await.unwrap_err();
    assert!(again.to_string().contains("backup.db"), "{again}");
    let location = ringback_store::Location::parse(&format!("sqlite:{}", file.display()), &file);
    let copy = ringback_store::Store::open(location.unwrap()).unwrap();
    assert_eq!(copy.migrate(NOW).await.unwrap(), Vec::<&str>::new());
    let all = |store: ringback_store::Store| async move {
        store
            .call_list(&CallFilter::default(), Page::default())
            .await
            .unwrap()
    };
    assert_eq!(all(copy).await, all(store).await);
    use std::os::unix::fs::PermissionsExt;
    for name in ["backup.db", "it.db"] {
        let metadata = std::fs::metadata(fresh.dir.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}
