//! What SSH alone has.

use std::process::Command;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
};
use yaoku_model::target::{Engine, Target};

use super::{enters, is_only, lacks, secret, set};
use crate::{
    Fault, Login, Proof, Rights, connect, log_in,
    testing::{TestServer, free_port, login},
};

/// A new pair of keys of a kind, as `ssh-keygen` writes them: the private one and the public one.
fn pair(arguments: &[&str]) -> (String, String) {
    let file = std::env::temp_dir().join(format!("yaoku-pair-{}", free_port()));
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-N", "", "-C", "a b", "-f"]).arg(&file).args(arguments);
    assert!(make.status().unwrap().success());
    let public = file.with_extension("pub");
    let read = |path| std::fs::read_to_string(path).unwrap();
    let pair = (read(&file), read(&public).trim().to_owned());
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(&public).unwrap();
    pair
}

fn by_key(user: &str, private: &str) -> Login {
    Login { user: user.to_owned(), proof: Proof::PrivateKey(secret(private)) }
}

async fn replace(
    server: &TestServer,
    user: &str,
    new: &str,
    old: Option<&str>,
) -> Result<(), Fault> {
    let mut admin = connect(&server.target(), &server.admin()).await?;
    admin.add_key(user, new, old).await?;
    match old {
        Some(old) => admin.remove_key(user, old).await,
        None => Ok(()),
    }
}

#[tokio::test]
async fn a_host_with_another_key_is_not_spoken_to() {
    let server = TestServer::ssh();
    let (_, ed25519) = pair(&["-t", "ed25519"]);
    let (_, ecdsa) = pair(&["-t", "ecdsa"]);
    let (_, rsa) = pair(&["-t", "rsa", "-b", "2048"]);
    for key in [Some(ed25519), Some(ecdsa), Some(rsa), Some("nonsense".to_owned()), None] {
        let target = Target { host_key: key.clone(), ..server.target() };
        let done = log_in(&target, &server.admin()).await;
        assert!(matches!(done, Err(Fault::NotTrusted(_))), "{key:?}: {done:?}");
    }
}

#[tokio::test]
async fn every_kind_of_key_can_take_another_s_place() {
    let server = TestServer::ssh();
    let kinds: [&[&str]; 4] = [
        &["-t", "rsa", "-b", "2048", "-m", "PEM"],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
        &["-t", "ed25519"],
        &["-t", "ecdsa"],
    ];
    let mut before: Option<(String, String)> = None;
    for kind in kinds {
        let (private, public) = pair(kind);
        let old = before.as_ref().map(|it| it.1.as_str());
        for _ in 0..2 {
            assert_eq!(replace(server, "other", &public, old).await, Ok(()), "{kind:?}");
        }
        let done = log_in(&server.target(), &by_key("other", &private)).await;
        assert_eq!(done, Ok(()), "{kind:?}");
        if let Some((old, _)) = before.replace((private, public)) {
            let done = log_in(&server.target(), &by_key("other", &old)).await;
            assert_eq!(done, Err(Fault::WrongCredential("other".to_owned())), "{kind:?}");
        }
    }
    let done = log_in(&server.target(), &by_key("other", "no key at all")).await;
    assert!(matches!(done, Err(Fault::Failed(_))), "{done:?}");
}

#[tokio::test]
async fn other_lines_of_the_file_stay_and_so_do_its_owner_and_the_line_s_options() {
    let server = TestServer::ssh();
    let [one, old, new] = [(); 3].map(|()| pair(&["-t", "ed25519"]).1);
    server.run(&format!(
        "cd ~visitor; mkdir -p .ssh; printf '%s\\n' '# {old}' '{one}' '' \
         'no-pty,command=\"echo it is $0\" {old}' >.ssh/authorized_keys; chown -R visitor: .ssh"
    ));
    let bare = |key: &str| key.rsplitn(3, ' ').last().unwrap().to_owned();
    let options = "no-pty,command=\"echo it is $0\"";
    let wanted = format!("# {old}\n{one}\n\n{options} {} a b", bare(&new));
    let both = format!("# {old}\n{one}\n\n{options} {old}\n{options} {} a b", bare(&new));
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    let file = || server.run("cat ~visitor/.ssh/authorized_keys");
    for _ in 0..2 {
        assert_eq!(admin.add_key("visitor", &new, Some(&old)).await, Ok(()));
        assert_eq!(file(), both, "the old key still works");
    }
    for _ in 0..2 {
        assert_eq!(admin.remove_key("visitor", &old).await, Ok(()));
        assert_eq!(file(), wanted);
    }
    let kept = server.run("stat -c '%U %a' ~visitor/.ssh/authorized_keys; ls -A ~visitor/.ssh");
    assert_eq!(kept, "visitor 600\nauthorized_keys", "nothing is left lying about");

    // What an old key that is on no line may do is not known. What was added already is there.
    let more = pair(&["-t", "ed25519"]).1;
    let done = replace(server, "visitor", &more, Some(&old)).await;
    assert!(matches!(done, Err(Fault::Failed(_))), "{done:?}");
    assert_eq!(file(), wanted);
    for old in [None, Some(old.as_str())] {
        assert_eq!(replace(server, "visitor", &more, old).await, Ok(()));
        let file = server.run("cat ~visitor/.ssh/authorized_keys");
        assert_eq!(file, format!("{wanted}\n{}", bare(&more)));
    }
}

