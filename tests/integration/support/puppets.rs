//! Tools that do as they are told, to test everything around tools.

use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use routecause::report::{Image, Render};
use routecause::tools::{App, Call, Confirmation, Entry, Tool, ToolFailure, Toolbox, entry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a puppet did.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Deed {
    /// In one word.
    did: String,
}

impl Render for Deed {
    fn text(&self) -> String {
        format!("did {}", self.did)
    }

    fn images(&self) -> Vec<Image> {
        let picture = Image { mime_type: "image/svg+xml", bytes: b"<svg/>".to_vec() };
        if self.did == "draw" { vec![picture] } else { Vec::new() }
    }
}

fn deed(did: &str) -> Deed {
    Deed { did: did.to_owned() }
}

fn crash() -> Deed {
    panic!("a puppet may crash")
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Word {
    /// What to do.
    word: String,
    /// How often.
    #[schemars(range(min = 1, max = 3))]
    times: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

macro_rules! puppet {
    ($type:ident, $name:literal, $params:ty, $read_only:literal, $app:expr,
     |$given:ident, $call:ident| $body:expr) => {
        struct $type;

        impl Tool for $type {
            const NAME: &'static str = $name;
            const TITLE: &'static str = "A puppet";
            const DESCRIPTION: &'static str = "Does as it is told.";
            const READ_ONLY: bool = $read_only;
            const OPEN_WORLD: bool = false;
            const ALWAYS_LOAD: bool = $read_only;
            const SEARCH_HINT: &'static str = "puppet";
            const APP: Option<App> = $app;
            type Params = $params;
            type Report = Deed;

            async fn run(_: &Toolbox, $given: $params, $call: &Call) -> Result<Deed, ToolFailure> {
                Ok($body)
            }
        }
    };
}

const PAGE: App = App { uri: "ui://routecause/deed", title: "Deed", html: "<!doctype html><p>deed" };

puppet!(Act, "act", Word, true, Some(PAGE), |given, _call| {
    let _ = given.times;
    deed(&given.word)
});
puppet!(Ask, "ask", Nothing, false, None, |_given, call| {
    match call.confirm.confirm("Send GET http://shop.example.com/ from this machine?").await {
        Confirmation::Yes => deed("it"),
        Confirmation::No(why) => deed(why),
        Confirmation::NobodyThere => deed("nothing: nobody there"),
        Confirmation::Pending(pending) => return Err(pending.into()),
    }
});
puppet!(Crash, "crash", Nothing, true, None, |_given, _call| crash());
puppet!(Work, "work", Nothing, true, None, |_given, call| {
    for step in 1..=3 {
        call.progress.say(step, Some(3), "working");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    deed("work")
});
puppet!(Sleep, "sleep", Word, true, None, |given, call| {
    let _bed = Bed(given.word);
    call.progress.say(1, None, "sleeping");
    tokio::time::sleep(Duration::from_secs(30)).await;
    deed("sleep")
});

static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says which sleeper got up, whichever way.
struct Bed(String);

impl Drop for Bed {
    fn drop(&mut self) {
        LEFT.lock().expect("the list").push(std::mem::take(&mut self.0));
    }
}

/// The sleeper of this word gets up within a second.
pub(crate) async fn gets_up(word: &str) {
    let started = Instant::now();
    while !LEFT.lock().expect("the list").iter().any(|left| left == word) {
        assert!(started.elapsed() < Duration::from_secs(1), "the work goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn all() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        vec![entry::<Act>(), entry::<Ask>(), entry::<Crash>(), entry::<Sleep>(), entry::<Work>()]
    });
    &ALL
}
