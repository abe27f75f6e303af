//! Who comes with an identity provider's token instead of a signature.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use yaoku_server::{
    api::{Product, operation},
    oidc::Fetcher,
};

use crate::{
    callers::unsigned,
    params,
    sessions::{role, told},
    signer::Signer,
    support::{
        ALLOW_ALL, Database, NOW, Party, World,
        client::{Answer, Key, Param},
    },
};

on_both!(
    who_is_not_vouched_for_is_refused,
    a_token_begins_a_session,
    keys_are_fetched_from_where_everybody_could,
    keys_are_fetched_again_when_a_token_names_another,
    a_token_for_several_clients_is_judged_as_for_each,
    nobody_waits_for_the_keys_that_a_made_up_token_names,
    an_account_that_changes_its_providers_makes_few_fetches,
);

const ISSUER: &str = "https://issuer.example";

fn claims(issuer: &str, audience: &str, subject: &str, expires: i64) -> String {
    let now = NOW.unix_seconds();
    let expires = now + expires;
    format!(
        r#"{{"iss":"{issuer}","aud":"{audience}","sub":"{subject}","iat":{now},"exp":{expires}}}"#
    )
}

/// Trusts a provider's tokens about one subject, for us.
fn trust(account: &str, provider: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{{"Federated":["acs:ram::{account}:oidc-provider/{provider}"]}},
            "Condition":{{"StringEquals":{{"oidc:sub":"pod","oidc:aud":"us","oidc:iss":"{ISSUER}"}}}}
            }}]}}"#
    )
}

/// Adds a provider; without keys, they are fetched.
async fn provide(world: &World, of: &Party, name: &str, issuer: &str, keys: Option<&str>) {
    let mut sent = vec![("Name", name), ("Issuer", issuer), ("ClientId.1", "us")];
    sent.extend(keys.map(|it| ("Keys", it)));
    world.done(of, "PutOidcProvider", &sent).await;
}

fn sent(account: &str, provider: &str, token: &str, role: &str) -> Vec<Param> {
    let provider = format!("acs:ram::{account}:oidc-provider/{provider}");
    params(&[
        ("OIDCProviderArn", &provider),
        ("OIDCToken", token),
        ("RoleArn", role),
        ("RoleSessionName", "a-session"),
    ])
}

/// Asks in both forms; both are told the same.
async fn ask(world: &World, sent: &[Param], known: bool) -> Answer {
    let spec = operation(Product::Sts, "AssumeRoleWithOIDC").unwrap().spec;
    let [form, query] = unsigned(spec, sent);
    let first = world.send(&form, known).await;
    let second = world.send(&query, known).await;
    assert_eq!(told(&first), told(&second));
    first
}

async fn who_is_not_vouched_for_is_refused(database: Database) {
    let world = World::new(database).await;
    let (root, other) = (world.account().await, world.account().await);
    let (signer, stranger) = (Signer::ec(), Signer::ec());
    let account = root.account.as_str();
    provide(&world, &root, "cluster", ISSUER, Some(&signer.jwks())).await;
    let deploy = role(&world, &root, "deploy", &trust(account, "cluster"), &[]).await;
    let closed = role(&world, &root, "closed", &trust(account, "another"), &[]).await;
    let others = role(&world, &other, "others", &trust(account, "cluster"), &[]).await;
    let absent = deploy.replace("deploy", "absent");
    let good = signer.token(&claims(ISSUER, "us", "pod", 600));
    let before = world.state().await;
    let invalid = "AuthenticationFail.OIDCToken.Invalid";
    for (token, code) in [
        (&*stranger.token(&claims(ISSUER, "us", "pod", 600)), invalid),
        (&signer.token(&claims(ISSUER, "them", "pod", 600)), invalid),
        (&signer.token(&claims("https://other.example", "us", "pod", 600)), invalid),
        (&signer.token_of("{\"alg\":\"none\"}", &claims(ISSUER, "us", "pod", 600)), invalid),
        ("x.y.z", invalid),
        (&signer.token(&claims(ISSUER, "us", "pod", -61)), "AuthenticationFail.OIDCToken.Expired"),
    ] {
        let answer = ask(&world, &sent(account, "cluster", token, &deploy), false).await;
        assert_eq!(told(&answer), (401, code.to_owned()), "{token}");
    }
    for (account, provider) in [(account, "absent"), ("99", "cluster")] {
        let answer = ask(&world, &sent(account, provider, &good, &deploy), false).await;
        assert_eq!(answer.code(), invalid, "{provider} of {account}");
    }
    for missing in ["OIDCProviderArn", "OIDCToken"] {
        let mut sent = sent(account, "cluster", &good, &deploy);
        sent.retain(|it| it.0 != missing);
        let answer = ask(&world, &sent, false).await;
        assert_eq!(told(&answer), (400, "MissingParameter".to_owned()));
    }
    let refused = "AuthenticationFail.NoPermission";
    let other_pod = signer.token(&claims(ISSUER, "us", "other", 600));
    for (token, role, code) in [
        (&other_pod, &deploy, refused),
        (&good, &closed, refused),
        (&good, &others, refused),
        (&good, &absent, "EntityNotExist.RoleArn"),
        (&good, &"deploy".to_owned(), "InvalidParameter.RoleArn"),
    ] {
        let answer = ask(&world, &sent(account, "cluster", token, role), true).await;
        assert_eq!(answer.code(), code, "{role}");
        assert!(!answer.body.contains(&token[token.len() - 40..]), "{answer:?}");
    }
    assert_eq!(world.state().await, before);
    world.done(&root, "DeleteOidcProvider", &[("Name", "cluster")]).await;
    let answer = ask(&world, &sent(account, "cluster", &good, &deploy), false).await;
    assert_eq!(answer.code(), invalid);
    world.stop().await.events_equal_answers().await;
}

