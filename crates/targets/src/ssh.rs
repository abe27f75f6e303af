//! Linux servers by SSH. The server is known by its host key alone, which must be registered.
//!
//! The administrator is `root`, or may use `sudo -n` for `chpasswd` and for `sh` as the user whose keys
//! are changed. Passwords and keys go through standard input, never into a command line. Names of users
//! are the only thing that becomes part of a command; they have a strict grammar ([`checked`]).
//!
//! RSA keys of users are used by aws-lc, not by the SSH library, whose RSA is not free of timing leaks
//! (RUSTSEC-2023-0071). For the same reason a host's key is Ed25519 or ECDSA, never RSA.

use std::{borrow::Cow, str::FromStr as _, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature};
use russh::{
    ChannelMsg, Preferred, Signer,
    client::{AuthResult, Config, Handle, Handler, connect_stream},
    keys::{
        HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
        agent::AgentIdentity,
        decode_secret_key,
        ssh_encoding::Encode as _,
        ssh_key::{Mpint, public},
    },
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use yaoku_model::{target::Target, text::SecretData};

use crate::{
    Admin, Fault, HostKey, Lack, Login, Proof, Rights,
    link::{broken, patiently, reach},
    text::{said, whole},
};

/// As much as is kept of what a command says, in bytes. Our choice.
const LONGEST_OUTPUT: usize = 16 * 1024;

/// A command ends with this if there is no such user.
const NO_USER: u32 = 44;

/// What each command begins with: found programs, English messages, a user who is there.
const PRELUDE: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL; \
                       getent passwd @USER@ >/dev/null || exit 44; ";

/// Feeds `chpasswd`.
const SET_PASSWORD: &str =
    "if [ \"$(id -u)\" = 0 ]; then exec chpasswd; else exec sudo -n chpasswd; fi";

/// Lets the user whose keys they are run what comes: so the files are theirs, and no link that they
/// made leads anybody with more rights astray.
const AS_USER: &str = "if [ \"$(id -un)\" = @USER@ ]; then exec sh -s; \
                       elif [ \"$(id -u)\" = 0 ]; then exec su -s /bin/sh @USER@ -c \"exec sh -s\"; \
                       else exec sudo -n -u @USER@ sh -s; fi";

/// Ends well if the password file's folder can be written, by whoever runs it.
const CAN_WRITE: &str =
    "test -w /etc || { echo 'Read-only file system: /etc cannot be written'; exit 1; }";

/// A command ends with this if the key whose rights a new one is to have is on no line.
const NO_KEY: u32 = 45;

/// Changes the keys of a user in a copy that takes the file's place at once. With a new key: if it is
/// not there, a line for it is put behind each of the old key, with that one's options and comment; if
/// there is none, nothing is done, for what the old key may do is not known; and if there is no old key,
/// at the end. Without: the lines of the old key go. The old key comes without its kind, so that any
/// space may be between them.
const CHANGE_KEYS: &str = r#"
set -eu
umask 077
home=$(getent passwd '@USER@' | cut -d: -f6)
mkdir -p "$home/.ssh"
cd "$home/.ssh"
[ -f authorized_keys ] || : >>authorized_keys
new=$(mktemp .authorized_keys.XXXXXX)
trap 'rm -f "$new"' EXIT
has=0
if grep -v '^[[:space:]]*#' authorized_keys | grep -qF '@NEW@'; then has=1; fi
awk -v has="$has" -v old='@OLD@' -v new='@NEW@' '
    /^[ \t]*#/ { print; next }
    old != "" && (at = index($0, old)) {
        if (new == "") next
        print
        head = substr($0, 1, at - 1)
        sub(/[^ \t]+[ \t]+$/, "", head)
        if (!has) { print head new substr($0, at + length(old)); added = 1 }
        next
    }
    { print }
    END {
        if (new == "" || has || added) exit
        if (old != "") exit 45
        print new
    }
' authorized_keys >"$new"
chmod 600 "$new"
sync "$new" 2>/dev/null || sync
mv -f "$new" authorized_keys
trap - EXIT
"#;

pub(crate) struct Server {
    session: Handle<Pinned>,
}

pub(crate) async fn connect(target: &Target, login: &Login) -> Result<Server, Fault> {
    let key = pinned(target)?;
    let kinds = Preferred { key: Cow::Owned(vec![key.algorithm()]), ..Preferred::default() };
    let config = Config { preferred: kinds, ..Config::default() };
    let stream = reach(target).await?;
    let mut session =
        connect_stream(Arc::new(config), stream, Pinned(key)).await.map_err(|it| refusal(&it))?;
    let user = login.user.clone();
    let answer = match &login.proof {
        Proof::Password(password) => {
            session.authenticate_password(user, password.expose_text()).await
        }
        Proof::PrivateKey(key) => {
            if let Some(mut key) = Rsa::read(key) {
                let (public, hash) = (key.public()?, Some(HashAlg::Sha512));
                let signed = session.authenticate_publickey_with(user, public, hash, &mut key);
                signed.await.map_err(|it| it.0)
            } else {
                let key = PrivateKeyWithHashAlg::new(Arc::new(read(key)?), None);
                session.authenticate_publickey(user, key).await
            }
        }
    };
    match answer {
        Ok(AuthResult::Success) => Ok(Server { session }),
        // The library's word for a connection that ends meanwhile: a refusal names what else is taken.
        Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
            Err(Fault::Unreachable("it hung up during the login".to_owned()))
        }
        Ok(AuthResult::Failure { .. }) => Err(Fault::WrongCredential(login.user.clone())),
        Err(error) => Err(refusal(&error)),
    }
}

