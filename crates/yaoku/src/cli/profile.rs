//! Who calls, and where to: from options, an access key's file, the environment, or the aliyun CLI's
//! profiles.
//!
//! The first of these that names an access key: `--access-key FILE`, `--profile NAME`, an access key in
//! the environment, a profile that `--config-path` or `ALIBABA_CLOUD_PROFILE` asks for, `dev.json` of a
//! `yaoku dev` that was started here, the current profile. Our choice.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use secrecy::SecretString;
use serde::Deserialize;

use super::{client::Server, misuse, options::Reach};
use crate::{data::DEFAULT_DATA, passphrase::read_file};

/// An access key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: SecretString,
    /// The token, if the key is a session's.
    pub(super) token: Option<SecretString>,
}

/// What somebody calls with.
#[derive(Clone)]
pub(super) enum Means {
    /// An access key.
    Key(Key),
    /// A session that is fetched from an address, which may be a secret.
    Uri(String),
    /// A session of a role, which is begun with an access key.
    Role { role: String, session: String, seconds: String, by: Key },
    /// Nothing: what is called takes no signature.
    Nothing,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(&key.id),
            Self::Uri(_) => f.write_str("a session that is fetched"),
            Self::Role { role, by, .. } => write!(f, "{role}, taken on by {}", by.id),
            Self::Nothing => f.write_str("nobody"),
        }
    }
}

/// As it is told: an address is not.
impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who calls, and what was said with it of the server.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) means: Means,
    pub(super) endpoint: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) region: Option<String>,
    /// Where the access key was found.
    pub(super) found: Found,
}

/// Where an access key was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// In a file of one.
    File(PathBuf),
    /// In the environment.
    Environment,
    /// In the profile of a name, in the aliyun CLI's configuration.
    Profile(String, PathBuf),
    /// Nowhere.
    Nowhere,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Environment => f.write_str("the environment"),
            Self::Profile(name, file) => write!(f, "profile {name:?} of {}", file.display()),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

/// The environment: names and values.
pub(super) type Environment = HashMap<String, String>;

/// The file of an access key: `dev.json`, or what `init` writes.
#[derive(Deserialize)]
struct KeyFile {
    access_key_id: String,
    access_key_secret: String,
    #[serde(default)]
    security_token: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default)]
    region: Option<String>,
}

/// The aliyun CLI's configuration, as far as we read it. Source: aliyun-cli, `config.json`.
#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    current: String,
    #[serde(default)]
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    sts_token: String,
    #[serde(default)]
    ram_role_arn: String,
    #[serde(default)]
    ram_session_name: String,
    #[serde(default)]
    expired_seconds: Option<u32>,
    #[serde(default)]
    credentials_uri: String,
    #[serde(default)]
    region_id: String,
    #[serde(default)]
    endpoint: String,
}

/// Who calls what takes no signature.
pub(super) const NOBODY: Caller =
    Caller { means: Means::Nothing, endpoint: None, ca: None, region: None, found: Found::Nowhere };

/// Finds who calls.
pub(super) fn find(reach: &Reach, environment: &Environment) -> anyhow::Result<Caller> {
    find_beside(reach, environment, &Path::new(DEFAULT_DATA).join("dev.json"))
}

/// The same, where `dev` is what a `yaoku dev` that was started here would have written.
fn find_beside(reach: &Reach, environment: &Environment, dev: &Path) -> anyhow::Result<Caller> {
    if let Some(file) = &reach.access_key {
        return of_file(file);
    }
    let configured = |name: Option<&str>| {
        let place = place(reach, environment).context("without HOME there is no ~/.aliyun")?;
        of_profile(&configuration(&place)?, name, place)
    };
    if let Some(name) = &reach.profile {
        return configured(Some(name));
    }
    if let Some(caller) = of_environment(environment) {
        return Ok(caller);
    }
    let named = variable(environment, "ALIBABA_CLOUD_PROFILE");
    if named.is_some() || reach.config_path.is_some() {
        return configured(named.as_deref());
    }
    if dev.exists() {
        return of_dev(dev);
    }
    if place(reach, environment).is_some_and(|it| it.exists()) {
        return configured(None);
    }
    Err(misuse(
        "nobody to call as: give --access-key FILE or --profile NAME, or set \
         ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or \
         ALIBABA_CLOUD_CREDENTIALS_URI",
    ))
}

/// A file that nobody named may send nothing off this machine: it could have come with somebody
/// else's directory.
fn of_dev(file: &Path) -> anyhow::Result<Caller> {
    let caller = of_file(file)?;
    match &caller.endpoint {
        Some(it) if Server::parse(it, true)?.is_elsewhere() => Err(misuse(format!(
            "{} names a server on another machine: say --access-key {0} if you mean it",
            file.display()
        ))),
        _ => Ok(caller),
    }
}

