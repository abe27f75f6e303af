// Drives alibabacloud-secretsmanager-client (Java): GetSecretValue through its cache, answers in XML, always https.
package yaoku.conformance;

import com.aliyuncs.kms.secretsmanager.client.SecretCacheClient;
import com.aliyuncs.kms.secretsmanager.client.SecretCacheClientBuilder;
import com.aliyuncs.kms.secretsmanager.client.exception.CacheSecretException;
import com.aliyuncs.kms.secretsmanager.client.model.RegionInfo;
import com.aliyuncs.kms.secretsmanager.client.service.BaseSecretManagerClientBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Usage: SecretsDriver DEV_JSON https */
public final class SecretsDriver {
    public static void main(String[] arguments) throws Exception {
        Driver driver = new Driver(arguments[0], arguments[1]);
        Map<Key, SecretCacheClient> clients = new HashMap<>();
        Map<String, List<String>> operations = Map.of("GetSecretValue", List.of("SecretName"));
        driver.serve(operations, Map.of("reader", true), (who, operation, parameters) -> {
            if (!clients.containsKey(who)) {
                clients.put(who, connect(driver, who));
            }
            String name = parameters.get("SecretName").getAsString();
            SecretCacheClient client = clients.get(who);
            if (parameters.has("Refresh") && !client.refreshNow(name)) {
                throw new IllegalStateException("refreshNow did not refresh");
            }
            return read(client, name);
        });
    }

    private static Object read(SecretCacheClient client, String name) throws Exception {
        try {
            var secret = client.getSecretInfo(name);
            Map<String, Object> body = new HashMap<>();
            body.put("SecretName", secret.getSecretName());
            body.put("VersionId", secret.getVersionId());
            body.put("SecretData", secret.getSecretValue());
            body.put("SecretDataType", secret.getSecretDataType());
            body.put("CreateTime", secret.getCreateTime());
            body.put("SecretType", secret.getSecretType());
            return body;
        } catch (CacheSecretException refused) {
            if (refused.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw refused;
        }
    }

    private static SecretCacheClient connect(Driver driver, Key who) throws Exception {
        var region = new RegionInfo(driver.text("region"), driver.endpoint());
        var manager = BaseSecretManagerClientBuilder.standard()
                .withAccessKey(who.id(), who.secret())
                .addRegion(region)
                .build();
        return SecretCacheClientBuilder.newCacheClientBuilder(manager).build();
    }
}
