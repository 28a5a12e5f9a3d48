//! To be written.
use super::{Basis, Input, RouteTable, RoutingModel};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct IngressNginx;

impl RoutingModel for IngressNginx {
    fn kind(&self) -> ControllerKind {
        ControllerKind::IngressNginx
    }
    fn basis(&self) -> Basis {
        Basis::Modelled
    }
    fn compile(&self, _input: &Input<'_>) -> Box<dyn RouteTable> {
        todo!()
    }
}
