"""What both cached secret clients of Python have in common."""

from typing import Any


def read(client: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """The secret as the client's cache gives it, in the API's words."""
    name = parameters["SecretName"]
    if parameters.get("Refresh"):
        assert client.refresh_now(name), "refresh_now did not refresh"
    secret = client.get_secret_info(name)
    return {
        "SecretName": secret.secret_name,
        "VersionId": secret.version_id,
        "SecretData": secret.secret_value,
        "SecretDataType": secret.secret_data_type,
        "CreateTime": secret.create_time,
        "SecretType": secret.secret_type,
    }
