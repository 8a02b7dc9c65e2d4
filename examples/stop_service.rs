//! How a service is made to leave: by an orchestrator of containers, and by a service manager.
//!
//! ```sh
//! cargo run --example stop_service
//! ```
//!
//! Both ask first and use force when a grace is over. What the service makes of it is asserted: that it left by
//! itself, or that it had to be killed, and with it those that it had started.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::time::Duration;

use exeunt::prelude::*;

/// The grace of who leaves in time, and of who does not.
const AMPLE: Duration = secs(25);
const SHORT: Duration = secs(2);

/// A service with a worker in its process group. At SIGTERM it does this.
fn service(at_sigterm: &str) -> ExitTest {
    let worker = "trap '' TERM; exec sleep 1000";
    let script = format!(
        "sh -c \"$0\" & worker=$!
         trap '{at_sigterm}' TERM
         echo serving
         while :; do wait; done"
    );
    program("sh").args(["-c", &script, worker]).ready_when(Ready::stdout("serving"))
}

/// Kubernetes: a wait before (`preStop: sleep`), SIGTERM to the container's first process, the grace
/// (`terminationGracePeriodSeconds`), SIGKILL.
fn stopped_by_an_orchestrator(service: ExitTest, grace: Duration) -> ExitTest {
    service.escalate_when(SIGTERM, grace, Ready::delay(ms(100)))
}

/// systemd with `KillMode=mixed`: SIGTERM to the main process, `TimeoutStopSec`, SIGKILL to all that is left.
fn stopped_by_a_service_manager(service: ExitTest, grace: Duration) -> ExitTest {
    service.escalate_to_group(SIGTERM, grace)
}

fn main() {
    let leaves = || service("echo drained; kill -KILL $worker; wait $worker; exit 0");
    let stays = || service("echo not now");

    let exit = stopped_by_an_orchestrator(leaves(), AMPLE).cleanup_ran("drained").success().within(secs(10));
    let exit = exit.no_leftovers();
    assert_eq!(exit.forced(), None);
    println!("the orchestrator asked, and it left in time");

    let exit = stopped_by_an_orchestrator(stays(), SHORT).cleanup_ran("not now").killed_by(SIGKILL);
    assert_eq!(exit.forced(), Some(SHORT));
    println!("the orchestrator had to kill it; {} of its processes stayed behind", exit.leftovers().len());

    let exit = stopped_by_a_service_manager(leaves(), AMPLE).cleanup_ran("drained").success();
    assert_eq!(exit.forced(), None);
    println!("the service manager asked, and it left in time");

    let exit = stopped_by_a_service_manager(stays(), SHORT).cleanup_ran("not now").killed_by(SIGKILL);
    assert_eq!(exit.forced(), Some(SHORT));
    println!("the service manager had to kill it, and its worker with it");
}
