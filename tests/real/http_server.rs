//! `python3 -m http.server`: Ctrl-C is its way out, and SIGTERM is not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use exeunt::prelude::*;

use crate::programs::python;
use crate::support::fails_with;

/// The server in this directory, on a port that it chooses, once it has answered a request.
fn server(directory: &tempfile::TempDir) -> Option<ExitTest> {
    std::fs::write(directory.path().join("page"), "hello from the page").expect("a page");
    // Without -u the line that names the port stays in a buffer.
    let arguments = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"];
    let answers = |seen: &exeunt::Sight<'_>| {
        port_in(&seen.stdout()).is_some_and(|port| get(port, "/page").ends_with("hello from the page"))
    };
    let server = python()?.args(arguments).current_dir(directory);
    Some(server.ready_when(Ready::seen("it answers a request", answers)))
}

/// The port that the server says it listens on.
fn port_in(stdout: &str) -> Option<u16> {
    let (_, rest) = stdout.split_once("Serving HTTP on 127.0.0.1 port ")?;
    rest.split_once(' ')?.0.parse().ok()
}

fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return answer };
    let asked = write!(stream, "GET {path} HTTP/1.0\r\n\r\n");
    if asked.and_then(|()| stream.read_to_string(&mut answer)).is_err() {
        answer.clear();
    }
    answer
}

/// Whether nobody listens any more where it did.
fn is_let_go_of(exit: &Exit) -> bool {
    let port = port_in(&exit.stdout_text()).expect("it named its port");
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err()
}

#[test]
fn an_interrupt_ends_it_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(server) = server(&directory) else { return };
    let exit = server
        .signal_after(SIGINT, ms(0))
        .cleanup_ran("Keyboard interrupt received, exiting.")
        .code(0)
        .stderr(predicate::str::contains("\"GET /page HTTP/1.0\" 200").and(
            // No traceback: it catches the interrupt.
            predicate::str::contains("Traceback").not(),
        ));
    assert!(is_let_go_of(&exit));
    fails_with(|| exit.killed_by(SIGINT), &["happened: exit code 0"]);
}

#[test]
fn sigterm_kills_it_without_a_word() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(server) = server(&directory) else { return };
    let exit = server.signal_after(SIGTERM, ms(0)).killed_by(SIGTERM);
    assert!(is_let_go_of(&exit));
    fails_with(
        || exit.cleanup_ran("Keyboard interrupt received, exiting."),
        &["happened: killed by SIGTERM (15)", "there is no evidence that it did", "no handler"],
    );
}
