//! One `tools/call`: the registry's answer, dressed as MCP.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult,
    ErrorCode,
};
use rmcp::service::RequestContext;
use serde_json::Value;

use super::confirm::Asker;
use super::{Server, invalid, is_modern, progress, stamp};
use crate::report::text::Text;
use crate::tools::{Call, Confirmer, FailureCode, Reply};

impl Server {
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(entry) = self.entry(&request.name) else { return Err(self.unknown(&request.name)) };
        let asker = Arc::new(Asker::new(&self.0.seal.0, &ctx, &request));
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let (progress, telling) = progress::to_client(&ctx);
        let call =
            Call { progress, cancelled: ctx.ct.child_token(), confirm: Confirmer::new(Arc::clone(&asker)) };
        let outcome = tokio::select! {
            outcome = entry.call(self.toolbox(), arguments, &call) => outcome,
            never = telling => match never {},
        };
        let mut result = match outcome {
            Ok(reply) => answer(reply),
            Err(failure) => {
                if failure.code == FailureCode::ConfirmationPending
                    && let Some(mut question) = asker.take_question()
                {
                    stamp(&mut question.meta, &ctx);
                    return Ok(question.into());
                }
                CallToolResult::error(vec![ContentBlock::text(failure.to_string())])
            }
        };
        stamp(&mut result.meta, &ctx);
        Ok(result.into())
    }
}

impl Server {
    fn unknown(&self, name: &str) -> ErrorData {
        let names: Vec<&str> = self.0.tools.iter().map(|entry| entry.name).collect();
        invalid(format!("unknown tool \"{}\"; this server has: {}", Text::new(name), names.join(", ")))
    }

    /// A request that the SDK has no shape for. A `tools/call` whose arguments are no object is one; what
    /// is wrong with it is told as it is of any other call.
    pub(super) async fn misshapen(
        &self,
        CustomRequest { method, params, extensions: _ }: CustomRequest,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if method != "tools/call" {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None));
        }
        let params = params.unwrap_or_default();
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(entry) = self.entry(name) else { return Err(self.unknown(name)) };
        let arguments = params.get("arguments").cloned().unwrap_or_default();
        if arguments.is_object() || arguments.is_null() {
            return Err(invalid("the parameters of tools/call are not as the protocol has them"));
        }
        let Err(failure) = entry.call(self.toolbox(), arguments, &Call::default()).await else {
            return Err(invalid("the arguments of a tool are an object"));
        };
        let mut result = CallToolResult::error(vec![ContentBlock::text(failure.to_string())]);
        stamp(&mut result.meta, &ctx);
        let mut result = serde_json::to_value(result).unwrap_or_default();
        if let (true, Some(members)) = (is_modern(&ctx), result.as_object_mut()) {
            members.entry("resultType").or_insert_with(|| "complete".into());
        }
        Ok(CustomResult::new(result))
    }
}

/// Both halves, then pictures.
fn answer(Reply { structured, text, images }: Reply) -> CallToolResult {
    let mut result = CallToolResult::structured(structured);
    result.content = vec![ContentBlock::text(text)];
    let pictures =
        images.iter().map(|image| ContentBlock::image(STANDARD.encode(&image.bytes), image.mime_type));
    result.content.extend(pictures);
    result
}
