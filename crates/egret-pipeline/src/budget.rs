//! One byte budget for everything in flight, so that a slow lake holds up fast sources.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that may be in flight at once. A reservation blocks until there is room; a closed budget refuses.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    waiting: usize,
    closed: bool,
}

/// Bytes in flight; given back when dropped.
#[derive(Debug)]
pub struct Reservation<'b> {
    budget: &'b Budget,
    bytes: u64,
}

/// Closes the budget when dropped.
#[derive(Debug)]
pub struct CloseOnDrop<'b>(pub &'b Budget);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until `bytes` fit. What is larger than the whole budget fits when nothing else is in flight.
    /// `None` once the budget is closed.
    pub fn reserve(&self, bytes: u64) -> Option<Reservation<'_>> {
        let mut state = self.lock();
        state.waiting += 1;
        while !state.closed && state.used > 0 && state.used + bytes > self.limit {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        if state.closed {
            return None;
        }
        state.used += bytes;
        Some(Reservation { budget: self, bytes })
    }

    /// Reserves `bytes` if they fit now.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation<'_>> {
        let mut state = self.lock();
        if state.closed || (state.used > 0 && state.used + bytes > self.limit) {
            return None;
        }
        state.used += bytes;
        Some(Reservation { budget: self, bytes })
    }

    /// Whether somebody waits for room.
    pub fn is_exhausted(&self) -> bool {
        self.lock().waiting > 0
    }

    /// Refuses all reservations from now on, and wakes up those who wait.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation<'_> {
    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes how many bytes it is, without waiting: what is held already cannot be held back any more.
    pub fn resize(&mut self, bytes: u64) {
        let mut state = self.budget.lock();
        state.used = state.used - self.bytes + bytes;
        self.bytes = bytes;
        drop(state);
        self.budget.changed.notify_all();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_room_and_gives_it_back() {
        let budget = Budget::new(10);
        let first = budget.reserve(8).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.reserve(5).map(|second| second.bytes()));
            while !budget.is_exhausted() {
                std::thread::yield_now();
            }
            drop(first);
            assert_eq!(waiting.join().unwrap(), Some(5));
        });
        assert_eq!(budget.reserve(100).unwrap().bytes(), 100, "too large, but alone");
    }

    #[test]
    fn closing_wakes_those_who_wait() {
        let budget = Budget::new(1);
        let _all = budget.reserve(1).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.reserve(1).is_none());
            while !budget.is_exhausted() {
                std::thread::yield_now();
            }
            budget.close();
            assert!(waiting.join().unwrap());
        });
    }
}
