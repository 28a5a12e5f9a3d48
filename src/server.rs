//! The MCP server: everything the registry holds, over any transport, in both eras of the protocol.
//!
//! Assumptions: tools are listed and called by what the registry says, none is named here. Nothing
//! depends on the connection, so the same values serve a handshake session and requests that each
//! carry their version ("modern", from 2026-07-28 on). Lists are the same for everybody and static.
//! A failure of a tool is a result with `isError`; protocol errors are for what cannot be routed.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::RoleServer;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, DiscoverResult, GetPromptRequestParams, GetPromptResponse, Icon,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    MetaObject, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    RequestStateCodec, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use crate::tools::{self, Entry, Toolbox};

mod calls;
mod completions;
mod confirm;
pub mod http;
mod listing;
mod progress;
mod prompts;
mod resources;
pub mod stdio;

/// How long clients may keep what never changes.
const STATIC_TTL_MS: u64 = 3_600_000;
/// How long clients may keep what was read from the cluster.
const READ_TTL_MS: u64 = 10_000;

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
    d='M2 8h4l3-5h5M6 8l3 5h5' fill='none' stroke='%23326ce5' stroke-width='2'/%3E%3C/svg%3E";

/// The server. Cloning is cheap; every clone is the same server.
#[derive(Debug, Clone)]
pub struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    toolbox: Toolbox,
    tools: &'static [Entry],
    listed: Vec<Tool>,
    seal: Seal,
}

/// Seals questions on their way through a client, so that nobody answers one that was not asked.
#[derive(Debug, Clone)]
pub struct Seal(RequestStateCodec);

/// Why there is no seal.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
    #[error("the key that seals confirmations needs at least 32 bytes")]
    ShortKey,
}

impl Seal {
    /// A seal of this process alone.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, SealError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(SealError::NoRandomness)?;
        Self::with_key(&key)
    }

    /// A seal that several replicas share.
    ///
    /// # Errors
    /// When the key is too short.
    pub fn with_key(key: &[u8]) -> Result<Self, SealError> {
        RequestStateCodec::try_new(key.to_vec()).map(Self).map_err(|_| SealError::ShortKey)
    }
}

impl Server {
    /// A server of these tools.
    #[must_use]
    pub fn new(toolbox: Toolbox, tools: &'static [Entry], seal: Seal) -> Self {
        let listed = tools.iter().map(listing::tool).collect();
        Self(Arc::new(Shared { toolbox, tools, listed, seal }))
    }

    fn toolbox(&self) -> &Toolbox {
        &self.0.toolbox
    }

    fn entry(&self, name: &str) -> Option<&'static Entry> {
        self.0.tools.iter().find(|entry| entry.name == name)
    }
}

/// Whether the request says of itself which revision it speaks, instead of a handshake.
fn is_modern(ctx: &RequestContext<RoleServer>) -> bool {
    ctx.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

fn identity() -> Implementation {
    Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_title("routecause")
        .with_description(env!("CARGO_PKG_DESCRIPTION"))
        .with_icons(icons())
}

fn icons() -> Vec<Icon> {
    vec![Icon::new(ICON).with_mime_type("image/svg+xml").with_sizes(vec!["any".to_owned()])]
}

/// Modern results say which server they are from; handshake sessions know it already.
fn stamp(meta: &mut Option<MetaObject>, ctx: &RequestContext<RoleServer>) {
    if is_modern(ctx) {
        let who = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
        meta.get_or_insert_default().0.insert("io.modelcontextprotocol/serverInfo".to_owned(), who);
    }
}

/// A static list, the same for everybody.
macro_rules! listed {
    ($list:expr, $ctx:expr) => {{
        let mut result = $list;
        if is_modern($ctx) {
            result = result.with_ttl_ms(STATIC_TTL_MS).with_cache_scope(CacheScope::Public);
        }
        stamp(&mut result.meta, $ctx);
        Ok(result)
    }};
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_completions()
            .build();
        if self.0.tools.iter().any(|entry| entry.app.is_some()) {
            let apps = Map::from_iter([("mimeTypes".to_owned(), json!([resources::APP_MIME_TYPE]))]);
            capabilities
                .extensions
                .get_or_insert_default()
                .insert("io.modelcontextprotocol/ui".to_owned(), apps);
        }
        ServerConfig::new(capabilities).with_server_info(identity()).with_instructions(tools::INSTRUCTIONS)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(STATIC_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        ctx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        listed!(ListToolsResult::with_all_items(self.0.listed.clone()), &ctx)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.call(request, ctx).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.misshapen(request, ctx).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        ctx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        listed!(ListPromptsResult::with_all_items(prompts::all()), &ctx)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let mut result = prompts::get(&request.name, request.arguments.as_ref())?;
        stamp(&mut result.meta, &ctx);
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        ctx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        listed!(ListResourcesResult::with_all_items(resources::all(self.0.tools)), &ctx)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        ctx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        listed!(ListResourceTemplatesResult::with_all_items(resources::templates()), &ctx)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resources::read(self, &request.uri);
        let mut result = tokio::select! {
            biased;
            () = ctx.ct.cancelled() => return Err(ErrorData::internal_error("the request was taken back", None)),
            result = read => result?,
        };
        stamp(&mut result.meta, &ctx);
        Ok(result.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let mut result = completions::complete(self, request).await?;
        stamp(&mut result.meta, &ctx);
        Ok(result)
    }
}

/// A request that cannot be answered, as a protocol error.
fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> ErrorData {
    ErrorData::invalid_params(message, None::<Value>)
}
