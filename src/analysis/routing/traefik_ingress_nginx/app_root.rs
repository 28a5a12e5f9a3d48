//! What the locations of a host have to do with `app-root`.
//!
//! It is a matter of the host since 3.7.14: the first location that has one says it for all locations for
//! `/`, and locations that have no routers themselves take part in this.
//! Source: as the running 3.7.15 shows it, router by router.

/// What becomes of a location's own routers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are made; whether the muxer takes them is another matter.
    Made(usize),
    /// One that answers 503, and nothing beside it.
    Broken(usize),
    /// None, for want of a Secret.
    Skipped,
}

/// What the locations of a host have to do with `app-root`. Those without routers count too.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// What the first that has it says.
    pub(super) app_root: Option<String>,
    /// The first that has it and is not skipped.
    pub(super) maker: Option<Fate>,
    /// Whether there is one for `/` or for any path, and the numbers of those that are there.
    pub(super) is_there: bool,
    pub(super) roots: Vec<usize>,
}

impl Roots {
    pub(super) fn add(&mut self, app_root: Option<&String>, path: &str, fate: Fate) {
        if let Some(app_root) = app_root {
            self.app_root.get_or_insert_with(|| app_root.clone());
            if fate != Fate::Skipped {
                self.maker.get_or_insert(fate);
            }
        }
        if path.is_empty() || path == "/" {
            self.is_there = true;
            self.roots.extend(match fate {
                Fate::Made(number) | Fate::Broken(number) => Some(number),
                Fate::Skipped => None,
            });
        }
    }
}
