//! The time that this process has spent on a processor.

use std::fs;
use std::time::Duration;

/// Of all threads that live, in nanoseconds' precision; `None` where the kernel does not keep it.
pub(crate) fn spent() -> Option<Duration> {
    let mut spent = 0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        // A thread may end while the list is read.
        if let Ok(line) = fs::read_to_string(task.ok()?.path().join("schedstat")) {
            spent += line.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some(Duration::from_nanos(spent))
}
