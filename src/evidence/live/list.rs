//! Lists and single objects.
//!
//! Lists come in pages, and each page's objects are decoded one at a time and handed on at once, so
//! that memory holds one page and whatever the caller keeps. Reads are consistent (no
//! `resourceVersion`): a verdict must not rest on a stale cache.
//!
//! A list that takes longer than the server keeps its snapshot (five minutes) expires with 410. The
//! server then gives a token to go on from the same place in its present state, which is taken: no
//! object that existed throughout is missed or told twice. Without such a token the list starts anew,
//! which is only possible while nothing was handed on.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::failure::Failure;
use super::refusal::About;
use super::transport::{self, Call};
use super::{Live, path};
use crate::model::gap::Why;
use crate::model::object::Kind;

/// Objects per page: more where everything is listed, to spare requests.
const PAGE: &str = "500";
const PAGE_OF_EVERYTHING: &str = "1000";
/// How often one list may expire.
const RESTARTS: u32 = 3;

impl Live {
    /// Calls `each` for every object of a kind: of one namespace, or (`None`) of all.
    ///
    /// # Errors
    /// When the list could not be read to its end; `each` may have been called all the same.
    pub async fn list<K>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        label_selector: Option<&str>,
        field_selector: Option<&str>,
        each: &mut (dyn FnMut(K) + Send),
    ) -> Result<(), Why>
    where
        K: DeserializeOwned + Send + 'static,
    {
        let version = self.version_of(kind).await?;
        let collection = path::collection_of(kind, version.name, namespace)?;
        let about = about("list", kind, namespace);
        let limit = if namespace.is_some() { PAGE } else { PAGE_OF_EVERYTHING };
        let mut token: Option<String> = None;
        let mut handed_on = false;
        let mut restarts = 0;
        loop {
            let query = path::query([
                ("limit", Some(limit)),
                ("labelSelector", label_selector),
                ("fieldSelector", field_selector),
                ("continue", token.as_deref()),
            ]);
            let body = match self.transport.fetch(&Call::get(format!("{collection}{query}"))).await {
                Ok(body) => body,
                Err(Failure::Refusal(refusal)) if refusal.is_expired() && restarts < RESTARTS => {
                    restarts += 1;
                    token = refusal.continue_token;
                    if token.is_none() && handed_on {
                        return Err(Why::Malformed {
                            detail: "the list expired while it was read".to_owned(),
                        });
                    }
                    continue;
                }
                Err(Failure::Refusal(refusal)) if refusal.code == 404 && !refusal.is_html => {
                    return Err(if version.is_served {
                        Why::NotInstalled
                    } else {
                        Why::Unsupported { detail: "this identity may not ask what is installed".to_owned() }
                    });
                }
                Err(failure) => return Err(self.why(&failure, &about)),
            };
            let page = decode_page(&body, &mut |object| {
                handed_on = true;
                each(object);
            })
            .map_err(|failure| self.why(&failure, &about))?;
            match page.next.filter(|next| !next.is_empty()) {
                // The same token again would go round for ever.
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(Why::Malformed { detail: "the list does not go on".to_owned() });
                }
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// One object; `None` when the server says that it is not there. The namespace of cluster-scoped
    /// kinds is ignored. A namespace that does not exist holds no object.
    ///
    /// # Errors
    /// When the server did not say whether it is there.
    pub async fn get<K>(&self, kind: Kind, namespace: &str, name: &str) -> Result<Option<K>, Why>
    where
        K: DeserializeOwned + Send + 'static,
    {
        let about = about("get", kind, Some(namespace));
        let body = match self.transport.fetch(&Call::get(path::object(kind, namespace, name)?)).await {
            Ok(body) => body,
            Err(Failure::Refusal(refusal)) if refusal.is_absent_object() => return Ok(None),
            Err(failure) => return Err(self.why(&failure, &about)),
        };
        transport::decode(&body).map(Some).map_err(|failure| self.why(&failure, &about))
    }
}

/// A request in the words of RBAC.
pub(super) fn about(verb: &'static str, kind: Kind, namespace: Option<&str>) -> About {
    About {
        verb,
        group: kind.api_group(),
        resource: kind.resource().to_owned(),
        namespace: namespace.filter(|ns| !ns.is_empty() && !kind.is_cluster_scoped()).map(str::to_owned),
    }
}

fn decode_page<K: DeserializeOwned>(body: &[u8], each: &mut dyn FnMut(K)) -> Result<Page, Failure> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let page =
        PageSeed(each).deserialize(&mut reader).map_err(|error| transport::undecodable(body, &error))?;
    if page.has_items {
        Ok(page)
    } else {
        Err(Failure::Undecodable { detail: "the answer is no list".to_owned() })
    }
}

/// What a page says besides its objects.
#[derive(Default)]
struct Page {
    next: Option<String>,
    has_items: bool,
}

#[derive(Deserialize)]
struct PageMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Decodes a page, handing each object on as it comes.
struct PageSeed<'a, K>(&'a mut dyn FnMut(K));

impl<'de, K: DeserializeOwned> DeserializeSeed<'de> for PageSeed<'_, K> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Page, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de, K: DeserializeOwned> Visitor<'de> for PageSeed<'_, K> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => page.next = map.next_value::<PageMeta>()?.next,
                "items" => {
                    map.next_value_seed(ItemsSeed(&mut *self.0, PhantomData))?;
                    page.has_items = true;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

struct ItemsSeed<'a, K>(&'a mut dyn FnMut(K), PhantomData<K>);

impl<'de, K: DeserializeOwned> DeserializeSeed<'de> for ItemsSeed<'_, K> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de, K: DeserializeOwned> Visitor<'de> for ItemsSeed<'_, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list's items")
    }

    /// An empty Go slice may be written as `null`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<K>()? {
            (self.0)(item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn check(body: &str, items: usize, next: Option<&str>) {
        let mut seen = 0;
        let page = decode_page(body.as_bytes(), &mut |_: Value| seen += 1).expect("page");
        assert_eq!((seen, page.next.as_deref()), (items, next), "{body}");
    }

    #[test]
    fn pages_are_read_whatever_the_order_of_their_fields() {
        check(
            r#"{"kind":"L","items":[{"a":1},{}],"metadata":{"continue":"t","remainingItemCount":3}}"#,
            2,
            Some("t"),
        );
        check(r#"{"metadata":{"resourceVersion":"7"},"items":null}"#, 0, None);
        check(r#"{"items":[]}"#, 0, None);
    }

    #[test]
    fn what_is_no_list_is_said_so() {
        for body in ["{}", r#"{"kind":"Status"}"#, r#"{"items":{"a":1}}"#, "[]", r#"{"items":[{"#] {
            assert!(
                matches!(
                    decode_page(body.as_bytes(), &mut |_: Value| ()),
                    Err(Failure::Undecodable { .. } | Failure::Fault(_))
                ),
                "{body}"
            );
        }
    }
}
