//! Whether a name says that its value is a credential: of an environment variable, a header, an
//! annotation, a member of an object.
//!
//! Assumption: the last word of a name says what it is (`DB_PASSWORD`), unless it says where a secret is
//! kept (`DB_PASSWORD_FILE`, `secretName`). A `secret` or `key` whose value reads like the name of an object
//! is a reference to a Kubernetes Secret, which routing depends on.

/// Last words of names whose value is a credential whatever it looks like.
const CERTAIN: [&str; 28] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "pass",
    "token",
    "jwt",
    "apikey",
    "api_key",
    "secret_key",
    "secretkey",
    "secret_key_base",
    "access_key",
    "accesskey",
    "access_key_id",
    "account_key",
    "accountkey",
    "private_key",
    "privatekey",
    "client_secret",
    "credential",
    "connection_string",
    "htpasswd",
    "dockerconfigjson",
    "authorization",
    "cookie",
    "bearer",
    "keytab",
];

/// Last words of names whose value is a credential unless it names something.
const LIKELY: [&str; 3] = ["secret", "key", "auth"];

/// Whether a value under this name is a credential.
#[must_use]
pub fn is_credential(name: &str, value: &str) -> bool {
    if value.is_empty() || is_reference(value) {
        return false;
    }
    let name = words(name);
    let name = name.strip_suffix('s').filter(|name| !name.ends_with("pas")).unwrap_or(&name);
    let ends_with =
        |word: &str| name.strip_suffix(word).is_some_and(|head| head.is_empty() || head.ends_with('_'));
    CERTAIN.iter().any(|word| ends_with(word))
        || (LIKELY.iter().any(|word| ends_with(word)) && !is_object_name(value) && value.len() >= 8)
}

/// `dbPassword`, `DB-PASSWORD` and `db.password` as `db_password`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            words.push('_');
        }
        was_lower = c.is_ascii_lowercase();
        words.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    words
}

/// A variable, a file, or a switch: not the secret itself.
fn is_reference(value: &str) -> bool {
    value.starts_with('$')
        || value.starts_with("(from ")
        || value.starts_with("{{")
        || matches!(value, "true" | "false" | "yes" | "no" | "none" | "null" | "on" | "off")
        || (value.starts_with('/') && value.len() < 128 && !value.contains([' ', '+', '=']))
}

/// `name` or `namespace/name`, as Kubernetes allows them.
fn is_object_name(value: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
    };
    // A word of letters and digits mixed throughout is a key, not a name that somebody gave.
    let mixed =
        value.len() >= 20 && !value.contains(['-', '.', '/']) && value.bytes().any(|b| b.is_ascii_digit());
    !mixed && value.split('/').count() <= 2 && value.split('/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_known_in_every_spelling() {
        for name in [
            "DB_PASSWORD",
            "dbPassword",
            "db.password",
            "SMTP_PASS",
            "GITHUB_TOKEN",
            "apiKey",
            "X-Api-Key",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "SECRET_KEY_BASE",
            "clientSecret",
            "OAUTH_TOKENS",
            "Authorization",
            "Set-Cookie",
            "AZURE_CLIENT_SECRET",
            "CONNECTION_STRING",
            "ACCESSKEY",
        ] {
            assert!(is_credential(name, "x1"), "{name}");
        }
    }

    #[test]
    fn likely_names_are_judged_with_their_value() {
        assert!(is_credential("APP_KEY", "base64:Zm9vYmFyYmF6"));
        assert!(is_credential("SIGNING_SECRET", "Tr0ub4dor&3"));
        assert!(is_credential("SECRET", "0f3e9a7b6c5d4e3f2a1b0c9d8e7f6a5b"));
        assert!(!is_credential("auth-tls-secret", "shop/client-ca"));
        assert!(!is_credential("basic-auth-secret", "htpasswd-shop"));
        assert!(!is_credential("key", "tls.key"));
    }

    #[test]
    fn other_names_are_no_credentials() {
        for (name, value) in [
            ("LOG_LEVEL", "debug"),
            ("DB_PASSWORD_FILE", "/run/secrets/x"),
            ("TOKEN_PATH", "a"),
            ("secretName", "shop-tls"),
            ("COMPASS", "north"),
            ("BYPASS", "1"),
            ("session-cookie-name", "route"),
            ("TOKEN", "$(OTHER)"),
            ("TOKEN", "(from secret db)"),
            ("SA_TOKEN", "/var/run/secrets/token"),
            ("DB_PASSWORD", ""),
            ("cookie", "on"),
        ] {
            assert!(!is_credential(name, value), "{name}={value}");
        }
    }
}
