//! The parameters of every operation, Filters and Tags among them: parsing takes any text.
//!
//! An input is an operation's name, a line end, and a form.

use yaoku_server::api::{Entry, operations};
use yaoku_wire::Params;

pub(crate) fn run(input: &[u8]) {
    let end = input.iter().position(|it| *it == b'\n').unwrap_or(input.len());
    let (name, form) = input.split_at(end);
    let entry: Option<&Entry> = operations().find(|it| it.spec.name.as_bytes() == name);
    let Some(entry) = entry else { return };
    let pairs: Vec<_> =
        form_urlencoded::parse(form.get(1..).unwrap_or_default()).into_owned().collect();
    let pairs = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let parse = || {
        let mut params: Params = pairs().collect();
        entry.parse(&mut params).map(drop).map_err(|error| error.code())
    };
    assert_eq!(parse(), parse(), "parameters are judged one way");
    if let Err(code) = parse() {
        assert!(entry.spec.declares(code), "{} does not declare {code:?}", entry.spec.name);
    }
}

/// The example of each operation, and filters and tags as they may be.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let example = |it: &Entry| {
        let mut form = form_urlencoded::Serializer::new(format!("{}\n", it.spec.name));
        for (name, value) in it.spec.example {
            form.append_pair(name, value);
        }
        form.finish().into_bytes()
    };
    let own = [
        r#"ListKeys
PageNumber=1&PageSize=100&Filters=[{"Key":"KeyState","Values":["Enabled","Disabled"]}]"#,
        r#"ListSecrets
FetchTags=true&Filters=[{"Key":"SecretName","Values":["db"]},{"Key":"TagKey","Values":["a"]}]"#,
        r#"TagResource
KeyId=k&Tags=[{"TagKey":"a","TagValue":"b"},{"TagKey":"c"}]"#,
        "TagResources\nResourceType=key&ResourceId.1=k&ResourceId.2=l&Tag.1.Key=a&Tag.1.Value=b",
        r#"UntagResource
KeyId=k&TagKeys=["a","b"]"#,
    ];
    let own = own.into_iter().map(|it| it.as_bytes().to_vec());
    operations().map(example).chain(own).collect()
}