#[tokio::test]
async fn any_space_may_be_between_the_words_of_a_key() {
    let server = TestServer::ssh();
    server.run("useradd --create-home --home-dir /run/spaced spaced; mkdir /run/spaced/.ssh");
    let [old, new] = [(); 2].map(|()| pair(&["-t", "ed25519"]).1);
    let line = format!("restrict\t {}", old.replace(' ', " \t"));
    server.run(&format!(
        "cd ~spaced; printf '%s\\n' '{line}' >.ssh/authorized_keys; chown -R spaced: .ssh"
    ));
    assert_eq!(replace(server, "spaced", &new, Some(&old)).await, Ok(()));
    let left = server.run("cat ~spaced/.ssh/authorized_keys");
    let left: Vec<_> = left.split_whitespace().take(3).collect();
    let new: Vec<_> = new.split(' ').collect();
    assert_eq!(left, ["restrict", new[0], new[1]], "nothing of the old one");
}

#[tokio::test]
async fn an_administrator_may_use_sudo_or_change_what_is_their_own() {
    let server = TestServer::ssh();
    let password = |it: &Login| match &it.proof {
        Proof::Password(it) => it.expose_text().to_owned(),
        Proof::PrivateKey(_) => panic!("by a password"),
    };
    let known = password(&server.admin());
    let (private, public) = pair(&["-t", "ed25519"]);
    let deputy = login("deputy", &known);
    let mut admin = connect(&server.target(), &deputy).await.unwrap();
    assert_eq!(admin.add_key("deputy", &public, None).await, Ok(()), "its own");
    assert_eq!(log_in(&server.target(), &by_key("deputy", &private)).await, Ok(()));
    assert_eq!(admin.add_key("root", &public, None).await, Ok(()), "by sudo");
    assert_eq!(log_in(&server.target(), &by_key("root", &private)).await, Ok(()));
    server.run("useradd --create-home --home-dir /run/second second");
    let done = admin.set_password("second", &secret("by sudo's"), &Rights::Existing).await;
    assert_eq!(done, Ok(()));
    assert!(enters(server, "second", "by sudo's").await);

    let mut visitor = connect(&server.target(), &login("visitor", &known)).await.unwrap();
    let done = visitor.set_password("second", &secret("hidden-word"), &Rights::Existing).await;
    let fault = done.unwrap_err();
    assert!(matches!(fault, Fault::NotPermitted(_)), "{fault}");
    assert!(!fault.to_string().contains("hidden-word"), "{fault}");
    let done = visitor.add_key("second", &public, None).await;
    assert!(matches!(done, Err(Fault::NotPermitted(_))), "{done:?}");
}

#[tokio::test]
async fn a_link_that_a_user_made_leads_nobody_astray() {
    let server = TestServer::ssh();
    server.run(
        "useradd --create-home --home-dir /run/sly sly; mkdir -m 755 /run/treasure; \
                echo untouched >/run/treasure/authorized_keys; ln -s /run/treasure /run/sly/.ssh",
    );
    let (_, public) = pair(&["-t", "ed25519"]);
    let done = replace(server, "sly", &public, None).await;
    assert!(matches!(done, Err(Fault::NotPermitted(_))), "{done:?}");
    assert_eq!(server.run("cat /run/treasure/authorized_keys"), "untouched");
}

