//! STUB until merged
use crate::model::{gap::Why, log::*, object::*};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
#[derive(Debug)]
pub struct Live;
impl Live {
    pub fn context(&self) -> Option<&str> {
        None
    }
    pub async fn version(&self) -> Result<String, Why> {
        Err(Why::Unauthorized)
    }
    pub async fn list<K: DeserializeOwned + Send + 'static>(
        &self,
        _k: Kind,
        _n: Option<&str>,
        _s: Option<&str>,
        _f: Option<&str>,
        _e: &mut (dyn FnMut(K) + Send),
    ) -> Result<(), Why> {
        Err(Why::Unauthorized)
    }
    pub async fn get<K: DeserializeOwned + Send + 'static>(
        &self,
        _k: Kind,
        _n: &str,
        _m: &str,
    ) -> Result<Option<K>, Why> {
        Err(Why::Unauthorized)
    }
    pub async fn read_log(
        &self,
        _s: &LogStream,
        _t: Option<DateTime<Utc>>,
        _m: u64,
        _o: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<StreamCoverage, Why> {
        Err(Why::Unauthorized)
    }
}
