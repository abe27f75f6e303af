//! Answers in both forms, read back by other people's parsers.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;
use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};
use yaoku_wire::{
    Code, Fields, Refusal,
    rpc::{Format, encode_error, encode_success},
};

const ID: &str = "475F1620-B9D3-4D35-B5C6-3FBDD941423D";
const HOST: &str = "kms.cn-hangzhou.aliyuncs.com";

fn sample() -> Fields {
    Fields::default()
        .list(
            "Keys",
            "Key",
            vec![
                Fields::default().text("KeyId", "a<&>"),
                Fields::default().text("KeyId", "b\"'\r\n\t"),
            ],
        )
        .list("Tags", "Tag", vec![])
        .texts("VersionStages", "VersionStage", ["ACSCurrent", "x"])
        .plain_list("Errors", vec![Fields::default().flag("Value", false)])
        .number("TotalCount", 2)
}

fn written(format: Format, fields: &Fields) -> String {
    String::from_utf8(encode_success(format, "ListKeys", fields, ID).unwrap()).unwrap()
}

#[test]
fn json_is_flat_and_lists_are_wrapped() {
    let read: Value = serde_json::from_str(&written(Format::Json, &sample())).unwrap();
    assert_eq!(
        read,
        json!({
            "RequestId": ID,
            "Keys": {"Key": [{"KeyId": "a<&>"}, {"KeyId": "b\"'\r\n\t"}]},
            "Tags": {"Tag": []},
            "VersionStages": {"VersionStage": ["ACSCurrent", "x"]},
            "Errors": [{"Value": false}],
            "TotalCount": 2,
        })
    );
}

#[test]
fn xml_repeats_an_element_for_each_entry() {
    assert_eq!(
        written(Format::Xml, &sample()),
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><ListKeysResponse><RequestId>{ID}</RequestId>\
             <Keys><Key><KeyId>a&lt;&amp;&gt;</KeyId></Key><Key><KeyId>b\"'&#13;\n\t</KeyId></Key>\
             </Keys><Tags></Tags><VersionStages><VersionStage>ACSCurrent</VersionStage>\
             <VersionStage>x</VersionStage></VersionStages><Errors><Value>false</Value></Errors>\
             <TotalCount>2</TotalCount></ListKeysResponse>"
        )
    );
}

#[test]
fn an_answer_without_fields_has_its_request_id() {
    assert_eq!(written(Format::Json, &Fields::default()), format!("{{\"RequestId\":\"{ID}\"}}"));
}

#[test]
fn a_value_that_xml_cannot_carry_is_refused_not_altered() {
    for text in ["\0", "a\u{1}", "\u{1b}[0m", "\u{fffe}"] {
        let fields = Fields::default().secret("SecretData", text);
        let refusal = encode_success(Format::Xml, "GetSecretValue", &fields, ID).unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidFormat);
        let read: Value = serde_json::from_str(&written(Format::Json, &fields)).unwrap();
        assert_eq!(read["SecretData"], text);
    }
}

/// Source: identity.md §1.7, clients.md appendix 2 (6).
#[test]
fn an_error_has_all_that_clients_read() {
    let refusal = Refusal::from(Code::KeyNotFound);
    let (status, content_type, body) = encode_error(Format::Json, &refusal, ID, HOST);
    let read: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, content_type), (404, "application/json;charset=utf-8"));
    assert_eq!(read["Code"], "Forbidden.KeyNotFound");
    assert_eq!(read["Message"], "The specified Key is not found.");
    assert_eq!((&read["RequestId"], &read["HostId"]), (&json!(ID), &json!(HOST)));
    assert_eq!(read["HttpStatus"], 404);
    assert!(read["Recommend"].is_string());
    let refusal = refusal.with_message("a\0<b>");
    let (_, content_type, body) = encode_error(Format::Xml, &refusal, ID, HOST);
    let body = String::from_utf8(body).unwrap();
    assert_eq!(content_type, "text/xml;charset=utf-8");
    assert!(body.contains(&format!("<Error><RequestId>{ID}</RequestId><HostId>{HOST}</HostId>")));
    assert!(body.contains("<Message>a\u{fffd}&lt;b&gt;</Message>") && body.ends_with("</Error>"));
    assert_eq!(texts(&body).len(), 6);
}

/// Every text of a document; panics if it is not well-formed.
fn texts(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut out, mut depth) = (Vec::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(_) => {
                depth += 1;
                out.push(String::new());
            }
            Event::Text(it) => out.last_mut().unwrap().push_str(&it),
            Event::GeneralRef(it) => {
                let name = format!("&{};", &*it);
                out.last_mut().unwrap().push_str(&quick_xml::escape::unescape(&name).unwrap());
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    out.retain(|it| !it.is_empty());
    out
}

/// A random tree, as fields and as the JSON they must become.
fn tree() -> impl Strategy<Value = (Fields, Value)> {
    const NAMES: [&str; 4] = ["A", "B", "C", "D"];
    let leaf = any::<(String, i64, bool)>().prop_map(|(text, number, flag)| {
        let fields = Fields::default().text("T", &*text).number("N", number).flag("F", flag);
        (fields, json!({"T": text, "N": number, "F": flag}))
    });
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::vec((inner, any::<bool>()), 0..4).prop_map(|children| {
            let (mut fields, mut json) = (Fields::default(), serde_json::Map::new());
            for (name, ((child, value), listed)) in NAMES.into_iter().zip(children) {
                if listed {
                    fields = fields.list(name, "I", vec![child.clone(), child]);
                    json.insert(name.to_owned(), json!({"I": [value, value]}));
                } else {
                    fields = fields.object(name, child);
                    json.insert(name.to_owned(), value);
                }
            }
            (fields, Value::Object(json))
        })
    })
}

proptest! {
    #[test]
    fn json_reads_back_as_it_was_meant((fields, mut meant) in tree()) {
        meant["RequestId"] = json!(ID);
        let read: Value = serde_json::from_str(&written(Format::Json, &fields)).unwrap();
        prop_assert_eq!(read, meant);
    }

    #[test]
    fn xml_is_well_formed_or_refused((fields, _) in tree()) {
        if let Ok(body) = encode_success(Format::Xml, "A", &fields, ID) {
            texts(&String::from_utf8(body).unwrap());
        }
    }

    #[test]
    fn a_text_survives_xml(text in "[\\PC\\r\\n\\t<>&'\"\\]]{1,40}") {
        let fields = Fields::default().text("T", &*text);
        if let Ok(body) = encode_success(Format::Xml, "A", &fields, ID) {
            let read = texts(&String::from_utf8(body).unwrap());
            prop_assert_eq!(&read[1], &text);
        }
    }
}
