//! Users, tokens, allowances.

use ringback_store::{
    Answer, ApiKeyNew, Error, Idempotent, IpBlock, Page, Quota, Repeat, Role, Rotation, SessionNew,
    Store, User, UserChange, UserNew,
};
use tokio::task::JoinSet;

use crate::{Fresh, NOW, SECOND};

pub fn user_new(email: &str) -> UserNew {
    UserNew {
        email: email.to_owned(),
        password_hash: "$argon2id$".to_owned(),
        role: Role::User,
    }
}

pub async fn user(store: &Store, email: &str) -> User {
    store.user_insert(&user_new(email), NOW).await.unwrap()
}

async fn session(store: &Store, user: &User, hash: &str) -> String {
    let new = SessionNew {
        user_id: user.id.clone(),
        token_version: user.token_version,
        token_hash: hash.to_owned(),
        expires_at: NOW + 1_000 * SECOND,
    };
    store.session_insert(&new, NOW).await.unwrap()
}

pub async fn addresses_are_unique_whatever_their_case(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ann = user(&store, " Ann@Example.org").await;
    assert_eq!(ann.email, "Ann@Example.org");
    let taken = store
        .user_insert(&user_new("ann@EXAMPLE.org"), NOW)
        .await
        .unwrap_err();
    assert!(matches!(taken, Error::Conflict(_)), "{taken}");
    assert!(
        !taken.to_string().to_lowercase().contains("ann@"),
        "{taken}"
    );
    let found = store.user_find_by_email("ANN@example.ORG").await.unwrap();
    assert_eq!(found, Some(ann));
    assert_eq!(
        store.user_find_by_email("bob@example.org").await.unwrap(),
        None
    );
}

pub async fn of_many_who_register_first_one_becomes_admin(fresh: Fresh) {
    let store = fresh.migrated().await;
    let mut many = JoinSet::new();
    for index in 0..6 {
        let store = fresh.store();
        let new = user_new(&format!("u{index}@example.org"));
        many.spawn(async move { store.user_insert_first(&new, NOW).await.unwrap() });
    }
    let made: Vec<_> = many.join_all().await.into_iter().flatten().collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].role, Role::Admin);
    assert_eq!(store.user_oldest().await.unwrap().as_ref(), Some(&made[0]));
}

pub async fn of_many_who_bring_one_refresh_token_one_gets_another(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ann = user(&store, "ann@example.org").await;
    let family = session(&store, &ann, "token 0").await;
    for round in 0..5 {
        let mut many = JoinSet::new();
        for index in 0..8 {
            // Half of them are on another node.
            let store = if index % 2 == 0 {
                store.clone()
            } else {
                fresh.store()
            };
            many.spawn(async move {
                let (old, new) = (format!("token {round}"), format!("rival {round} {index}"));
                let outcome = store
                    .session_rotate(
                        &old,
                        (&new, NOW + 2_000 * SECOND),
                        10 * SECOND,
                        NOW + SECOND,
                    )
                    .await;
                (new, outcome.unwrap())
            });
        }
        let outcomes = many.join_all().await;
        let won: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Rotation::Rotated { .. }))
            .collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let raced = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Rotation::Raced);
        assert_eq!(raced.count(), 7, "{outcomes:?}");
        // The winner's token is the only one of them that is good; with it the next round begins.
        let next = format!("token {}", round + 1);
        let rotated = store
            .session_rotate(
                &won[0].0,
                (&next, NOW + 3_000 * SECOND),
                0,
                NOW + 2 * SECOND,
            )
            .await
            .unwrap();
        let expected = Rotation::Rotated {
            user_id: ann.id.clone(),
            family_id: family.clone(),
        };
        assert_eq!(rotated, expected);
    }
}

