// Command tea-rpc drives the Go tea-rpc client as the Terraform provider does: the region in the query,
// all other parameters in the form body, one signature (V1) over both. A product is known by its version.
// Usage: tea-rpc VERSION DEV_JSON SCHEME OPERATION...
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	rpc "github.com/alibabacloud-go/tea-rpc/client"
	util "github.com/alibabacloud-go/tea-utils/service"
	"github.com/alibabacloud-go/tea/tea"
)

// request is one line of the standard input (README.md, "Drivers").
type request struct {
	Who        json.RawMessage        `json:"who"`
	Operation  string                 `json:"operation"`
	Parameters map[string]interface{} `json:"parameters"`
}

// reply is one line of the standard output.
type reply struct {
	Status    int         `json:"status"`
	Code      string      `json:"code"`
	Message   string      `json:"message"`
	RequestID string      `json:"request_id"`
	Body      interface{} `json:"body"`
}

func main() {
	if err := serve(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(version, devJSON, scheme string, operations []string) error {
	text, err := os.ReadFile(devJSON)
	if err != nil {
		return err
	}
	var dev map[string]string
	if err := json.Unmarshal(text, &dev); err != nil {
		return err
	}
	known := map[string]interface{}{}
	for _, operation := range operations {
		known[operation] = nil
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]interface{}{"operations": known}); err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var call request
		if err := json.Unmarshal(in.Bytes(), &call); err != nil {
			return err
		}
		if err := out.Encode(answer(version, dev, scheme, call)); err != nil {
			return err
		}
	}
	return in.Err()
}

func answer(version string, dev map[string]string, scheme string, call request) reply {
	client, err := connect(dev, scheme, call.Who)
	if err != nil {
		return reply{Code: "Client.Connect", Message: err.Error()}
	}
	query := map[string]interface{}{"RegionId": dev["region"]}
	form := map[string]interface{}{}
	for name, value := range call.Parameters {
		if name == "RegionId" {
			continue
		}
		form[name] = spelled(name, value)
	}
	body, err := client.DoRequest(tea.String(call.Operation), nil, tea.String("POST"), tea.String(version),
		tea.String("AK"), query, form, &util.RuntimeOptions{})
	if err != nil {
		return refusal(err)
	}
	return reply{Status: 200, Body: body}
}

// accessKey is what signs a call; a session's has a token.
type accessKey struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Token  string `json:"token"`
}

// keyOf finds the access key of somebody who is named, or reads the one that is given.
func keyOf(dev map[string]string, who json.RawMessage) (accessKey, error) {
	var name string
	if json.Unmarshal(who, &name) != nil {
		var given accessKey
		err := json.Unmarshal(who, &given)
		return given, err
	}
	key := accessKey{ID: dev["access_key_id"], Secret: dev["access_key_secret"]}
	switch name {
	case "user":
		key = accessKey{ID: dev["user_access_key_id"], Secret: dev["user_access_key_secret"]}
	case "stranger":
		key.ID = "LTAI000000000000stranger"
	case "forger":
		key.Secret = "not-the-secret-of-this-access-key"
	}
	return key, nil
}

func connect(dev map[string]string, scheme string, who json.RawMessage) (*rpc.Client, error) {
	key, err := keyOf(dev, who)
	if err != nil {
		return nil, err
	}
	endpoint := dev["endpoint"]
	if scheme == "http" {
		endpoint = dev["http_endpoint"]
	}
	config := &rpc.Config{
		AccessKeyId:     tea.String(key.ID),
		AccessKeySecret: tea.String(key.Secret),
		RegionId:        tea.String(dev["region"]),
		Endpoint:        tea.String(endpoint),
		Protocol:        tea.String(scheme),
	}
	if key.Token != "" {
		config.SecurityToken = tea.String(key.Token)
	}
	return rpc.NewClient(config)
}

// spelled leaves repeated parameters to the client, which numbers them, and gives other structures as JSON text.
func spelled(name string, value interface{}) interface{} {
	switch name {
	case "ResourceId", "ResourceNames", "Tag", "TagKey", "TagKeys":
		return value
	}
	switch value.(type) {
	case map[string]interface{}, []interface{}:
		text, _ := json.Marshal(value)
		return string(text)
	}
	return value
}

func refusal(err error) reply {
	var sdk *tea.SDKError
	if !errors.As(err, &sdk) {
		return reply{Code: "Client.Error", Message: err.Error()}
	}
	var data struct{ RequestId string }
	_ = json.Unmarshal([]byte(tea.StringValue(sdk.Data)), &data)
	return reply{
		Status:    tea.IntValue(sdk.StatusCode),
		Code:      tea.StringValue(sdk.Code),
		Message:   tea.StringValue(sdk.Message),
		RequestID: data.RequestId,
	}
}
