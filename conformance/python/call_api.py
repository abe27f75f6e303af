"""Drives the generic `call_api` of alibabacloud-tea-openapi as the seed skill does.

Signature V3, an empty query, all parameters in a JSON body.

Usage: call_api.py DEV_JSON SCHEME OPERATION...
"""

import functools
import json
import sys
from typing import Any

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions
from driver import Server, refusal, serve

REPEATED = {"ResourceId", "Tag", "TagKey"}

OURS = "yaoku:"
"""Before the name of an operation of our own administration, which has another version."""


def main() -> None:
    server = Server(*sys.argv[1:3])
    client = functools.cache(lambda who: connect(server, who))

    def call(who: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return call_generic(client(who), server.scheme, operation, flatten(parameters))
        except Exception as error:
            raise refusal(error) from error

    serve({"operations": dict.fromkeys(sys.argv[3:])}, call)


def connect(server: Server, who: str) -> Client:
    access_key_id, access_key_secret = server.credentials(who)
    return Client(
        Config(
            access_key_id=access_key_id,
            access_key_secret=access_key_secret,
            endpoint=server.endpoint,
            protocol=server.scheme,
            ca=server.ca if server.scheme == "https" else None,
        )
    )


def call_generic(client: Client, scheme: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """One call with all parameters in a JSON body, numbers and booleans as such; the answer's members."""
    params = Params(
        action=operation.removeprefix(OURS),
        version="2026-11-21" if operation.startswith(OURS) else "2016-01-20",
        protocol=scheme.upper(),
        method="POST",
        auth_type="AK",
        style="RPC",
        pathname="/",
        req_body_type="json",
        body_type="json",
    )
    answer = client.call_api(params, OpenApiRequest(body=body), RuntimeOptions())
    return answer["body"]


def flatten(parameters: dict[str, Any]) -> dict[str, Any]:
    """Repeated parameters as `ResourceId.1` and `Tag.1.Key`, other structures as JSON text."""
    flat: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in REPEATED:
            for index, item in enumerate(value, 1):
                parts = {f".{key}": part for key, part in item.items()} if isinstance(item, dict) else {"": item}
                flat.update({f"{name}.{index}{suffix}": part for suffix, part in parts.items()})
        else:
            flat[name] = json.dumps(value) if isinstance(value, (dict, list)) else value
    return flat


if __name__ == "__main__":
    main()
