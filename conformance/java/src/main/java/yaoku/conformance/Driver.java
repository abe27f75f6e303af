// The loop that both Java drivers share: JSON lines in, JSON lines out (README.md, "Drivers").
package yaoku.conformance;

import com.aliyuncs.exceptions.ClientException;
import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a driver does: makes one call with the client under test. */
interface Caller {
    /** The answer as the client surfaces it, or the client's own exception. */
    Object call(Key who, String operation, JsonObject parameters) throws Exception;
}

/** An access key, with a token if it is a session's. */
record Key(String id, String secret, String token) {}

/** The loop, and what dev.json says about whom to call as. */
final class Driver {
    /** Java's members in the API's own spelling: {@code dKMSInstanceId} is {@code DKMSInstanceId}. */
    static final Gson WIRE =
            new GsonBuilder().setFieldNamingPolicy(FieldNamingPolicy.UPPER_CAMEL_CASE).disableHtmlEscaping().create();

    final JsonObject dev;
    final boolean https;
    private final PrintStream out;

    Driver(String devJson, String scheme) throws Exception {
        out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        dev = JsonParser.parseString(Files.readString(Path.of(devJson))).getAsJsonObject();
        https = scheme.equals("https");
    }

    String text(String member) {
        return dev.get(member).getAsString();
    }

    /** Host and port for the scheme under test. */
    String endpoint() {
        return text(https ? "endpoint" : "http_endpoint");
    }

    /** The access key of somebody who is named, or the given one. */
    private Key key(JsonElement who) {
        if (who.isJsonObject()) {
            return new Gson().fromJson(who, Key.class);
        }
        return switch (who.getAsString()) {
            case "user" -> new Key(text("user_access_key_id"), text("user_access_key_secret"), null);
            case "stranger" -> new Key("LTAI000000000000stranger", text("access_key_secret"), null);
            case "forger" -> new Key(text("access_key_id"), "not-the-secret-of-this-access-key", null);
            default -> new Key(text("access_key_id"), text("access_key_secret"), null);
        };
    }

    /** Says what the client can do, then answers call after call until the input ends. */
    void serve(Map<String, List<String>> operations, Map<String, Object> traits, Caller caller) throws Exception {
        Map<String, Object> hello = new TreeMap<>(traits);
        hello.put("operations", operations);
        out.println(new Gson().toJson(hello));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            out.println(answer(request, caller));
        }
        System.exit(0);
    }

    private String answer(JsonObject request, Caller caller) {
        JsonObject reply = new JsonObject();
        try {
            Object body = caller.call(
                    key(request.get("who")),
                    request.get("operation").getAsString(),
                    request.getAsJsonObject("parameters"));
            reply.addProperty("status", 200);
            reply.add("body", WIRE.toJsonTree(body));
        } catch (ClientException refusal) {
            reply.addProperty("code", refusal.getErrCode());
            reply.addProperty("message", refusal.getErrMsg());
            reply.addProperty("request_id", refusal.getRequestId());
        } catch (Exception fault) {
            fault.printStackTrace();
            reply.addProperty("code", "Client." + fault.getClass().getSimpleName());
            reply.addProperty("message", String.valueOf(fault.getMessage()));
        }
        return WIRE.toJson(reply);
    }
}
