//! The running programs of a plane, and the certainty that none outlives it.
//!
//! Every program is told to a small shell process whose input is a pipe from here. When that pipe ends,
//! because the plane was dropped or because this process died in whatever way, the shell kills what is
//! left and removes the folder. Every program is in a process group of its own, so that a ^C reaches
//! this process only, and so that its own children end with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Reads `+PID` and `-PID`; at the end of its input ends what is left, newest first.
const WATCH: &str = r#"
pids=
while read -r line; do
  pid=${line#?}
  case $line in
    +*) pids="$pid $pids" ;;
    -*) left=; for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done; pids=$left ;;
  esac
done
for p in $pids; do kill -s KILL -- "-$p" 2>/dev/null; done
rm -rf "$1"
"#;

/// How to start a program, again as often as needed.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// Put before the `PATH`.
    pub(crate) path: Option<PathBuf>,
}

struct Running {
    child: Child,
    recipe: Recipe,
}

/// The programs of one folder.
pub(crate) struct Programs {
    folder: PathBuf,
    watch: Mutex<Option<(Child, ChildStdin)>>,
    running: Mutex<BTreeMap<String, Running>>,
}

impl Programs {
    /// Takes a folder over; it is removed in the end.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut watch = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let pipe = watch.stdin.take().expect("a pipe");
        Self { folder: folder.to_owned(), watch: Mutex::new(Some((watch, pipe))), running: Mutex::default() }
    }

    /// Starts a program under a name; what it says goes to `log/NAME.log`.
    pub(crate) fn start(&self, name: &str, recipe: Recipe) {
        let log = self.log(name);
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let mut path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(first) = &recipe.path {
            let rest = std::env::split_paths(&path).collect::<Vec<_>>();
            path = std::env::join_paths([first.clone()].into_iter().chain(rest)).expect("a path");
        }
        // A clean environment: etcd has a variable for every flag, and kwok hands its own on.
        let child = Command::new(&recipe.program)
            .args(&recipe.args)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.join("home"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", recipe.program.display()));
        self.tell('+', child.id());
        self.lock().insert(name.to_owned(), Running { child, recipe });
    }

    /// Kills a program and waits for its end; what it takes to start it again.
    pub(crate) fn kill(&self, name: &str) -> Recipe {
        let Running { mut child, recipe } =
            self.lock().remove(name).unwrap_or_else(|| panic!("{name} does not run"));
        signal(&format!("-{}", child.id()), "KILL");
        child.wait().expect("its end");
        self.tell('-', child.id());
        recipe
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str, signal_name: &str) {
        let pid = self.lock().get(name).unwrap_or_else(|| panic!("{name} does not run")).child.id();
        signal(&pid.to_string(), signal_name);
    }

    /// Fails with the end of the log when a program is not there any more.
    pub(crate) fn check(&self, name: &str) {
        let ended = self
            .lock()
            .get_mut(name)
            .is_none_or(|running| running.child.try_wait().expect("a state").is_some());
        assert!(!ended, "{name} ended:\n{}", self.tail(name));
    }

    /// The end of what a program said.
    pub(crate) fn tail(&self, name: &str) -> String {
        let text = std::fs::read(self.log(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join("log").join(format!("{name}.log"))
    }

    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.lock().get(name).unwrap_or_else(|| panic!("{name} does not run")).child.id()
    }

    /// Ends everything. Nothing can be started afterwards.
    pub(crate) fn end(&self) {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut shell, pipe)) = watch else { return };
        drop(pipe);
        let _ = shell.wait();
        for (_, mut running) in std::mem::take(&mut *self.lock()) {
            let _ = running.child.wait();
        }
    }

    fn tell(&self, what: char, pid: u32) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, pipe) = watch.as_mut().expect("nothing is started after the end");
        writeln!(pipe, "{what}{pid}").expect("the watching shell");
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.end();
    }
}

/// Signals a process, or a group by its negative number.
fn signal(pid: &str, name: &str) {
    let done = Command::new("sh")
        .args(["-c", r#"kill -s "$1" -- "$2""#, "signal", name, pid])
        .status()
        .expect("a shell");
    assert!(done.success(), "{pid} took no SIG{name}");
}