fn of_file(file: &Path) -> anyhow::Result<Caller> {
    // The fault's own text may quote what is in the file.
    let it: KeyFile = serde_json::from_str(&read_file(file)?)
        .map_err(|_| misuse(format!("{} holds no access key", file.display())))?;
    let token = it.security_token.map(SecretString::from);
    let key = Key { id: it.access_key_id, secret: it.access_key_secret.into(), token };
    Ok(Caller {
        means: Means::Key(key),
        endpoint: it.endpoint,
        ca: it.ca,
        region: it.region,
        found: Found::File(file.to_owned()),
    })
}

fn of_environment(environment: &Environment) -> Option<Caller> {
    let variable = |name| variable(environment, name);
    let id = variable("ALIBABA_CLOUD_ACCESS_KEY_ID");
    let means = match id.zip(variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET")) {
        Some((id, secret)) => {
            let token = variable("ALIBABA_CLOUD_SECURITY_TOKEN").map(SecretString::from);
            Means::Key(Key { id, secret: secret.into(), token })
        }
        None => Means::Uri(variable("ALIBABA_CLOUD_CREDENTIALS_URI")?),
    };
    Some(Caller { means, found: Found::Environment, ..NOBODY })
}

fn configuration(file: &Path) -> anyhow::Result<Configuration> {
    serde_json::from_str(&read_file(file)?)
        .map_err(|_| misuse(format!("{} is no configuration of the aliyun CLI", file.display())))
}

fn place(reach: &Reach, environment: &Environment) -> Option<PathBuf> {
    let home = || Some(Path::new(&variable(environment, "HOME")?).join(".aliyun/config.json"));
    reach.config_path.clone().or_else(home)
}

fn of_profile(
    configuration: &Configuration,
    named: Option<&str>,
    file: PathBuf,
) -> anyhow::Result<Caller> {
    let name = named.unwrap_or(&configuration.current);
    let found = configuration.profiles.iter().find(|it| it.name == name);
    let it = found.ok_or_else(|| misuse(format!("there is no profile called {name:?}")))?;
    let (endpoint, region) = (given(&it.endpoint), given(&it.region_id));
    let found = Found::Profile(name.to_owned(), file);
    Ok(Caller { means: it.means()?, endpoint, ca: None, region, found })
}

impl Profile {
    fn means(&self) -> anyhow::Result<Means> {
        let lacks = |what: &str| misuse(format!("profile {:?} has no {what}", self.name));
        let key = |token: Option<SecretString>| {
            let key = given(&self.access_key_id).zip(given(&self.access_key_secret));
            let (id, secret) = key.ok_or_else(|| lacks("access key"))?;
            anyhow::Ok(Key { id, secret: secret.into(), token })
        };
        match self.mode.as_str() {
            "AK" | "" => Ok(Means::Key(key(None)?)),
            "StsToken" => Ok(Means::Key(key(given(&self.sts_token).map(SecretString::from))?)),
            "RamRoleArn" => Ok(Means::Role {
                role: given(&self.ram_role_arn).ok_or_else(|| lacks("ram_role_arn"))?,
                session: given(&self.ram_session_name).unwrap_or_else(|| "yaoku".to_owned()),
                seconds: self.expired_seconds.unwrap_or(3600).to_string(),
                by: key(given(&self.sts_token).map(SecretString::from))?,
            }),
            "CredentialsURI" => {
                let uri = given(&self.credentials_uri).ok_or_else(|| lacks("credentials_uri"))?;
                Ok(Means::Uri(uri))
            }
            other => Err(misuse(format!(
                "profile {:?} is of mode {other}: AK, StsToken, RamRoleArn and CredentialsURI are \
                 read",
                self.name
            ))),
        }
    }
}

fn variable(environment: &Environment, name: &str) -> Option<String> {
    given(environment.get(name)?)
}

