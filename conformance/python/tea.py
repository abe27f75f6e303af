"""Drives a Tea client: the one of the product whose package is named, in whichever version the interpreter has.

Signature V3, parameters in the query; kms20160120 3.3.1 has secret values in a form body.

An operation called `PRODUCT:NAME` is another product's; it goes by the generic call.

Usage: tea.py PACKAGE DEV_JSON SCHEME OPERATION...
"""

import functools
import importlib
import inspect
import json
import sys
from typing import Any

from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from call_api import call_generic, flatten
from driver import Server, Who, refusal, serve

PACKAGE = sys.argv[1]
models = importlib.import_module(f"{PACKAGE}.models")
Client = importlib.import_module(f"{PACKAGE}.client").Client
METHODS = {name.replace("_", ""): name for name in dir(Client)}


def main() -> None:
    server = Server(*sys.argv[2:4])

    @functools.cache
    def client(who: Who) -> Any:
        return Client(Config(**server.config(who)))

    def call(who: Who, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            if ":" in operation:
                return call_generic(client(who), server.scheme, operation, flatten(parameters))
            model = request_model(operation)
            arguments = [model().from_map(structured(operation, parameters))] if model else []
            response = getattr(client(who), method_name(operation))(*arguments, RuntimeOptions())
        except Exception as error:
            raise refusal(error) from error
        return response.body.to_map()

    operations = {name: fields(name) for name in sys.argv[4:] if hasattr(Client, method_name(name))}
    serve({"operations": operations}, call)


def method_name(operation: str) -> str:
    """`AssumeRoleWithOIDC` is `assume_role_with_oidcwith_options`: no rule says where the lines are."""
    return METHODS.get(f"{operation}WithOptions".lower(), "")


def request_model(operation: str) -> Any:
    """The request class; an operation without parameters has none."""
    return getattr(models, f"{operation}Request", None)


def structured(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """What the client itself makes JSON text of is given to it as an object."""
    made = inspect.signature(getattr(models, f"{operation}ShrinkRequest", object)).parameters
    texts = {name.removesuffix("_shrink").replace("_", "") for name in made if name.endswith("_shrink")}

    def given(name: str, value: Any) -> Any:
        return json.loads(value) if name.lower() in texts and isinstance(value, str) and value[:1] == "{" else value

    return {name: given(name, value) for name, value in parameters.items()}


def fields(operation: str) -> list[str]:
    model = request_model(operation)
    return [name for name in inspect.signature(model.__init__).parameters if name != "self"] if model else []


if __name__ == "__main__":
    main()
