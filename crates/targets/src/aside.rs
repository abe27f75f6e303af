//! A thread of its own for what is done at targets. Handshakes and passwords cost milliseconds of a
//! processor each (SCRAM, SSH, TLS): on the threads that answer calls, these would wait for them.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{mpsc, oneshot};
use yaoku_model::{target::Target, text::SecretData};

use crate::{Admin, Fault, Lack, Login, Rights};

/// How much less it counts than other threads where there are too few processors. Our choice.
const NICE: i32 = 10;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where targets are spoken to: one thread, which is there from the first use until nobody has this,
/// or a connection by it, any more. The system prefers other threads to it.
#[derive(Clone, Default)]
pub struct Aside(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// What the thread is to do; `None` if the system gives no thread.
    jobs: OnceLock<Option<mpsc::UnboundedSender<Job>>>,
    /// The nanoseconds of a processor that it has taken.
    spent: Arc<AtomicU64>,
}

impl Aside {
    /// As [`connect`](crate::connect).
    pub async fn connect(&self, target: &Target, admin: &Login) -> Result<Box<dyn Admin>, Fault> {
        let (target, admin) = (target.clone(), admin.clone());
        let open = async move { crate::connect(&target, &admin).await };
        let admin = self.run(open).await?;
        Ok(Box::new(Remote { aside: self.clone(), admin: Some(admin) }))
    }

    /// As [`log_in`](crate::log_in).
    pub async fn log_in(&self, target: &Target, login: &Login) -> Result<(), Fault> {
        let (target, login) = (target.clone(), login.clone());
        self.run(async move { crate::log_in(&target, &login).await }).await
    }

    /// How much of a processor all of this has taken, but for what is under way.
    #[must_use]
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.0.spent.load(Ordering::Relaxed))
    }

    /// Does it on the thread. Given up by whoever waits, it is given up there too.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let none = || Fault::Unreachable("no thread to reach it from".to_owned());
        let jobs = self.0.jobs.get_or_init(|| begin(Arc::clone(&self.0.spent)));
        let jobs = jobs.as_ref().ok_or_else(none)?;
        let (mut tell, told) = oneshot::channel();
        let job = async move {
            let done = tokio::select! {
                done = work => done,
                () = tell.closed() => return,
            };
            // Who gave it up just now does not hear of it.
            _ = tell.send(done);
        };
        jobs.send(Box::pin(job)).map_err(|_| none())?;
        // It panicked, which has said why.
        told.await.unwrap_or_else(|_| Err(Fault::Failed("we could not speak with it".to_owned())))
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aside")
    }
}

/// Starts the thread.
fn begin(spent: Arc<AtomicU64>) -> Option<mpsc::UnboundedSender<Job>> {
    let (jobs, mut next) = mpsc::unbounded_channel::<Job>();
    let work = move || {
        // Of this thread alone on Linux. If it is not allowed, it goes on as it is.
        _ = rustix::process::nice(NICE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            while let Some(job) = next.recv().await {
                let spent = Arc::clone(&spent);
                tokio::spawn(async move {
                    job.await;
                    spent.store(taken(), Ordering::Relaxed);
                });
            }
        });
    };
    let started = thread::Builder::new().name("targets".to_owned()).spawn(work);
    started.is_ok().then_some(jobs)
}

/// What this thread has taken of a processor, in nanoseconds.
fn taken() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec);
    u64::try_from(nanos).unwrap_or_default()
}

/// An administrator's connection there.
struct Remote {
    aside: Aside,
    /// Gone if what it was to do was given up.
    admin: Option<Box<dyn Admin>>,
}

#[async_trait]
impl Admin for Remote {
    async fn set_password(
        &mut self,
        user: &str,
        password: &SecretData,
        rights: &Rights,
    ) -> Result<(), Fault> {
        let mut admin = self.take()?;
        let (user, password, rights) = (user.to_owned(), password.clone(), rights.clone());
        let work = async move {
            let done = admin.set_password(&user, &password, &rights).await;
            Ok((admin, done))
        };
        self.run(work).await
    }

