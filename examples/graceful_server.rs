//! A server that is told to leave answers the requests that it has taken, takes no more, and lets go of its
//! port.
//!
//! ```sh
//! cargo run --example graceful_server
//! ```
//!
//! The example starts itself again as a server whose answers are the lines of its stdin, so that a request is
//! under way for as long as the test likes: SIGTERM comes when one was taken, its answer when the server has
//! said that it leaves.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use exeunt::prelude::*;

/// Serves until SIGTERM.
fn serve(address: SocketAddr) -> io::Result<()> {
    let leaving = Arc::new(AtomicBool::new(false));
    let (told, mut woken) = UnixStream::pair()?;
    signal_hook::flag::register(libc::SIGTERM, Arc::clone(&leaving))?;
    signal_hook::low_level::pipe::register(libc::SIGTERM, told)?;
    let listener = TcpListener::bind(address)?;
    let requests = thread::spawn(move || take_requests(&listener, &leaving));
    woken.read_exact(&mut [0])?;
    println!("leaving");
    // Wakes the thread that waits for the next connection.
    let _ = TcpStream::connect(address);
    requests.join().expect("no request panics")?;
    println!("all requests are answered");
    Ok(())
}

/// Takes connections until the server is to leave. When it returns, each that it took has been answered.
fn take_requests(listener: &TcpListener, leaving: &AtomicBool) -> io::Result<()> {
    thread::scope(|scope| {
        for connection in listener.incoming() {
            let connection = connection?;
            if leaving.load(Ordering::SeqCst) {
                break;
            }
            scope.spawn(move || answer(connection).inspect_err(|error| println!("request failed: {error}")));
        }
        Ok(())
    })
}

fn answer(mut connection: TcpStream) -> io::Result<()> {
    println!("request taken");
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    connection.write_all(line.as_bytes())?;
    println!("request answered");
    Ok(())
}

/// Asks the server, once it is there, and reads the answer.
fn ask(address: SocketAddr) -> io::Result<String> {
    let connection = loop {
        match TcpStream::connect(address) {
            // A client of the world has no event for a port that opens: it asks again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => thread::sleep(ms(5)),
            connection => break connection?,
        }
    };
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer)?;
    Ok(answer)
}

/// A port that was free a moment ago, of an address that nobody else uses.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.3:0")?.local_addr()
}

fn main() -> io::Result<ExitCode> {
    if let Some(address) = std::env::args().nth(1) {
        serve(address.parse().expect("an address"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let address = free_address()?;
    let client = thread::spawn(move || ask(address));
    program(std::env::current_exe()?)
        .arg(address.to_string())
        .watch_ports()
        .ready_when(Ready::port(address))
        .signal_when(SIGTERM, Ready::stdout("request taken"))
        .write_stdin_when("forty-two\n", Ready::stdout("leaving"))
        .cleanup_ran("request answered")
        .cleanup_ran("all requests are answered")
        .success()
        .within(secs(1))
        .port_free(address);
    assert_eq!(client.join().expect("no panic")?, "forty-two\n");
    println!("after SIGTERM it answered the request that it had taken, and let go of its port");
    Ok(ExitCode::SUCCESS)
}