async fn a_token_begins_a_session(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let signer = Signer::ec();
    let account = root.account.as_str();
    provide(&world, &root, "cluster", ISSUER, Some(&signer.jwks())).await;
    let rights = ALLOW_ALL.replace("\"Action\":\"*\"", "\"Action\":\"kms:ListKeys\"");
    let deploy = role(&world, &root, "deploy", &trust(account, "cluster"), &[&rights]).await;
    let token = signer.token(&claims(ISSUER, "us", "pod", 600));
    let answer = ask(&world, &sent(account, "cluster", &token, &deploy), true).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let about = |name: &str| answer.text(&format!("/OIDCTokenInfo/{name}"));
    assert_eq!([about("Subject"), about("Issuer"), about("ClientIds")], ["pod", ISSUER, "us"]);
    let text = |name: &str| answer.text(&format!("/Credentials/{name}"));
    let key = Key {
        id: text("AccessKeyId"),
        secret: text("AccessKeySecret"),
        token: Some(text("SecurityToken")),
    };
    let session = Party { account: root.account.clone(), key };
    world.done(&session, "ListKeys", &[]).await;
    assert_eq!(world.call(&session, "CreateKey", &[]).await.code(), "Forbidden.NoPermission");
    let stopped = world.stop().await;
    let events = stopped.events().await;
    let begun = events.iter().find(|it| it.action == "sts:AssumeRoleWithOIDC").unwrap();
    assert_eq!(begun.principal, "oidc-provider/cluster/pod");
    assert_eq!((&begun.resources[0], &begun.access_key), (&deploy, &None));
    stopped.events_equal_answers().await;
}

/// Time passes, and the node has heard of a shared store since.
fn later(world: &World, seconds: i64) {
    world.clock.advance_seconds(seconds);
    world.node.lease.renew(world.node.lease.now());
}

/// An issuer on this machine, over HTTPS.
struct Issuer {
    at: SocketAddr,
    roots: RootCertStore,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What it answers, by path.
    answers: Vec<(String, String)>,
    /// How often it was asked.
    asked: usize,
    /// Whether it keeps whoever asks waiting.
    silent: bool,
}

impl Issuer {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let acceptor = TlsAcceptor::from(Arc::new(settings));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut read = vec![0; 4096];
                let length = stream.read(&mut read).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&read[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = {
                    let mut state = shared.lock().unwrap();
                    state.asked += 1;
                    if state.silent {
                        kept.push(stream);
                        continue;
                    }
                    state.answers.iter().find(|it| it.0 == path).map(|it| it.1.clone())
                };
                let answer = answer.unwrap_or_else(|| "HTTP/1.1 404 No\r\n\r\n".to_owned());
                _ = stream.write_all(answer.as_bytes()).await;
                _ = stream.shutdown().await;
            }
        });
        Self { at, roots, state }
    }

    fn url(&self) -> String {
        format!("https://{}", self.at)
    }

    /// It calls itself so, and has these keys.
    fn says(&self, issuer: &str, keys: &str) {
        let about = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{}/keys"}}"#, self.url());
        self.answers(&[("/.well-known/openid-configuration", ok(&about)), ("/keys", ok(keys))]);
    }

    fn answers(&self, by_path: &[(&str, String)]) {
        let all = by_path.iter().map(|(path, it)| ((*path).to_owned(), it.clone()));
        self.state.lock().unwrap().answers = all.collect();
    }

    fn is_silent(&self) {
        self.state.lock().unwrap().silent = true;
    }

    fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// A world with a provider whose keys are fetched, and a role that trusts it.
