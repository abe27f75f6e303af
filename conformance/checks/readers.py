"""The clients that only read secrets, through a cache. Sources: secrets.md §8.1, clients.md A.3."""

from checks.run import TIME, Run, match
from checks.secrets import VALUE, a_secret, put


def a_cached_secret_is_read_and_refreshed(run: Run) -> None:
    name = a_secret(run)
    body = run.ok("GetSecretValue", SecretName=name)
    match(body, {"SecretName": name, "SecretData": VALUE, "SecretDataType": "text", "VersionId": "v1"})
    match(body, {"SecretType": "Generic", "CreateTime": TIME})
    put(run, name, "v2")
    refreshed = run.driver.call("root", "GetSecretValue", {"SecretName": name, "Refresh": True})
    run.ledger.note(refreshed)
    match(refreshed.body, {"SecretName": name, "SecretData": "value of v2", "VersionId": "v2"})


def a_user_reads_a_cached_secret(run: Run) -> None:
    match(run.ok("GetSecretValue", who="user", SecretName=a_secret(run)), {"SecretData": VALUE})


def a_secret_that_is_not_there_is_not_found(run: Run) -> None:
    run.refused("Forbidden.ResourceNotFound", 404, "GetSecretValue", SecretName=run.name("conf/nothing"))
    name = a_secret(run)
    run.aside("DeleteSecret", SecretName=name, RecoveryWindowInDays="7")
    run.refused("Rejected.ResourceInDeleteWindow", 409, "GetSecretValue", SecretName=name)


def a_wrong_secret_reads_nothing(run: Run) -> None:
    run.refused("SignatureDoesNotMatch", 400, "GetSecretValue", who="forger", SecretName=a_secret(run))


READERS = (
    a_cached_secret_is_read_and_refreshed,
    a_user_reads_a_cached_secret,
    a_secret_that_is_not_there_is_not_found,
    a_wrong_secret_reads_nothing,
)
