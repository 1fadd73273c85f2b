//! Staffs a case natively and runs it.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use signaling_server::Server;
use tokio::runtime::{Builder, Handle, Runtime};

use super::coordinator::Coordinator;
use super::platform::{Native, Threads};
use super::puppets::Puppets;
use crate::conduit::{Conduit, Local};
use crate::environment::{Ask, Environment, Told};
use crate::host::Host;
use crate::list::{self, Case, Staff};
use crate::mailbox::Remote;
use crate::request::Meeting;
use crate::runner::play;
use crate::{Failure, Kind, Outcome, Participant, verdict};

/// The column's name.
const NAME: &str = "native";

/// Beyond a case's own deadline, which its first participant keeps: for one that does not answer any more.
const LAST_RESORT: Duration = Duration::from_secs(30);

/// Runs one case of the list, by name.
///
/// # Errors
///
/// What the case found.
pub fn run(name: &str) -> Outcome {
    let case = list::case(name).ok_or_else(|| Failure::new(format!("there is no case {name}")))?;
    let outcome = runtime()?.block_on(perform(&case));
    verdict(NAME, &case, outcome)
}

/// One runtime for all cases of the process, as a server would have it.
fn runtime() -> Outcome<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))
}

async fn perform(case: &Case) -> Outcome {
    let coordinator = match case.staff {
        Staff::Together => None,
        Staff::Apart => Some(Coordinator::start().await?),
    };
    let world = Rc::new(World::default());
    let mut cast = Vec::new();
    let mut hosts = Vec::new();
    for index in 0..case.participants {
        let environment = Rc::clone(&world) as Rc<dyn Environment>;
        cast.push(Participant::new(
            index,
            Kind::Native,
            environment,
            |name| {
                let Some(coordinator) = &coordinator else {
                    let (conduit, calls) = Local::new();
                    // Both ways of running a backend are in every case of two.
                    let threads = [Threads::Own, Threads::Given][index as usize % 2];
                    let host = Host::new(Native::new(&Handle::current(), threads, false));
                    hosts.push(Box::pin(host.run(calls)) as LocalBoxFuture<'static, ()>);
                    return Ok(Rc::new(conduit) as Rc<dyn Conduit>);
                };
                world.puppets.borrow_mut().start(coordinator.url(), name)?;
                let mailbox = Rc::new(coordinator.boxes());
                Ok(Rc::new(Remote::new(mailbox, name)))
            },
        )?);
    }
    tokio::time::timeout(case.deadline + LAST_RESORT, play(case, cast, hosts))
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                "the first participant does not answer any more",
            ))
        })
}

/// What is around a native case.
#[derive(Default)]
struct World {
    puppets: RefCell<Puppets>,
    signaling: RefCell<Option<Server>>,
}

impl Environment for World {
    fn ask(&self, ask: Ask) -> LocalBoxFuture<'_, Outcome<Told>> {
        Box::pin(async move {
            match ask {
                Ask::Meeting => {
                    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), Default::default())
                        .await
                        .map_err(|error| Failure::new(error.to_string()))?;
                    let url = format!("ws://{}", server.local_addr());
                    self.signaling.replace(Some(server));
                    let lobby = "suite".to_owned();
                    Ok(Told::Meeting(Meeting { url, lobby }))
                }
                Ask::EndSignaling => {
                    let server = self.signaling.take();
                    if let Some(server) = server {
                        server.shutdown().await;
                    }
                    Ok(Told::Done)
                }
                Ask::Kill { participant } => {
                    self.puppets.borrow_mut().kill(&participant)?;
                    Ok(Told::Done)
                }
            }
        })
    }
}
