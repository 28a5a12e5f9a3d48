//! One `tools/call`: the registry's answer, dressed as MCP.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use serde_json::Value;

use super::confirm::Asker;
use super::{Server, invalid, progress, stamp};
use crate::report::text::Text;
use crate::tools::{Call, Confirmer, FailureCode, Reply};

impl Server {
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        ctx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(entry) = self.entry(&request.name) else {
            let names: Vec<&str> = self.0.tools.iter().map(|entry| entry.name).collect();
            let wanted = Text::new(&request.name);
            return Err(invalid(format!("unknown tool \"{wanted}\"; this server has: {}", names.join(", "))));
        };
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

/// Both halves, then pictures.
fn answer(Reply { structured, text, images }: Reply) -> CallToolResult {
    let mut result = CallToolResult::structured(structured);
    result.content = vec![ContentBlock::text(text)];
    let pictures =
        images.iter().map(|image| ContentBlock::image(STANDARD.encode(&image.bytes), image.mime_type));
    result.content.extend(pictures);
    result
}
