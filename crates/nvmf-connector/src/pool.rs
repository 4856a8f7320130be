//! Threads that work through a queue by priority.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a job does.
type Job = Box<dyn FnOnce() + Send>;

/// At most `limit` threads, started when there is work and gone after a while without. Jobs of a
/// lower priority number go first; among equals the older one does. A job that panics takes
/// nothing with it.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    limit: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: BTreeMap<(u8, u64), Job>,
    next: u64,
    threads: usize,
    idle: usize,
}

/// How long a thread waits for another job before it ends.
const LINGER: Duration = Duration::from_secs(10);

impl Pool {
    /// A pool without threads.
    pub(crate) fn new(name: &'static str, limit: usize) -> Self {
        Self(Arc::new(Shared {
            name,
            limit,
            state: Mutex::default(),
            work: Condvar::new(),
        }))
    }

    /// Queues a job. Dropped unrun if the system gives no thread at all.
    pub(crate) fn run(&self, priority: u8, job: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock();
        let key = (priority, state.next);
        state.next += 1;
        state.queue.insert(key, Box::new(job));
        if state.queue.len() > state.idle && state.threads < self.0.limit {
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name(self.0.name.to_owned());
            match thread.spawn(move || shared.work_through()) {
                Ok(_) => state.threads += 1,
                // somebody else will get to it
                Err(_) if state.threads > 0 => {}
                Err(_) => {
                    state.queue.remove(&key);
                }
            }
        }
        drop(state);
        self.0.work.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_through(&self) {
        let mut state = self.lock();
        loop {
            if let Some((_, job)) = state.queue.pop_first() {
                drop(state);
                // the job's own guard answers for it
                let _panicked = catch_unwind(AssertUnwindSafe(job)).is_err();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (back, waited) = self
                .work
                .wait_timeout(state, LINGER)
                .unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn one_writer_goes_by_priority_then_age() {
        let pool = Pool::new("test", 1);
        let (gate, closed) = mpsc::channel::<()>();
        let (tx, rx) = mpsc::channel();
        let (started, running) = mpsc::channel();
        pool.run(9, move || {
            started.send(()).unwrap();
            closed.recv().unwrap();
        });
        running.recv_timeout(DEADLINE).unwrap();
        for (priority, name) in [(1, "b"), (0, "a"), (1, "c"), (2, "d")] {
            let tx = tx.clone();
            pool.run(priority, move || tx.send(name).unwrap());
        }
        gate.send(()).unwrap();
        let order: Vec<_> = (0..4).map(|_| rx.recv_timeout(DEADLINE).unwrap()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn jobs_run_at_once_up_to_the_limit() {
        let pool = Pool::new("test", 4);
        let barrier = Arc::new(std::sync::Barrier::new(4));
        let (tx, rx) = mpsc::channel();
        for _ in 0..4 {
            let (barrier, tx) = (Arc::clone(&barrier), tx.clone());
            pool.run(0, move || {
                barrier.wait();
                tx.send(()).unwrap();
            });
        }
        for _ in 0..4 {
            rx.recv_timeout(DEADLINE).unwrap();
        }
    }

    #[test]
    fn a_panic_takes_nothing_with_it() {
        let pool = Pool::new("test", 1);
        let (tx, rx) = mpsc::channel();
        pool.run(0, || panic!("on purpose"));
        pool.run(0, move || tx.send(()).unwrap());
        rx.recv_timeout(DEADLINE).unwrap();
        assert_eq!(pool.0.lock().threads, 1);
    }
}
