// Drives aliyun-java-sdk-core with the requests of one product: signature V1, answers in XML (FormatType.XML).
package yaoku.conformance;

import com.aliyuncs.AcsRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.RpcAcsRequest;
import com.aliyuncs.http.FormatType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Usage: CoreDriver PACKAGE DEV_JSON SCHEME OPERATION... */
public final class CoreDriver {
    private static final Gson PARAMETERS = Driver.WIRE;

    public static void main(String[] arguments) throws Exception {
        String models = arguments[0] + ".";
        Driver driver = new Driver(arguments[1], arguments[2]);
        Map<Key, DefaultAcsClient> clients = new HashMap<>();
        Map<String, List<String>> operations = new TreeMap<>();
        for (int i = 3; i < arguments.length; i++) {
            addIfKnown(operations, models, arguments[i]);
        }
        driver.serve(operations, Map.of("flat_lists", true), (who, operation, parameters) -> {
            DefaultAcsClient client = clients.computeIfAbsent(who, key -> connect(driver, key));
            RpcAcsRequest<?> request = request(models + operation, parameters);
            request.setSysEndpoint(driver.endpoint());
            request.setSysProtocol(driver.https ? ProtocolType.HTTPS : ProtocolType.HTTP);
            request.setSysAcceptFormat(FormatType.XML);
            return client.getAcsResponse((AcsRequest<?>) request);
        });
    }

    private static DefaultAcsClient connect(Driver driver, Key key) {
        DefaultProfile profile = DefaultProfile.getProfile(driver.text("region"), key.id(), key.secret(), key.token());
        DefaultAcsClient client = new DefaultAcsClient(profile);
        client.setAutoRetry(false);
        return client;
    }

    private static void addIfKnown(Map<String, List<String>> operations, String models, String operation) {
        try {
            List<String> fields = new ArrayList<>();
            for (Method method : Class.forName(models + operation + "Request").getMethods()) {
                if (method.getName().startsWith("set") && !method.getName().startsWith("setSys")) {
                    fields.add(method.getName().substring("set".length()));
                }
            }
            operations.put(operation, fields);
        } catch (ClassNotFoundException unknown) {
            // The client does not have this operation.
        }
    }

    private static RpcAcsRequest<?> request(String name, JsonObject parameters) throws Exception {
        Class<?> model = Class.forName(name + "Request");
        Object request = model.getConstructor().newInstance();
        for (Map.Entry<String, JsonElement> parameter : parameters.entrySet()) {
            Method setter = setter(model, parameter.getKey());
            setter.invoke(request, value(parameter.getValue(), setter.getGenericParameterTypes()[0]));
        }
        return (RpcAcsRequest<?>) request;
    }

    /** Repeated parameters may have plural setters: {@code ResourceId} is set by {@code setResourceIds}. */
    private static Method setter(Class<?> model, String parameter) throws NoSuchMethodException {
        for (String wanted : List.of("set" + parameter, "set" + parameter + "s")) {
            for (Method method : model.getMethods()) {
                if (method.getName().equals(wanted) && method.getParameterCount() == 1) {
                    return method;
                }
            }
        }
        throw new NoSuchMethodException(model.getSimpleName() + "." + parameter);
    }

    private static Object value(JsonElement value, Type type) {
        if (type == String.class) {
            return value.isJsonPrimitive() ? value.getAsString() : value.toString();
        }
        return PARAMETERS.fromJson(value, type);
    }
}