/// The public key that a private key has, as `authorized_keys` has it.
pub(crate) fn public_key(private: &SecretData) -> Result<String, Fault> {
    let public = match Rsa::read(private) {
        Some(key) => key.public()?,
        None => read(private)?.public_key().clone(),
    };
    public.to_openssh().map_err(|_| Fault::Failed("the private key cannot be used".to_owned()))
}

/// A key that is not RSA's.
fn read(key: &SecretData) -> Result<PrivateKey, Fault> {
    let unreadable = |_| Fault::Failed("the private key cannot be read".to_owned());
    decode_secret_key(key.expose_text(), None).map_err(unreadable)
}

/// Logs in, and looks whether the user may do anything there: who must change their password may not.
pub(crate) async fn log_in(target: &Target, login: &Login) -> Result<(), Fault> {
    connect(target, login).await?.run("true", "", None).await
}

#[async_trait]
impl Admin for Server {
    /// The user must be there: servers make no users for secrets.
    async fn set_password(
        &mut self,
        user: &str,
        password: &SecretData,
        _rights: &Rights,
    ) -> Result<(), Fault> {
        checked(user)?;
        whole(password.expose_text())?;
        if password.expose_text().contains(['\n', '\r']) {
            return Err(Fault::Failed("a password of one line is wanted".to_owned()));
        }
        let line = format!("{user}:{}\n", password.expose_text());
        self.shell(user, SET_PASSWORD, &line, Some(password)).await
    }

