//! Free ports on loopback, below the range that the system hands out itself, so that no outgoing
//! connection takes one between the look and the use.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Ports that nobody listens on, each given once.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    std::array::from_fn(|_| one())
}

fn one() -> u16 {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..500 {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes).expect("a random number");
        let port = 20_000 + u16::from_le_bytes(bytes) % 12_000;
        if !taken.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.insert(port);
            return port;
        }
    }
    panic!("no free port on 127.0.0.1");
}
