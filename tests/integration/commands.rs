use routecause::cli::{self, CliError};

use crate::support::puppets;

async fn run(words: &str) -> Result<u8, CliError> {
    let words = std::iter::once("routecause").chain(words.split(' ')).map(Into::into);
    cli::parse(words, puppets::all())?.run().await
}

#[tokio::test]
async fn every_tool_is_a_command_that_ends_with_the_code_of_its_answer() {
    for (words, code) in [
        ("act --word x --times 2", 0),
        ("--format json act --word x", 0),
        ("act --word x --format markdown --color never", 0),
        ("act", 64),
        ("act --word x --times 9", 64),
        ("act --word x --nonsense", 64),
        ("nonsense", 64),
        ("crash", 2),
        ("--help", 0),
        ("act --help", 0),
        ("--version", 0),
    ] {
        let ended = run(words).await.unwrap_or_else(|error| error.exit_code());
        assert_eq!(ended, code, "{words}");
    }
}