    async fn has_account(&mut self, user: &str) -> Result<bool, Fault> {
        checked(user)?;
        match self.shell(user, "exit 0", "", None).await {
            Ok(()) => Ok(true),
            Err(Fault::NoAccount(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Runs what a rotation runs, with nothing to do: `chpasswd` is fed nobody's password, and a shell
    /// as another user nothing but a look.
    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault> {
        const SUDO: &str = "log in as root, or let the administrator do it by sudo without a \
                            password: docs/targets.md has the lines";
        let fed = self.shell("root", SET_PASSWORD, "", None).await;
        let looked = self.shell("root", AS_USER, CAN_WRITE, None).await;
        for done in [&fed, &looked] {
            if let Err(fault @ (Fault::Unreachable(_) | Fault::TimedOut)) = done {
                return Err(fault.clone());
            }
        }
        let (password, key) = match (fed, looked) {
            (fed, Err(full @ Fault::ReadOnly(_))) => (fed.err().or(Some(full)), None),
            (fed, looked) => (fed.err(), looked.err()),
        };
        let lack = if password.is_some() && key.is_some() { Lack::of_all } else { Lack::of_some };
        let password = password.map(|fault| {
            let what = "passwords of users cannot be changed (ECS secrets Password): the server";
            lack(fault.word(), format!("{what} {fault}"), SUDO)
        });
        let key = key.map(|fault| {
            let what = "keys of other users cannot be changed (ECS secrets SSHKey): the server";
            lack(fault.word(), format!("{what} {fault}"), SUDO)
        });
        Ok(password.into_iter().chain(key).collect())
    }

    async fn add_key(
        &mut self,
        user: &str,
        public_key: &str,
        like: Option<&str>,
    ) -> Result<(), Fault> {
        let new = canonical(public_key)?;
        // What was never a key is on no line of the file.
        let old = like.and_then(|it| canonical(it).ok()).filter(|it| *it != new);
        self.change_keys(user, &new, &old.unwrap_or_default()).await
    }

    async fn remove_key(&mut self, user: &str, public_key: &str) -> Result<(), Fault> {
        match canonical(public_key) {
            Ok(old) => self.change_keys(user, "", &old).await,
            Err(_) => checked(user),
        }
    }
}

impl Server {
    async fn change_keys(&mut self, user: &str, new: &str, old: &str) -> Result<(), Fault> {
        checked(user)?;
        let old = old.split_once(' ').map_or(old, |it| it.1);
        let script =
            CHANGE_KEYS.replace("@USER@", user).replace("@OLD@", old).replace("@NEW@", new);
        self.shell(user, AS_USER, &script, None).await
    }

    /// Runs a command about a user, in a shell that is surely one.
    async fn shell(
        &mut self,
        user: &str,
        script: &str,
        input: &str,
        secret: Option<&SecretData>,
    ) -> Result<(), Fault> {
        let script = format!("{PRELUDE}{script}").replace("@USER@", user);
        match self.run(&format!("exec sh -c '{script}'"), input, secret).await {
            Err(Fault::NoAccount(_)) => Err(Fault::NoAccount(user.to_owned())),
            other => other,
        }
    }

    /// Runs a command with some input, to its end.
    async fn run(
        &mut self,
        command: &str,
        input: &str,
        secret: Option<&SecretData>,
    ) -> Result<(), Fault> {
        let (status, output) =
            patiently(async { self.output(command, input).await.map_err(|error| refusal(&error)) })
                .await?;
        let text = || said(&output, secret);
        match status {
            Some(0) => Ok(()),
            Some(NO_USER) => Err(Fault::NoAccount(String::new())),
            Some(NO_KEY) => Err(Fault::Failed(
                "has the user's current key on no line of ~/.ssh/authorized_keys".to_owned(),
            )),
            _ if ["No space left", "Read-only file system", "quota exceeded"]
                .iter()
                .any(|it| output.contains(it)) =>
            {
                Err(Fault::ReadOnly(text()))
            }
            _ if ["Permission denied", "not permitted", "sudo:", "not allowed"]
                .iter()
                .any(|it| output.contains(it)) =>
            {
                Err(Fault::NotPermitted(text()))
            }
            Some(status) => Err(Fault::Failed(format!("ended with {status}: {}", text()))),
            None => Err(Fault::Failed(format!("did not end well: {}", text()))),
        }
    }

    async fn output(
        &mut self,
        command: &str,
        input: &str,
    ) -> Result<(Option<u32>, String), russh::Error> {
        let mut channel = self.session.channel_open_session().await?;
        channel.exec(true, command).await?;
        // What has ended already takes no input, and says why.
        _ = channel.data(input.as_bytes()).await;
        _ = channel.eof().await;
        let (mut status, mut output) = (None, Vec::new());
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                    let room = LONGEST_OUTPUT.saturating_sub(output.len());
                    output.extend_from_slice(&data[..data.len().min(room)]);
                }
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                _ => {}
            }
        }
        Ok((status, String::from_utf8_lossy(&output).into_owned()))
    }
}

/// The host key that is taken.
pub(crate) struct Pinned(PublicKey);

impl Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.key_data() == self.0.key_data(),
            PublicKeyOrCertificate::Certificate(_) => false,
        })
    }
}

/// An RSA key of a user.
struct Rsa(KeyPair);

impl Rsa {
    /// `None` if it is no RSA key in PKCS#1 or PKCS#8.
    fn read(pem: &SecretData) -> Option<Self> {
        let read = match PrivateKeyDer::from_pem_slice(pem.expose()).ok()? {
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return None,
        };
        read.ok().map(Self)
    }

    fn public(&self) -> Result<PublicKey, Fault> {
        let public = signature::KeyPair::public_key(&self.0);
        let exponent = public.exponent().big_endian_without_leading_zero();
        let modulus = public.modulus().big_endian_without_leading_zero();
        let number = |it: &[u8]| Mpint::from_positive_bytes(it);
        public::RsaPublicKey::new(number(exponent), number(modulus))
            .map(|it| public::KeyData::Rsa(it).into())
            .map_err(|_| Fault::Failed("the private key cannot be used".to_owned()))
    }

