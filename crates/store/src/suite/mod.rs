//! The contracts, promise by promise, on both engines.
//!
//! Each test takes a [`Place`]: an empty database that it may open as often as it likes. Between
//! them they run every statement, so every statement is prepared on both engines.

mod accesses;
mod feed;
mod groups;
mod hooks;
mod identities;
mod instances;
mod keys;
mod logins;
mod members;
mod migrations;
mod notices;
mod policies;
mod records;
mod rootkey;
mod rotations;
mod secrets;
mod tags;
mod transactions;
mod uses;

use std::sync::Arc;

use tempfile::TempDir;
use yaoku_model::{
    identity::{Account, User},
    instance::{Instance, InstanceKind, InstanceStatus},
    key::{CreatorType, Key, KeySpec, KeyState, KeyUsage, KeyVersion, Origin, ProtectionLevel},
    secret::{DataType, Secret, SecretType, SecretVersion},
    tag::Tag,
    time::Timestamp,
};

use crate::{Page, Store, Transaction, testing::TestPostgres};

/// An empty database.
struct Place {
    url: String,
    _dir: Option<TempDir>,
}

impl Place {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("store.db").display());
        Self { url, _dir: Some(dir) }
    }

    async fn postgres() -> Self {
        Self { url: TestPostgres::shared().new_database().await, _dir: None }
    }

    async fn open(&self) -> Arc<dyn Store> {
        crate::open(&self.url).await.unwrap()
    }

    fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

/// Each promise as a test on SQLite and as one on PostgreSQL.
macro_rules! store_suite {
    ($($file:ident: $($promise:ident)+;)+) => {
        mod sqlite {
            $(mod $file {
                $(#[tokio::test]
                async fn $promise() {
                    crate::suite::$file::$promise(crate::suite::Place::sqlite()).await;
                })+
            })+
        }
        mod postgres {
            $(mod $file {
                $(#[tokio::test]
                async fn $promise() {
                    crate::suite::$file::$promise(crate::suite::Place::postgres().await).await;
                })+
            })+
        }
    };
}

store_suite! {
    accesses:
        releases_are_found_until_they_are_old_and_forgotten_a_few_at_a_time
        the_policies_in_an_instance_are_found_together;
    feed:
        a_commit_that_began_earlier_and_ended_later_is_not_missed
        a_mark_shows_which_commits_its_reader_has_seen
        every_kind_of_change_is_told
        nobody_has_to_hear_of_what_nobody_caches
        nodes_enter_beat_and_go
        nodes_hear_each_other_where_they_can
        nothing_is_told_of_what_was_undone_or_dropped
        rows_that_every_node_has_passed_are_removed_and_who_was_away_is_told;
    hooks:
        hooks_are_due_when_their_date_has_come_and_nothing_was_begun
        hooks_are_put_listed_and_deleted_and_go_with_their_secret;
    identities:
        access_keys_are_switched_and_deleted
        accounts_are_listed_in_order_of_creation
        a_user_renamed_takes_everything_along
        deleting_a_user_takes_keys_and_attachments
        the_last_use_of_an_access_key_only_moves_on
        users_are_listed_by_name_in_slices
        users_have_unique_names_in_their_account;
    instances:
        instances_are_filtered_by_every_field
        instances_keep_what_they_were_given;
    keys:
        aliases_are_unique_listed_and_moved
        deleting_a_key_takes_versions_aliases_and_tags
        keys_are_filtered_by_every_field
        keys_are_listed_as_they_are_at_the_time
        keys_are_counted_with_and_without_an_instance
        what_is_gone_is_not_counted_though_it_was_not_removed_yet
        keys_are_listed_in_order_of_creation_then_id
        keys_keep_what_they_were_given
        one_tag_must_satisfy_key_and_value
        keys_are_due_when_the_first_thing_happens
        keys_are_due_page_by_page
        keys_are_found_whose_material_expires
        material_is_replaced_and_deleted
        seals_are_reserved_once
        versions_are_listed_oldest_first_or_a_page_newest_first;
    logins:
        an_alias_is_one_accounts
        devices_keep_what_they_were_given
        login_profiles_are_replaced_and_go_with_their_user
        providers_are_put_listed_and_deleted;
    members:
        groups_are_joined_left_renamed_and_deleted
        roles_keep_what_they_were_given
        things_are_counted_by_account;
    migrations:
        a_newer_schema_is_refused
        a_row_of_somebody_else_is_unreadable
        an_error_tells_no_password
        opening_again_keeps_what_was_there
        two_nodes_may_open_an_empty_database_at_once;
    notices:
        a_notice_is_left_once_and_listed_the_last_first
        notices_are_found_by_what_they_are_about_and_by_how_their_names_begin
        a_webhook_is_told_what_is_due_until_it_arrived
        each_account_keeps_its_last_notices_and_what_is_critical_until_it_is_told
        old_notices_go_with_their_deliveries;
    policies:
        a_policy_is_attached_once
        deleting_a_policy_detaches_it_everywhere
        policies_are_listed_with_how_many_hold_them
        policies_keep_their_texts;
    records:
        a_clock_that_is_ahead_forgets_no_nonces_that_others_must_know
        a_nonce_is_remembered_until_its_time
        a_write_whose_nonce_is_known_leaves_nothing
        an_event_is_not_listed_before_an_earlier_one
        events_are_kept_per_node_in_order
        settings_and_heads_are_replaced;
    rootkey:
        a_wrapping_key_is_sealed_again_once
        wrapping_keys_are_one_for_each_place
        wraps_are_kept_by_name_and_generation;
    rotations:
        a_rotation_is_put_held_and_over
        secrets_rotate_when_their_date_has_come_and_nothing_was_begun
        targets_are_put_listed_and_deleted;
    secrets:
        a_prefix_is_no_pattern_and_regards_case
        a_secret_deleted_leaves_its_name_free
        key_seals_secrets_sees_secrets_and_versions
        secrets_are_filtered_by_every_field
        secrets_are_due_page_by_page_when_their_date_has_come
        secrets_keep_what_they_were_given
        versions_are_listed_as_they_were_added;
    tags:
        tags_are_listed_across_resources_page_by_page
        tags_are_put_replaced_and_deleted;
    transactions:
        a_conflict_is_reported_as_one
        a_dropped_transaction_leaves_nothing
        a_failed_statement_is_not_committed_in_silence
        a_reader_cannot_write
        a_snapshot_stands_still
        a_transaction_given_up_while_it_begins_is_not_left_open
        many_writers_all_get_their_turn
        undo_keeps_the_transaction_open_for_its_event
        writes_of_one_thing_conflict_and_those_of_different_things_do_not;
    uses:
        uses_are_added_up_and_forgotten_with_time_or_key;
}