/// An empty text is none.
fn given(text: &str) -> Option<String> {
    Some(text).filter(|it| !it.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use std::path::{Path, PathBuf};

    use clap::{Args as _, FromArgMatches as _};

    use super::{
        Caller, Configuration, Environment, Found, Key, Means, Reach, find_beside, of_environment,
    };

    fn key(of: Caller) -> Key {
        let Means::Key(key) = of.means else { panic!("{of:?}") };
        key
    }

    fn of_profile(configuration: &Configuration, name: Option<&str>) -> anyhow::Result<Caller> {
        super::of_profile(configuration, name, PathBuf::new())
    }

    fn reach(words: &[&str]) -> Reach {
        let command = Reach::augment_args(clap::Command::new("x").no_binary_name(true));
        Reach::from_arg_matches(&command.get_matches_from(words)).unwrap()
    }

    const PROFILES: &str = r#"{"current":"work","meta_path":"","profiles":[
        {"name":"work","mode":"AK","access_key_id":"id","access_key_secret":"s3cret",
         "region_id":"cn-hangzhou","endpoint":"kms.example:8443","output_format":"json"},
        {"name":"session","mode":"StsToken","access_key_id":"STS.id","access_key_secret":"s",
         "sts_token":"token"},
        {"name":"role","mode":"RamRoleArn","access_key_id":"id","access_key_secret":"s"},
        {"name":"taken","mode":"RamRoleArn","access_key_id":"id","access_key_secret":"s",
         "ram_role_arn":"acs:ram::1:role/r","ram_session_name":"me","expired_seconds":900},
        {"name":"served","mode":"CredentialsURI","credentials_uri":"http://127.0.0.1:1/s3cret"},
        {"name":"machine","mode":"EcsRamRole"},
        {"name":"empty","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;

    #[test]
    fn what_is_no_profile_of_ours_is_refused_without_its_secrets() {
        let configuration: Configuration = serde_json::from_str(PROFILES).unwrap();
        for name in ["nobody", "role", "empty", "machine"] {
            let error = of_profile(&configuration, Some(name)).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let work = of_profile(&configuration, None).unwrap();
        assert!(!format!("{work:?}").contains("s3cret"));
    }

    #[test]
    fn profiles_of_the_aliyun_cli_are_read() {
        let configuration: Configuration = serde_json::from_str(PROFILES).unwrap();
        let work = of_profile(&configuration, None).unwrap();
        assert_eq!(work.endpoint.as_deref(), Some("kms.example:8443"));
        let work = key(work);
        assert_eq!((&*work.id, work.secret.expose_secret()), ("id", "s3cret"));
        assert!(work.token.is_none());
        let session = of_profile(&configuration, Some("session")).unwrap();
        assert_eq!(key(session).token.unwrap().expose_secret(), "token");
        let taken = of_profile(&configuration, Some("taken")).unwrap();
        assert_eq!(taken.means.to_string(), "acs:ram::1:role/r, taken on by id");
        let served = of_profile(&configuration, Some("served")).unwrap();
        assert!(!format!("{served:?}").contains("s3cret"), "the address is one");
        assert!(matches!(served.means, Means::Uri(it) if it == "http://127.0.0.1:1/s3cret"));
    }

    #[test]
    fn the_first_place_that_names_an_access_key_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = home.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            file
        };
        let configuration = write(".aliyun/config.json", PROFILES);
        let key = r#"{"access_key_id":"id","access_key_secret":"s","endpoint":"127.0.0.1:1"}"#;
        let (dev, none) = (write("dev.json", key), home.path().join("none"));
        let (named, dev_name) = (configuration.to_str().unwrap(), dev.to_str().unwrap());
        let at_home = ("HOME", home.path().to_str().unwrap());
        let key = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")];
        let profile = |name: &str| Found::Profile(name.to_owned(), configuration.clone());
        let session = ("ALIBABA_CLOUD_PROFILE", "session");
        for (words, variables, dev, expected) in [
            (&["--access-key", dev_name][..], &key[..], &none, Found::File(dev.clone())),
            (&["--profile", "session"], &key, &dev, profile("session")),
            (&["--config-path", named], &key, &dev, Found::Environment),
            (&["--config-path", named], &[], &dev, profile("work")),
            (&[], &[session], &dev, profile("session")),
            (&[], &[], &dev, Found::File(dev.clone())),
            (&[], &[], &none, profile("work")),
        ] {
            let variables = variables.iter().chain([&at_home]);
            let environment = variables.map(|(a, b)| ((*a).into(), (*b).into())).collect();
            let found = find_beside(&reach(words), &environment, dev).unwrap().found;
            assert_eq!(found, expected, "{words:?}");
        }
        assert!(find_beside(&reach(&[]), &Environment::new(), &none).is_err());
    }

    #[test]
    fn a_file_that_nobody_named_sends_nothing_off_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let dev = dir.path().join("dev.json");
        for (endpoint, taken) in [
            ("kms.example:8443", false),
            ("https://10.0.0.1", false),
            ("127.0.0.1:8443", true),
            ("0.0.0.0:8443", true),
            ("[::]:8443", true),
            ("localhost:8443", true),
        ] {
            let key = r#"{"access_key_id":"id","access_key_secret":"s","endpoint":""#;
            std::fs::write(&dev, format!(r#"{key}{endpoint}"}}"#)).unwrap();
            let found = |words: &[&str], dev: &Path| {
                find_beside(&reach(words), &Environment::new(), dev).is_ok()
            };
            assert_eq!(found(&[], &dev), taken, "{endpoint}");
            assert!(found(&["--access-key", dev.to_str().unwrap()], &dev));
        }
    }

    #[test]
    fn half_a_key_in_the_environment_is_none() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut environment: Environment =
            [pair("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")].into_iter().collect();
        assert!(of_environment(&environment).is_none());
        environment.extend([pair("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")]);
        assert_eq!(key(of_environment(&environment).unwrap()).id, "id");
        environment.clear();
        environment.extend([pair("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/")]);
        assert!(matches!(of_environment(&environment).unwrap().means, Means::Uri(_)));
    }
}