pub async fn a_refresh_token_used_again_costs_its_family(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ann = user(&store, "ann@example.org").await;
    let family = session(&store, &ann, "first").await;
    let other = session(&store, &ann, "other").await;
    let later = NOW + 60 * SECOND;
    let rotate = async |old, new| {
        let next = (new, later + 1_000 * SECOND);
        store
            .session_rotate(old, next, 10 * SECOND, later)
            .await
            .unwrap()
    };
    let ids = |family: &str| (ann.id.clone(), family.to_owned());
    let (user_id, family_id) = ids(&family);
    assert_eq!(
        rotate("first", "second").await,
        Rotation::Rotated { user_id, family_id }
    );
    assert_eq!(
        rotate("first", "x1").await,
        Rotation::Raced,
        "within the grace"
    );
    let much_later = later + 10 * SECOND;
    let again = store
        .session_rotate("first", ("x2", much_later + 1), 10 * SECOND, much_later)
        .await;
    let (user_id, family_id) = ids(&family);
    assert_eq!(again.unwrap(), Rotation::Reused { user_id, family_id });
    assert_eq!(
        rotate("second", "x3").await,
        Rotation::Refused,
        "the whole family is gone"
    );
    let principal = store.session_principal(&family).await.unwrap().unwrap();
    assert_eq!(principal.revoked_at, Some(much_later));
    let (user_id, family_id) = ids(&other);
    assert_eq!(
        rotate("other", "x4").await,
        Rotation::Rotated { user_id, family_id }
    );
    assert_eq!(rotate("never given out", "x5").await, Rotation::Refused);
    let late = store
        .session_rotate("x4", ("x6", i64::MAX), 0, later + 2_000 * SECOND)
        .await;
    assert_eq!(late.unwrap(), Rotation::Refused, "out of time");
    assert!(store.session_revoke(&other, "logout", later).await.unwrap());
    assert!(!store.session_revoke(&other, "logout", later).await.unwrap());
    assert_eq!(store.session_sweep(i64::MAX).await.unwrap(), 2);
}

pub async fn whoever_is_shut_out_has_nothing_that_is_good(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ann = user(&store, "ann@example.org").await;
    let family = session(&store, &ann, "token").await;
    let key_new = ApiKeyNew {
        user_id: ann.id.clone(),
        name: "script".to_owned(),
        prefix: "rb_1234".to_owned(),
        hash: "key hash".to_owned(),
        expires_at: None,
    };
    let key = store.api_key_insert(&key_new, NOW).await.unwrap();
    let used = store
        .api_key_user("key hash", NOW + SECOND)
        .await
        .unwrap()
        .unwrap();
    let again = store.api_key_user_of(&key.id, NOW).await.unwrap();
    assert_eq!(again.as_ref(), Some(&used));
    assert_eq!((used.user_id, used.role), (ann.id.clone(), Role::User));
    let later = ApiKeyNew {
        hash: "another hash".to_owned(),
        name: "newer".to_owned(),
        ..key_new
    };
    store.api_key_insert(&later, NOW + 1).await.unwrap();
    for (skip, names) in [(0, &["newer"][..]), (1, &["script"]), (2, &[])] {
        let page = Page { skip, limit: 1 };
        let listed = store.api_key_list(&ann.id, page).await.unwrap();
        let found: Vec<_> = listed.rows.iter().map(|key| key.name.as_str()).collect();
        assert_eq!((found.as_slice(), listed.total), (names, 2), "{skip}");
    }
    let listed = store.api_key_list(&ann.id, Page::default()).await.unwrap();
    let used = listed.rows.iter().map(|key| key.last_used_at);
    assert_eq!(used.collect::<Vec<_>>(), [None, Some(NOW + SECOND)]);
    let change = UserChange {
        role: Some(Role::Admin),
        disabled: Some(true),
    };
    let boss = UserNew {
        role: Role::Admin,
        ..user_new("boss@example.org")
    };
    store.user_insert(&boss, NOW).await.unwrap();
    let changed = store.user_change(&ann.id, change, NOW).await.unwrap();
    assert_eq!(
        (changed.role, changed.disabled, changed.token_version),
        (Role::Admin, true, 1)
    );
    assert_eq!(store.api_key_user("key hash", NOW).await.unwrap(), None);
    assert_eq!(store.api_key_user_of(&key.id, NOW).await.unwrap(), None);
    let rotated = store
        .session_rotate("token", ("next", NOW + SECOND), 0, NOW)
        .await
        .unwrap();
    assert_eq!(rotated, Rotation::Refused);
    let principal = store.session_principal(&family).await.unwrap().unwrap();
    assert_eq!((principal.disabled, principal.token_version), (true, 1));
    let stranger = store
        .api_key_delete(&key.id, "somebody else")
        .await
        .unwrap_err();
    assert!(matches!(stranger, Error::NotFound(_)), "{stranger}");
    store.user_delete(&ann.id).await.unwrap();
    assert_eq!(store.session_principal(&family).await.unwrap(), None);
    assert_eq!(store.api_key_count(&ann.id).await.unwrap(), 0);
    let gone = store
        .user_change(&ann.id, UserChange::default(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
}

pub async fn of_admins_who_take_power_from_one_another_one_is_left(fresh: Fresh) {
    let store = fresh.migrated().await;
    let mut admins = Vec::new();
    for index in 0..4 {
        let new = UserNew {
            role: Role::Admin,
            ..user_new(&format!("admin{index}@example.org"))
        };
        admins.push(store.user_insert(&new, NOW).await.unwrap());
    }
    let mut many = JoinSet::new();
    for (index, admin) in admins.iter().enumerate() {
        let (store, id) = (fresh.store(), admin.id.clone());
        many.spawn(async move {
            let (role, disabled) = (Some(Role::User), Some(true));
            let change = match index {
                0 => return store.user_delete(&id).await,
                1 => UserChange {
                    role,
                    disabled: None,
                },
                _ => UserChange {
                    role: None,
                    disabled,
                },
            };
            store.user_change(&id, change, NOW).await.map(drop)
        });
    }
    let refused: Vec<_> = many
        .join_all()
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert!(matches!(&refused[..], [Error::Conflict(_)]), "{refused:?}");
    let left = store.user_list(Page::default()).await.unwrap().rows;
    let able = left
        .iter()
        .filter(|user| user.role == Role::Admin && !user.disabled);
    assert_eq!(able.count(), 1);
}

pub async fn a_sign_in_that_a_new_password_overtook_begins_nothing(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ann = user(&store, "ann@example.org").await;
    session(&store, &ann, "before").await;
    store.user_password_set(&ann.id, "new", NOW).await.unwrap();
    let rotated = store.session_rotate("before", ("next", NOW + SECOND), 0, NOW);
    assert_eq!(rotated.await.unwrap(), Rotation::Refused);
    let late = SessionNew {
        user_id: ann.id.clone(),
        token_version: ann.token_version,
        token_hash: "late".to_owned(),
        expires_at: NOW + SECOND,
    };
    let late = store.session_insert(&late, NOW).await.unwrap_err();
    assert!(matches!(late, Error::NotFound(_)), "{late}");
    let ann = store.user_find(&ann.id).await.unwrap().unwrap();
    session(&store, &ann, "after").await;
}

pub async fn an_allowance_is_shared_by_all_nodes(fresh: Fresh) {
    let store = fresh.migrated().await;
    let quota = Quota {
        uses: 5,
        period: 60 * SECOND,
    };
    let mut many = JoinSet::new();
    for index in 0..20 {
        let store = if index % 2 == 0 {
            store.clone()
        } else {
            fresh.store()
        };
        many.spawn(async move {
            store
                .rate_take("login 203.0.113.7", quota, NOW)
                .await
                .unwrap()
        });
    }
    let verdicts = many.join_all().await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.allowed).count(), 5);
    let other = store
        .rate_take("login 203.0.113.8", quota, NOW)
        .await
        .unwrap();
    assert!(other.allowed);
    assert_eq!(other.remaining, 4);
}