fn page(number: i64, size: i64) -> Page {
    Page { number, size }
}

fn all() -> Page {
    page(1, 100)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// A name or an id.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn account() -> Account {
    Account { id: id("1000"), created: at(1), kms_open: false }
}

fn user(name: &str, created: i64) -> User {
    User::new(id("1000"), id(name), "200".to_owned(), at(created))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: id(key), value: id(value) }
}

fn key(name: &str, created: i64) -> Key {
    Key {
        id: id(name),
        account: id("1000"),
        instance: None,
        spec: KeySpec::Aes256,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::Kms,
        protection: ProtectionLevel::Software,
        state: KeyState::Enabled,
        creator: CreatorType::User,
        description: String::new(),
        created: at(created),
        primary: None,
        last_rotation: None,
        rotation_seconds: None,
        delete_at: None,
        deletion_protection: None,
        material_expires: None,
        policy: None,
    }
}

/// A version of a key. Its id is `letter` 36 times.
fn key_version(letter: &str, key: &str, created: i64) -> KeyVersion {
    let sealed = vec![0, 1, 255];
    let id = id(&letter.repeat(36));
    KeyVersion { id, key: self::id(key), created: at(created), sealed, fingerprint: None }
}

fn instance(name: &str, created: i64) -> Instance {
    Instance {
        id: id(name),
        account: id("1000"),
        name: name.to_owned(),
        kind: InstanceKind::Software,
        status: InstanceStatus::Connected,
        created: at(created),
        ends: at(9000),
        spec: 1000,
        key_quota: 1,
        secret_quota: 2,
        access_quota: 3,
        deletion_protection: None,
    }
}

fn secret(name: &str, created: i64) -> Secret {
    Secret {
        account: id("1000"),
        name: id(name),
        kind: SecretType::Generic,
        instance: None,
        key: id("key"),
        customer_key: false,
        description: String::new(),
        created: at(created),
        updated: at(created),
        delete_at: None,
        policy: None,
        stages: [].into(),
        managed: None,
    }
}

fn secret_version(name: &str) -> SecretVersion {
    SecretVersion {
        id: id(name),
        created: at(1),
        data_type: DataType::Text,
        key_version: id(&"v".repeat(36)),
        sealed_data_key: vec![1],
        sealed_value: vec![2],
    }
}

/// Opens, does, commits.
async fn write(store: &dyn Store) -> Box<dyn Transaction> {
    store.write().await.unwrap()
}

async fn read(store: &dyn Store) -> Box<dyn Transaction> {
    store.read().await.unwrap()
}
