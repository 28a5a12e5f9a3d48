//! Runs one command in a container and takes what it prints.
//!
//! The command is an argument vector, passed on element by element; no shell is involved anywhere. Its
//! stdin is closed. Closing the stream does not end the command in the container: whoever composes the
//! vector gives the command a time limit of its own.

use std::pin::pin;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Live;
use super::guard::PROBE_FLAG;
use super::pod_stream::{PodFault, Unopened, stream_fault};
use super::redact;
use super::transport::seconds;
use crate::model::gap::Why;
use crate::model::object::Name;

/// For what a command printed before its status.
const DRAIN: Duration = Duration::from_millis(500);

/// What bounds one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecLimits {
    pub deadline: Duration,
    /// Of stdout and of stderr, each.
    pub max_bytes: usize,
}

impl Default for ExecLimits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10), max_bytes: 64 << 10 }
    }
}

/// What one command did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// `None` when the command did not end by itself, or the runtime does not tell.
    pub exit: Option<i32>,
    /// It printed more than was read; then it was left to itself.
    pub truncated: bool,
    /// Why it did not run to its end.
    pub failure: Option<PodFault>,
}

impl Live {
    /// Runs a command in a pod's container (the only one, when none is named).
    ///
    /// # Errors
    /// When the API server does not let it or does not answer. That the command, the container or the
    /// node failed is in the output's `failure`.
    pub async fn exec(
        &self,
        pod: &Name,
        container: Option<&str>,
        argv: &[String],
        limits: ExecLimits,
    ) -> Result<ExecOutput, Why> {
        if !self.transport.access().options().probes.exec {
            return Err(Why::Disabled { flag: PROBE_FLAG });
        }
        let timed_out = PodFault::TimedOut { seconds: seconds(limits.deadline) };
        let end = tokio::time::Instant::now() + limits.deadline;
        let open = self.open_stream(pod, |pods| {
            let (name, argv, params) = (pod.name.clone(), argv.to_vec(), params(container));
            async move { pods.exec(&name, argv, &params).await }
        });
        let failed = |failure| ExecOutput { failure: Some(failure), ..ExecOutput::default() };
        let process = match tokio::time::timeout_at(end, open).await {
            Err(_) => return Ok(failed(timed_out)),
            Ok(Err(Unopened::Pod(fault))) => return Ok(failed(fault)),
            Ok(Err(Unopened::Failure(failure))) => {
                return Err(self.why(&failure, &Self::stream_about(pod, "exec")));
            }
            Ok(Ok(process)) => process,
        };
        let output = follow(process, limits.max_bytes, end, timed_out).await;
        self.transport.access().load().add_bytes(output.stdout.len() + output.stderr.len());
        Ok(output)
    }
}

fn params(container: Option<&str>) -> AttachParams {
    let mut params = AttachParams::default()
        .stdin(false)
        .stdout(true)
        .stderr(true)
        .max_stdout_buf_size(64 << 10)
        .max_stderr_buf_size(64 << 10);
    params.container = container.map(str::to_owned);
    params
}

/// Reads both streams at once until the command's status, a bound or the deadline. Whatever ends it,
/// dropping the process closes the stream.
async fn follow(
    mut process: AttachedProcess,
    max_bytes: usize,
    end: tokio::time::Instant,
    timed_out: PodFault,
) -> ExecOutput {
    let mut output = ExecOutput::default();
    let status = process.take_status();
    let mut status = pin!(async move {
        match status {
            Some(status) => status.await,
            None => None,
        }
    });
    let mut stdout = Pipe::new(process.stdout(), max_bytes);
    let mut stderr = Pipe::new(process.stderr(), max_bytes);
    let mut ended = None;
    let mut until = end;
    while ended.is_none() || stdout.is_open() || stderr.is_open() {
        tokio::select! {
            // One full pipe ends the reading: the other stays open for as long as the command is
            // blocked on the full one.
            more = stdout.read(), if stdout.is_open() => if !more { break },
            more = stderr.read(), if stderr.is_open() => if !more { break },
            status = &mut status, if ended.is_none() => {
                // What was sent before is still in the pipes; after a loss they are never closed.
                until = end.min(tokio::time::Instant::now() + DRAIN);
                ended = Some(status);
            }
            () = tokio::time::sleep_until(until) => break,
        }
    }
    output.truncated = stdout.is_full() || stderr.is_full();
    (output.stdout, output.stderr) = (stdout.bytes, stderr.bytes);
    match ended {
        _ if output.truncated => {}
        None => output.failure = Some(timed_out),
        Some(None) => output.failure = Some(PodFault::Lost { detail: "no status came".to_owned() }),
        Some(Some(status)) => {
            output.exit = exit_code(&status);
            let message = status.message.unwrap_or_default();
            if output.exit.is_none() {
                let lost = || PodFault::Lost { detail: redact::clean(&message) };
                output.failure = Some(stream_fault(&message).unwrap_or_else(lost));
            }
        }
    }
    output
}

/// One of the command's output streams, read up to a bound.
struct Pipe<R> {
    reader: Option<R>,
    bytes: Vec<u8>,
    max_bytes: usize,
    full: bool,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(reader: Option<R>, max_bytes: usize) -> Self {
        Self { reader, bytes: Vec::new(), max_bytes, full: false }
    }

    fn is_open(&self) -> bool {
        self.reader.is_some()
    }

    fn is_full(&self) -> bool {
        self.full
    }

    /// Reads once; false: this pipe is full. Dropping the future loses nothing.
    async fn read(&mut self) -> bool {
        let Some(reader) = &mut self.reader else { return true };
        let room = self.max_bytes - self.bytes.len();
        // One byte more than there is room for tells a full pipe from one that just fits.
        let count = reader.take(room as u64 + 1).read_buf(&mut self.bytes).await.unwrap_or(0);
        if count == 0 {
            self.reader = None;
        }
        self.full = self.bytes.len() > self.max_bytes;
        self.bytes.truncate(self.max_bytes);
        !self.full
    }
}

/// The exit code in a command's final status: `details.causes` of kubelets, else the words of the
/// runtimes that give no cause.
fn exit_code(status: &Status) -> Option<i32> {
    if status.status.as_deref() == Some("Success") {
        return Some(0);
    }
    let causes = status.details.as_ref().and_then(|details| details.causes.as_ref());
    let cause = causes.into_iter().flatten().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    if let Some(code) = cause.and_then(|cause| cause.message.as_deref()?.trim().parse().ok()) {
        return Some(code);
    }
    let message = status.message.as_deref().unwrap_or_default();
    let (_, code) = message.rsplit_once("exit status ").or_else(|| message.rsplit_once("exit code "))?;
    code.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: &str, exit: Option<i32>) {
        let parsed: Status = serde_json::from_str(status).expect("status");
        assert_eq!(exit_code(&parsed), exit, "{status}");
    }

    #[test]
    fn the_exit_code_is_found_in_every_shape_of_status() {
        check(r#"{"status":"Success"}"#, Some(0));
        check(
            r#"{"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"22"}]}}"#,
            Some(22),
        );
        check(
            r#"{"status":"Failure","reason":"InternalError","code":500,"message":"Internal error occurred: error executing command in container: exit status 7"}"#,
            Some(7),
        );
        check(
            r#"{"status":"Failure","reason":"InternalError","code":500,"message":"exec: \"curl\": executable file not found in $PATH"}"#,
            None,
        );
    }
}
