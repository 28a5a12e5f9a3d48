//! To be written.
use super::{Basis, Input, RouteTable, RoutingModel};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Spec;

impl RoutingModel for Spec {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Spec
    }
    fn basis(&self) -> Basis {
        Basis::Modelled
    }
    fn compile(&self, _input: &Input<'_>) -> Box<dyn RouteTable> {
        todo!()
    }
}
