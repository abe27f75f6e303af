"""Drives aliyun-secret-manager-client: GetSecretValue through its cache; signature V1; always https, never verified.

Usage: secrets_v1.py DEV_JSON https
"""

import functools
import sys
from typing import Any

from alibaba_cloud_secretsmanager_client.model.region_info import RegionInfo
from alibaba_cloud_secretsmanager_client.secret_manager_cache_client import SecretManagerCacheClient
from alibaba_cloud_secretsmanager_client.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibaba_cloud_secretsmanager_client.service.default_secret_manager_client_builder import (
    DefaultSecretManagerClientBuilder,
)
from aliyunsdkcore.acs_exception.exceptions import ServerException
from driver import Refused, Server, serve
from secret_cache import read


def main() -> None:
    server = Server(*sys.argv[1:3])

    @functools.cache
    def client(who: str) -> SecretManagerCacheClient:
        manager = (
            DefaultSecretManagerClientBuilder.standard()
            .with_access_key(*server.key(who)[:2])
            .add_region_info(RegionInfo(server.region, False, server.endpoint))
            .build()
        )
        return SecretManagerCacheClientBuilder.new_cache_client_builder(manager).build()

    def call(who: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return read(client(who), parameters)
        except ServerException as error:
            raise Refused(
                error.get_http_status(), error.get_error_code(), error.get_error_msg(), error.get_request_id()
            ) from error

    serve({"operations": {"GetSecretValue": ["SecretName"]}, "reader": True}, call)


if __name__ == "__main__":
    main()
