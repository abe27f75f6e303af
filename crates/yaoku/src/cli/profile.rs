//! Who calls, and where to: from options, an access key's file, the environment, or the aliyun CLI's
//! profiles.
//!
//! The first of these that names an access key: `--access-key FILE`, `--profile NAME`, the
//! environment, the current profile, `dev.json` of a `yaoku dev` that was started here. Our choice.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use secrecy::SecretString;
use serde::Deserialize;

use super::{misuse, options::Reach};
use crate::{data::DEFAULT_DATA, passphrase::read_file};

/// Who calls, and what was said with it of the server.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) id: String,
    pub(super) secret: SecretString,
    /// The token, if the key is a session's.
    pub(super) token: Option<SecretString>,
    pub(super) endpoint: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) region: Option<String>,
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
    region_id: String,
    #[serde(default)]
    endpoint: String,
}

/// Finds who calls.
pub(super) fn find(reach: &Reach, environment: &Environment) -> anyhow::Result<Caller> {
    if let Some(file) = &reach.access_key {
        return of_file(file);
    }
    if let Some(name) = &reach.profile {
        return of_profile(&configuration(reach, environment)?, Some(name));
    }
    if let Some(caller) = of_environment(environment) {
        return Ok(caller);
    }
    let named = variable(environment, "ALIBABA_CLOUD_PROFILE");
    let place = place(reach, environment);
    if named.is_some()
        || reach.config_path.is_some()
        || place.as_ref().is_some_and(|it| it.exists())
    {
        return of_profile(&configuration(reach, environment)?, named.as_deref());
    }
    let dev = Path::new(DEFAULT_DATA).join("dev.json");
    if dev.exists() {
        return of_file(&dev);
    }
    Err(misuse(
        "nobody to call as: give --access-key FILE or --profile NAME, or set \
         ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    ))
}

fn of_file(file: &Path) -> anyhow::Result<Caller> {
    // The fault's own text may quote what is in the file.
    let it: KeyFile = serde_json::from_str(&read_file(file)?)
        .map_err(|_| misuse(format!("{} holds no access key", file.display())))?;
    Ok(Caller {
        id: it.access_key_id,
        secret: it.access_key_secret.into(),
        token: it.security_token.map(SecretString::from),
        endpoint: it.endpoint,
        ca: it.ca,
        region: it.region,
    })
}

fn of_environment(environment: &Environment) -> Option<Caller> {
    let variable = |name| variable(environment, name);
    Some(Caller {
        id: variable("ALIBABA_CLOUD_ACCESS_KEY_ID")?,
        secret: variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?.into(),
        token: variable("ALIBABA_CLOUD_SECURITY_TOKEN").map(SecretString::from),
        endpoint: None,
        ca: None,
        region: None,
    })
}

fn configuration(reach: &Reach, environment: &Environment) -> anyhow::Result<Configuration> {
    let file = place(reach, environment).context("without HOME there is no ~/.aliyun")?;
    let text = read_file(&file)?;
    serde_json::from_str(&text)
        .map_err(|_| misuse(format!("{} is no configuration of the aliyun CLI", file.display())))
}

fn place(reach: &Reach, environment: &Environment) -> Option<PathBuf> {
    let home = || Some(Path::new(&variable(environment, "HOME")?).join(".aliyun/config.json"));
    reach.config_path.clone().or_else(home)
}

fn of_profile(configuration: &Configuration, named: Option<&str>) -> anyhow::Result<Caller> {
    let name = named.unwrap_or(&configuration.current);
    let found = configuration.profiles.iter().find(|it| it.name == name);
    let it = found.ok_or_else(|| misuse(format!("there is no profile called {name:?}")))?;
    let token = match it.mode.as_str() {
        "AK" | "" => None,
        "StsToken" => given(&it.sts_token).map(SecretString::from),
        other => {
            return Err(misuse(format!(
                "profile {name:?} is of mode {other}: only AK and StsToken are read"
            )));
        }
    };
    let key = given(&it.access_key_id).zip(given(&it.access_key_secret));
    let (id, secret) = key.ok_or_else(|| misuse(format!("profile {name:?} has no access key")))?;
    let (endpoint, region) = (given(&it.endpoint), given(&it.region_id));
    Ok(Caller { id, secret: secret.into(), token, endpoint, ca: None, region })
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

    use super::{Configuration, Environment, of_environment, of_profile};

    const PROFILES: &str = r#"{"current":"work","meta_path":"","profiles":[
        {"name":"work","mode":"AK","access_key_id":"id","access_key_secret":"s3cret",
         "region_id":"cn-hangzhou","endpoint":"kms.example:8443","output_format":"json"},
        {"name":"session","mode":"StsToken","access_key_id":"STS.id","access_key_secret":"s",
         "sts_token":"token"},
        {"name":"role","mode":"RamRoleArn","access_key_id":"id","access_key_secret":"s"},
        {"name":"empty","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;

    #[test]
    fn what_is_no_profile_of_ours_is_refused_without_its_secrets() {
        let configuration: Configuration = serde_json::from_str(PROFILES).unwrap();
        for name in ["nobody", "role", "empty"] {
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
        assert_eq!((&*work.id, work.secret.expose_secret()), ("id", "s3cret"));
        assert_eq!(work.endpoint.as_deref(), Some("kms.example:8443"));
        assert!(work.token.is_none());
        let session = of_profile(&configuration, Some("session")).unwrap();
        assert_eq!(session.token.unwrap().expose_secret(), "token");
    }

    #[test]
    fn half_a_key_in_the_environment_is_none() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut environment: Environment =
            [pair("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")].into_iter().collect();
        assert!(of_environment(&environment).is_none());
        environment.extend([pair("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")]);
        assert_eq!(of_environment(&environment).unwrap().id, "id");
    }
}
