//! Tests of the operations on secrets, through the pipeline: here is what they share.
//!
//! All of them run on SQLite and on PostgreSQL. Where each line of secrets.md §9 is shown (files without a
//! path are in this folder; `rotation` is `src/rotation/tests.rs`, on real servers):
//!
//! | Line | What | Where |
//! |---|---|---|
//! | 1 | creation, its answer, names that are taken | `create` (`create_secret_answers_every_field`, `a_name_that_is_taken_…`); managed: `managed` (`a_managed_secret_says_…`, `of_two_accounts_…`) |
//! | 2 | limits and names | `create` (`create_secret_refuses_what_breaks_a_limit`, `…_takes_the_longest_of_everything`), `managed` (`the_name_of_a_managed_secret_fits_its_kind`) |
//! | 3 | puts, both forms of `VersionStages`, the same version again | `versions` (`a_put_makes_its_version_current_…`, `the_same_version_again_…`) |
//! | 4 | eviction, `IncludeDeprecated`, pages | `versions` (`ten_versions_are_kept`, `a_version_with_a_label_is_kept`, `versions_are_listed_page_by_page`) |
//! | 5 | the table of §2 | `versions` (`a_label_moves_by_the_rules`, `a_ninth_label_is_refused`, and those of line 3) |
//! | 6 | which version is read | `read` (`a_version_is_chosen_…`), `managed` (`a_managed_secret_says_…`) |
//! | 7 | deletion and restoring | `life` (all of it); the words of the refusals: `tests/refusals/rotations.rs` |
//! | 8 | filters, totals, pages | `list` (all of it), `src/api/filters.rs` |
//! | 9 | booleans, JSON, form, GET | `wire`: `flags_are_true_or_false_in_any_case`, `every_accepted_vector_is_read_as_its_client_meant_it` |
//! | 10 | `CustomData` in three encodings | `managed` (`custom_data_is_replaced_…`), generic: `life` (`update_secret_changes_…`) |
//! | 11 | intervals, what is shown of them, dates | `model`: `an_interval_is_a_number_and_a_unit`, `the_next_date_follows_…`; `managed` (`the_policy_of_rotation_…`, `of_two_accounts_…`, `access_keys_turn_by_themselves_…`) |
//! | 12 | `RotateSecret` again, too often, while one runs | `managed` (`both_access_keys_work_…`), `tests/refusals/rotations.rs` |
//! | 13 | RDS, one account and two | `rotation` (`the_old_password_of_a_single_account_is_dead`, `two_accounts_of_…_take_turns`), `managed` (`of_two_accounts_…`) |
//! | 14 | Redis and PolarDB | `rotation` (`accounts_of_…_are_made_with_their_secret_and_take_turns`) |
//! | 15 | access keys | `managed` (`both_access_keys_work_…`, `access_keys_need_…`, `a_user_who_is_gone_…`, `a_user_who_goes_…`) |
//! | 16 | ECS | `rotation` (`a_password_and_a_key_pair_of_a_server_turn`), `CommandId`: `managed` (`the_name_of_a_managed_secret_fits_its_kind`) |
//! | 17 | random passwords | `password` (all of it) |
//! | 18 | policies | `policies` (all of it), `model`: `policy/object.rs`, `tests/refusals/matrix` |
//! | 19 | tags | `src/api/tags/tests.rs` (all of it) |
//! | 20 | batches | `read` (`a_batch_answers_what_it_can`, `a_batch_has_one_to_twenty_…`), `permissions` (`a_batch_is_judged_…`) |
//! | 21 | official clients | `conformance/` |

use yaoku_model::{
    ids::{AccountId, KeyId},
    key::KeyState,
    secret::{Secret, SecretVersion},
};
use yaoku_store::Transaction;
use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

mod create;
mod keys;
mod life;
mod list;
mod managed;
mod password;
mod permissions;
mod policies;
mod read;
mod told;
mod versions;

type Reply = Result<Fields, Code>;

/// Makes a generic secret with the version `v1`, in no instance.
async fn create(kms: &Kms, name: &str, data: &str) {
    kms.call("CreateSecret", [("SecretName", name), ("VersionId", "v1"), ("SecretData", data)])
        .await
        .unwrap();
}

/// Makes one under a key of its owner.
async fn create_under(kms: &Kms, name: &str, data: &str, key: &KeyId) -> Reply {
    let named = ("EncryptionKeyId", key.as_str());
    kms.call(
        "CreateSecret",
        [("SecretName", name), ("VersionId", "v1"), ("SecretData", data), named],
    )
    .await
}

async fn put(kms: &Kms, name: &str, version: &str, data: &str, stages: &str) -> Reply {
    kms.call(
        "PutSecretValue",
        [
            ("SecretName", name),
            ("VersionId", version),
            ("SecretData", data),
            ("VersionStages", stages),
        ],
    )
    .await
}

/// The current value, or why it cannot be read.
async fn value(kms: &Kms, name: &str) -> Result<String, Code> {
    let reply = kms.call("GetSecretValue", [("SecretName", name)]).await?;
    Ok(reply.get("SecretData").unwrap().to_owned())
}

/// The texts of a list.
fn texts(fields: &Fields, path: &str) -> Vec<String> {
    let count = fields.count(path).unwrap();
    (0..count).map(|at| fields.get(&format!("{path}.{at}")).unwrap().to_owned()).collect()
}

/// All versions and their labels: `v1= v2=ACSPrevious v3=ACSCurrent,x`.
async fn versions(kms: &Kms, name: &str) -> String {
    let params = [("SecretName", name), ("IncludeDeprecated", "true")];
    let reply = kms.call("ListSecretVersionIds", params).await.unwrap();
    let at = |index| {
        let item = reply.fields(&format!("VersionIds.VersionId.{index}")).unwrap();
        let labels = texts(item, "VersionStages.VersionStage").join(",");
        format!("{}={labels}", item.get("VersionId").unwrap())
    };
    let count = reply.count("VersionIds.VersionId").unwrap();
    (0..count).map(at).collect::<Vec<_>>().join(" ")
}

/// The rows of a secret, to show that nothing changed.
async fn rows(kms: &Kms, name: &str) -> Option<(Secret, Vec<SecretVersion>)> {
    rows_of(kms, &kms.account, name).await
}

async fn rows_of(
    kms: &Kms,
    account: &AccountId,
    name: &str,
) -> Option<(Secret, Vec<SecretVersion>)> {
    let name = name.parse().unwrap();
    let mut tx = kms.node.store.read().await.unwrap();
    let (secret, _) = tx.secret(account, &name).await.unwrap()?;
    Some((secret, tx.secret_versions(account, &name).await.unwrap()))
}

/// Keeps what a test wrote past the operations.
async fn commit(kms: &Kms, tx: Box<dyn Transaction>) {
    kms.node.caches.apply(&tx.commit().await.unwrap().changes);
}

async fn set_state(kms: &Kms, id: &KeyId, state: KeyState) {
    kms.edit_key(id, |it| it.state = state).await;
}