    async fn has_account(&mut self, user: &str) -> Result<bool, Fault> {
        let (mut admin, user) = (self.take()?, user.to_owned());
        let work = async move {
            let done = admin.has_account(&user).await;
            Ok((admin, done))
        };
        self.run(work).await
    }

    async fn is_one_account(&mut self, user: &str) -> Result<bool, Fault> {
        let (mut admin, user) = (self.take()?, user.to_owned());
        let work = async move {
            let done = admin.is_one_account(&user).await;
            Ok((admin, done))
        };
        self.run(work).await
    }

    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault> {
        let mut admin = self.take()?;
        let work = async move {
            let done = admin.lacks().await;
            Ok((admin, done))
        };
        self.run(work).await
    }

    async fn add_key(
        &mut self,
        user: &str,
        public_key: &str,
        like: Option<&str>,
    ) -> Result<(), Fault> {
        let mut admin = self.take()?;
        let (user, new, like) = (user.to_owned(), public_key.to_owned(), like.map(str::to_owned));
        let work = async move {
            let done = admin.add_key(&user, &new, like.as_deref()).await;
            Ok((admin, done))
        };
        self.run(work).await
    }

    async fn remove_key(&mut self, user: &str, public_key: &str) -> Result<(), Fault> {
        let (mut admin, user) = (self.take()?, user.to_owned());
        let old = public_key.to_owned();
        let work = async move {
            let done = admin.remove_key(&user, &old).await;
            Ok((admin, done))
        };
        self.run(work).await
    }
}

/// A connection that is back, and what came of the work.
type Back<T> = (Box<dyn Admin>, Result<T, Fault>);

impl Remote {
    fn take(&mut self) -> Result<Box<dyn Admin>, Fault> {
        let gone = || Fault::Unreachable("the connection was given up".to_owned());
        self.admin.take().ok_or_else(gone)
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = Result<Back<T>, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let (admin, done) = self.aside.run(work).await?;
        self.admin = Some(admin);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Aside, NICE};
    use crate::{Fault, Rights, testing::TestServer};

    #[tokio::test]
    async fn what_is_done_aside_is_done_and_counted() {
        let (aside, server) = (Aside::default(), TestServer::postgres());
        let target = server.target();
        let mut admin = aside.connect(&target, &server.admin()).await.unwrap();
        let rights = Rights::Named { privilege: "Normal".to_owned(), database: None };
        let password = "aside-1".parse().unwrap();
        admin.set_password("aside", &password, &rights).await.unwrap();
        assert_eq!(admin.has_account("aside").await, Ok(true));
        drop(admin);
        let login = crate::testing::login("aside", "aside-1");
        assert_eq!(aside.log_in(&target, &login).await, Ok(()));
        let wrong = aside.log_in(&target, &crate::testing::login("aside", "other")).await;
        assert!(matches!(wrong, Err(Fault::WrongCredential(_))), "{wrong:?}");
        assert!(aside.spent() > Duration::ZERO);
    }

    #[tokio::test]
    async fn other_threads_are_preferred_to_this_one() {
        let aside = Aside::default();
        let nice = || rustix::process::nice(0).unwrap();
        let there = aside.run(async move { Ok(nice()) }).await;
        assert_eq!(there, Ok((nice() + NICE).min(19)));
    }

    #[tokio::test]
    async fn what_panics_there_harms_nobody_else() {
        let aside = Aside::default();
        let other = aside.run(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(1)
        });
        let panics = aside.run::<()>(async { panic!("a server said what nobody had thought of") });
        let (other, panicked) = tokio::join!(other, panics);
        assert!(matches!(panicked, Err(Fault::Failed(_))), "{panicked:?}");
        assert_eq!(other, Ok(1), "it was under way");
        assert_eq!(aside.run(async { Ok(2) }).await, Ok(2));
    }

    #[tokio::test]
    async fn what_is_given_up_here_is_given_up_there() {
        let aside = Aside::default();
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let endless = async move {
            let _held = tell;
            std::future::pending::<Result<(), Fault>>().await
        };
        let mut work = Box::pin(aside.run(endless));
        let soon = tokio::time::timeout(Duration::from_millis(1), &mut work);
        assert!(soon.await.is_err());
        drop(work);
        assert!(told.await.is_err());
    }
}
