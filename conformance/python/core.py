"""Drives a package of requests on aliyun-python-sdk-core: signature V1, parameters in the query.

Usage: core.py PACKAGE DEV_JSON SCHEME OPERATION...
"""

import functools
import importlib
import json
import sys
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from driver import Refused, Server, Who, serve


def main() -> None:
    server = Server(*sys.argv[2:4])
    # The library compares by identity: another string "https" would mean http.
    protocol = protocol_type.HTTPS if server.scheme == "https" else protocol_type.HTTP

    @functools.cache
    def client(who: Who) -> AcsClient:
        key, verify = server.key(who), server.ca if server.scheme == "https" else None
        by = {"credential": StsTokenCredential(*key)} if key.token else {"ak": key.id, "secret": key.secret}
        return AcsClient(**by, region_id=server.region, verify=verify, auto_retry=False)

    def call(who: Who, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        request = request_model(operation)()
        request.set_endpoint(server.endpoint)
        request.set_protocol_type(protocol)
        for name, value in parameters.items():
            set_parameter(request, name, value)
        try:
            return json.loads(client(who).do_action_with_exception(request))
        except ServerException as error:
            raise Refused(
                error.get_http_status(), error.get_error_code(), error.get_error_msg(), error.get_request_id()
            ) from error

    serve({"operations": {name: fields(name) for name in sys.argv[4:] if request_model(name)}}, call)


def request_model(operation: str) -> Any:
    try:
        module = importlib.import_module(f"{sys.argv[1]}.{operation}Request")
    except ImportError:
        return None
    return getattr(module, f"{operation}Request")


def fields(operation: str) -> list[str]:
    return [name.removeprefix("set_") for name in dir(request_model(operation)) if name.startswith("set_")]


def set_parameter(request: Any, name: str, value: Any) -> None:
    """Repeated parameters of KMS have plural setters: `ResourceId` is set by `set_ResourceIds`."""
    text = json.dumps(value) if isinstance(value, dict) else value
    getattr(request, f"set_{name}" if hasattr(request, f"set_{name}") else f"set_{name}s")(text)


if __name__ == "__main__":
    main()
