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
from driver import Server, Who, refusal, serve

REPEATED = {"ResourceId", "Tag", "TagKey"}

VERSIONS = {"kms": "2016-01-20", "ram": "2015-05-01", "sts": "2015-04-01", "yaoku": "2026-11-21"}
"""Of each product, which stands before the operation's name where it is not KMS: `yaoku:PutOidcProvider`."""


def main() -> None:
    server = Server(*sys.argv[1:3])
    client = functools.cache(lambda who: connect(server, who))

    def call(who: Who, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return call_generic(client(who), server.scheme, operation, flatten(parameters))
        except Exception as error:
            raise refusal(error) from error

    serve({"operations": dict.fromkeys(sys.argv[3:])}, call)


def connect(server: Server, who: Who) -> Client:
    return Client(Config(**server.config(who)))


def call_generic(client: Client, scheme: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """One call with all parameters in a JSON body, numbers and booleans as such; the answer's members."""
    product, _, action = operation.rpartition(":")
    params = Params(
        action=action,
        version=VERSIONS[product or "kms"],
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