async fn fetching(database: Database, private: bool) -> (World, Party, Issuer, String) {
    let world = World::new(database).await;
    let root = world.account().await;
    let issuer = Issuer::start().await;
    world.node.oidc.fetch_by(Fetcher::new(issuer.roots.clone(), private).unwrap());
    provide(&world, &root, "cluster", &issuer.url(), None).await;
    let trust = trust(root.account.as_str(), "cluster").replace(ISSUER, &issuer.url());
    let deploy = role(&world, &root, "deploy", &trust, &[]).await;
    (world, root, issuer, deploy)
}

async fn keys_are_fetched_from_where_everybody_could(database: Database) {
    let signer = Signer::ec();
    // As if there were no such provider: what strangers hear.
    let unavailable = (401, "AuthenticationFail.OIDCToken.Invalid".to_owned());
    let (world, root, issuer, deploy) = fetching(database, false).await;
    issuer.says(&issuer.url(), &signer.jwks());
    let token = signer.token(&claims(&issuer.url(), "us", "pod", 600));
    let sent = sent(root.account.as_str(), "cluster", &token, &deploy);
    assert_eq!(told(&ask(&world, &sent, false).await), unavailable);
    assert_eq!(issuer.asked(), 0, "it is on loopback");
    world.stop().await.events_equal_answers().await;

    let (world, root, issuer, deploy) = fetching(database, true).await;
    let token = signer.token(&claims(&issuer.url(), "us", "pod", 6000));
    let sent = self::sent(root.account.as_str(), "cluster", &token, &deploy);
    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: /keys\r\ncontent-length: 0\r\n\r\n";
    let large = ok(&" ".repeat(70_000));
    let plain = issuer.url().replace("https", "http");
    let about = |url: &str| format!(r#"{{"issuer":"{}","jwks_uri":"{url}"}}"#, issuer.url());
    let known = "/.well-known/openid-configuration";
    for answers in [
        &[][..],
        &[(known, elsewhere.to_owned()), ("/keys", ok(&about(&format!("{}/k", issuer.url()))))],
        &[(known, large)],
        &[(known, ok("no JSON"))],
        &[(known, ok(&about(&format!("{plain}/keys")))), ("/keys", ok(&signer.jwks()))],
        &[(known, ok(&about(&format!("{}/keys", issuer.url())))), ("/keys", ok("{}"))],
    ] {
        issuer.answers(answers);
        assert_eq!(told(&ask(&world, &sent, false).await), unavailable, "{answers:?}");
        later(&world, 30);
    }
    issuer.says("https://other.example", &signer.jwks());
    assert_eq!(told(&ask(&world, &sent, false).await), unavailable);
    later(&world, 30);
    issuer.says(&issuer.url(), &signer.jwks());
    assert_eq!(ask(&world, &sent, true).await.status, 200);
    world.stop().await.events_equal_answers().await;
}

async fn keys_are_fetched_again_when_a_token_names_another(database: Database) {
    let (world, root, issuer, deploy) = fetching(database, true).await;
    let (old, new) = (Signer::ec(), Signer::ec());
    let claims = claims(&issuer.url(), "us", "pod", 100_000);
    let renamed = new.jwks().replace("\"kid\":\"k\"", "\"kid\":\"next\"");
    let of = |token: &str| sent(root.account.as_str(), "cluster", token, &deploy);
    let (first, next) =
        (of(&old.token(&claims)), of(&new.token_of(r#"{"alg":"ES256","kid":"next"}"#, &claims)));
    issuer.says(&issuer.url(), &old.jwks());
    assert_eq!(ask(&world, &first, true).await.status, 200);
    assert_eq!(issuer.asked(), 2, "once, for its description and its keys");
    issuer.says(&issuer.url(), &renamed);
    // Not more often than every half minute, whatever strangers send.
    assert_eq!(ask(&world, &next, false).await.status, 401);
    assert_eq!(issuer.asked(), 2);
    later(&world, 30);
    assert_eq!(ask(&world, &next, true).await.status, 200);
    assert_eq!((ask(&world, &first, false).await.status, issuer.asked()), (401, 4));
    // While it cannot be asked, what it last said is good for a day.
    issuer.answers(&[]);
    later(&world, 80_000);
    assert_eq!(ask(&world, &next, true).await.status, 200);
    later(&world, 7_000);
    assert_eq!(ask(&world, &next, false).await.status, 401);
    world.stop().await;
}

async fn a_token_for_several_clients_is_judged_as_for_each(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let (account, signer) = (root.account.as_str(), Signer::ec());
    let keys = signer.jwks();
    let clients = [("ClientId.1", "us"), ("ClientId.2", "secret-client")];
    let sent =
        [&[("Name", "cluster"), ("Issuer", ISSUER), ("Keys", &*keys)][..], &clients].concat();
    world.done(&root, "PutOidcProvider", &sent).await;
    let provider = format!("acs:ram::{account}:oidc-provider/cluster");
    let statement = |effect: &str, operator: &str, audience: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"sts:AssumeRole",
                "Principal":{{"Federated":["{provider}"]}},
                "Condition":{{"{operator}":{{"oidc:aud":"{audience}"}}}}}}"#
        )
    };
    let allow = statement("Allow", "StringLike", "*");
    let policy = |deny: &str| format!(r#"{{"Version":"1","Statement":[{allow},{deny}]}}"#);
    let denies = policy(&statement("Deny", "StringEquals", "secret-client"));
    let guarded = role(&world, &root, "guarded", &denies, &[]).await;
    let open = role(&world, &root, "open", &policy(&allow), &[]).await;
    let token = |audiences: &str| {
        let claims = claims(ISSUER, "us", "pod", 600);
        signer.token(&claims.replace(r#""aud":"us""#, &format!(r#""aud":{audiences}"#)))
    };
    for (audiences, code) in [
        (r#"["us","secret-client"]"#, "AuthenticationFail.NoPermission"),
        (r#"["secret-client"]"#, "AuthenticationFail.NoPermission"),
        (r#"["us","of-others"]"#, ""),
        (r#"["us"]"#, ""),
    ] {
        let sent = self::sent(account, "cluster", &token(audiences), &guarded);
        let answer = ask(&world, &sent, true).await;
        let told = if answer.status == 200 { String::new() } else { answer.code() };
        assert_eq!(told, code, "{audiences}");
    }
    let both = self::sent(account, "cluster", &token(r#"["us","secret-client"]"#), &open);
    let answer = ask(&world, &both, true).await;
    assert_eq!(answer.text("/OIDCTokenInfo/ClientIds"), "us,secret-client");
    world.stop().await.events_equal_answers().await;
}

async fn nobody_waits_for_the_keys_that_a_made_up_token_names(database: Database) {
    let (world, root, issuer, deploy) = fetching(database, true).await;
    let signer = Signer::ec();
    let claims = claims(&issuer.url(), "us", "pod", 100_000);
    let of = |token: &str| sent(root.account.as_str(), "cluster", token, &deploy);
    let honest = of(&signer.token(&claims));
    let made_up = of(&signer.token_of(r#"{"alg":"ES256","kid":"made-up"}"#, &claims));
    issuer.says(&issuer.url(), &signer.jwks());
    assert_eq!(ask(&world, &honest, true).await.status, 200);
    issuer.is_silent();
    // Soon after; and when the keys are old enough to be fetched again beside the calls.
    for seconds in [30, 1800] {
        later(&world, seconds);
        tokio::select! {
            biased;
            _ = ask(&world, &made_up, false) => panic!("its keys cannot have come"),
            answer = ask(&world, &honest, true) => assert_eq!(answer.status, 200),
        }
    }
    world.stop().await;
}

async fn an_account_that_changes_its_providers_makes_few_fetches(database: Database) {
    let (world, root, issuer, deploy) = fetching(database, true).await;
    let signer = Signer::ec();
    let (own, account) = (issuer.url(), root.account.as_str());
    let token = |issuer: &str| signer.token(&claims(issuer, "us", "pod", 600));
    for nth in 0..3 {
        let other = format!("{own}/{nth}");
        provide(&world, &root, "cluster", &other, None).await;
        let sent = sent(account, "cluster", &token(&other), &deploy);
        assert_eq!(ask(&world, &sent, false).await.status, 401);
        assert_eq!(issuer.asked(), 1, "its issuer changed, not when it was last asked");
    }
    for nth in 0..30 {
        let name = format!("other-{nth}");
        provide(&world, &root, &name, &own, None).await;
        let sent = sent(account, &name, &token(&own), &deploy);
        assert_eq!(ask(&world, &sent, false).await.status, 401);
        world.done(&root, "DeleteOidcProvider", &[("Name", &name)]).await;
    }
    assert_eq!(issuer.asked(), 20, "of all providers of an account in half a minute");
    // Another account's are fetched all the same.
    let other = world.account().await;
    provide(&world, &other, "cluster", &own, None).await;
    issuer.says(&own, &signer.jwks());
    let trust = trust(other.account.as_str(), "cluster").replace(ISSUER, &own);
    let theirs = role(&world, &other, "deploy", &trust, &[]).await;
    let sent = sent(other.account.as_str(), "cluster", &token(&own), &theirs);
    assert_eq!(ask(&world, &sent, true).await.status, 200);
    world.stop().await.events_equal_answers().await;
}
