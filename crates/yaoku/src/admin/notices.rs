//! `yaoku notices`: what happened to keys and secrets that somebody should know of.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Answer, Reach};
use crate::{exchange::text, screen::table};

/// Lists notices: rotations of secrets and why they failed, deletions, what is about to expire. The last
/// first.
#[derive(Debug, Args)]
pub(crate) struct Notices {
    #[command(flatten)]
    reach: Reach,
    /// Those of this secret alone: its name or ARN.
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Those of this name; `Secret:RotateSecret:*` are all whose names begin so.
    #[arg(long, value_name = "NOTICE")]
    name: Option<String>,
    /// Which page.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    page: u32,
    /// How many a page has, from 1 to 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    page_size: u32,
}

impl Notices {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (page, size) = (self.page.to_string(), self.page_size.to_string());
        let params = [
            ("SecretName", self.secret.as_deref()),
            ("Name", self.name.as_deref()),
            ("PageNumber", Some(&*page)),
            ("PageSize", Some(&*size)),
        ];
        self.reach.call(LIST, &params, shown).await
    }
}

/// The operation.
pub(crate) const LIST: &str = "ListNotices";

/// Asks that operation how the last rotation of a secret has ended.
pub(crate) fn of_last_rotation(secret: &str) -> [(&str, Option<&str>); 3] {
    let names = ("Name", Some("Secret:RotateSecret:*"));
    [("SecretName", Some(secret)), names, ("PageSize", Some("1"))]
}

/// When and why it failed, if it did: `Time`, `Code` and `Message`. What was told before `since` was
/// told of another secret of that name.
pub(crate) fn failure(listed: &Answer, since: &str) -> Option<Value> {
    let last = listed.list("/Notices/Notice").first()?;
    let time = text(last, "/EventTime");
    let [code, message] = reason(last).filter(|_| time >= since)?;
    Some(json!({"Time": time, "Code": code, "Message": message}))
}

fn shown(it: &Answer) -> String {
    let columns = [
        ("TIME", "/EventTime"),
        ("LEVEL", "/Level"),
        ("NOTICE", "/Name"),
        ("ABOUT", "/ResourceId"),
        ("WAITING", "/WebhooksWaiting"),
        ("WHY", "/Why"),
    ];
    let with_reason = |it: &Value| {
        let mut notice = it.clone();
        if let Some([code, message]) = reason(it) {
            notice["Why"] = format!("{code}: {message}").into();
        }
        notice
    };
    let notices: Vec<Value> = it.list("/Notices/Notice").iter().map(with_reason).collect();
    table(&notices, &columns)
}

/// The code and the message of what failed.
fn reason(notice: &Value) -> Option<[String; 2]> {
    let event: Value = serde_json::from_str(text(notice, "/Event")).ok()?;
    let info = event.pointer("/content/failureInfo")?;
    Some(["/errorCode", "/errorMessage"].map(|it| text(info, it).to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{failure, shown};
    use crate::exchange::Answer;

    fn notice(name: &str, info: &Value) -> Answer {
        let event = json!({"content": {"failureInfo": info}}).to_string();
        let notice = json!({"EventTime": "2026-01-02T03:04:05Z", "Name": name, "Event": event,
            "WebhooksWaiting": 2});
        Answer::of(json!({"Notices": {"Notice": [notice]}}))
    }

    #[test]
    fn a_failure_is_told_with_its_time_and_its_reason_and_a_success_is_none() {
        let info = json!({"errorCode": "TargetNotFound", "errorMessage": "no server\u{1b}"});
        let failed = notice("Secret:RotateSecret:Failure", &info);
        let told = failure(&failed, "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(told["Time"], "2026-01-02T03:04:05Z");
        assert_eq!((&told["Code"], &told["Message"]), (&info["errorCode"], &info["errorMessage"]));
        assert_eq!(failure(&failed, "2026-01-03T00:00:00Z"), None, "of another secret");
        let line = shown(&failed);
        assert!(line.contains("  2        TargetNotFound: no server\\u{1b}\n"), "{line}");
        let done = Answer::of(json!({"Notices": {"Notice": [{"Event": "{\"content\":{}}"}]}}));
        assert_eq!(failure(&done, ""), None);
        assert_eq!(failure(&Answer::of(json!({})), ""), None);
    }
}
