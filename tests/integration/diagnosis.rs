//! `diagnose` on small incidents: what is blamed, how surely, and which change is cited, with a near miss
//! for each.

mod incident;

/// An Ingress that is not there.
mod absent;
/// What changed before, cited with what it was.
mod changes;
/// Logs that name no host, and redirects.
mod hosts;
/// What a silent log does not prove.
mod silent;
