//! `Filters`: which items of a list are asked for.

use serde::Deserialize;
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// How many filters a list takes, and how many values each. Source: keys.md §6.3.
const MAX: usize = 10;

/// One condition as clients write it.
#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Values")]
    values: Vec<String>,
}

/// Takes `Filters`: a JSON array of at most 10 `{"Key":k,"Values":[v, …]}`, each of at most 10
/// values; absent is none.
///
/// What has one key is alternatives, also when it comes in several filters; no values are no
/// constraint. Which keys there are is the operation's to say: [`invalid`]. Source: keys.md §6.3,
/// secrets.md §4.3 (an object instead of an array is invalid).
pub(super) fn filters(params: &mut Params) -> Result<Vec<(String, Vec<String>)>, ApiError> {
    let Some(json) = params.json("Filters")? else { return Ok(Vec::new()) };
    let sent: Vec<Filter> = serde_json::from_value(json).map_err(|_| invalid())?;
    if sent.len() > MAX || sent.iter().any(|it| it.values.len() > MAX) {
        return Err(invalid());
    }
    Ok(sent.into_iter().map(|it| (it.key, it.values)).collect())
}

/// The refusal of filters, also of a key that an operation does not know.
pub(super) fn invalid() -> ApiError {
    ApiError::invalid("Filters")
}

#[cfg(test)]
mod tests {
    use super::{MAX, filters};

    fn parse(json: &str) -> Option<Vec<(String, Vec<String>)>> {
        filters(&mut [("Filters", json)].into_iter().collect()).ok()
    }

    #[test]
    fn filters_are_an_array_of_keys_and_texts() {
        for json in [
            "{}",
            "null",
            "x",
            r#"{"Key":"KeyState","Values":["Enabled"]}"#,
            r#"[{"Key":"KeyState"}]"#,
            r#"[{"Values":["Enabled"]}]"#,
            r#"[{"Key":"KeyState","Values":"Enabled"}]"#,
            r#"[{"Key":"KeyState","Values":[1]}]"#,
            r#"["KeyState"]"#,
        ] {
            assert_eq!(parse(json), None, "{json}");
        }
        for json in ["", "[]", " [ ] "] {
            assert_eq!(parse(json), Some(Vec::new()), "{json}");
        }
        let json = r#"[{"Key":"a","Values":["1","2"]},{"Key":"a","Values":[]}]"#;
        let expected =
            vec![("a".to_owned(), vec!["1".to_owned(), "2".to_owned()]), ("a".to_owned(), vec![])];
        assert_eq!(parse(json), Some(expected));
    }

    #[test]
    fn ten_filters_of_ten_values_and_no_more() {
        let values = |count: usize| vec!["\"v\""; count].join(",");
        let of = |count: usize, each: usize| {
            let one = format!(r#"{{"Key":"k","Values":[{}]}}"#, values(each));
            parse(&format!("[{}]", vec![one; count].join(",")))
        };
        assert!(of(MAX, MAX).is_some());
        assert!(of(MAX + 1, 1).is_none());
        assert!(of(1, MAX + 1).is_none());
    }
}
