//! Runs every case of `vectors/policy/*.json`. The format is in the README there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{borrow::Cow, collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use yaoku_model::policy::{
    Caller, Context, Decision, Document, Kind, Malformed, Object, Question, Verdict, Who, Work,
    decide,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    kind: String,
    question: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    kind: Option<String>,
    statements: Option<Value>,
    document: Option<Value>,
    documents: Option<Vec<Value>>,
    padded: Option<usize>,
    #[serde(default)]
    question: Map<String, Value>,
    expect: String,
    by: Option<(usize, usize)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    action: String,
    resource: Option<String>,
    resources: Option<Vec<String>>,
    #[serde(default)]
    owner: String,
    caller: Option<Identity>,
    #[serde(default)]
    context: Values,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(default)]
    account: String,
    #[serde(default)]
    root: bool,
    user: Option<String>,
    role: Option<String>,
    service: Option<String>,
    federated: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Values(BTreeMap<String, String>);

impl Context for Values {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0.get(key).map(|it| Cow::Borrowed(&**it))
    }
}

#[test]
fn every_case_answers_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/policy");
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let file: File = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert!(!file.about.is_empty());
        for case in &file.cases {
            count += 1;
            if let Err(why) = case.check(&file) {
                wrong.push(format!("{}: {}: {why}", path.display(), case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 400, "only {count} cases were found");
}

impl Case {
    fn check(&self, file: &File) -> Result<(), String> {
        let kind = kind(self.kind.as_ref().unwrap_or(&file.kind));
        let texts = self.texts();
        let documents: Result<Vec<_>, Malformed> =
            texts.iter().map(|it| Document::parse(it, kind)).collect();
        let decision = match documents {
            Ok(documents) => asked(&file.question, &self.question).decision(&documents),
            Err(_) if self.expect == "Malformed" => return Ok(()),
            Err(malformed) => return Err(malformed.to_string()),
        };
        let answer = match decision.verdict {
            Verdict::Allow => "Allow",
            Verdict::ExplicitDeny => "ExplicitDeny",
            Verdict::ImplicitDeny => "ImplicitDeny",
        };
        if answer != self.expect {
            return Err(format!("{answer}, not {}", self.expect));
        }
        match (self.by, decision.by) {
            (Some(expected), by) if by != Some(expected) => Err(format!("by {by:?}")),
            _ => Ok(()),
        }
    }

    fn texts(&self) -> Vec<String> {
        let documents = match (&self.statements, &self.document, &self.documents) {
            (Some(it), None, None) => vec![json!({ "Version": "1", "Statement": it })],
            (None, Some(it), None) => vec![it.clone()],
            (None, None, Some(list)) => list.clone(),
            _ => panic!("{}: needs one of statements, document, documents", self.name),
        };
        documents
            .into_iter()
            .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
            .map(|it| format!("{it:width$}", width = self.padded.unwrap_or_default()))
            .collect()
    }
}

fn asked(common: &Map<String, Value>, own: &Map<String, Value>) -> Asked {
    let mut question = common.clone();
    question.extend(own.clone());
    serde_json::from_value(Value::Object(question)).unwrap()
}

impl Asked {
    fn decision(&self, documents: &[Document]) -> Decision {
        let one = self.resource.as_deref().map(|it| vec![it]);
        let several = self.resources.as_ref().map(|it| it.iter().map(|it| &**it).collect());
        let resources: Vec<&str> = several.or(one).unwrap_or_default();
        let question = Question {
            action: &self.action,
            resources: &resources,
            caller: self.caller.as_ref().map(Identity::caller),
            owner: &self.owner,
            context: &self.context,
            work: &Work::default(),
        };
        decide(documents, &question)
    }
}

impl Identity {
    fn caller(&self) -> Caller<'_> {
        let who = match (&self.user, &self.role, &self.service, &self.federated) {
            (None, None, None, None) if self.root => Who::Root,
            (Some(it), None, None, None) => Who::User(it),
            (None, Some(it), None, None) => Who::Role(it),
            (None, None, Some(it), None) => Who::Service(it),
            (None, None, None, Some(it)) => Who::Federated(it),
            _ => panic!("a caller is one of root, user, role, service, federated"),
        };
        Caller { account: &self.account, who }
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "identity" => Kind::Identity,
        "session" => Kind::Session,
        "trust" => Kind::Trust,
        "key" => Kind::Object(Object::Key),
        "secret" => Kind::Object(Object::Secret),
        other => panic!("no kind {other}"),
    }
}
