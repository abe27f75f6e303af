"""Drives alibabacloud-secretsmanager-client-v2: GetSecretValue through its cache; signature V3.

Usage: secrets_v2.py DEV_JSON SCHEME
"""

import functools
import sys
from typing import Any

from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client import SecretManagerCacheClient
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import (
    DefaultSecretManagerClientBuilder,
)
from alibabacloud_tea_openapi.models import Config
from driver import Server, refusal, serve
from secret_cache import read


def main() -> None:
    server = Server(*sys.argv[1:3])

    @functools.cache
    def client(who: str) -> SecretManagerCacheClient:
        manager = DefaultSecretManagerClientBuilder.standard().add_config(Config(**server.config(who))).build()
        return SecretManagerCacheClientBuilder.new_cache_client_builder(manager).build()

    def call(who: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return read(client(who), parameters)
        except Exception as error:
            raise refusal(error) from error

    serve({"operations": {"GetSecretValue": ["SecretName"]}, "reader": True}, call)


if __name__ == "__main__":
    main()
