//! A terminal for a child process: what is typed waits in it until it is asked for, and what is shown is kept. The last
//! that is typed is the end of all input, so no question waits for ever.

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Runs a program on a terminal on which these lines are typed; gives its exit code and all that was shown.
pub fn on_terminal(mut command: Command, typed: &[&str], patience: Duration) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    // Not as the terminal of the tests themselves: its end would end them.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = open(ptsname(&master, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
    let mut master = File::from(master);
    let lines: String = typed.iter().map(|line| format!("{line}\n")).collect();
    assert!(lines.len() < 4000, "a terminal keeps no more");
    master.write_all(format!("{lines}\u{4}\u{4}").as_bytes()).unwrap();
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // It holds our ends of the terminal for other children.
    drop(command);
    let (done, shown) = channel();
    let reader = std::thread::spawn(move || {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        // The end of a terminal is an error.
        while let Ok(count) = master.read(&mut part) {
            all.extend_from_slice(&part[..count]);
            if count == 0 {
                break;
            }
        }
        done.send(all).unwrap();
    });
    let Ok(all) = shown.recv_timeout(patience) else {
        child.kill().unwrap();
        panic!("the program did not end");
    };
    reader.join().unwrap();
    (child.wait().unwrap().code(), String::from_utf8(all).unwrap().replace("\r\n", "\n"))
}
