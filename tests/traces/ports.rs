//! `port_free`: who listens when the target has ended.

use std::net::{SocketAddr, TcpListener};

use exeunt::prelude::*;

use crate::leave_a_process;
use crate::support::fails_with;

/// Where the target said that it listens.
fn address(exit: &Exit) -> SocketAddr {
    exit.stdout_text().trim().parse().unwrap()
}

#[test]
fn a_port_that_a_leftover_listens_at_is_not_free() {
    let exit = assert_exit(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        leave_a_process();
        println!("{}", listener.local_addr().unwrap());
    });
    let exit = exit.watch_ports().returned().leftovers_are(1);
    let address = address(&exit);
    let holder = format!("process {} (`", exit.leftovers()[0].pid);
    fails_with(
        || exit.clone().port_free(address),
        &[&format!("nobody listens at {address}"), &holder, &format!("listens at {address} (descriptor ")],
    );
    fails_with(|| exit.port_free(("0.0.0.0", address.port())), &[&holder]);
}

#[test]
fn a_port_that_only_the_target_listened_at_is_free() {
    let exit = assert_exit(|| {
        // An address that no other test uses: it may be given the port as soon as this one leaves it.
        let listener = TcpListener::bind("127.0.44.1:0").unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::mem::forget(listener);
    });
    let exit = exit.watch_ports().returned();
    let address = address(&exit);
    exit.port_free(address);
}

#[test]
fn a_port_that_the_test_listens_at_is_not_free() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let own = format!("process {} (`", std::process::id());
    fails_with(|| program("true").port_free(address), &[&own, "listens at "]);
    drop(listener);
}

#[test]
fn an_address_that_is_none_fails() {
    fails_with(|| program("true").port_free("127.0.0.1"), &["the address of a port cannot be resolved"]);
    fails_with(|| program("true").port_free(&[][..]), &["that is no address"]);
    let no_port = &["nobody can listen at port 0: who asks for it is given another"];
    fails_with(|| program("true").port_free("127.0.0.1:0"), no_port);
    fails_with(|| program("true").ready_when(Ready::port("127.0.0.1:0")).success(), no_port);
}
