"""A program whose SDK client has its access key from a secret: by aliyun-sdk-common-managed-credentials-provider.

It encrypts, again and again, as the RAM user whose key it is, by the AcsClient of the plugin of aliyun-python-sdk-core
(aliyun-openapi-python-sdk-managed-credentials-provider), which fetches the key, and fetches it again when the old one
is gone. For each key that it has it prints {"key", "calls"}, and for each call that fails {"failed"}, until its input
ends.

Usage: managed.py DEV_JSON SECRET
"""

import json
import os
import queue
import sys
import threading
from typing import Any

from alibaba_cloud_secretsmanager_client.model.region_info import RegionInfo
from alibaba_cloud_secretsmanager_client.service.full_jitter_back_off_strategy import FullJitterBackoffStrategy
from aliyun_sdk_secretsmanager_common_plugin.aliyun_sdk_secretsmanager_plugins_manager import (
    AliyunSdkSecretsManagerPluginsManager,
)
from aliyun_sdk_secretsmanager_common_plugin.model.secretsmanager_plugin_credentials_provider import (
    SecretsManagerPluginCredentialsProvider,
)
from aliyun_sdk_secretsmanager_common_plugin.service.default_secretsmanager_plugin_cache_hook import (
    DefaultSecretsManagerPluginCacheHook,
)
from aliyun_sdk_secretsmanager_common_plugin.service.monitor_memory_cache_secret_store_strategy import (
    MonitorMemoryCacheSecretStoreStrategy,
)
from aliyun_sdk_secretsmanager_common_plugin.service.rotate_ak_secret_refresh_secret_strategy import (
    RotateAKSecretRefreshSecretStrategy,
)
from aliyun_sdk_secretsmanager_common_plugin.service.secret_exchange import SecretExchange
from aliyun_sdk_secretsmanager_common_plugin.service.secret_recovery_strategy import SecretRecoveryStrategy
from aliyun_sdk_secretsmanager_common_plugin.service.secretsmanager_plugin_credentials_loader import (
    SecretsManagerPluginCredentialsLoader,
)
from aliyun_sdk_secretsmanager_sdk_core_plugin.proxy_acs_client import ProxyAcsClient
from aliyunsdkcore.auth.credentials import AccessKeyCredential
from aliyunsdkcore.http import protocol_type
from aliyunsdkkms.request.v20160120.EncryptRequest import EncryptRequest
from driver import Server


class Loader(SecretsManagerPluginCredentialsLoader):
    """The plugin's own parts. Its loader of a file opens it in a mode that Python 3.11 has no more."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def load(self) -> SecretsManagerPluginCredentialsProvider:
        said: queue.Queue[Any] = queue.Queue(1000)
        return SecretsManagerPluginCredentialsProvider(
            credentials=AccessKeyCredential(*self.server.key("root")[:2]),
            region_info_list=[RegionInfo(self.server.region, False, self.server.endpoint)],
            secret_names=[],
            secret_exchange=SecretExchange(),
            cache_secret_store_strategy=MonitorMemoryCacheSecretStoreStrategy(said, None, None),
            secretsmanager_plugin_cache_hook=DefaultSecretsManagerPluginCacheHook(said, SecretRecoveryStrategy()),
            back_off_strategy=FullJitterBackoffStrategy(),
            refresh_secret_strategy=RotateAKSecretRefreshSecretStrategy(),
            dkms_configs_dict={},
        )


def main() -> None:
    server, secret = Server(sys.argv[1], "https"), sys.argv[2]
    AliyunSdkSecretsManagerPluginsManager.init(Loader(server))
    client = ProxyAcsClient(secret_name=secret, region_id=server.region, verify=server.ca)
    threading.Thread(target=end_with_input, daemon=True).start()
    calls, key = 0, ""
    while True:
        try:
            client.do_action_with_exception(encrypt(server))
            calls += 1
        except Exception as error:
            say({"failed": f"{type(error).__name__}: {error}"})
        now = AliyunSdkSecretsManagerPluginsManager.get_access_key(secret).access_key_id
        if now != key and calls:
            key = now
            say({"key": key, "calls": calls})


def encrypt(server: Server) -> EncryptRequest:
    request = EncryptRequest()
    request.set_endpoint(server.endpoint)
    request.set_protocol_type(protocol_type.HTTPS)
    request.set_KeyId(server.dev["key_id"])
    request.set_Plaintext("hello")
    return request


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)  # the plugin leaves threads behind


if __name__ == "__main__":
    main()