pub async fn an_allowance_comes_back_evenly(fresh: Fresh) {
    let store = fresh.migrated().await;
    let quota = Quota {
        uses: 5,
        period: 60 * SECOND,
    };
    let take = async |at| {
        store
            .rate_take("x", quota, NOW + at * SECOND)
            .await
            .unwrap()
    };
    for left in [4, 3, 2, 1, 0] {
        let verdict = take(0).await;
        assert_eq!((verdict.allowed, verdict.remaining), (true, left));
    }
    let denied = take(0).await;
    assert!(!denied.allowed);
    assert_eq!(
        (denied.retry_after, denied.reset_after),
        (12 * SECOND, 60 * SECOND)
    );
    assert!(!take(11).await.allowed);
    assert!(
        take(12).await.allowed,
        "one of five after a fifth of the time"
    );
    assert!(!take(12).await.allowed);
    store.rate_give_back("x", quota).await.unwrap();
    assert!(take(12).await.allowed, "one was given back");
    let whole = take(1_000).await;
    assert_eq!((whole.allowed, whole.remaining), (true, 4));
    assert_eq!(store.rate_sweep(NOW + 2_000 * SECOND).await.unwrap(), 1);
}

pub async fn who_counts_alone_comes_to_the_same(fresh: Fresh) {
    let store = fresh.migrated().await;
    let quota = Quota {
        uses: 3,
        period: 10 * SECOND,
    };
    let (mut now, mut full_at) = (NOW, NOW);
    for step in 0_i64..60 {
        now += (step * step * 7_919) % (5 * SECOND);
        let looked = quota.look(full_at, now);
        assert_eq!(store.rate_look("x", quota, now).await.unwrap(), looked);
        let (own, after) = quota.take(full_at, now);
        let all = store.rate_take("x", quota, now).await.unwrap();
        assert_eq!((own, own.allowed), (all, looked.allowed), "step {step}");
        full_at = after;
        if step % 5 == 0 {
            store.rate_give_back("x", quota).await.unwrap();
            full_at = quota.given_back(full_at);
        }
    }
    store.rate_forget("x").await.unwrap();
    assert_eq!(store.rate_look("x", quota, now).await.unwrap().remaining, 3);
}