#[tokio::test]
async fn a_password_of_two_lines_changes_nobody_else_s() {
    let server = TestServer::ssh();
    let done = set(server, "app", "x\nroot:y", &Rights::Existing).await;
    assert!(matches!(done, Err(Fault::Failed(_))), "{done:?}");
    assert!(!enters(server, "root", "y").await);
}

#[tokio::test]
async fn a_full_disk_is_told_from_a_refusal() {
    let server = TestServer::ssh();
    server.run(
        "useradd --create-home --home-dir /run/fullhome full; \
                mount -t tmpfs -o size=4k,mode=777 tmpfs /run/fullhome; \
                dd if=/dev/zero of=/run/fullhome/x bs=4k count=2 2>/dev/null || :",
    );
    let (_, public) = pair(&["-t", "ed25519"]);
    let done = replace(server, "full", &public, None).await;
    assert!(matches!(done, Err(Fault::ReadOnly(_))), "{done:?}");
}

#[tokio::test]
async fn who_can_run_nothing_has_not_logged_in() {
    let server = TestServer::ssh();
    server.run("useradd --no-create-home --shell /usr/sbin/nologin shut");
    assert_eq!(set(server, "shut", "s", &Rights::Existing).await, Ok(()));
    let done = log_in(&server.target(), &login("shut", "s")).await;
    assert!(matches!(done, Err(Fault::Failed(_))), "{done:?}");
}

/// A way to a server that hangs up when it would pass on this message of the server's.
async fn cut_at(message: usize, target: Target) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, upstream) = (listener.local_addr().unwrap().port(), target.port);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
        let ((mut sent, mut to_client), (mut said, mut to_server)) =
            (client.split(), server.split());
        let back = async {
            let mut bytes = vec![0; 65536];
            for _ in 1..message {
                let n = said.read(&mut bytes).await.unwrap();
                to_client.write_all(&bytes[..n]).await.unwrap();
            }
            said.read(&mut bytes).await.unwrap()
        };
        tokio::select! {
            _ = copy(&mut sent, &mut to_server) => {}
            _ = back => {}
        }
    });
    Target { port, ..target }
}

#[tokio::test]
async fn a_connection_that_is_cut_during_the_login_says_nothing_of_the_password() {
    let server = TestServer::ssh();
    for message in 1..=5 {
        let target = cut_at(message, server.target()).await;
        let cut = log_in(&target, &server.admin()).await;
        assert!(matches!(cut, Err(Fault::Unreachable(_))), "{message}: {cut:?}");
    }
    let wrong = log_in(&server.target(), &login("root", "surely-Wrong1")).await;
    assert!(matches!(wrong, Err(Fault::WrongCredential(_))), "{wrong:?}");
}

#[tokio::test]
async fn what_an_administrator_lacks_is_seen_beforehand_and_nothing_is_changed() {
    let server = TestServer::start(Engine::Ssh, "");
    let Proof::Password(known) = server.admin().proof else { panic!("by a password") };
    let by = |user: &str| login(user, known.expose_text());
    let files = "cat /etc/shadow /etc/passwd; stat -c %Y /etc/shadow; ls -A ~root";
    let before = server.run(files);
    assert_eq!(lacks(&server, &by("deputy")).await, []);
    let found = lacks(&server, &by("visitor")).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|it| it.stops_all && it.word == "NotPermitted"), "{found:?}");
    server.run("echo 'visitor ALL=(root) NOPASSWD: /usr/sbin/chpasswd' >>/etc/sudoers.d/yaoku");
    is_only(&lacks(&server, &by("visitor")).await, "NotPermitted", "ECS secrets SSHKey", false);
    assert_eq!(server.run(files), before);
    server.run("mount -o remount,bind,ro /etc");
    is_only(&lacks(&server, &by("root")).await, "ReadOnly", "ECS secrets Password", false);
}

#[test]
fn the_public_key_of_a_private_one_is_what_ssh_keygen_says() {
    let kinds: [&[&str]; 4] = [
        &["-t", "ed25519"],
        &["-t", "ecdsa"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
    ];
    for kind in kinds {
        let (private, public) = pair(kind);
        let found = crate::public_key(&secret(&private)).unwrap();
        assert!(public.starts_with(&found), "{kind:?}: {found} {public}");
    }
    let unreadable = crate::public_key(&secret("nonsense"));
    assert!(matches!(unreadable, Err(Fault::Failed(_))), "{unreadable:?}");
}