    /// The data, and behind it the signature as SSH wants it. Source: RFC 8332 §3.
    fn sign(&self, mut data: Vec<u8>) -> Option<Vec<u8>> {
        const NAME: &str = "rsa-sha2-512";
        let mut signed = vec![0; self.0.public_modulus_len()];
        let padding = &signature::RSA_PKCS1_SHA512;
        self.0.sign(padding, &SystemRandom::new(), &data, &mut signed).ok()?;
        (NAME.len() + signed.len() + 8).encode(&mut data).ok()?;
        NAME.encode(&mut data).ok()?;
        signed.encode(&mut data).ok()?;
        Some(data)
    }
}

/// A signature that was not made, or a connection that is gone.
struct NotSigned(russh::Error);

impl From<russh::SendError> for NotSigned {
    fn from(_: russh::SendError) -> Self {
        Self(russh::Error::SendError)
    }
}

impl Signer for Rsa {
    type Error = NotSigned;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, NotSigned> {
        self.sign(data).ok_or(NotSigned(russh::Error::CouldNotReadKey))
    }
}

/// The host key that a target is registered with.
fn pinned(target: &Target) -> Result<PublicKey, Fault> {
    let no = |why: &str| Fault::NotTrusted(why.to_owned());
    let key = target.host_key.as_deref().ok_or_else(|| no("no host key is registered for it"))?;
    let key = key.parse::<HostKey>();
    key.map(|it| it.key().clone())
        .map_err(|why| no(&format!("its registered host key is not taken: {why}")))
}

/// A key as `authorized_keys` has it, without its comment: nothing in it means anything to a shell.
fn canonical(key: &str) -> Result<String, Fault> {
    let not_one = |_| Fault::Failed("a public key as OpenSSH writes it is wanted".to_owned());
    let mut key = PublicKey::from_str(key.trim()).map_err(not_one)?;
    key.set_comment("");
    key.to_openssh().map(|it| it.trim().to_owned()).map_err(not_one)
}

/// Names of users are 1 to 32 letters, digits and `_.-`, and begin with a letter or `_`. Stricter than
/// Linux is: our choice, for they become part of commands.
fn checked(user: &str) -> Result<(), Fault> {
    let head = |c: char| c.is_ascii_alphabetic() || c == '_';
    let tail = |c: char| head(c) || c.is_ascii_digit() || c == '.' || c == '-';
    if (1..=32).contains(&user.len()) && user.starts_with(head) && user.chars().all(tail) {
        return Ok(());
    }
    Err(Fault::Failed("a name of a user has 1 to 32 letters, digits and _.-".to_owned()))
}

fn refusal(error: &russh::Error) -> Fault {
    use russh::Error;
    match error {
        Error::UnknownKey | Error::WrongServerSig => {
            Fault::NotTrusted("its host key is another".to_owned())
        }
        Error::NoCommonAlgo { .. } => Fault::NotTrusted(
            "it has no host key of the registered kind, or no common algorithm".to_owned(),
        ),
        Error::IO(error) => broken(error),
        Error::HUP | Error::Disconnect | Error::SendError | Error::RecvError => {
            Fault::Unreachable(said(&error.to_string(), None))
        }
        Error::ConnectionTimeout | Error::KeepaliveTimeout | Error::InactivityTimeout => {
            Fault::TimedOut
        }
        other => Fault::Failed(said(&other.to_string(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, checked};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn no_name_of_a_user_means_anything_to_a_shell() {
        for name in ["", "-x", ".a", "a b", "a;b", "a'b", "$(id)", "a\nb", "1a", "é", "a:b", "a/b"]
        {
            assert!(checked(name).is_err(), "{name:?}");
        }
        assert!(checked(&"a".repeat(33)).is_err());
        for name in ["root", "_apt", "ecs-user", "J.Doe_2"] {
            assert!(checked(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_key_is_parsed_and_its_comment_dropped() {
        assert_eq!(canonical(&format!("{KEY} '; rm -rf / #\n")).unwrap(), KEY);
        assert!(canonical("ssh-ed25519 AAAA").is_err());
        assert!(!canonical(&format!("{KEY}\n{KEY}")).is_ok_and(|it| it.contains('\n')));
        assert!(canonical("command=\"id\" ssh-ed25519 AAAA").is_err());
    }
}