pub async fn a_request_sent_many_times_is_carried_out_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let repeat = |attempt: &str, body: &str| Repeat {
        user_id: "ann".to_owned(),
        route: "POST /outbound".to_owned(),
        key: "k1".to_owned(),
        body_hash: body.to_owned(),
        attempt: attempt.to_owned(),
    };
    let until = NOW + 100 * SECOND;
    let mut many = JoinSet::new();
    for index in 0..8 {
        let (store, repeat) = (fresh.store(), repeat(&format!("a{index}"), "h"));
        many.spawn(async move {
            let outcome = store.idempotency_begin(&repeat, until, NOW).await.unwrap();
            (repeat, outcome)
        });
    }
    let outcomes = many.join_all().await;
    let (first, going): (Vec<_>, Vec<_>) = outcomes
        .into_iter()
        .partition(|(_, outcome)| *outcome == Idempotent::First);
    assert_eq!(first.len(), 1);
    assert!(
        going
            .iter()
            .all(|(_, outcome)| *outcome == Idempotent::Going)
    );
    let answer = Answer {
        status: 201,
        body: "{\"id\":1}".to_owned(),
    };
    let stranger = Answer {
        status: 500,
        body: String::new(),
    };
    store
        .idempotency_finish(&going[0].0, &stranger)
        .await
        .unwrap();
    store
        .idempotency_finish(&first[0].0, &answer)
        .await
        .unwrap();
    let begin = async |body, now| {
        store
            .idempotency_begin(&repeat("late", body), now + SECOND, now)
            .await
            .unwrap()
    };
    assert_eq!(begin("h", NOW).await, Idempotent::Answered(answer));
    assert_eq!(begin("other body", NOW).await, Idempotent::Different);
    assert_eq!(
        begin("other body", until).await,
        Idempotent::First,
        "the key is out of time"
    );
    store
        .idempotency_forget(&repeat("late", "other body"))
        .await
        .unwrap();
    assert_eq!(begin("h", until).await, Idempotent::First);
    assert_eq!(store.idempotency_sweep(until + SECOND).await.unwrap(), 1);
}

pub async fn a_block_of_an_admin_is_not_shortened_by_the_server(fresh: Fresh) {
    let store = fresh.migrated().await;
    let block = |until: Option<i64>, by: Option<&str>, at| IpBlock {
        network: "203.0.113.0/24".to_owned(),
        until,
        reason: "many failed logins".to_owned(),
        created_by: by.map(str::to_owned),
        created_at: at,
    };
    let until = async |now| {
        let blocks = store.ip_block_list(now, Page::default()).await.unwrap();
        assert_eq!(usize::try_from(blocks.total), Ok(blocks.rows.len()));
        blocks.rows.first().map(|block| block.until)
    };
    store
        .ip_block_set(&block(Some(NOW + 10), None, NOW))
        .await
        .unwrap();
    store
        .ip_block_set(&block(Some(NOW + 20), None, NOW))
        .await
        .unwrap();
    store
        .ip_block_set(&block(Some(NOW + 15), None, NOW))
        .await
        .unwrap();
    assert_eq!(until(NOW).await, Some(Some(NOW + 20)), "only longer");
    assert_eq!(until(NOW + 20).await, None, "it is over");
    store
        .ip_block_set(&block(Some(NOW + 40), None, NOW + 30))
        .await
        .unwrap();
    store
        .ip_block_set(&block(None, Some("admin"), NOW + 31))
        .await
        .unwrap();
    store
        .ip_block_set(&block(Some(NOW + 99), None, NOW + 32))
        .await
        .unwrap();
    assert_eq!(
        until(NOW + 33).await,
        Some(None),
        "for ever, because an admin said so"
    );
    for last in 0..3 {
        let network = format!("198.51.100.{last}");
        let at = NOW + 40 + last;
        let newer = IpBlock {
            network,
            ..block(Some(NOW + 200), None, at)
        };
        store.ip_block_set(&newer).await.unwrap();
    }
    let foremost = store.ip_block_foremost(NOW + 50, 2).await.unwrap();
    let expected = [("203.0.113.0/24", None), ("198.51.100.2", Some(NOW + 200))];
    assert_eq!(
        foremost,
        expected.map(|(network, until)| (network.to_owned(), until)),
        "the admin's first, though it is older"
    );
    let page = Page { skip: 1, limit: 2 };
    let listed = store.ip_block_list(NOW + 50, page).await.unwrap();
    assert_eq!((listed.total, listed.rows.len()), (4, 2));
    assert_eq!(listed.rows[0].network, "198.51.100.1");
    assert_eq!(store.ip_block_sweep(i64::MAX).await.unwrap(), 3);
    store.ip_block_delete("203.0.113.0/24").await.unwrap();
    let gone = store.ip_block_delete("203.0.113.0/24").await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
}
